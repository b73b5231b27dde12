//! `neverOn`.

use rollcall_model::condition::NodeSelection;
use rollcall_model::invariant::Rule;
use rollcall_model::{Change, Kind};
use serde_json::json;

use crate::history::{History, ds, node, pod};

fn never_on(nodes: NodeSelection) -> Rule {
    Rule::NeverOn { daemon_set: ds(), nodes }
}

fn named(name: &str) -> NodeSelection {
    NodeSelection::Names(vec![name.to_owned()])
}

fn gpu() -> NodeSelection {
    NodeSelection::Labels([("type".to_owned(), "gpu".to_owned())].into())
}

#[test]
fn a_pod_on_a_named_node_is_found() {
    let mut history = History::settled(never_on(named("n4")), json!({}));
    history.set(node("n4", json!({})));
    history.set(pod("x", "n4").build());
    let at = history.now;
    history.delete(pod("x", "n4").build());
    assert_eq!(history.broke(at, &["n4"]), "1 node with a pod that must have none\n  `n4`: has `x`");
}

#[test]
fn pods_elsewhere_and_those_on_their_way_out_are_right() {
    let mut history = History::settled(never_on(named("n4")), json!({}));
    history.set(node("n4", json!({})));
    history.set(pod("x", "n4").terminating().build());
    history.set(pod("y", "n4").failed().build());
    history.set(pod("z", "n4").owner("another").build());
    history.held();
}

#[test]
fn a_pod_on_a_labelled_node_is_found() {
    let mut history = History::settled(never_on(gpu()), json!({}));
    history.set(node("n4", json!({"metadata": {"labels": {"type": "gpu"}}})));
    history.set(pod("x", "n4").build());
    let at = history.now;
    history.broke(at, &["n4"]);
}

#[test]
fn a_pod_that_is_seen_before_its_node_is_found() {
    let mut history = History::settled(never_on(gpu()), json!({}));
    let early = history.take_version();
    history.set(pod("x", "n4").build());
    history.set_at(early, node("n4", json!({"metadata": {"labels": {"type": "gpu"}}})));
    let at = history.now;
    history.broke(at, &["n4"]);
}

#[test]
fn a_pod_that_was_there_before_the_label_is_not_meant_and_its_successor_is() {
    let mut history = History::settled(never_on(gpu()), json!({}));
    history.set(node("n2", json!({"metadata": {"labels": {"type": "gpu"}}})));
    history.set(pod("b", "n2").ready(1).build());
    history.delete(pod("b", "n2").build());
    history.set(pod("x", "n2").build());
    let at = history.now;
    history.broke(at, &["n2"]);
}

#[test]
fn a_listing_after_a_gap_is_judged_too() {
    let mut history = History::settled(never_on(gpu()), json!({}));
    history.set(node("n4", json!({"metadata": {"labels": {"type": "gpu"}}})));
    let pods = [("a", "n1"), ("b", "n2"), ("x", "n4")].map(|(name, node)| pod(name, node).build().into());
    history.change(Change::Resync { kind: Kind::Pod, objects: pods.to_vec() });
    let at = history.now;
    history.broke(at, &["n4"]);
}

#[test]
fn no_such_node_at_all_is_a_breach_at_the_end() {
    let history = History::settled(never_on(gpu()), json!({}));
    let at = history.now;
    assert_eq!(history.broke(at, &[]), "there were no such nodes");
}
