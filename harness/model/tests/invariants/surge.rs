//! `maxSurge`.

use rollcall_model::invariant::{Budget, Rule};
use serde_json::json;

use crate::history::{History, daemon_set, ds, max_surge, pod, rolling};

fn surging(number: serde_json::Value) -> serde_json::Value {
    rolling(json!(0), number)
}

#[test]
fn one_surge_more_than_the_budget_is_found() {
    let mut history = History::settled(max_surge(), surging(json!(1)));
    history.now += 10;
    history.set(pod("x", "n1").revision("h2").created(18).build());
    history.set(pod("y", "n3").revision("h2").created(19).build());
    let at = history.now;
    history.delete(pod("y", "n3").build());
    let report = history.broke(at, &["n1", "n3"]);
    assert!(report.starts_with("2 of 3 nodes surge, and 1 may"), "{report}");
}

#[test]
fn a_new_pod_beside_the_old_one_within_the_budget_is_right() {
    let mut history = History::settled(max_surge(), surging(json!(1)));
    history.now += 10;
    for (old, new, node) in [("a", "x", "n1"), ("b", "y", "n2"), ("c", "z", "n3")] {
        let made = history.now;
        let new = pod(new, node).revision("h2").created(made);
        history.set(new.clone().build());
        // The next node surges as soon as the new pod is available, while the old one is still there.
        let since = history.now;
        history.set(new.clone().ready(since).build());
        let _ = old;
    }
    for (old, node) in [("a", "n1"), ("b", "n2"), ("c", "n3")] {
        history.set(pod(old, node).ready(0).terminating().build());
        history.delete(pod(old, node).build());
    }
    history.held();
}

#[test]
fn a_percentage_is_rounded_up() {
    for (given, budget) in [("10%", 1), ("34%", 2), ("67%", 3)] {
        for surges in 0..=3 {
            let mut history = History::settled(max_surge(), surging(json!(given)));
            for node in &["n1", "n2", "n3"][..surges] {
                history.set(pod(&format!("x-{node}"), node).revision("h2").created(9).build());
            }
            assert_eq!(history.finish().is_empty(), surges <= budget, "{surges} of {given}");
        }
    }
}

#[test]
fn a_given_budget_takes_the_place_of_its_own() {
    let none = Rule::MaxSurge { daemon_set: ds(), budget: Some(Budget::Nodes(0)) };
    let mut history = History::settled(none, surging(json!(1)));
    history.set(pod("x", "n1").revision("h2").created(9).build());
    let at = history.now;
    history.broke(at, &["n1"]);
}

/// The controller makes new pods beside old ones that are of no use whatever the budget is.
#[test]
fn a_new_pod_beside_one_that_is_not_available_does_not_count() {
    let mut history = History::settled(max_surge(), surging(json!(1)));
    for (name, node) in [("a", "n1"), ("b", "n2"), ("c", "n3")] {
        history.set(pod(name, node).unready(8).build());
    }
    for node in ["n1", "n2", "n3"] {
        history.set(pod(&format!("x-{node}"), node).revision("h2").created(12).build());
    }
    // One recovers before it is deleted.
    history.set(pod("a", "n1").ready(18).build());
    history.set(pod("b", "n2").ready(18).build());
    history.held();
}

#[test]
fn a_surge_that_was_allowed_before_is_right_though_the_daemon_set_is_seen_later() {
    let mut history = History::settled(max_surge(), surging(json!(1)));
    let raised = history.take_version();
    history.set(pod("x", "n1").revision("h2").created(9).build());
    history.set(pod("y", "n2").revision("h2").created(9).build());
    assert!(history.so_far().is_empty(), "it is only suspected");
    history.set_at(raised, daemon_set(surging(json!(2))));
    history.held();
}

#[test]
fn pods_of_one_age_are_told_apart_by_which_is_available() {
    let mut history = History::settled(max_surge(), surging(json!(1)));
    // Everything within one second, as in a fast scenario.
    history.set(pod("0", "n1").revision("h2").created(0).build());
    history.set(pod("d", "n2").revision("h2").created(0).build());
    history.set(pod("a", "n1").ready(0).build());
    history.set(pod("b", "n2").ready(0).build());
    let breaches = history.finish();
    assert_eq!(breaches.len(), 1, "{breaches:?}");
}

#[test]
fn a_daemon_set_that_is_being_deleted_is_right_whatever_its_pods_do() {
    let mut history = History::settled(max_surge(), surging(json!(1)));
    let mut deleting = surging(json!(1));
    crate::history::merge(&mut deleting, json!({"metadata": {"deletionTimestamp": crate::history::second(1)}}));
    history.set(daemon_set(deleting));
    history.set(pod("x", "n1").revision("h2").created(9).build());
    history.set(pod("y", "n2").revision("h2").created(9).build());
    history.held();
}
