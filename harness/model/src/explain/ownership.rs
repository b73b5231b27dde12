//! Whose a pod is: orphans that are not adopted, pods of other controllers that the selector takes, and a DaemonSet that
//! is being deleted, for which its controller does nothing any more.
//!
//! The rules are those of `pkg/controller/controller_ref_manager.go` (`ClaimObject`): a pod without a controller is
//! adopted when the selector takes it, unless it or the DaemonSet is being deleted; a pod of another controller is
//! ignored. `pkg/controller/daemon/daemon_controller.go` (`syncDaemonSet`, `getDaemonPods`) does nothing at all for a
//! DaemonSet that is being deleted, and looks at the live one before it adopts.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::OwnerReference};

use super::{Cause, Finding, Look, pod_object};
use crate::world::{selector, view};

/// How many of several are named one by one.
const MOST: usize = 5;
/// The finalizers by which a deletion waits for the garbage collector (`metav1.FinalizerDeleteDependents` and
/// `FinalizerOrphanDependents`).
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

impl<'a> Look<'a> {
    /// That the DaemonSet itself is being deleted, and what that waits for.
    pub(super) fn being_deleted(self) -> Option<Finding> {
        let since = self.daemon_set.metadata.deletion_timestamp.as_ref()?.0;
        let finalizers = self.daemon_set.metadata.finalizers.as_deref().unwrap_or_default();
        let others: Vec<&str> =
            finalizers.iter().map(String::as_str).filter(|name| ![FOREGROUND, ORPHAN].contains(name)).collect();
        let has = |name: &str| finalizers.iter().any(|finalizer| finalizer == name);
        let left = self.world.pods_of(self.daemon_set).len();
        let what = "it is being deleted, and its controller makes, replaces and removes no pod of it any more";
        let finding = Finding::proven(Cause::DaemonSetBeingDeleted, self.object(), what)
            .seen("metadata.deletionTimestamp", since.to_string())
            .seen("metadata.finalizers", if finalizers.is_empty() { "none".to_owned() } else { finalizers.join(", ") })
            .seen("pods of the DaemonSet", format!("{left} left"));
        if !others.is_empty() {
            let (namespace, name) = self.reference.key();
            let whose = others.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Some(
                finding
                    .remedy(format!("see to whoever has to take the finalizer {whose} away, or take it away yourself"))
                    .command(format!(
                        "kubectl -n {namespace} patch daemonset {name} --type=merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'"
                    )),
            );
        }
        Some(finding.remedy(match (has(FOREGROUND), has(ORPHAN)) {
            (true, _) => "wait until its pods have ended; see to those that do not end",
            (_, true) => "wait for the garbage collector, which leaves its pods and takes its name off them",
            _ => "wait, it is about to be gone",
        }))
    }

    /// Why nothing changes on a node, where that is because the DaemonSet is being deleted.
    pub(super) fn nothing_is_done(self, what: String) -> Option<Finding> {
        let since = self.daemon_set.metadata.deletion_timestamp.as_ref()?.0;
        Some(
            Finding::proven(
                Cause::DaemonSetBeingDeleted,
                self.object(),
                format!("{what}, since the DaemonSet is being deleted"),
            )
            .seen("metadata.deletionTimestamp", since.to_string())
            .remedy("wait until the DaemonSet is gone, and make it anew if it is wanted"),
        )
    }

    /// The pods of the namespace that the selector takes and that are not the DaemonSet's own.
    fn strangers(self) -> impl Iterator<Item = &'a Pod> {
        let selector = self.daemon_set.spec.as_ref().map(|spec| &spec.selector);
        // An empty selector is refused by the API server, and one from before that selects nothing here.
        let selector = selector.filter(|selector| !selector::is_empty(selector));
        let namespace = self.daemon_set.metadata.namespace.as_deref();
        self.world.pods.values().map(AsRef::as_ref).filter(move |pod: &&Pod| {
            pod.metadata.namespace.as_deref() == namespace
                && !view::is_controlled_by(&pod.metadata, &self.daemon_set.metadata)
                && !view::is_mirror(pod)
                && selector::selects(selector, pod.metadata.labels.as_ref())
        })
    }

    /// What the controller is still to adopt on a node that has a pod of its own: one of the two will have to go.
    pub(super) fn joining(self, node: &str) -> Vec<Finding> {
        if self.daemon_set.metadata.deletion_timestamp.is_some() {
            return Vec::new();
        }
        self.orphans(node, |pod| !view::is_terminating(pod))
    }

    /// The pods on a node that could be the DaemonSet's own, and why they are not. An ended one holds nothing.
    pub(super) fn orphans(self, node: &str, meant: impl Fn(&Pod) -> bool) -> Vec<Finding> {
        let here = self.strangers().filter(|pod| {
            view::controller_of(&pod.metadata).is_none()
                && view::node_of(pod) == Some(node)
                && !matches!(view::phase_of(pod), "Succeeded" | "Failed")
                && meant(pod)
        });
        here.map(|pod| self.orphan(node, pod)).collect()
    }

    fn orphan(self, node: &str, pod: &Pod) -> Finding {
        let name = view::name_of(&pod.metadata);
        let finding = |why: &str| {
            let what = format!("pod `{name}` on `{node}` matches the selector and has no controller, and {why}");
            Finding::proven(Cause::OrphanNotAdopted, pod_object(pod), what)
                .seen("spec.selector", self.selector())
                .seen("metadata.ownerReferences of the pod", "none of a controller")
        };
        if let Some(since) = &pod.metadata.deletion_timestamp {
            return finding("it is not adopted because it is being deleted")
                .seen("metadata.deletionTimestamp of the pod", since.0.to_string())
                .remedy("see to what holds the pod: until it is gone it keeps its ports and what it requests");
        }
        if let Some(since) = &self.daemon_set.metadata.deletion_timestamp {
            return finding("it is not adopted because the DaemonSet is being deleted")
                .seen("metadata.deletionTimestamp of the DaemonSet", since.0.to_string())
                .remedy("delete the pod, or make the DaemonSet anew, which then adopts it");
        }
        finding("the controller has not adopted it yet")
            .seen("metadata.deletionTimestamp", "missing on both")
            .remedy("wait for the controller; if it stays so, read the log of the kube-controller-manager")
    }

    /// Pods of other controllers that the selector takes, once for all of them.
    pub(super) fn overlaps(self) -> Option<Finding> {
        let mut others: BTreeMap<String, Vec<&Pod>> = BTreeMap::new();
        for pod in self.strangers().filter(|pod| !view::is_terminating(pod)) {
            if let Some(owner) = view::controller_of(&pod.metadata).filter(|owner| !self.is_a_former_self(owner)) {
                let kind = owner.kind.to_lowercase();
                others.entry(format!("{kind} `{}`", owner.name)).or_default().push(pod);
            }
        }
        if others.is_empty() {
            return None;
        }
        let named: Vec<&str> = others.keys().take(MOST).map(String::as_str).collect();
        let more = match others.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let what = match others.values().map(Vec::len).sum::<usize>() {
            1 => {
                "1 pod that its selector takes is another controller's, and the DaemonSet does not count it".to_owned()
            }
            all => format!(
                "{all} pods that its selector takes are other controllers', and the DaemonSet does not count them"
            ),
        };
        let what = format!("{what}: of {}{more}", named.join(", "));
        let mut finding =
            Finding::proven(Cause::SelectorOverlaps, self.object(), what).seen("spec.selector", self.selector());
        for (owner, pods) in others.iter().take(MOST) {
            let pod = pods.first().map(|pod| pod_object(pod)).unwrap_or_default();
            finding = finding.seen(
                format!("metadata.ownerReferences of {pod}"),
                match pods.len() {
                    1 => owner.clone(),
                    all => format!("{owner}, and so {} more", all - 1),
                },
            );
        }
        let namespace = self.reference.key().0;
        Some(
            finding
                .remedy(
                    "give the pods of each controller a label that the other's selector does not take; a selector \
                     cannot be changed, so one of them has to be made anew",
                )
                .command(format!("kubectl -n {namespace} get pods -l '{}'", self.selector())),
        )
    }

    /// Whether an owner is a DaemonSet of the same name that was deleted: its pods are on their way out.
    fn is_a_former_self(self, owner: &OwnerReference) -> bool {
        owner.kind == "DaemonSet" && owner.name == view::name_of(&self.daemon_set.metadata)
    }

    fn selector(self) -> String {
        self.daemon_set.spec.as_ref().map(|spec| selector::text(&spec.selector)).unwrap_or_default()
    }
}
