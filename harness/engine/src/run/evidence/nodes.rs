//! `nodes.txt`: the nodes, the DaemonSets and their pods, as a person reads them.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1::DaemonSet,
    core::v1::{Node, Pod},
};
use rollcall_model::{
    World,
    condition::trouble,
    table,
    world::view::{self, name_of},
};

/// Three tables under each other.
pub(super) fn text(world: &World) -> String {
    format!("{}\n{}\n{}", nodes(world), daemon_sets(world), pods(world))
}

fn nodes(world: &World) -> String {
    let header = ["NODE", "ROLE", "READY", "UNSCHEDULABLE", "TAINTS", "LABELS"];
    let rows = world.nodes.iter().map(|(name, node)| {
        let spec = node.spec.as_ref();
        let unschedulable = spec.and_then(|spec| spec.unschedulable).unwrap_or(false);
        let labels = node.metadata.labels.iter().flatten();
        vec![
            name.clone(),
            view::role_of(node).as_str().to_owned(),
            ready(node),
            yes(unschedulable).to_owned(),
            joined(taints(node)),
            joined(labels.map(|(key, value)| pair(key, value)).collect()),
        ]
    });
    table(header, rows)
}

/// Whether a node is ready, and if it is not, in the kubelet's own word why.
fn ready(node: &Node) -> String {
    if view::is_node_ready(node) {
        return "yes".into();
    }
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let reason = conditions.into_iter().find(|one| one.type_ == "Ready").and_then(|one| one.reason.as_deref());
    format!("no: {}", reason.unwrap_or("it has not reported yet"))
}

fn taints(node: &Node) -> Vec<String> {
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints.map(|taint| format!("{}:{}", pair(&taint.key, taint.value.as_deref().unwrap_or("")), taint.effect)).collect()
}

fn daemon_sets(world: &World) -> String {
    let header = ["DAEMONSET", "DESIRED", "CURRENT", "READY", "UPDATED", "AVAILABLE", "MISSCHEDULED", "OBSERVED"];
    let rows = world.daemon_sets.iter().map(|((namespace, name), daemon_set)| {
        let status = daemon_set.status.clone().unwrap_or_default();
        let generation = daemon_set.metadata.generation.unwrap_or(0);
        let observed = status.observed_generation.unwrap_or(0);
        vec![
            format!("{namespace}/{name}"),
            status.desired_number_scheduled.to_string(),
            status.current_number_scheduled.to_string(),
            status.number_ready.to_string(),
            status.updated_number_scheduled.unwrap_or(0).to_string(),
            status.number_available.unwrap_or(0).to_string(),
            status.number_misscheduled.to_string(),
            if observed == generation { "yes".into() } else { format!("generation {observed} of {generation}") },
        ]
    });
    table(header, rows)
}

fn pods(world: &World) -> String {
    let header = ["NODE", "DAEMONSET", "POD", "REVISION", "STATE", "RESTARTS", "REASON"];
    let mut rows = Vec::new();
    for ((namespace, name), daemon_set) in &world.daemon_sets {
        let revisions = revisions(world, daemon_set);
        for pod in world.pods_of(daemon_set) {
            let ready = view::is_ready(pod) && !view::is_terminating(pod);
            rows.push(vec![
                view::node_of(pod).unwrap_or("-").to_owned(),
                format!("{namespace}/{name}"),
                name_of(&pod.metadata).to_owned(),
                revision(pod, &revisions),
                state(pod).to_owned(),
                view::restart_count(pod).to_string(),
                if ready { "-".to_owned() } else { one_line(&trouble::of(pod)) },
            ]);
        }
    }
    rows.sort();
    table(header, rows.into_iter())
}

/// The numbers of a DaemonSet's revisions by their hashes.
fn revisions(world: &World, daemon_set: &DaemonSet) -> BTreeMap<String, i64> {
    let revisions = world.revisions_of(daemon_set);
    revisions.into_iter().map(|revision| (view::hash_of_revision(revision), revision.revision)).collect()
}

fn revision(pod: &Pod, revisions: &BTreeMap<String, i64>) -> String {
    let number = view::revision_hash(pod).and_then(|hash| revisions.get(hash));
    number.map_or_else(|| "?".to_owned(), ToString::to_string)
}

fn state(pod: &Pod) -> &str {
    match view::phase_of(pod) {
        _ if view::is_terminating(pod) => "Terminating",
        "Running" if view::is_ready(pod) => "Ready",
        phase => phase,
    }
}

fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = Vec<String>>) -> String {
    let header = header.map(String::from).to_vec();
    table::render(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn pair(key: &str, value: &str) -> String {
    if value.is_empty() { key.to_owned() } else { format!("{key}={value}") }
}

fn joined(parts: Vec<String>) -> String {
    if parts.is_empty() { "-".to_owned() } else { parts.join(",") }
}

/// A text of several lines on one.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::evidence::testing;

    #[test]
    fn nodes_daemonsets_and_pods_are_told_with_what_is_wrong() {
        insta::assert_snapshot!(text(&testing::world()), @"
        NODE           ROLE           READY                  UNSCHEDULABLE  TAINTS                                            LABELS
        control-plane  control-plane  yes                    no             node-role.kubernetes.io/control-plane:NoSchedule  node-role.kubernetes.io/control-plane,zone=a
        worker-1       worker         no: NodeStatusUnknown  yes            a=b:NoExecute                                     -

        DAEMONSET              DESIRED  CURRENT  READY  UPDATED  AVAILABLE  MISSCHEDULED  OBSERVED
        default/log-collector  2        2        1      2        1          0             generation 1 of 2

        NODE           DAEMONSET              POD                  REVISION  STATE    RESTARTS  REASON
        control-plane  default/log-collector  log-collector-aaaaa  3         Ready    2         -
        worker-1       default/log-collector  log-collector-bbbbb  3         Pending  0         pod `log-collector-bbbbb` waiting: `ErrImagePull`: not found
        ");
    }

    #[test]
    fn a_world_of_which_nothing_is_known_is_its_headers() {
        assert_eq!(text(&World::new()).lines().filter(|line| !line.is_empty()).count(), 3);
    }
}
