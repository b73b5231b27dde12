//! Why a DaemonSet is not as it is meant to be: one name for each thing that can be told apart.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A cause, by a name that does not change between releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// No node is eligible.
    NoEligibleNode,
    /// The controller has not seen the latest change of the DaemonSet.
    ControllerBehind,
    /// The DaemonSet itself is being deleted.
    DaemonSetBeingDeleted,
    /// Pods of another controller match the selector.
    SelectorOverlaps,
    /// The template names another node.
    NodeNameMismatch,
    /// `nodeSelector` wants a label that the node does not have.
    NodeSelectorMismatch,
    /// No term of the required node affinity matches.
    NodeAffinityMismatch,
    /// The pod does not tolerate a taint.
    TaintNotTolerated,
    /// The node does not have enough of something left.
    InsufficientResource,
    /// Another pod has the host port.
    HostPortTaken,
    /// The kubelet says that the node is not ready.
    NodeNotReady,
    /// The node has stopped reporting.
    NodeUnreachable,
    /// The node runs short of memory, disk or process ids.
    NodeUnderPressure,
    /// A quota refused the pod.
    RefusedByQuota,
    /// Admission refused the pod.
    RefusedByAdmission,
    /// The API server refused the pod for another reason.
    CreateFailed,
    /// A pod without a controller matches the selector, and the DaemonSet does not take it.
    OrphanNotAdopted,
    /// The kubelet refused the pod.
    RefusedByKubelet,
    /// Under pressure the kubelet evicted the pod.
    Evicted,
    /// The scheduler has found no place, for a reason of its own.
    Unschedulable,
    /// The registry does not have the image.
    ImageNotFound,
    /// The image's name is none.
    ImageNameInvalid,
    /// The image is not there and may not be pulled.
    ImageNeverPulled,
    /// The registry wants other credentials.
    ImagePullUnauthorized,
    /// The registry answers too many requests.
    ImagePullRateLimited,
    /// The image is of another architecture.
    ImageWrongArchitecture,
    /// The image cannot be pulled for another reason.
    ImagePullFailed,
    /// A Secret that the pod uses is not there.
    SecretMissing,
    /// A ConfigMap that the pod uses is not there.
    ConfigMapMissing,
    /// A Secret or ConfigMap lacks a key.
    KeyMissing,
    /// The container must not run as root, and would.
    WouldRunAsRoot,
    /// A path of the host that the pod mounts is not there.
    HostPathMissing,
    /// A path of the host that the pod mounts is something else.
    HostPathWrongType,
    /// A `subPath` cannot be mounted.
    SubPathFailed,
    /// A volume cannot be mounted for another reason.
    MountFailed,
    /// The sandbox of the pod cannot be made.
    SandboxFailed,
    /// The command that the container begins with is not in its image.
    CommandNotFound,
    /// The container cannot be created or started for another reason.
    ContainerFailed,
    /// A container writes where it may only read.
    ReadOnlyMount,
    /// A container lacks a privilege, a capability or the right user.
    PermissionDenied,
    /// On the host network, a container asks the node's resolver for names of the cluster.
    DnsPolicyOfHostNetwork,
    /// The kernel killed a container at its memory limit.
    OutOfMemory,
    /// A container ends again and again.
    CrashLoop,
    /// A probe fails.
    ProbeFailed,
    /// An init container does not end.
    InitContainerStuck,
    /// A pod is ready, but not long enough.
    MinReadySecondsNotOver,
    /// A pod waits for its finalizers.
    TerminatingFinalizer,
    /// A pod cannot end because its node is away.
    TerminatingDeadNode,
    /// A pod has time to end, and takes it.
    TerminatingGracePeriod,
    /// The old pod has to be deleted by hand.
    UpdateOnDelete,
    /// As many pods as may be unavailable are.
    UpdateBudgetUsedUp,
    /// The rollout has not come to this node.
    UpdateUnderWay,
    /// An old pod is left beside the new one that has taken its place.
    OldPodLeft,
    /// A pod is there where none should be.
    PodNotRemoved,
    /// A drain of a cordoned node cannot evict a pod for its PodDisruptionBudget.
    DrainBlockedByBudget,
    /// What was looked at does not say.
    NotKnown,
}

impl Cause {
    /// Every cause, in the order of the documentation.
    pub const ALL: [Self; 55] = [
        Self::NoEligibleNode,
        Self::ControllerBehind,
        Self::DaemonSetBeingDeleted,
        Self::SelectorOverlaps,
        Self::NodeNameMismatch,
        Self::NodeSelectorMismatch,
        Self::NodeAffinityMismatch,
        Self::TaintNotTolerated,
        Self::InsufficientResource,
        Self::HostPortTaken,
        Self::NodeNotReady,
        Self::NodeUnreachable,
        Self::NodeUnderPressure,
        Self::RefusedByQuota,
        Self::RefusedByAdmission,
        Self::CreateFailed,
        Self::OrphanNotAdopted,
        Self::RefusedByKubelet,
        Self::Evicted,
        Self::Unschedulable,
        Self::ImageNotFound,
        Self::ImageNameInvalid,
        Self::ImageNeverPulled,
        Self::ImagePullUnauthorized,
        Self::ImagePullRateLimited,
        Self::ImageWrongArchitecture,
        Self::ImagePullFailed,
        Self::SecretMissing,
        Self::ConfigMapMissing,
        Self::KeyMissing,
        Self::WouldRunAsRoot,
        Self::HostPathMissing,
        Self::HostPathWrongType,
        Self::SubPathFailed,
        Self::MountFailed,
        Self::SandboxFailed,
        Self::CommandNotFound,
        Self::ContainerFailed,
        Self::ReadOnlyMount,
        Self::PermissionDenied,
        Self::DnsPolicyOfHostNetwork,
        Self::OutOfMemory,
        Self::CrashLoop,
        Self::ProbeFailed,
        Self::InitContainerStuck,
        Self::MinReadySecondsNotOver,
        Self::TerminatingFinalizer,
        Self::TerminatingDeadNode,
        Self::TerminatingGracePeriod,
        Self::UpdateOnDelete,
        Self::UpdateBudgetUsedUp,
        Self::UpdateUnderWay,
        Self::OldPodLeft,
        Self::PodNotRemoved,
        Self::DrainBlockedByBudget,
    ];

    /// The name, as `taint-not-tolerated`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoEligibleNode => "no-eligible-node",
            Self::ControllerBehind => "controller-behind",
            Self::DaemonSetBeingDeleted => "daemon-set-being-deleted",
            Self::SelectorOverlaps => "selector-overlaps",
            Self::NodeNameMismatch => "node-name-mismatch",
            Self::NodeSelectorMismatch => "node-selector-mismatch",
            Self::NodeAffinityMismatch => "node-affinity-mismatch",
            Self::TaintNotTolerated => "taint-not-tolerated",
            Self::InsufficientResource => "insufficient-resource",
            Self::HostPortTaken => "host-port-taken",
            Self::NodeNotReady => "node-not-ready",
            Self::NodeUnreachable => "node-unreachable",
            Self::NodeUnderPressure => "node-under-pressure",
            Self::RefusedByQuota => "refused-by-quota",
            Self::RefusedByAdmission => "refused-by-admission",
            Self::CreateFailed => "create-failed",
            Self::OrphanNotAdopted => "orphan-not-adopted",
            Self::RefusedByKubelet => "refused-by-kubelet",
            Self::Evicted => "evicted",
            Self::Unschedulable => "unschedulable",
            Self::ImageNotFound => "image-not-found",
            Self::ImageNameInvalid => "image-name-invalid",
            Self::ImageNeverPulled => "image-never-pulled",
            Self::ImagePullUnauthorized => "image-pull-unauthorized",
            Self::ImagePullRateLimited => "image-pull-rate-limited",
            Self::ImageWrongArchitecture => "image-wrong-architecture",
            Self::ImagePullFailed => "image-pull-failed",
            Self::SecretMissing => "secret-missing",
            Self::ConfigMapMissing => "config-map-missing",
            Self::KeyMissing => "key-missing",
            Self::WouldRunAsRoot => "would-run-as-root",
            Self::HostPathMissing => "host-path-missing",
            Self::HostPathWrongType => "host-path-wrong-type",
            Self::SubPathFailed => "sub-path-failed",
            Self::MountFailed => "mount-failed",
            Self::SandboxFailed => "sandbox-failed",
            Self::CommandNotFound => "command-not-found",
            Self::ContainerFailed => "container-failed",
            Self::ReadOnlyMount => "read-only-mount",
            Self::PermissionDenied => "permission-denied",
            Self::DnsPolicyOfHostNetwork => "dns-policy-of-host-network",
            Self::OutOfMemory => "out-of-memory",
            Self::CrashLoop => "crash-loop",
            Self::ProbeFailed => "probe-failed",
            Self::InitContainerStuck => "init-container-stuck",
            Self::MinReadySecondsNotOver => "min-ready-seconds-not-over",
            Self::TerminatingFinalizer => "terminating-finalizer",
            Self::TerminatingDeadNode => "terminating-dead-node",
            Self::TerminatingGracePeriod => "terminating-grace-period",
            Self::UpdateOnDelete => "update-on-delete",
            Self::UpdateBudgetUsedUp => "update-budget-used-up",
            Self::UpdateUnderWay => "update-under-way",
            Self::OldPodLeft => "old-pod-left",
            Self::PodNotRemoved => "pod-not-removed",
            Self::DrainBlockedByBudget => "drain-blocked-by-budget",
            Self::NotKnown => "not-known",
        }
    }

    /// Whether a DaemonSet of which this is found as a whole can be in order all the same: what is said then is of
    /// others, whom it touches, and not of its pods.
    #[must_use]
    pub fn leaves_in_order(self) -> bool {
        matches!(self, Self::SelectorOverlaps | Self::DrainBlockedByBudget)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Cause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        let all = Self::ALL.into_iter().chain([Self::NotKnown]);
        { all }.find(|cause| cause.code() == code).ok_or_else(|| D::Error::custom(format!("unknown cause `{code}`")))
    }
}
