//! Questions to a [`World`] that several conditions and reports ask: whose pod, on which node, how is it.
//! Each answer follows the controller's own rule; the rule's place is named beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet};
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::World;
use crate::event::{RollCallPod, RollCallRow};
use crate::scenario::{DaemonSetRef, Role};

/// The label that carries a pod's revision (`apps/v1 ControllerRevisionHashLabelKey`).
pub const REVISION_HASH_LABEL: &str = "controller-revision-hash";
/// The annotation that the kubelet gives to the pod it makes for a static one.
const MIRROR_ANNOTATION: &str = "kubernetes.io/config.mirror";
/// The label that marks a control-plane node (`kubeadm`'s, kept by every distribution rollcall starts).
pub const CONTROL_PLANE_LABEL: &str = "node-role.kubernetes.io/control-plane";

impl World {
    /// A DaemonSet by reference.
    #[must_use]
    pub fn daemon_set(&self, reference: &DaemonSetRef) -> Option<&Arc<DaemonSet>> {
        self.daemon_sets.get(&reference.key())
    }

    /// Every pod whose controller is the DaemonSet, terminating and ended ones included, by name.
    ///
    /// By UID, not by selector: a pod that merely matches is not owned until the controller adopts it
    /// (`pkg/controller/controller_ref_manager.go`).
    #[must_use]
    pub fn pods_of(&self, daemon_set: &DaemonSet) -> Vec<&Arc<Pod>> {
        self.pods.values().filter(|pod| is_controlled_by(&pod.metadata, &daemon_set.metadata)).collect()
    }

    /// The ControllerRevisions whose controller is the DaemonSet, lowest revision first.
    #[must_use]
    pub fn revisions_of(&self, daemon_set: &DaemonSet) -> Vec<&Arc<ControllerRevision>> {
        let mut revisions: Vec<_> = self
            .revisions
            .values()
            .filter(|revision| is_controlled_by(&revision.metadata, &daemon_set.metadata))
            .collect();
        revisions.sort_by_key(|revision| revision.revision);
        revisions
    }

    /// The hash of the DaemonSet's current revision: that of the highest revision number.
    ///
    /// The controller raises the revision of the template it finds to the maximum at every sync
    /// (`pkg/controller/daemon/update.go`, `constructHistory`), so the highest number is the current one once the
    /// DaemonSet's `observedGeneration` is current. Before that the answer may be the previous one.
    /// A revision without the label has its own name as the hash, as the controller sees it.
    #[must_use]
    pub fn current_hash(&self, daemon_set: &DaemonSet) -> Option<String> {
        self.revisions_of(daemon_set).last().map(|revision| hash_of_revision(revision))
    }

    /// One row a node, with the pods of every DaemonSet given, by node name.
    #[must_use]
    pub fn roll_call(&self, daemon_sets: &[DaemonSetRef]) -> Vec<RollCallRow> {
        let known: Vec<&Arc<DaemonSet>> =
            daemon_sets.iter().filter_map(|reference| self.daemon_set(reference)).collect();
        let mut pods: BTreeMap<&str, Vec<RollCallPod>> = BTreeMap::new();
        for daemon_set in known {
            let revisions = self.revisions_of(daemon_set);
            let revision = |pod: &Pod| {
                let hash = revision_hash(pod)?;
                revisions.iter().find(|revision| hash_of_revision(revision) == hash).map(|revision| revision.revision)
            };
            for pod in self.pods_of(daemon_set) {
                let Some(node) = node_of(pod) else { continue };
                pods.entry(node).or_default().push(RollCallPod {
                    name: name_of(&pod.metadata).to_owned(),
                    revision: revision(pod),
                    ready: is_ready(pod),
                });
            }
        }
        let row = |(name, node): (&String, &Arc<Node>)| RollCallRow {
            node: name.clone(),
            role: role_of(node),
            ready: is_node_ready(node),
            pods: pods.remove(name.as_str()).unwrap_or_default(),
        };
        self.nodes.iter().map(row).collect()
    }
}

/// An object's name, empty for one that never was on an API server.
#[must_use]
pub fn name_of(metadata: &ObjectMeta) -> &str {
    metadata.name.as_deref().unwrap_or_default()
}

/// The one controller reference of an object (`metav1.GetControllerOf`).
#[must_use]
pub fn controller_of(object: &ObjectMeta) -> Option<&OwnerReference> {
    object.owner_references.iter().flatten().find(|reference| reference.controller == Some(true))
}

/// Whether the one controller reference of `object` is `owner`, by UID (`metav1.IsControlledBy`).
#[must_use]
pub fn is_controlled_by(object: &ObjectMeta, owner: &ObjectMeta) -> bool {
    controller_of(object).is_some_and(|reference| owner.uid.as_deref() == Some(reference.uid.as_str()))
}

/// Whether a pod is only the image of a static pod of its kubelet (`core/v1 MirrorPodAnnotationKey`).
#[must_use]
pub fn is_mirror(pod: &Pod) -> bool {
    pod.metadata.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(MIRROR_ANNOTATION))
}

/// The node a pod belongs to: `spec.nodeName`, else the one value of the first `metadata.name In` match field of its
/// required affinity (`pkg/controller/daemon/util/daemonset_util.go`, `GetTargetNodeName`).
#[must_use]
pub fn node_of(pod: &Pod) -> Option<&str> {
    let spec = pod.spec.as_ref()?;
    if let Some(name) = spec.node_name.as_deref().filter(|name| !name.is_empty()) {
        return Some(name);
    }
    let required = spec.affinity.as_ref()?.node_affinity.as_ref()?;
    let required = required.required_during_scheduling_ignored_during_execution.as_ref()?;
    let fields = required.node_selector_terms.iter().flat_map(|term| term.match_fields.iter().flatten());
    fields.filter(|field| field.key == "metadata.name" && field.operator == "In").find_map(|field| {
        match field.values.as_deref() {
            Some([name]) => Some(name.as_str()),
            _ => None,
        }
    })
}

/// Whether a pod's `Ready` condition is `True`.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    ready_since(pod).is_some()
}

/// Since when a pod is ready. `Some(None)` is a ready pod without a transition time.
fn ready_since(pod: &Pod) -> Option<Option<Timestamp>> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    (ready.status == "True").then(|| ready.last_transition_time.as_ref().map(|time| time.0))
}

/// When a ready pod becomes available: `minReadySeconds` after its transition to ready, exclusive.
/// `None` for a pod that is not ready or whose transition time is unknown.
#[must_use]
pub fn available_after(pod: &Pod, min_ready_seconds: i32) -> Option<Timestamp> {
    ready_since(pod)??.checked_add(SignedDuration::from_secs(i64::from(min_ready_seconds))).ok()
}

/// Whether a pod is available: ready, and strictly longer than `minReadySeconds`
/// (`pkg/api/v1/pod/util.go`, `IsPodAvailable`).
#[must_use]
pub fn is_available(pod: &Pod, min_ready_seconds: i32, now: Timestamp) -> bool {
    is_ready(pod)
        && (min_ready_seconds <= 0 || available_after(pod, min_ready_seconds).is_some_and(|instant| instant < now))
}

/// The hash of the revision a pod was made from.
#[must_use]
pub fn revision_hash(pod: &Pod) -> Option<&str> {
    pod.metadata.labels.as_ref()?.get(REVISION_HASH_LABEL).map(String::as_str)
}

/// The hash of a revision: its label, else its name.
#[must_use]
pub fn hash_of_revision(revision: &ControllerRevision) -> String {
    let label = revision.metadata.labels.as_ref().and_then(|labels| labels.get(REVISION_HASH_LABEL));
    label.cloned().unwrap_or_else(|| name_of(&revision.metadata).to_owned())
}

/// How often a pod's containers have been restarted, init containers included.
#[must_use]
pub fn restart_count(pod: &Pod) -> i64 {
    let Some(status) = &pod.status else { return 0 };
    let all = status.container_statuses.iter().flatten().chain(status.init_container_statuses.iter().flatten());
    all.map(|container| i64::from(container.restart_count)).sum()
}

/// Whether a pod is being deleted.
#[must_use]
pub fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// A pod's phase, `Pending` for one without a status.
#[must_use]
pub fn phase_of(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending")
}

/// Whether a node's `Ready` condition is `True`.
#[must_use]
pub fn is_node_ready(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// What a node is in its cluster, by its label.
#[must_use]
pub fn role_of(node: &Node) -> Role {
    let labels = node.metadata.labels.as_ref();
    if labels.is_some_and(|labels| labels.contains_key(CONTROL_PLANE_LABEL)) {
        Role::ControlPlane
    } else {
        Role::Worker
    }
}

/// A DaemonSet's `minReadySeconds`, 0 where there is none.
#[must_use]
pub fn min_ready_seconds(daemon_set: &DaemonSet) -> i32 {
    daemon_set.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
}
