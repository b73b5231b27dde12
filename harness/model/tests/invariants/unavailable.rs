//! `maxUnavailable` and `available`.

use rollcall_model::invariant::{Budget, Rule};
use rollcall_model::{Change, Kind};
use rstest::rstest;
use serde_json::{Value, json};

use crate::history::{History, daemon_set, ds, max_unavailable, node, pod, rolling, second, tainted};

#[test]
fn one_node_more_than_the_budget_is_found() {
    let mut history = History::settled(max_unavailable(None), json!({}));
    history.set(pod("a", "n1").terminating().build());
    history.set(pod("c", "n3").terminating().build());
    let at = history.now;
    let since = history.now;
    history.set(pod("c", "n3").ready(since).build());
    let report = history.broke(at, &["n1", "n3"]);
    assert_eq!(report, "2 of 3 nodes are unavailable, and 1 may be\n  `n1`, `n3`: had an available pod and has none");
}

#[test]
fn one_node_after_the_other_is_right() {
    let mut history = History::settled(max_unavailable(None), json!({}));
    for (old, new, node) in [("a", "x", "n1"), ("b", "y", "n2"), ("c", "z", "n3")] {
        history.replace(pod(old, node), pod(new, node).revision("h2"));
    }
    history.held();
}

/// How many of three nodes may be down.
#[rstest]
#[case::none_given(json!({}), 1)]
#[case::two(rolling(json!(2), json!(0)), 2)]
#[case::half_is_rounded_up(rolling(json!("50%"), json!(0)), 2)]
#[case::a_tenth_is_one(rolling(json!("10%"), json!(0)), 1)]
#[case::two_thirds_is_three(rolling(json!("67%"), json!(0)), 3)]
#[case::nothing_at_all_is_one(rolling(json!(0), json!(0)), 1)]
#[case::none_beside_a_surge(rolling(json!(0), json!(1)), 0)]
#[case::on_delete(json!({"spec": {"updateStrategy": {"type": "OnDelete"}}}), 1)]
fn the_daemon_sets_own_budget(#[case] daemon_set_change: Value, #[case] budget: usize) {
    let pods = [("a", "n1"), ("b", "n2"), ("c", "n3")];
    for down in 0..=3 {
        let mut history = History::settled(max_unavailable(None), daemon_set_change.clone());
        for (name, node) in &pods[..down] {
            history.set(pod(name, node).terminating().build());
        }
        assert_eq!(history.finish().is_empty(), down <= budget, "{down} down of a budget of {budget}");
    }
}

#[rstest]
#[case::a_number(Budget::Nodes(2), 2)]
#[case::a_percentage(Budget::Percent(34), 2)]
#[case::none(Budget::Nodes(0), 0)]
fn a_given_budget_takes_the_place_of_its_own(#[case] given: Budget, #[case] budget: usize) {
    for down in 0..=3 {
        let mut history = History::settled(max_unavailable(Some(given)), json!({}));
        for (name, node) in &[("a", "n1"), ("b", "n2"), ("c", "n3")][..down] {
            history.set(pod(name, node).unready(1).build());
        }
        assert_eq!(history.finish().is_empty(), down <= budget, "{down} down of a budget of {budget}");
    }
}

#[test]
fn a_budget_that_was_raised_before_is_right_though_the_daemon_set_is_seen_later() {
    let mut history = History::settled(max_unavailable(None), json!({}));
    let raised = history.take_version();
    history.set(pod("a", "n1").terminating().build());
    history.set(pod("b", "n2").terminating().build());
    assert!(history.so_far().is_empty(), "it is only suspected");
    history.set_at(raised, daemon_set(rolling(json!(2), json!(0))));
    history.set(daemon_set(rolling(json!(2), json!(0))));
    history.held();
}

#[test]
fn a_budget_that_was_raised_afterwards_is_no_excuse() {
    let mut history = History::settled(max_unavailable(None), json!({}));
    history.set(pod("a", "n1").terminating().build());
    history.set(pod("b", "n2").terminating().build());
    let at = history.now;
    history.set(daemon_set(rolling(json!(2), json!(0))));
    history.broke(at, &["n1", "n2"]);
}

#[test]
fn a_raised_budget_excuses_no_more_nodes_than_it_has() {
    let mut history = History::settled(max_unavailable(None), json!({}));
    let raised = history.take_version();
    for (name, node) in [("a", "n1"), ("b", "n2"), ("c", "n3")] {
        history.set(pod(name, node).terminating().build());
    }
    let at = history.now;
    let since = history.now;
    // Nothing is wrong any more when the DaemonSet is seen at last.
    history.set(pod("c", "n3").ready(since).build());
    history.set_at(raised, daemon_set(rolling(json!(2), json!(0))));
    history.broke(at, &["n1", "n2", "n3"]);
}

#[test]
fn a_suspicion_is_a_breach_when_its_time_is_over() {
    let mut history = History::settled(max_unavailable(Some(Budget::Nodes(0))), json!({}));
    assert_eq!(history.monitor.next_check(), None);
    history.set(pod("a", "n1").terminating().build());
    let at = second(history.now);
    let due = history.monitor.next_check().expect("a suspicion");
    assert_eq!(due, second(history.now + 1));
    assert!(history.monitor.time_passed(at).is_empty());
    let breaches = history.monitor.time_passed(due);
    assert_eq!(breaches.len(), 1);
    assert_eq!(breaches[0].at, at);
    assert_eq!(history.monitor.next_check(), None);
}

#[test]
fn a_budget_that_becomes_smaller_makes_no_breach_of_what_it_allowed() {
    let mut history = History::settled(max_unavailable(None), rolling(json!(2), json!(0)));
    history.set(pod("a", "n1").terminating().build());
    let late = history.take_version();
    history.set(daemon_set(rolling(json!(1), json!(0))));
    // It went while two were allowed, and is seen after that.
    history.set_at(late, pod("b", "n2").terminating().build());
    history.set(node("n1", json!({"metadata": {"labels": {"changed": "yes"}}})));
    history.held();
}

#[test]
fn a_node_that_goes_after_the_budget_became_smaller_is_found() {
    let mut history = History::settled(max_unavailable(None), rolling(json!(2), json!(0)));
    history.set(pod("a", "n1").terminating().build());
    history.set(daemon_set(rolling(json!(1), json!(0))));
    history.set(pod("b", "n2").terminating().build());
    let at = history.now;
    history.broke(at, &["n1", "n2"]);
}

#[test]
fn a_percentage_of_fewer_nodes_makes_no_breach_of_what_it_allowed() {
    let mut history = History::settled(max_unavailable(None), rolling(json!("40%"), json!(0)));
    history.set(pod("a", "n1").terminating().build());
    history.set(pod("b", "n2").terminating().build());
    history.delete(pod("c", "n3").build());
    history.delete(node("n3", json!({})));
    // 40 % of two is one, and two are down.
    let breaches = history.finish();
    assert!(breaches.iter().all(|breach| breach.report.nodes.len() == 3), "{breaches:?}");

    let mut history = History::settled(max_unavailable(None), rolling(json!("40%"), json!(0)));
    history.set(pod("a", "n1").terminating().build());
    history.set(pod("b", "n2").terminating().build());
    history.delete(node("n3", json!({})));
    history.held();
}

#[test]
fn nodes_that_are_new_are_not_unavailable() {
    let mut history = History::settled(max_unavailable(Some(Budget::Nodes(0))), json!({}));
    for name in ["n4", "n5", "n6"] {
        history.set(node(name, json!({})));
        history.set(pod(&format!("p-{name}"), name).build());
    }
    history.set(node("n4", json!({"spec": {"taints": [{"key": "maintenance", "effect": "NoExecute"}]}})));
    history.held();
}

#[test]
fn a_new_node_counts_once_it_had_a_pod() {
    let mut history = History::settled(max_unavailable(Some(Budget::Nodes(0))), json!({}));
    history.set(node("n4", json!({})));
    let since = history.now;
    history.set(pod("d", "n4").ready(since).build());
    history.set(pod("d", "n4").unready(since + 1).build());
    let at = history.now;
    history.broke(at, &["n4"]);
}

#[test]
fn a_node_that_becomes_ineligible_is_not_unavailable() {
    let mut history = History::settled(max_unavailable(Some(Budget::Nodes(0))), json!({}));
    history.set(tainted("n2"));
    history.set(pod("b", "n2").terminating().build());
    history.delete(pod("b", "n2").build());
    history.set(node("n2", json!({})));
    history.set(pod("x", "n2").build());
    history.held();
}

#[test]
fn a_pod_is_available_after_min_ready_seconds() {
    let slow = json!({"spec": {"minReadySeconds": 10}});
    let mut history = History::settled(max_unavailable(None), slow.clone());
    history.now += 20;
    history.set(node("n1", json!({})));
    history.replace(pod("a", "n1"), pod("x", "n1").revision("h2"));
    history.now += 11;
    history.replace(pod("b", "n2"), pod("y", "n2").revision("h2"));
    history.held();

    let mut history = History::settled(max_unavailable(None), slow);
    history.now += 20;
    history.set(node("n1", json!({})));
    history.replace(pod("a", "n1"), pod("x", "n1").revision("h2"));
    history.now += 5;
    history.set(pod("b", "n2").terminating().build());
    let at = history.now;
    history.broke(at, &["n1", "n2"]);
}

/// Some other object changes first, so that the monitor has seen the pods available at all.
#[test]
fn a_daemon_set_that_is_deleted_is_right_whatever_its_pods_do() {
    let mut history = History::settled(max_unavailable(None), json!({}));
    history.delete(daemon_set(json!({})));
    for (name, node) in [("a", "n1"), ("b", "n2"), ("c", "n3")] {
        history.delete(pod(name, node).build());
    }
    history.held();

    // Its pods are seen to go before it is.
    let mut history = History::settled(max_unavailable(None), json!({}));
    let deleted = history.take_version();
    for (name, node) in [("a", "n1"), ("b", "n2"), ("c", "n3")] {
        history.set(pod(name, node).terminating().build());
    }
    let deleting = daemon_set(json!({"metadata": {"deletionTimestamp": second(1)}}));
    history.set_at(deleted, deleting);
    history.held();
}

#[test]
fn a_daemon_set_of_the_same_name_begins_anew() {
    let mut history = History::settled(max_unavailable(Some(Budget::Nodes(0))), json!({}));
    history.delete(daemon_set(json!({})));
    for (name, node) in [("a", "n1"), ("b", "n2"), ("c", "n3")] {
        history.delete(pod(name, node).build());
    }
    history.set(daemon_set(json!({"metadata": {"uid": "another"}})));
    history.set(pod("x", "n1").owner("another").build());
    history.set(pod("x", "n1").owner("another").ready(1).build());
    history.set(pod("x", "n1").owner("another").unready(2).build());
    let at = history.now;
    history.broke(at, &["n1"]);
}

#[test]
fn a_listing_after_a_gap_tells_what_went_meanwhile() {
    let mut history = History::settled(max_unavailable(None), json!({}));
    let left = vec![pod("a", "n1").ready(0).build().into()];
    history.change(Change::Resync { kind: Kind::Pod, objects: left });
    let at = history.now;
    history.broke(at, &["n2", "n3"]);
}

#[test]
fn a_listing_after_a_gap_that_finds_the_budget_raised_is_right() {
    let mut history = History::settled(max_unavailable(None), json!({}));
    let left = vec![pod("a", "n1").ready(0).build().into()];
    history.change(Change::Resync { kind: Kind::Pod, objects: left });
    let raised = daemon_set(rolling(json!(2), json!(0)));
    history.change(Change::Resync { kind: Kind::DaemonSet, objects: vec![raised.into()] });
    history.held();
}

#[test]
fn a_relist_in_the_middle_that_shows_the_same_changes_nothing() {
    let mut history = History::settled(max_unavailable(None), json!({}));
    history.set(pod("a", "n1").terminating().build());
    let pods = vec![
        pod("a", "n1").terminating().build().into(),
        pod("b", "n2").ready(0).build().into(),
        pod("c", "n3").ready(0).build().into(),
    ];
    history.change(Change::Resync { kind: Kind::Pod, objects: pods });
    let nodes = ["n1", "n2", "n3"].map(|name| node(name, json!({})).into()).to_vec();
    history.change(Change::Resync { kind: Kind::Node, objects: nodes });
    history.set(pod("b", "n2").terminating().build());
    let at = history.now;
    history.broke(at, &["n1", "n2"]);
}

fn available(least: u32) -> Rule {
    Rule::Available { daemon_set: ds(), least }
}

#[test]
fn fewer_available_pods_than_demanded_are_found() {
    let mut history = History::settled(available(3), json!({}));
    history.set(pod("b", "n2").unready(1).build());
    let at = history.now;
    history.set(pod("b", "n2").ready(2).build());
    let report = history.broke(at, &["n2"]);
    assert!(report.starts_with("nodes with an available pod: 2, and at least 3 are demanded"), "{report}");
}

#[test]
fn enough_available_pods_are_right_and_so_is_the_way_up() {
    let mut history = History::settled(available(2), json!({}));
    history.replace(pod("a", "n1"), pod("x", "n1").revision("h2"));
    history.replace(pod("b", "n2"), pod("y", "n2").revision("h2"));
    history.held();
}

#[test]
fn never_having_been_enough_is_a_breach_at_the_end() {
    let history = History::settled(available(4), json!({}));
    let at = history.now;
    assert_eq!(history.broke(at, &[]), "it was never true");
}
