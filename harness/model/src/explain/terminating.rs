//! Pods on their way out that stay.

use k8s_openapi::{
    api::core::v1::{Node, Pod},
    jiff::{SignedDuration, Timestamp},
};

use super::{Cause, Finding, Look, nodes, pod_object};
use crate::world::view;

impl Look<'_> {
    /// Why a pod that is being deleted is still there.
    pub(super) fn terminating(self, node: Option<&Node>, pod: &Pod) -> Finding {
        let name = view::name_of(&pod.metadata);
        let object = pod_object(pod);
        let deletion = pod.metadata.deletion_timestamp.as_ref().map(|time| time.0);
        let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
        let source = "metadata.deletionTimestamp";
        let at = deletion.map_or_else(String::new, |at| at.to_string());
        if node.is_some_and(|node| !view::is_node_ready(node)) {
            let node = view::node_of(pod).unwrap_or_default();
            return Finding::proven(
                Cause::TerminatingDeadNode,
                object,
                format!("pod `{name}` is to end, and its node `{node}`, which would have to end it, is not ready"),
            )
            .seen(source, at)
            .remedy("bring the node back; if it is gone for good, delete the Node, or the pod by force")
            .command(nodes::delete_by_force(pod));
        }
        let over = over_at(pod).is_some_and(|over| over <= self.now);
        let finalizers = pod.metadata.finalizers.as_deref().unwrap_or_default();
        if over && !finalizers.is_empty() {
            return Finding::proven(
                Cause::TerminatingFinalizer,
                object,
                format!("pod `{name}` has ended and waits for its finalizers"),
            )
            .seen("metadata.finalizers", finalizers.join(", "))
            .seen(source, at)
            .remedy("see to whoever has to take the finalizer away, or take it away yourself")
            .command(format!(
                "kubectl -n {} patch pod {name} --type=merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'",
                nodes::namespace(pod)
            ));
        }
        if over {
            return Finding::likely(
                Cause::NotKnown,
                object,
                format!("pod `{name}` should have ended, and nothing says why it has not"),
            )
            .seen(source, at)
            .seen("metadata.finalizers", "none")
            .remedy("look at the kubelet's log on its node");
        }
        Finding::proven(
            Cause::TerminatingGracePeriod,
            object,
            format!("pod `{name}` has {grace}s to end, and takes them"),
        )
        .seen(source, at)
        .seen("metadata.deletionGracePeriodSeconds", grace.to_string())
        .remedy("wait, or let the program end when it gets SIGTERM")
    }
}

/// How long after its grace period a pod may still be there: its kubelet has to say that it ended.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);

/// From when on a pod that is being deleted should be gone. Its deletion timestamp is when its grace period ends
/// (`k8s.io/apiserver/pkg/registry/rest/delete.go`).
pub(super) fn over_at(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.deletion_timestamp.as_ref()?.0.checked_add(PATIENCE).ok()
}
