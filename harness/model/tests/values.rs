//! Worlds, events and verdicts: plain values that must come back as they were put in.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet};
use k8s_openapi::api::core::v1::{Event as CoreEvent, Node, Pod};
use rollcall_model::event::{Cleanup, RollCallPod, RollCallRow, StepOutcome};
use rollcall_model::{
    Change, DaemonSetRef, Event, Kind, NodeReport, Object, Report, Role, Stamped, Taint, TaintEffect, Verdict, World,
};
use serde_json::json;

fn report() -> Report {
    let nodes = [("w1", "no pod"), ("w2", "no pod"), ("w3", "one ready pod")];
    Report {
        summary: "2 of 3 eligible nodes have no ready pod".to_owned(),
        nodes: nodes.map(|(node, what)| NodeReport { node: node.to_owned(), what: what.to_owned() }).to_vec(),
    }
}

/// One of every event.
fn events() -> Vec<Event> {
    vec![
        Event::RunStarted {
            format: rollcall_model::event::FORMAT,
            scenario: "s".into(),
            file: "s.yaml".into(),
            invariants: Vec::new(),
            steps: vec!["cordon".into()],
        },
        Event::ClusterStarting { nodes: vec!["a".into()], simulated: 0 },
        Event::ClusterStarted { nodes: vec!["a".into()], simulated: 500, took_ms: 4 },
        Event::ImagePushed { name: "a:1".into(), from: "b:1".into(), bytes: 5, skipped: false },
        Event::StepStarted { index: 0, name: None, summary: "cordon `a`".into(), depth: 0 },
        Event::StepProgress { index: 0, report: report() },
        Event::StepFinished { index: 0, outcome: StepOutcome::Held, took_ms: 1 },
        Event::StepFinished {
            index: 1,
            outcome: StepOutcome::Failed { message: "no".into(), report: Some(report()) },
            took_ms: 1,
        },
        Event::StepFinished { index: 2, outcome: StepOutcome::Environment { message: "no".into() }, took_ms: 1 },
        Event::RollCall {
            rows: vec![RollCallRow {
                node: "a".into(),
                role: Role::ControlPlane,
                ready: true,
                pods: vec![RollCallPod { name: "p".into(), revision: Some(1), ready: true }],
            }],
        },
        Event::RunFinished { verdict: Verdict::Held, took_ms: 9, cleanup: Cleanup::Done },
        Event::RunFinished {
            verdict: Verdict::Skipped { reason: "r".into() },
            took_ms: 9,
            cleanup: Cleanup::Failed { message: "m".into() },
        },
        Event::ClusterAttached {
            context: "dev".into(),
            namespace: "rollcall-s-1".into(),
            nodes: vec!["a".into()],
            took_ms: 9,
        },
        Event::ClusterReused { name: "c".into(), nodes: vec!["a".into()] },
        Event::RunFinished { verdict: Verdict::Held, took_ms: 9, cleanup: Cleanup::HandedOn },
    ]
}

#[test]
fn every_event_comes_back_from_the_recording() {
    let mut lines = String::new();
    for (number, event) in (0u64..).zip(events()) {
        let at = "2026-01-01T00:00:00.5Z".parse().expect("a time");
        let stamped = Stamped { at, elapsed_ms: number, event };
        let line = serde_json::to_string(&stamped).expect("events are JSON");
        assert_eq!(serde_json::from_str::<Stamped>(&line).expect("the line is an event"), stamped);
        lines.push_str(&line);
        lines.push('\n');
    }
    // The format of recordings on disk: a change here is a new `FORMAT`, unless it only adds.
    insta::assert_snapshot!(lines);
}

#[test]
fn an_unknown_field_of_a_recording_is_an_error() {
    let line = r#"{"at":"2026-01-01T00:00:00Z","elapsedMs":1,"event":{"clusterStarting":{"nodes":[],"more":1}}}"#;
    assert!(serde_json::from_str::<Stamped>(line).is_err());
}

#[test]
fn a_report_groups_nodes_of_which_the_same_is_so() {
    insta::assert_snapshot!(report().to_string());
}

#[test]
fn verdicts_are_told_apart() {
    assert!(Verdict::Held.is_held());
    let others = [Verdict::DidNotHold, Verdict::Environment, Verdict::Skipped { reason: "no Docker".to_owned() }];
    assert!(others.iter().all(|verdict| !verdict.is_held()));
    let texts: Vec<String> = others.iter().map(Verdict::to_string).collect();
    assert_eq!(texts, ["did not hold", "environment failure", "skipped: no Docker"]);
}

fn node(name: &str) -> Node {
    serde_json::from_value(json!({"metadata": {"name": name}})).expect("a node")
}

fn pod(name: &str, phase: &str) -> Pod {
    serde_json::from_value(json!({"metadata": {"name": name, "namespace": "n"}, "status": {"phase": phase}}))
        .expect("a pod")
}

#[test]
fn a_world_follows_its_changes() {
    let mut world = World::new();
    assert!(!world.synced());
    world.apply(Change::Set(pod("a", "Pending").into()));
    world.apply(Change::Set(pod("a", "Running").into()));
    world.apply(Change::Set(pod("b", "Running").into()));
    assert_eq!(world.pods.len(), 2);
    world.apply(Change::Delete(pod("b", "Failed").into()));
    world.apply(Change::Delete(pod("never-was", "Failed").into()));
    assert_eq!(world.pods.keys().collect::<Vec<_>>(), [&("n".to_owned(), "a".to_owned())]);
    let snapshot = world.clone();
    world.apply(Change::Resync { kind: Kind::Pod, objects: vec![pod("c", "Running").into(), node("stray").into()] });
    assert_eq!(world.pods.keys().collect::<Vec<_>>(), [&("n".to_owned(), "c".to_owned())]);
    assert!(world.nodes.is_empty());
    assert!(snapshot.pods.contains_key(&("n".to_owned(), "a".to_owned())));
    for kind in [Kind::Node, Kind::DaemonSet] {
        world.apply(Change::Resync { kind, objects: Vec::new() });
    }
    assert_eq!(world.missing(), [Kind::Revision]);
    world.apply(Change::Resync { kind: Kind::Revision, objects: Vec::new() });
    assert!(world.synced(), "events are not waited for");
}

#[test]
fn a_roll_call_has_a_row_for_every_node() {
    let owner = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "ds", "uid": "u", "controller": true}]);
    let mut world = World::new();
    let control_plane = json!({
        "metadata": {"name": "cp", "labels": {"node-role.kubernetes.io/control-plane": ""}},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    });
    let objects: [Object; 5] = [
        serde_json::from_value::<Node>(control_plane).expect("a node").into(),
        node("w1").into(),
        serde_json::from_value::<k8s_openapi::api::apps::v1::DaemonSet>(json!({"metadata": {"name": "ds", "namespace": "default", "uid": "u"}}))
            .expect("a daemonset")
            .into(),
        serde_json::from_value::<k8s_openapi::api::apps::v1::ControllerRevision>(json!({
            "metadata": {"name": "ds-h", "namespace": "default", "labels": {"controller-revision-hash": "h"}, "ownerReferences": owner},
            "revision": 4,
        }))
        .expect("a revision")
        .into(),
        serde_json::from_value::<Pod>(json!({
            "metadata": {"name": "p", "namespace": "default", "labels": {"controller-revision-hash": "h"}, "ownerReferences": owner},
            "spec": {"nodeName": "w1", "containers": []},
        }))
        .expect("a pod")
        .into(),
    ];
    objects.into_iter().for_each(|object| world.apply(Change::Set(object)));
    let rows = world.roll_call(&[DaemonSetRef::new("ds"), DaemonSetRef::new("absent")]);
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].role, rows[0].ready, rows[0].pods.len()), (Role::ControlPlane, true, 0));
    assert_eq!(rows[1].pods, [RollCallPod { name: "p".to_owned(), revision: Some(4), ready: false }]);
    assert!(!rows[1].ready);
}

#[test]
fn a_daemon_set_is_named_with_its_namespace_outside_of_default() {
    assert_eq!(DaemonSetRef::new("a").to_string(), "a");
    assert_eq!(DaemonSetRef::new("a").in_namespace("b").to_string(), "b/a");
}

#[test]
fn taints_are_written_as_kubectl_writes_them() {
    let taint: Taint = "a/b=c:NoExecute".parse().expect("a taint");
    assert_eq!(taint, Taint { key: "a/b".into(), value: "c".into(), effect: TaintEffect::NoExecute });
    assert_eq!("a:NoSchedule".parse::<Taint>().map(|taint| taint.to_string()), Ok("a:NoSchedule".to_owned()));
    let _: BTreeMap<Taint, ()> = BTreeMap::new();
}

/// Near misses are found, and far ones are not.
#[test]
fn suggestions_are_near() {
    use rollcall_model::diagnostic::nearest;
    let words = ["daemonSet", "namespace", "node", "nodes", "taint"];
    assert_eq!(nearest("daemonset", words), Some("daemonSet"));
    assert_eq!(nearest("tiant", words), Some("taint"));
    assert_eq!(nearest("nod", words), Some("node"));
    assert_eq!(nearest("namspace", words), Some("namespace"));
    assert_eq!(nearest("label", words), None);
    assert_eq!(nearest("x", words), None);
    assert_eq!(nearest("", words), None);
    assert_eq!(nearest(&"n".repeat(100_000), words), None);
}

#[test]
fn objects_of_other_namespaces_are_forgotten_and_nodes_are_not() {
    let mut world = World::new();
    let node: Node = serde_json::from_value(json!({"metadata": {"name": "w1"}})).unwrap();
    world.apply(Change::Set(node.into()));
    for namespace in ["mine", "theirs"] {
        let metadata = json!({"metadata": {"namespace": namespace, "name": "a"}});
        let objects: [Object; 4] = [
            serde_json::from_value::<Pod>(metadata.clone()).unwrap().into(),
            serde_json::from_value::<DaemonSet>(metadata.clone()).unwrap().into(),
            ControllerRevision {
                metadata: serde_json::from_value(metadata["metadata"].clone()).unwrap(),
                ..Default::default()
            }
            .into(),
            CoreEvent { metadata: serde_json::from_value(metadata["metadata"].clone()).unwrap(), ..Default::default() }
                .into(),
        ];
        objects.into_iter().for_each(|object| world.apply(Change::Set(object)));
    }
    world.keep_namespaces(|namespace| namespace == "mine");
    let mine = ("mine".to_owned(), "a".to_owned());
    assert!(world.nodes.contains_key("w1"));
    assert_eq!(world.pods.keys().collect::<Vec<_>>(), [&mine]);
    assert_eq!(world.daemon_sets.keys().collect::<Vec<_>>(), [&mine]);
    assert_eq!(world.revisions.keys().collect::<Vec<_>>(), [&mine]);
    assert_eq!(world.events.keys().collect::<Vec<_>>(), [&mine]);
}
