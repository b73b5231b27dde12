//! `onePodPerNode`, `noRestarts` and `atMostTwoRevisions`.

use rollcall_model::invariant::Rule;
use rollcall_model::{Change, Kind};
use serde_json::json;

use crate::history::{History, daemon_set, ds, node, one_pod_per_node, pod, rolling};

#[test]
fn a_second_pod_beside_the_first_is_found() {
    let mut history = History::settled(one_pod_per_node(), json!({}));
    history.set(pod("x", "n2").build());
    let at = history.now;
    history.delete(pod("x", "n2").build());
    let report = history.broke(at, &["n2"]);
    assert_eq!(report, "1 node with more than one pod\n  `n2`: 2 pods (`b`, `x`)");
}

#[test]
fn a_terminating_pod_beside_its_replacement_is_right() {
    let mut history = History::settled(one_pod_per_node(), json!({}));
    history.set(pod("a", "n1").ready(0).terminating().build());
    history.set(pod("x", "n1").revision("h2").build());
    history.delete(pod("a", "n1").build());
    history.held();
}

#[test]
fn a_failed_pod_beside_its_replacement_is_right() {
    let mut history = History::settled(one_pod_per_node(), json!({}));
    history.set(pod("a", "n1").failed().build());
    history.set(pod("x", "n1").build());
    history.held();
}

#[test]
fn pods_of_another_owner_are_not_meant() {
    let mut history = History::settled(one_pod_per_node(), json!({}));
    history.set(pod("x", "n1").owner("another").build());
    history.held();
}

#[test]
fn a_surge_puts_a_new_pod_beside_the_old_one_and_nothing_more() {
    let surging = rolling(json!(0), json!(1));
    let mut history = History::settled(one_pod_per_node(), surging.clone());
    history.set(pod("x", "n1").revision("h2").build());
    history.delete(pod("a", "n1").build());
    history.held();

    let mut history = History::settled(one_pod_per_node(), surging.clone());
    history.set(pod("x", "n1").build());
    let at = history.now;
    history.broke(at, &["n1"]);

    let mut history = History::settled(one_pod_per_node(), surging);
    history.set(pod("x", "n1").revision("h2").build());
    history.set(pod("y", "n1").revision("h3").build());
    let at = history.now;
    history.broke(at, &["n1"]);
}

#[test]
fn a_surge_that_was_allowed_before_is_right_though_the_daemon_set_is_seen_later() {
    let mut history = History::settled(one_pod_per_node(), json!({}));
    let allowed = history.take_version();
    history.set(pod("x", "n1").revision("h2").build());
    assert!(history.so_far().is_empty(), "it is only suspected");
    history.set_at(allowed, daemon_set(rolling(json!(0), json!(1))));
    history.held();
}

#[test]
fn a_surge_that_was_allowed_after_it_is_a_breach() {
    let mut history = History::settled(one_pod_per_node(), json!({}));
    history.set(pod("x", "n1").revision("h2").build());
    let at = history.now;
    history.set(daemon_set(rolling(json!(0), json!(1))));
    assert_eq!(history.so_far().len(), 1, "the DaemonSet has been seen at a later version");
    history.broke(at, &["n1"]);
}

#[test]
fn a_surge_of_before_is_right_when_surging_is_switched_off() {
    let mut history = History::settled(one_pod_per_node(), rolling(json!(0), json!(1)));
    history.set(pod("x", "n1").revision("h2").build());
    let late = history.take_version();
    history.set(daemon_set(json!({})));
    // One more that was made before, and is seen after.
    history.set_at(late, pod("y", "n2").revision("h2").build());
    history.delete(pod("x", "n1").build());
    history.delete(pod("y", "n2").build());
    history.held();
}

fn no_restarts() -> Rule {
    Rule::NoRestarts { daemon_set: ds() }
}

#[test]
fn a_restart_is_found() {
    let mut history = History::settled(no_restarts(), json!({}));
    history.set(pod("b", "n2").ready(0).restarts(0).build());
    history.set(pod("b", "n2").ready(0).restarts(1).build());
    let at = history.now;
    let report = history.broke(at, &["n2"]);
    assert_eq!(report, "1 node with a restarted container\n  `n2`: pod `b` had 0 restarts, and has 1");
}

#[test]
fn a_restart_that_nobody_saw_happen_is_found_by_the_listing() {
    let mut history = History::settled(no_restarts(), json!({}));
    let pods = [("a", "n1", 0), ("b", "n2", 0), ("c", "n3", 2)];
    let objects = pods.map(|(name, node, restarts)| pod(name, node).ready(0).restarts(restarts).build().into());
    history.change(Change::Resync { kind: Kind::Pod, objects: objects.to_vec() });
    let at = history.now;
    history.broke(at, &["n3"]);
}

#[test]
fn a_new_pod_without_restarts_and_an_old_count_that_stays_are_right() {
    let mut history = History::with(&[]);
    history.settle(json!({}));
    history.set(pod("a", "n1").ready(0).restarts(3).build());
    let mut from = crate::history::invariant(no_restarts());
    from.from = Some("settled".to_owned());
    history.monitor = rollcall_model::Monitor::new(&[from]);
    history.set(pod("a", "n1").ready(0).restarts(3).build());
    history.step_ended("settled");
    history.set(pod("a", "n1").ready(1).restarts(3).build());
    history.replace(pod("a", "n1").restarts(3), pod("x", "n1"));
    history.held();
}

fn at_most_two_revisions() -> Rule {
    Rule::AtMostTwoRevisions { daemon_set: ds() }
}

#[test]
fn a_third_revision_is_found() {
    let mut history = History::settled(at_most_two_revisions(), json!({}));
    history.replace(pod("a", "n1"), pod("x", "n1").revision("h2"));
    history.replace(pod("b", "n2"), pod("y", "n2").revision("h3"));
    // The pod counts as soon as it is made.
    let at = history.now - 1;
    let report = history.broke(at, &["n1", "n2", "n3"]);
    assert!(report.starts_with("the pods carry 3 revisions"), "{report}");
}

#[test]
fn a_third_revision_that_is_on_its_way_out_is_right() {
    let mut history = History::settled(at_most_two_revisions(), json!({}));
    history.replace(pod("a", "n1"), pod("x", "n1").revision("h2"));
    history.replace(pod("b", "n2"), pod("y", "n2").revision("h2"));
    history.set(pod("c", "n3").terminating().build());
    history.set(pod("y", "n2").revision("h2").failed().build());
    history.replace(pod("x", "n1").revision("h2"), pod("z", "n1").revision("h3"));
    history.held();
}

#[test]
fn a_daemon_set_that_is_being_deleted_is_right_whatever_its_pods_do() {
    for rule in [one_pod_per_node(), at_most_two_revisions()] {
        let mut history = History::settled(rule, json!({}));
        history.set(daemon_set(json!({"metadata": {"deletionTimestamp": crate::history::second(1)}})));
        history.set(pod("x", "n1").revision("h2").build());
        history.set(pod("y", "n1").revision("h3").build());
        history.held();
    }
}

#[test]
fn a_node_more_changes_nothing() {
    for rule in [one_pod_per_node(), at_most_two_revisions(), no_restarts()] {
        let mut history = History::settled(rule, json!({}));
        history.set(node("n4", json!({})));
        history.set(pod("d", "n4").build());
        let since = history.now;
        history.set(pod("d", "n4").ready(since).build());
        history.held();
    }
}
