//! What the scenario does itself is no breach, while it lasts and no longer.

use rollcall_model::condition::NodeSelection;
use rollcall_model::invariant::{Budget, Rule};
use rollcall_model::scenario::{Cascade, DeleteTarget, NodeVerb, ObjectRef, PatchKind, Pressure};
use rollcall_model::{Action, Manifest};
use rstest::rstest;
use serde_json::json;

use crate::history::{History, daemon_set, ds, max_unavailable, node, pod, tainted};

/// Nothing may be down but what the scenario takes down.
fn strict() -> Rule {
    max_unavailable(Some(Budget::Nodes(0)))
}

fn verb(verb: NodeVerb) -> Action {
    Action::Node { verb, node: "n2".to_owned() }
}

fn no_restarts() -> Rule {
    Rule::NoRestarts { daemon_set: ds() }
}

/// The verbs that take a node down, and those that bring it back.
#[rstest]
#[case::killed(NodeVerb::Stop, NodeVerb::Start)]
#[case::frozen(NodeVerb::Pause, NodeVerb::Resume)]
#[case::frozen_and_killed(NodeVerb::Pause, NodeVerb::Restart)]
#[case::cut_off(NodeVerb::Partition, NodeVerb::Heal)]
fn a_node_that_the_scenario_takes_down_is_excused_until_it_is_back(#[case] down: NodeVerb, #[case] up: NodeVerb) {
    let mut history = History::settled(strict(), json!({}));
    let fault = history.begin(&verb(down));
    history.end(&fault);
    history.set(node("n2", json!({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})));
    let since = history.now;
    history.set(pod("b", "n2").unready(since).build());
    let fault = history.begin(&verb(up));
    history.set(node("n2", json!({})));
    let since = history.now;
    history.set(pod("b", "n2").ready(since).build());
    history.end(&fault);
    history.set(pod("a", "n1").ready(0).build());
    // It is back, so from now on it counts.
    let since = history.now;
    history.set(pod("b", "n2").unready(since).build());
    let at = history.now;
    history.broke(at, &["n2"]);
}

#[test]
fn another_node_is_not_excused() {
    let mut history = History::settled(strict(), json!({}));
    let fault = history.begin(&verb(NodeVerb::Stop));
    history.end(&fault);
    history.set(pod("b", "n2").unready(8).build());
    history.set(pod("c", "n3").unready(9).build());
    let at = history.now;
    history.broke(at, &["n3"]);
}

/// For some seconds after a quick restart the pods still look as they did before.
#[test]
fn a_stale_ready_that_flips_after_the_node_is_back_is_excused() {
    for rule in [strict(), no_restarts()] {
        let mut history = History::settled(rule, json!({}));
        // In the very second in which the pod had become ready.
        history.set(pod("b", "n2").ready(history.now + 1).build());
        let fault = history.begin(&verb(NodeVerb::Restart));
        history.set(node("n2", json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})));
        history.end(&fault);
        let stale = history.now - 1;
        history.set(pod("b", "n2").ready(stale).build());
        history.set(pod("a", "n1").ready(0).build());
        let since = history.now;
        history.set(pod("b", "n2").unready(since).restarts(0).build());
        // The count comes with the readiness that ends the excuse.
        let since = history.now;
        history.set(pod("b", "n2").ready(since).restarts(1).build());
        history.held();
    }
}

#[test]
fn a_restart_after_the_node_is_back_is_found() {
    let mut history = History::settled(no_restarts(), json!({}));
    let fault = history.begin(&verb(NodeVerb::Restart));
    history.end(&fault);
    let since = history.now + 1;
    history.set(pod("b", "n2").ready(since).restarts(1).build());
    history.set(pod("b", "n2").ready(since).restarts(2).build());
    let at = history.now;
    history.broke(at, &["n2"]);
}

#[test]
fn a_node_whose_pods_never_noticed_counts_again_after_a_while() {
    let mut history = History::settled(strict(), json!({}));
    let fault = history.begin(&verb(NodeVerb::Pause));
    history.end(&fault);
    let fault = history.begin(&verb(NodeVerb::Resume));
    history.end(&fault);
    history.set(node("n2", json!({})));
    history.now += 31;
    history.set(node("n2", json!({"metadata": {"labels": {"later": "yes"}}})));
    history.set(pod("b", "n2").unready(40).build());
    let at = history.now;
    history.broke(at, &["n2"]);
}

#[test]
fn what_undoes_one_fault_does_not_undo_another() {
    let mut history = History::settled(strict(), json!({}));
    for down in [NodeVerb::Pause, NodeVerb::Partition] {
        let fault = history.begin(&verb(down));
        history.end(&fault);
    }
    let fault = history.begin(&verb(NodeVerb::Heal));
    history.end(&fault);
    let since = history.now + 1;
    history.set(pod("b", "n2").ready(since).build());
    // It is still frozen.
    history.set(pod("b", "n2").unready(since + 1).build());
    history.held();
}

#[test]
fn a_removed_node_is_excused_and_its_namesake_is_not() {
    let mut history = History::settled(strict(), json!({}));
    let stopped = history.begin(&verb(NodeVerb::Stop));
    history.end(&stopped);
    let removed = history.begin(&verb(NodeVerb::Remove));
    history.set(pod("b", "n2").terminating().build());
    history.delete(node("n2", json!({})));
    history.delete(pod("b", "n2").build());
    history.end(&removed);
    history.set(node("n2", json!({})));
    let since = history.now;
    history.set(pod("x", "n2").ready(since).build());
    history.set(pod("x", "n2").unready(since + 2).build());
    let at = history.now;
    history.broke(at, &["n2"]);
}

#[test]
fn a_stopped_node_whose_object_is_deleted_excuses_no_namesake() {
    let mut history = History::settled(strict(), json!({}));
    let stopped = history.begin(&verb(NodeVerb::Stop));
    history.end(&stopped);
    history.delete(node("n2", json!({})));
    history.delete(pod("b", "n2").build());
    history.set(node("n2", json!({})));
    let since = history.now;
    history.set(pod("x", "n2").ready(since).build());
    history.set(pod("x", "n2").unready(since + 2).build());
    let at = history.now;
    history.broke(at, &["n2"]);
}

/// The pod of a node goes away while the step runs, and another comes after it.
#[rstest]
#[case::taint(Action::Taint { node: "n2".into(), taint: "maintenance:NoExecute".parse().expect("a taint") })]
#[case::untaint(Action::Untaint { node: "n2".into(), key: "maintenance".into(), effect: None })]
#[case::label(Action::Label { node: "n2".into(), labels: [("a".to_owned(), "b".to_owned())].into() })]
#[case::unlabel(Action::Unlabel { node: "n2".into(), keys: vec!["a".into()] })]
#[case::cordon(Action::Cordon { node: "n2".into() })]
#[case::uncordon(Action::Uncordon { node: "n2".into() })]
#[case::drain(Action::Drain { node: "n2".into(), ignore_daemon_sets: true, grace_period: None })]
#[case::delete_pod(Action::DeletePod { daemon_set: ds(), node: "n2".into() })]
#[case::delete_the_object(Action::Delete { target: DeleteTarget::Object(object("Pod", "b")), cascade: Cascade::Background })]
#[case::patch_the_node(Action::Patch { target: object("Node", "n2"), kind: PatchKind::Merge, patch: json!({"spec": {}}), subresource: None })]
fn while_a_step_runs_its_node_is_excused(#[case] action: Action) {
    let mut history = History::settled(strict(), json!({}));
    let fault = history.begin(&action);
    history.set(pod("b", "n2").terminating().build());
    history.delete(pod("b", "n2").build());
    history.end(&fault);
    history.set(pod("a", "n1").ready(1).build());
    history.set(pod("x", "n2").build());
    let since = history.now;
    history.set(pod("x", "n2").ready(since).build());
    history.set(pod("x", "n2").unready(since + 2).build());
    let at = history.now;
    history.broke(at, &["n2"]);
}

fn object(kind: &str, name: &str) -> ObjectRef {
    ObjectRef { api_version: "v1".into(), kind: kind.into(), namespace: "default".into(), name: name.into() }
}

#[test]
fn deleting_the_pods_of_one_daemon_set_excuses_no_other() {
    let other = rollcall_model::DaemonSetRef::new("other");
    let mut history = History::settled(strict(), json!({}));
    let fault = history.begin(&Action::DeletePod { daemon_set: other, node: "n2".into() });
    history.set(pod("b", "n2").terminating().build());
    let at = history.now;
    history.end(&fault);
    history.broke(at, &["n2"]);
}

#[test]
fn pressure_excuses_its_node_until_it_is_released() {
    let pressure = |on| Action::Pressure { node: "n2".into(), resource: Pressure::Memory, on };
    let mut history = History::settled(strict(), json!({}));
    let fault = history.begin(&pressure(true));
    history.end(&fault);
    history.set(pod("b", "n2").failed().build());
    let since = history.now;
    history.set(pod("x", "n2").ready(since).build());
    let fault = history.begin(&pressure(false));
    history.end(&fault);
    history.set(pod("a", "n1").ready(1).build());
    history.set(pod("x", "n2").unready(since + 4).build());
    let at = history.now;
    history.broke(at, &["n2"]);
}

/// A node selector that leaves a node out, in every way to write it.
#[rstest]
#[case::applied(Action::Apply { manifest: Manifest::inline(vec![json!({
    "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "ds"},
    "spec": {"selector": {}, "template": {"spec": {"nodeSelector": {"name": "n1"}, "containers": []}}}
})]).expect("a manifest").into() })]
#[case::merged(patched(PatchKind::Merge, json!({"spec": {"template": {"spec": {"nodeSelector": {"name": "n1"}}}}})))]
#[case::patched(patched(PatchKind::Json, json!([{"op": "add", "path": "/spec/template/spec/nodeSelector", "value": {"name": "n1"}}])))]
fn nodes_that_a_changed_daemon_set_leaves_out_are_excused(#[case] action: Action) {
    let mut history = History::settled(strict(), json!({}));
    let fault = history.begin(&action);
    // The pods are seen to go before the DaemonSet is seen to have changed.
    history.set(pod("b", "n2").terminating().build());
    history.set(pod("c", "n3").terminating().build());
    history.set(daemon_set(json!({"spec": {"template": {"spec": {"nodeSelector": {"name": "n1"}}}}})));
    history.end(&fault);
    history.set(pod("a", "n1").unready(9).build());
    let at = history.now;
    history.broke(at, &["n1"]);
}

fn patched(kind: PatchKind, patch: serde_json::Value) -> Action {
    Action::Patch { target: ObjectRef::from(&ds()), kind, patch, subresource: None }
}

#[test]
fn a_pod_of_a_dead_node_may_be_of_a_third_revision() {
    let rule = Rule::AtMostTwoRevisions { daemon_set: ds() };
    let mut history = History::settled(rule, json!({}));
    let fault = history.begin(&verb(NodeVerb::Stop));
    history.end(&fault);
    history.replace(pod("a", "n1"), pod("x", "n1").revision("h2"));
    history.replace(pod("c", "n3"), pod("y", "n3").revision("h2"));
    history.replace(pod("x", "n1").revision("h2"), pod("z", "n1").revision("h3"));
    let fault = history.begin(&verb(NodeVerb::Start));
    history.end(&fault);
    let since = history.now;
    history.set(pod("b", "n2").ready(since).build());
    history.set(pod("b", "n2").ready(since).terminating().build());
    history.held();
}

#[test]
fn what_the_scenario_takes_away_is_not_missed_by_available() {
    let least = || Rule::Available { daemon_set: ds(), least: 3 };
    for taken in [
        verb(NodeVerb::Stop),
        verb(NodeVerb::Remove),
        Action::Taint { node: "n2".into(), taint: "maintenance:NoExecute".parse().expect("a taint") },
        Action::DeletePod { daemon_set: ds(), node: "n2".into() },
    ] {
        let mut history = History::settled(least(), json!({}));
        let fault = history.begin(&taken);
        match &taken {
            Action::Node { verb: NodeVerb::Remove, .. } => history.delete(node("n2", json!({}))),
            Action::Taint { .. } => history.set(tainted("n2")),
            _ => {}
        }
        history.end(&fault);
        history.set(pod("b", "n2").terminating().build());
        history.delete(pod("b", "n2").build());
        history.set(pod("c", "n3").unready(9).build());
        let at = history.now;
        let report = history.broke(at, &["n3"]);
        assert!(report.contains("available pod: 2"), "{taken:?}: {report}");
    }
}

#[test]
fn a_pod_that_came_back_is_missed_again() {
    let mut history = History::settled(Rule::Available { daemon_set: ds(), least: 3 }, json!({}));
    let fault = history.begin(&Action::DeletePod { daemon_set: ds(), node: "n2".into() });
    history.delete(pod("b", "n2").build());
    history.end(&fault);
    let since = history.now;
    history.set(pod("x", "n2").ready(since).build());
    history.set(pod("x", "n2").unready(since + 2).build());
    let at = history.now;
    history.broke(at, &["n2"]);
}

#[test]
fn two_steps_side_by_side_excuse_a_node_until_both_are_over() {
    let mut history = History::settled(strict(), json!({}));
    let first = history.begin(&Action::Cordon { node: "n2".into() });
    let second = history.begin(&Action::DeletePod { daemon_set: ds(), node: "n2".into() });
    history.end(&first);
    history.set(pod("b", "n2").terminating().build());
    history.end(&second);
    history.held();
}

#[test]
fn scaling_a_group_excuses_its_nodes() {
    let mut history = History::of(strict());
    history.set(node("sim-1", json!({})));
    history.set(node("n1", json!({})));
    history.set(daemon_set(json!({})));
    history.set(pod("s", "sim-1").ready(0).build());
    history.set(pod("a", "n1").ready(0).build());
    let fault = history.begin(&Action::ScaleSimulatedNodes { name: "sim".into(), count: 0 });
    history.set(pod("s", "sim-1").terminating().build());
    history.delete(node("sim-1", json!({})));
    history.end(&fault);
    history.set(pod("a", "n1").unready(8).build());
    let at = history.now;
    history.broke(at, &["n1"]);
}

#[test]
fn a_command_in_pods_excuses_the_nodes_that_it_runs_on() {
    let exec = rollcall_model::condition::ExecCondition {
        pods: rollcall_model::condition::PodSelection {
            daemon_set: ds(),
            nodes: NodeSelection::Names(vec!["n2".into()]),
        },
        container: None,
        command: vec!["false".into()],
        exit_code: 0,
        stdout: None,
        stderr: None,
    };
    let mut history = History::settled(strict(), json!({}));
    let fault = history.begin(&Action::Exec(exec));
    history.set(pod("b", "n2").unready(8).build());
    history.set(pod("b", "n2").ready(9).build());
    history.end(&fault);
    history.set(pod("c", "n3").unready(10).build());
    let at = history.now;
    history.broke(at, &["n3"]);
}
