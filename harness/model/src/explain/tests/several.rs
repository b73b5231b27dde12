//! Several DaemonSets of one world.

use serde_json::json;

use super::{Cluster, NOW, from};
use crate::{
    Change, DaemonSetRef, World,
    explain::{Diagnoses, Extras, Selection, explain_all},
    tone::plain,
};

/// The agent, which works on both nodes, and two others: one that fits nowhere, and one of another namespace.
fn world() -> World {
    let cluster = Cluster::healthy();
    let mut world = cluster.world();
    for (namespace, name, label) in [("default", "unfit", "b"), ("kube-system", "agent", "a")] {
        let mut other = cluster.daemon_set.clone();
        other["metadata"] = json!({
            "name": name, "namespace": namespace, "uid": format!("{namespace}-{name}"), "generation": 1,
            "labels": {"tier": label},
        });
        other["spec"]["selector"] = json!({"matchLabels": {"app": "other"}});
        other["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
        other["spec"]["template"]["spec"]["nodeSelector"] = json!({"gpu": "true"});
        world.apply(Change::Set(from::<k8s_openapi::api::apps::v1::DaemonSet>(&other).into()));
    }
    world
}

fn select(namespace: Option<&str>, labels: &str) -> Vec<String> {
    let selection = Selection { namespace: namespace.map(str::to_owned), labels: labels.parse().unwrap() };
    let name = |found: DaemonSetRef| format!("{}/{}", found.namespace, found.name);
    selection.of(&world()).into_iter().map(name).collect()
}

#[test]
fn namespace_and_labels_say_which_are_meant() {
    assert_eq!(select(None, ""), ["default/agent", "default/unfit", "kube-system/agent"]);
    assert_eq!(select(Some("default"), ""), ["default/agent", "default/unfit"]);
    assert_eq!(select(None, "tier=a"), ["kube-system/agent"]);
    assert_eq!(select(Some("default"), "tier notin (b)"), ["default/agent"]);
    assert_eq!(select(Some("none"), ""), Vec::<String>::new());
}

fn all() -> Diagnoses {
    let world = world();
    let mut all = Selection::default().of(&world);
    all.reverse();
    let extras = Extras { not_looked_at: vec!["events: forbidden".to_owned()], ..Extras::default() };
    explain_all(&world, &extras, &all, NOW.parse().unwrap())
}

#[test]
fn those_in_order_are_a_line_and_what_was_not_looked_at_is_said_once() {
    let found = all();
    assert!(!found.in_order());
    insta::assert_snapshot!(found.text(plain), @"
    daemonset default/agent: ok on 2 of 2 nodes that are meant

    daemonset default/unfit: no node is meant

    NODE  STATE      POD  WHY
    w1    not meant  -    node-selector-mismatch
    w2    not meant  -    node-selector-mismatch

    no-eligible-node of daemonset default/unfit (proven)
      none of 2 nodes is eligible
      seen: nodes: each says below why it is not
      remedy: change what every node fails by: `nodeSelector`, required affinity, or tolerations

    node-selector-mismatch on w1, w2 (proven)
      label `gpu` is missing, and `nodeSelector` wants `true`
      seen: spec.template.spec.nodeSelector: gpu: true
      remedy: label the node, if it is meant, or correct `nodeSelector`
      command: kubectl label node w1 gpu=true

    daemonset kube-system/agent: no node is meant

    NODE  STATE      POD  WHY
    w1    not meant  -    node-selector-mismatch
    w2    not meant  -    node-selector-mismatch

    no-eligible-node of daemonset kube-system/agent (proven)
      none of 2 nodes is eligible
      seen: nodes: each says below why it is not
      remedy: change what every node fails by: `nodeSelector`, required affinity, or tolerations

    node-selector-mismatch on w1, w2 (proven)
      label `gpu` is missing, and `nodeSelector` wants `true`
      seen: spec.template.spec.nodeSelector: gpu: true
      remedy: label the node, if it is meant, or correct `nodeSelector`
      command: kubectl label node w1 gpu=true

    not looked at: events: forbidden
    ");
}

#[test]
fn lines_of_those_in_order_stand_together() {
    let mut found = all();
    found.items.truncate(1);
    assert!(found.in_order());
    found.items.push(found.items[0].clone());
    found.items[0].not_looked_at.clear();
    found.items[1].not_looked_at.clear();
    insta::assert_snapshot!(found.text(plain), @"
    daemonset default/agent: ok on 2 of 2 nodes that are meant
    daemonset default/agent: ok on 2 of 2 nodes that are meant
    ");
    insta::assert_snapshot!(found.markdown(), @"
    - daemonset default/agent: ok on 2 of 2 nodes that are meant
    - daemonset default/agent: ok on 2 of 2 nodes that are meant
    ");
}

#[test]
fn of_none_nothing_is_in_order() {
    assert!(!Diagnoses::default().in_order());
}

#[test]
fn for_programs_they_are_the_items_of_an_object() {
    let value = serde_json::to_value(all()).unwrap();
    let names: Vec<&str> =
        value["items"].as_array().unwrap().iter().filter_map(|one| one["daemonSet"].as_str()).collect();
    assert_eq!(names, ["default/agent", "default/unfit", "kube-system/agent"]);
    assert_eq!(value["items"][0]["notLookedAt"], json!(["events: forbidden"]));
}
