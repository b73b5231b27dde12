//! What comes by itself, and only takes time.

use k8s_openapi::{api::core::v1::Pod, jiff::Unit};

use super::{Cause, Finding, Look, pod_object};
use crate::world::view;

impl Look<'_> {
    /// A pod that is ready, but not for long enough.
    pub(super) fn not_available_yet(self, pod: &Pod, min_ready_seconds: i32) -> Finding {
        let name = view::name_of(&pod.metadata);
        let left = view::available_after(pod, min_ready_seconds)
            .and_then(|then| then.since(self.now).ok())
            .and_then(|left| left.total(Unit::Second).ok())
            .map_or_else(String::new, |left| format!(", {:.0}s to go", left.max(0.0).ceil()));
        let what = format!("pod `{name}` is ready, but not yet for {min_ready_seconds}s{left}");
        Finding::proven(Cause::MinReadySecondsNotOver, pod_object(pod), what)
            .seen("spec.minReadySeconds", min_ready_seconds.to_string())
            .remedy("wait")
    }
}
