//! A small world in which something is wrong, for the tests of what is written of it.

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, DaemonSet},
    core::v1::{Event, Node, Pod},
};
use rollcall_model::{Change, Kind, Object, World};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::folder::Folder;

/// An empty folder that goes with the first value.
pub(super) fn folder() -> (tempfile::TempDir, Folder) {
    let parent = tempfile::tempdir().unwrap();
    let folder = Folder::create(parent.path(), "test", rollcall_model::Timestamp::UNIX_EPOCH).unwrap();
    (parent, folder)
}

fn object<K: DeserializeOwned>(value: Value) -> Object
where
    Object: From<K>,
{
    serde_json::from_value::<K>(value).unwrap().into()
}

fn pod(name: &str, node: &str, status: Value) -> Object {
    let owner = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "log-collector", "uid": "d",
        "controller": true});
    object::<Pod>(json!({
        "metadata": {"name": name, "namespace": "default", "ownerReferences": [owner],
            "labels": {"controller-revision-hash": "abc"}},
        "spec": {"nodeName": node, "containers": [{"name": "collector"}]},
        "status": status,
    }))
}

/// Two nodes, one of them cordoned and silent; a pod that restarted, and one whose image is missing.
pub(super) fn world() -> World {
    let mut world = World::new();
    let nodes = vec![
        object::<Node>(json!({
            "metadata": {"name": "control-plane", "labels": {"node-role.kubernetes.io/control-plane": "", "zone": "a"}},
            "spec": {"taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        })),
        object::<Node>(json!({
            "metadata": {"name": "worker-1"},
            "spec": {"unschedulable": true, "taints": [{"key": "a", "value": "b", "effect": "NoExecute"}]},
            "status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]},
        })),
    ];
    let pods = vec![
        pod(
            "log-collector-aaaaa",
            "control-plane",
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{
                "name": "collector", "ready": true, "restartCount": 2, "image": "i", "imageID": "",
                "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}]}),
        ),
        pod(
            "log-collector-bbbbb",
            "worker-1",
            json!({"phase": "Pending", "containerStatuses": [{
                "name": "collector", "ready": false, "restartCount": 0, "image": "i", "imageID": "",
                "state": {"waiting": {"reason": "ErrImagePull", "message": "not\nfound"}}}]}),
        ),
    ];
    let daemon_sets = vec![object::<DaemonSet>(json!({
        "metadata": {"name": "log-collector", "namespace": "default", "uid": "d", "generation": 2},
        "status": {"desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberReady": 1, "numberAvailable": 1,
            "numberMisscheduled": 0, "updatedNumberScheduled": 2, "observedGeneration": 1},
    }))];
    let owner =
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "log-collector", "uid": "d", "controller": true});
    let revisions = vec![object::<ControllerRevision>(json!({
        "metadata": {"name": "log-collector-abc", "namespace": "default", "ownerReferences": [owner],
            "labels": {"controller-revision-hash": "abc"}},
        "revision": 3,
    }))];
    let events = vec![
        object::<Event>(json!({
            "metadata": {"name": "a-late-one", "namespace": "default"},
            "type": "Warning", "reason": "Failed", "message": "Failed to pull image\n  \"fluentd\"", "count": 4,
            "lastTimestamp": "2026-11-24T10:00:02Z",
            "involvedObject": {"kind": "Pod", "namespace": "default", "name": "log-collector-bbbbb"},
            "source": {"component": "kubelet", "host": "worker-1"},
        })),
        object::<Event>(json!({
            "metadata": {"name": "the-early-one", "namespace": "default"},
            "type": "Normal", "reason": "Scheduled", "message": "assigned",
            "eventTime": "2026-11-24T10:00:01.250000Z", "reportingComponent": "default-scheduler",
            "involvedObject": {"kind": "Node", "name": "worker-1"},
        })),
    ];
    for (kind, objects) in [
        (Kind::Node, nodes),
        (Kind::Pod, pods),
        (Kind::DaemonSet, daemon_sets),
        (Kind::Revision, revisions),
        (Kind::Event, events),
    ] {
        world.apply(Change::Resync { kind, objects });
    }
    world
}
