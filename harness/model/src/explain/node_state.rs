//! What is wrong with a node itself, before anything is said of its pod.

use k8s_openapi::api::core::v1::{Node, NodeCondition};

use super::{Cause, Finding, Look};
use crate::world::view;

/// Pressure conditions, with what the kubelet does then to pods that are not critical.
const PRESSURES: [(&str, &str); 3] = [
    ("MemoryPressure", "it takes no pod of class BestEffort"),
    ("DiskPressure", "it takes no pod"),
    ("PIDPressure", "it takes no pod"),
];

impl Look<'_> {
    /// What keeps a node from running anything as it should.
    pub(super) fn node_trouble(self, node: &Node) -> Vec<Finding> {
        let name = view::name_of(&node.metadata);
        let object = format!("node {name}");
        let ready = condition(node, "Ready");
        match ready.map(|ready| ready.status.as_str()) {
            Some("True") => Vec::new(),
            // `Kubelet stopped posting node status.` (pkg/controller/nodelifecycle/node_lifecycle_controller.go).
            Some("Unknown") => {
                let ready = ready.and_then(|ready| ready.message.clone()).unwrap_or_default();
                let beat = last_heartbeat(node);
                vec![
                    Finding::proven(
                        Cause::NodeUnreachable,
                        object,
                        format!("node `{name}` has stopped reporting{beat}"),
                    )
                    .seen("status.conditions[Ready]", format!("Unknown: {ready}"))
                    .remedy("look whether the machine is on, its kubelet runs, and it reaches the API server")
                    .command(format!("kubectl describe node {name}")),
                ]
            }
            Some(_) => {
                let text = ready.map(|ready| {
                    let reason = ready.reason.as_deref().unwrap_or("no reason");
                    format!("False: {reason}: {}", ready.message.as_deref().unwrap_or_default())
                });
                vec![
                    Finding::proven(
                        Cause::NodeNotReady,
                        object,
                        format!("the kubelet of node `{name}` says that it is not ready"),
                    )
                    .seen("status.conditions[Ready]", text.unwrap_or_default())
                    .remedy("do what its message says: often the container runtime or the pod network is not up")
                    .command(format!("kubectl describe node {name}")),
                ]
            }
            None => vec![
                Finding::proven(Cause::NodeNotReady, object, format!("node `{name}` has never reported its state"))
                    .seen("status.conditions[Ready]", "missing")
                    .remedy("look whether its kubelet runs"),
            ],
        }
    }

    /// The pressures that a node is under.
    pub(super) fn pressures(self, node: &Node) -> Vec<Finding> {
        let name = view::name_of(&node.metadata);
        let under = PRESSURES.iter().filter_map(|(kind, effect)| {
            let found = condition(node, kind).filter(|found| found.status == "True")?;
            let reason = found.message.as_deref().unwrap_or_default();
            Some(
                Finding::proven(
                    Cause::NodeUnderPressure,
                    format!("node {name}"),
                    format!("node `{name}` reports {kind}: {effect}"),
                )
                .seen(format!("status.conditions[{kind}]"), format!("True: {reason}"))
                .remedy("free what it runs short of, or give it more"),
            )
        });
        under.collect()
    }
}

fn condition<'a>(node: &'a Node, kind: &str) -> Option<&'a NodeCondition> {
    node.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

fn last_heartbeat(node: &Node) -> String {
    let beat = condition(node, "Ready").and_then(|ready| ready.last_heartbeat_time.as_ref());
    beat.map(|beat| format!(", last at {}", beat.0)).unwrap_or_default()
}
