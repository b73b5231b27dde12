//! A small world: two workers with a ready pod each, and a tainted control plane without one.

use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet};
use k8s_openapi::api::core::v1::{Node, Pod};
use rollcall_model::condition::{NodeSelection, PodsCondition};
use rollcall_model::{Change, Condition, DaemonSetRef, Judgement, Kind, Memory, Object, Timestamp, World};
use serde_json::{Value, json};

pub(crate) const NOW: &str = "2026-01-01T00:01:00Z";

pub(crate) fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

pub(crate) fn node(name: &str, taints: &[&str]) -> Node {
    let taints: Vec<Value> = taints
        .iter()
        .map(|text| {
            let taint: rollcall_model::Taint = text.parse().expect("a taint");
            json!({"key": taint.key, "value": taint.value, "effect": taint.effect.as_str()})
        })
        .collect();
    let value = json!({
        "metadata": {"name": name, "labels": {"name": name}},
        "spec": {"taints": taints},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    });
    serde_json::from_value(value).expect("a node")
}

/// A ready pod of revision `h1`, changed by a merge.
pub(crate) fn pod(name: &str, node: &str, change: Value) -> Pod {
    let mut value = json!({
        "metadata": {
            "name": name, "namespace": "default", "uid": format!("uid-{name}"),
            "labels": {"controller-revision-hash": "h1"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "ds", "uid": "ds-uid", "controller": true}],
        },
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "agent:1"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:55Z"}],
        },
    });
    merge(&mut value, change);
    serde_json::from_value(value).expect("a pod")
}

pub(crate) fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change,
    }
}

pub(crate) fn unready(state: Value) -> Value {
    json!({"status": {
        "phase": "Pending",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [{"name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state}],
    }})
}

pub(crate) fn daemon_set(figures: [i32; 5], change: Value) -> DaemonSet {
    let [desired, current, ready, updated, misscheduled] = figures;
    let mut value = json!({
        "metadata": {"name": "ds", "namespace": "default", "uid": "ds-uid", "generation": 2},
        "spec": {"selector": {}, "template": {"spec": {"containers": []}}},
        "status": {
            "observedGeneration": 2, "desiredNumberScheduled": desired, "currentNumberScheduled": current,
            "numberReady": ready, "numberAvailable": ready, "updatedNumberScheduled": updated,
            "numberMisscheduled": misscheduled,
        },
    });
    merge(&mut value, change);
    serde_json::from_value(value).expect("a daemonset")
}

pub(crate) fn revision(number: i64, hash: &str) -> ControllerRevision {
    serde_json::from_value(json!({
        "metadata": {
            "name": format!("ds-{hash}"), "namespace": "default", "labels": {"controller-revision-hash": hash},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "ds", "uid": "ds-uid", "controller": true}],
        },
        "revision": number,
    }))
    .expect("a revision")
}

pub(crate) fn world(objects: Vec<Object>) -> World {
    let mut world = World::new();
    for kind in Kind::ALL {
        let objects = objects.iter().filter(|object| object.kind() == kind).cloned().collect();
        world.apply(Change::Resync { kind, objects });
    }
    world
}

/// Two workers with a ready pod each, and a tainted control plane without one.
pub(crate) fn healthy() -> Vec<Object> {
    vec![
        node("control-plane", &["node-role.kubernetes.io/control-plane:NoSchedule"]).into(),
        node("w1", &[]).into(),
        node("w2", &[]).into(),
        pod("a", "w1", json!({})).into(),
        pod("b", "w2", json!({})).into(),
        daemon_set([2, 2, 2, 2, 0], json!({})).into(),
        revision(1, "h1").into(),
    ]
}

pub(crate) fn with(objects: impl IntoIterator<Item = Object>) -> World {
    let mut world = world(healthy());
    objects.into_iter().for_each(|object| world.apply(Change::Set(object)));
    world
}

pub(crate) fn without(mut world: World, object: impl Into<Object>) -> World {
    world.apply(Change::Delete(object.into()));
    world
}

pub(crate) fn converged() -> Condition {
    Condition::Converged { daemon_set: DaemonSetRef::new("ds"), allow_none: false }
}

pub(crate) fn rolled_out() -> Condition {
    Condition::RolledOut { daemon_set: DaemonSetRef::new("ds"), allow_none: false }
}

pub(crate) fn judge(condition: &Condition, world: &World) -> Judgement {
    condition.judge(world, now(), &Memory::default())
}

/// The kind of the answer and its report, as one text.
pub(crate) fn text(judgement: &Judgement) -> String {
    let kind = match judgement {
        Judgement::Done => return "done".to_owned(),
        Judgement::NotYet(_) => "not yet",
        Judgement::Never(_) => "never",
    };
    format!("{kind}: {}", judgement.report().map(ToString::to_string).unwrap_or_default())
}

#[track_caller]
pub(crate) fn done(condition: &Condition, world: &World) {
    let judgement = judge(condition, world);
    assert!(judgement.is_done(), "{}", text(&judgement));
}

pub(crate) fn unready_node(name: &str, taints: &[&str]) -> Node {
    let mut node = node(name, taints);
    node.status =
        serde_json::from_value(json!({"conditions": [{"type": "Ready", "status": "Unknown"}]})).expect("a status");
    node
}

pub(crate) fn pods() -> PodsCondition {
    PodsCondition::of(DaemonSetRef::new("ds"))
}

pub(crate) fn on(name: &str) -> NodeSelection {
    NodeSelection::Names(vec![name.to_owned()])
}
