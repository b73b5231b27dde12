//! What of a node a scenario can change, compared.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Node;
use rollcall_model::World;

use crate::cluster::registration::says_not_ready;

/// The nodes by name.
pub(super) type Nodes = BTreeMap<String, NodeState>;

/// What of a node a scenario can change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct NodeState {
    labels: BTreeMap<String, String>,
    /// Without those of Kubernetes itself, which come and go.
    annotations: BTreeMap<String, String>,
    taints: BTreeSet<String>,
    unschedulable: bool,
    /// `Ready`, `MemoryPressure` and the others with their status.
    conditions: BTreeMap<String, String>,
}

/// What the watches have seen of every node.
pub(super) fn states(world: &World) -> Nodes {
    world.nodes.iter().map(|(name, node)| (name.clone(), state(node))).collect()
}

fn state(node: &Node) -> NodeState {
    let taint = |taint: &k8s_openapi::api::core::v1::Taint| match taint.value.as_deref() {
        None | Some("") => format!("{}:{}", taint.key, taint.effect),
        Some(value) => format!("{}={value}:{}", taint.key, taint.effect),
    };
    let spec = node.spec.as_ref();
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    NodeState {
        labels: node.metadata.labels.clone().unwrap_or_default(),
        annotations: node
            .metadata
            .annotations
            .iter()
            .flatten()
            .filter(|(key, _)| !is_of_kubernetes(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        taints: spec.and_then(|spec| spec.taints.as_ref()).into_iter().flatten().map(taint).collect(),
        unschedulable: spec.and_then(|spec| spec.unschedulable).unwrap_or_default(),
        conditions: conditions.map(|condition| (condition.type_.clone(), condition.status.clone())).collect(),
    }
}

/// Whether the domain of a key is one of Kubernetes' own.
fn is_of_kubernetes(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return false };
    ["kubernetes.io", "k8s.io"].iter().any(|own| domain == *own || domain.ends_with(&format!(".{own}")))
}

/// Whether a taint is told by the node's condition already. The lifecycle controller sets it by what it has read, so that
/// a node that has just become Ready may have it for a second.
fn is_of_condition(taint: &str) -> bool {
    taint.split_once(':').is_some_and(|(key, _)| says_not_ready(key))
}

/// What is not as it was found, a sentence each.
pub(super) fn differences(found: &Nodes, now: &Nodes) -> Vec<String> {
    let mut all = Vec::new();
    for (name, before) in found {
        match now.get(name) {
            None => all.push(format!("node `{name}` is gone")),
            Some(after) => of_node(name, before, after, &mut all),
        }
    }
    all.extend(now.keys().filter(|name| !found.contains_key(*name)).map(|name| format!("node `{name}` was added")));
    all
}

fn of_node(name: &str, before: &NodeState, after: &NodeState, all: &mut Vec<String>) {
    for taint in after.taints.difference(&before.taints) {
        all.push(format!("node `{name}` has taint `{taint}`"));
    }
    for taint in before.taints.difference(&after.taints).filter(|taint| !is_of_condition(taint)) {
        all.push(format!("node `{name}` has lost taint `{taint}`"));
    }
    if after.unschedulable != before.unschedulable {
        all.push(format!(
            "node `{name}` is {}",
            if after.unschedulable { "cordoned" } else { "not cordoned any more" }
        ));
    }
    of_map(name, "label", &before.labels, &after.labels, all);
    of_map(name, "annotation", &before.annotations, &after.annotations, all);
    for (kind, status) in &after.conditions {
        if before.conditions.get(kind).is_some_and(|before| before != status) {
            all.push(format!("condition `{kind}` of node `{name}` is {status}"));
        }
    }
}

type Map = BTreeMap<String, String>;

fn of_map(name: &str, what: &str, before: &Map, after: &Map, all: &mut Vec<String>) {
    for (key, value) in after {
        match before.get(key) {
            None => all.push(format!("node `{name}` has {what} `{key}={value}`")),
            Some(old) if old != value => {
                all.push(format!("node `{name}` has {what} `{key}={value}`, which was `{old}`"));
            }
            Some(_) => {}
        }
    }
    for (key, value) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        all.push(format!("node `{name}` has lost {what} `{key}={value}`"));
    }
}

#[cfg(test)]
mod tests {
    use rollcall_model::{Change, Kind};
    use serde_json::{Value, json};

    use super::*;

    fn nodes(all: &[Value]) -> Nodes {
        let mut world = World::new();
        let objects = all.iter().map(|node| {
            let node: Node = serde_json::from_value(node.clone()).expect("it is a node");
            node.into()
        });
        world.apply(Change::Resync { kind: Kind::Node, objects: objects.collect() });
        states(&world)
    }

    fn plain(name: &str) -> Value {
        json!({
            "metadata": {"name": name, "labels": {"pool": "a"}, "annotations": {"node.alpha.kubernetes.io/ttl": "0"}},
            "spec": {"taints": [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        })
    }

    #[test]
    fn what_kubernetes_changes_by_itself_is_no_difference() {
        let mut later = plain("w1");
        later["metadata"]["annotations"]["node.alpha.kubernetes.io/ttl"] = "15".into();
        later["metadata"]["resourceVersion"] = "77".into();
        later["metadata"]["uid"] = "another".into();
        assert_eq!(differences(&nodes(&[plain("w1")]), &nodes(&[later])), Vec::<String>::new());
    }

    #[test]
    fn a_taint_that_a_node_was_late_to_lose_is_no_difference_and_a_new_one_is() {
        let mut late = plain("w1");
        let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"});
        late["spec"]["taints"].as_array_mut().expect("it is a list").push(taint);
        assert_eq!(differences(&nodes(&[late.clone()]), &nodes(&[plain("w1")])), Vec::<String>::new());
        let told = differences(&nodes(&[plain("w1")]), &nodes(&[late]));
        assert_eq!(told, ["node `w1` has taint `node.kubernetes.io/not-ready:NoExecute`"]);
    }

    #[test]
    fn every_change_of_a_node_is_told() {
        let changed = json!({
            "metadata": {"name": "w1", "labels": {"pool": "b", "new": ""}, "annotations": {"example.com/a": "1"}},
            "spec": {"unschedulable": true, "taints": [{"key": "maintenance", "effect": "NoExecute"}]},
            "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]},
        });
        let found = nodes(&[plain("w1"), plain("w2")]);
        let now = nodes(&[changed, plain("w3")]);
        insta::assert_snapshot!(differences(&found, &now).join("\n"), @r"
        node `w1` has taint `maintenance:NoExecute`
        node `w1` has lost taint `dedicated=gpu:NoSchedule`
        node `w1` is cordoned
        node `w1` has label `new=`
        node `w1` has label `pool=b`, which was `a`
        node `w1` has annotation `example.com/a=1`
        condition `Ready` of node `w1` is Unknown
        node `w2` is gone
        node `w3` was added
        ");
        let back = differences(&now, &found).join("\n");
        assert!(back.contains("node `w1` is not cordoned any more"), "{back}");
        assert!(back.contains("node `w1` has lost label `new=`"), "{back}");
    }
}
