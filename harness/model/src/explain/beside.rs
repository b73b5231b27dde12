//! An old pod beside a new one that has taken its place: it goes at once, or its controller has missed that it should.
//!
//! With `minReadySeconds` the controller looks again that long and a second after a pod became ready
//! (`pkg/controller/daemon/daemon_controller.go`, `updatePod`). Its queue keeps one such time for a DaemonSet, the
//! earliest, so where a second pod becomes ready before that, its own is lost, and the look that comes may be too early
//! for it. The last line of defence of `updateDaemonSetStatus`, which looks again while not all pods that are ready are
//! available, counts the older pod of a node, and with a surge that is the old one. Nothing is done then until something
//! else changes.

use k8s_openapi::{
    api::core::v1::Pod,
    jiff::{SignedDuration, Timestamp},
};

use super::{Cause, Finding, Look, NodeState, nodes::namespace, pod_object};
use crate::world::view;

/// How long after a pod became available the controller has looked: times of transitions are cut to seconds, its look
/// comes a second late on purpose, and deleting a pod takes it a moment.
const LOOKED_WITHIN: SignedDuration = SignedDuration::from_secs(4);

/// When the controller has looked at a pod that became available.
pub(super) fn looked_at(pod: &Pod, min_ready_seconds: i32) -> Option<Timestamp> {
    view::available_after(pod, min_ready_seconds)?.checked_add(LOOKED_WITHIN).ok()
}

impl Look<'_> {
    /// What is so with an old pod beside a new one that is available.
    pub(super) fn old_beside<'p>(self, new: &Pod, pods: &[&'p Pod]) -> Option<(NodeState, &'p Pod, Finding)> {
        let living = pods.iter().copied().filter(|pod| !view::is_terminating(pod));
        let old = living.into_iter().find(|pod| self.is_outdated(pod))?;
        let seconds = view::min_ready_seconds(self.daemon_set);
        let (name, beside) = (view::name_of(&old.metadata), view::name_of(&new.metadata));
        let available = view::available_after(new, seconds);
        let looked = looked_at(new, seconds).is_some_and(|looked| looked < self.now);
        if !looked {
            let what = format!("pod `{name}` goes now, since pod `{beside}` beside it is available");
            let finding = Finding::likely(Cause::UpdateUnderWay, pod_object(old), what);
            return Some((
                NodeState::Waiting,
                old,
                finding.seen("pods of the node", "an old and a new one").remedy("wait"),
            ));
        }
        let what = format!("pod `{name}` is left beside pod `{beside}`, which has taken its place");
        if let Some(finding) = self.nothing_is_done(format!("pod `{name}` is not deleted")) {
            return Some((NodeState::Unhealthy, old, finding));
        }
        let mut finding = Finding::proven(Cause::OldPodLeft, pod_object(old), what)
            .seen("metadata.deletionTimestamp", "missing")
            .seen(format!("{beside} available since"), available.map(|since| since.to_string()).unwrap_or_default());
        let mut remedy =
            "change something of the DaemonSet, an annotation does: its controller looks only when something changes"
                .to_owned();
        if seconds > 0 {
            finding = finding.seen("spec.minReadySeconds", seconds.to_string());
            remedy +=
                ", and with `minReadySeconds` and a surge it may have looked for the last time a moment too early";
        }
        let (of, daemon_set) = (namespace(old), view::name_of(&self.daemon_set.metadata));
        let command =
            format!("kubectl -n {of} annotate daemonset {daemon_set} rollcall.dev/looked-at=\"$(date)\" --overwrite");
        Some((NodeState::Unhealthy, old, finding.remedy(remedy).command(command)))
    }
}
