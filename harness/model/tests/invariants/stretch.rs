//! From which step to which an invariant holds, and what it takes to have been checked at all.

use rollcall_model::invariant::{Budget, Rule};
use rollcall_model::{Change, Invariant, Kind, World};
use serde_json::json;

use crate::history::{History, daemon_set, ds, invariant, max_surge, max_unavailable, node, one_pod_per_node, pod};

fn between(rule: Rule, from: Option<&str>, until: Option<&str>) -> Vec<Invariant> {
    let label = |label: Option<&str>| label.map(str::to_owned);
    let harmless = Rule::Always(rollcall_model::Condition::All(Vec::new()));
    vec![invariant(harmless), Invariant { from: label(from), until: label(until), ..invariant(rule) }]
}

fn settled(rule: Rule, from: Option<&str>, until: Option<&str>) -> History {
    let mut history = History::with(&between(rule, from, until));
    history.settle(json!({}));
    history
}

#[test]
fn before_its_first_step_has_ended_nothing_is_a_breach() {
    let mut history = settled(one_pod_per_node(), Some("ready"), None);
    history.set(pod("x", "n1").build());
    history.delete(pod("x", "n1").build());
    history.step_ended("another");
    history.step_ended("ready");
    history.set(pod("y", "n2").build());
    let at = history.now;
    history.broke(at, &["n2"]);
}

#[test]
fn what_is_wrong_when_it_begins_is_a_breach() {
    let mut history = settled(one_pod_per_node(), Some("ready"), None);
    history.set(pod("x", "n1").build());
    history.step_ended("ready");
    let at = history.now;
    history.broke(at, &["n1"]);

    let mut history = settled(max_unavailable(Some(Budget::Nodes(0))), Some("ready"), None);
    history.set(pod("a", "n1").unready(1).build());
    history.step_ended("ready");
    let at = history.now;
    history.broke(at, &["n1"]);
}

#[test]
fn available_must_hold_from_its_first_step_on() {
    let least = Rule::Available { daemon_set: ds(), least: 4 };
    let mut history = settled(least, Some("ready"), None);
    history.step_ended("ready");
    let at = history.now;
    history.broke(at, &[]);
}

#[test]
fn after_its_last_step_nothing_is_a_breach() {
    let mut history = settled(one_pod_per_node(), None, Some("done"));
    history.step_ended("done");
    history.set(pod("x", "n1").build());
    history.held();
}

#[test]
fn what_is_suspected_when_it_ends_is_a_breach() {
    let mut history = settled(one_pod_per_node(), None, Some("done"));
    history.set(pod("x", "n1").build());
    let at = history.now;
    history.step_ended("done");
    assert_eq!(history.so_far().len(), 1);
    history.broke(at, &["n1"]);
}

#[test]
fn a_breach_is_told_once() {
    for rule in
        [one_pod_per_node(), Rule::NoRestarts { daemon_set: ds() }, Rule::Available { daemon_set: ds(), least: 3 }]
    {
        let mut history = settled(rule, None, Some("done"));
        for name in ["x", "y"] {
            history.set(pod(name, "n1").restarts(2).build());
            history.set(pod("b", "n2").unready(1).restarts(1).build());
            history.set(daemon_set(json!({})));
        }
        history.step_ended("done");
        assert_eq!(history.so_far().len(), 1, "{:?}", history.so_far());
        assert_eq!(history.finish().len(), 1);
    }
}

#[test]
fn a_first_step_that_never_ends_is_a_breach() {
    let history = settled(one_pod_per_node(), Some("ready"), None);
    let at = history.now;
    assert_eq!(history.broke(at, &[]), "the step from which it holds never ended");
}

#[test]
fn no_daemon_set_and_no_pods_are_breaches() {
    let rules = || {
        [one_pod_per_node(), max_unavailable(None), max_surge(), Rule::NoRestarts { daemon_set: ds() }, {
            Rule::AtMostTwoRevisions { daemon_set: ds() }
        }]
    };
    for rule in rules() {
        let mut history = History::of(rule);
        history.set(node("n1", json!({})));
        let at = history.now;
        assert_eq!(history.broke(at, &[]), "there was no daemonset `ds`");
    }
    for rule in rules() {
        let mut history = History::of(rule);
        history.set(node("n1", json!({})));
        history.set(daemon_set(json!({})));
        let at = history.now;
        assert_eq!(history.broke(at, &[]), "there were no pods of daemonset `ds`");
    }
}

#[test]
fn a_stretch_in_which_nothing_happens_is_judged_when_it_begins() {
    let mut history = settled(one_pod_per_node(), Some("ready"), Some("done"));
    history.step_ended("ready");
    history.step_ended("done");
    history.held();
}

#[test]
fn before_everything_has_been_listed_nothing_is_judged() {
    let mut history = History::of(one_pod_per_node());
    history.world = World::new();
    history.set(node("n1", json!({})));
    history.set(daemon_set(json!({})));
    history.set(pod("a", "n1").build());
    history.set(pod("b", "n1").build());
    history.delete(pod("b", "n1").build());
    for kind in [Kind::Node, Kind::Pod, Kind::DaemonSet] {
        history.change(Change::Resync { kind, objects: Vec::new() });
    }
    assert!(history.so_far().is_empty());
}
