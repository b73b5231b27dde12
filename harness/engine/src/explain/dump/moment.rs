//! The moment of a dump: the newest that anything in it was stamped with. Pure.

use k8s_openapi::{
    api::core::v1::{ContainerState, Event, Node, Pod},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
    jiff::Timestamp,
};
use rollcall_model::World;

/// The newest moment of any object; nothing where none was stamped.
///
/// When a pod is to be gone is no such moment: it lies ahead.
pub(super) fn newest(world: &World) -> Option<Timestamp> {
    let nodes = world.nodes.values().flat_map(|node| of_node(node));
    let pods = world.pods.values().flat_map(|pod| of_pod(pod));
    let events = world.events.values().flat_map(|event| of_event(event));
    let daemon_sets = world.daemon_sets.values().flat_map(|daemon_set| of_metadata(&daemon_set.metadata));
    let revisions = world.revisions.values().flat_map(|revision| of_metadata(&revision.metadata));
    nodes.chain(pods).chain(events).chain(daemon_sets).chain(revisions).max()
}

fn of_metadata(metadata: &ObjectMeta) -> Vec<Timestamp> {
    let managed = metadata.managed_fields.iter().flatten().filter_map(|entry| entry.time.as_ref());
    managed.chain(&metadata.creation_timestamp).map(|time| time.0).collect()
}

fn of_node(node: &Node) -> Vec<Timestamp> {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let times = conditions.flat_map(|one| one.last_heartbeat_time.iter().chain(&one.last_transition_time));
    times.map(|time| time.0).chain(of_metadata(&node.metadata)).collect()
}

fn of_pod(pod: &Pod) -> Vec<Timestamp> {
    let mut times: Vec<Option<&Time>> = Vec::new();
    if let Some(status) = &pod.status {
        times.push(status.start_time.as_ref());
        for condition in status.conditions.iter().flatten() {
            times.extend([condition.last_probe_time.as_ref(), condition.last_transition_time.as_ref()]);
        }
        let init = status.init_container_statuses.iter().flatten();
        for container in init.chain(status.container_statuses.iter().flatten()) {
            for state in container.state.iter().chain(&container.last_state) {
                times.extend(of_state(state));
            }
        }
    }
    times.into_iter().flatten().map(|time| time.0).chain(of_metadata(&pod.metadata)).collect()
}

fn of_state(state: &ContainerState) -> [Option<&Time>; 3] {
    let ended = state.terminated.as_ref();
    [
        state.running.as_ref().and_then(|running| running.started_at.as_ref()),
        ended.and_then(|ended| ended.started_at.as_ref()),
        ended.and_then(|ended| ended.finished_at.as_ref()),
    ]
}

fn of_event(event: &Event) -> Vec<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    let micro = series.into_iter().chain(&event.event_time).map(|time| time.0);
    let whole = event.last_timestamp.iter().chain(&event.first_timestamp).map(|time| time.0);
    micro.chain(whole).chain(of_metadata(&event.metadata)).collect()
}

#[cfg(test)]
mod tests {
    use rollcall_model::Change;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn with(kind: &str, object: Value) -> World {
        let mut world = World::new();
        let text = json!({"apiVersion": if kind == "DaemonSet" { "apps/v1" } else { "v1" }, "kind": kind});
        let mut all = object;
        for (key, value) in text.as_object().unwrap() {
            all[key] = value.clone();
        }
        for object in super::super::parse::json(&all.to_string()).unwrap().objects {
            world.apply(Change::Set(object));
        }
        world
    }

    const OLD: &str = "2026-01-01T00:00:00Z";
    const NEW: &str = "2026-01-01T00:09:00Z";

    #[rstest]
    #[case("Node", json!({"status": {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": NEW, "lastTransitionTime": OLD}]}}))]
    #[case("Pod", json!({"status": {"startTime": NEW}}))]
    #[case("Pod", json!({"status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": NEW}]}}))]
    #[case("Pod", json!({"status": {"containerStatuses": [{"name": "a", "ready": true, "restartCount": 0, "image": "", "imageID": "", "state": {"running": {"startedAt": NEW}}}]}}))]
    #[case("Pod", json!({"status": {"initContainerStatuses": [{"name": "a", "ready": true, "restartCount": 0, "image": "", "imageID": "", "lastState": {"terminated": {"exitCode": 1, "finishedAt": NEW}}}]}}))]
    #[case("Event", json!({"involvedObject": {}, "lastTimestamp": NEW, "firstTimestamp": OLD}))]
    #[case("Event", json!({"involvedObject": {}, "eventTime": "2026-01-01T00:09:00.000000Z"}))]
    #[case("Event", json!({"involvedObject": {}, "series": {"count": 2, "lastObservedTime": "2026-01-01T00:09:00.000000Z"}}))]
    #[case("DaemonSet", json!({"metadata": {"creationTimestamp": OLD, "managedFields": [{"time": NEW}]}}))]
    fn the_newest_stamp_of_anything_is_the_moment(#[case] kind: &str, #[case] mut object: Value) {
        object["metadata"]["name"] = json!("x");
        assert_eq!(newest(&with(kind, object)), Some(NEW.parse().unwrap()));
    }

    #[test]
    fn what_lies_ahead_is_no_moment_of_a_dump() {
        let metadata = json!({"name": "p", "creationTimestamp": OLD, "deletionTimestamp": NEW});
        assert_eq!(newest(&with("Pod", json!({"metadata": metadata}))), Some(OLD.parse().unwrap()));
        assert_eq!(newest(&World::new()), None);
    }
}
