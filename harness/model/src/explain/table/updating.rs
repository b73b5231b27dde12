//! What holds up updates, deletions and drains.

use super::{About, Section};
use crate::explain::Cause;

pub(super) const SECTION: Section = Section {
    title: "Updates, and pods on their way out",
    causes: &[
        About {
            cause: Cause::MinReadySecondsNotOver,
            title: "The pod is ready, but not for long enough.",
            means: "Only after `minReadySeconds` it is available, and an update goes on.",
            seen: "`spec.minReadySeconds`, and since when the pod is ready",
            remedy: "Wait.",
        },
        About {
            cause: Cause::TerminatingFinalizer,
            title: "A pod that has ended waits for its finalizers.",
            means: "Somebody wanted to be asked before it goes, and has not answered.",
            seen: "`metadata.finalizers` of the pod, after its grace period",
            remedy: "See to whoever has to take the finalizer away, or take it away.",
        },
        About {
            cause: Cause::TerminatingDeadNode,
            title: "A pod cannot end because its node is away.",
            means: "Only the kubelet says that a pod has ended.\n\
                 Until then the controller makes no other on that node, and it counts as unavailable in an \
                 update.",
            seen: "`metadata.deletionTimestamp` of the pod, and condition `Ready` of its node",
            remedy: "Bring the node back.\nIf it is gone for good, delete the Node, or the pod by force.",
        },
        About {
            cause: Cause::TerminatingGracePeriod,
            title: "A pod has time to end, and takes it.",
            means: "A program that does not end when it gets SIGTERM is killed only after \
                 `terminationGracePeriodSeconds`.",
            seen: "`metadata.deletionTimestamp` and `metadata.deletionGracePeriodSeconds` of the pod",
            remedy: "Wait, or let the program end when it gets SIGTERM.",
        },
        About {
            cause: Cause::UpdateOnDelete,
            title: "The old pod has to be deleted by hand.",
            means: "With `OnDelete` a new template is used only for pods that are made anew.",
            seen: "`spec.updateStrategy.type`, and the hash of the revision on the pod",
            remedy: "Delete the pod, or update by `RollingUpdate`.",
        },
        About {
            cause: Cause::UpdateBudgetUsedUp,
            title: "As many pods as may be unavailable are.",
            means: "An update takes no other pod away, or with a surge adds no other, while so many are not \
                 available: often pods of the new revision that never get ready, or a node that is down.\n\
                 Each is named with its own cause.",
            seen: "`maxUnavailable` or `maxSurge`, and the nodes that count against it",
            remedy: "See to those pods first.\nWhere the new revision is at fault, correct it or roll it back.",
        },
        About {
            cause: Cause::UpdateUnderWay,
            title: "The update has not come to this node.",
            means: "It goes on by itself.",
            seen: "the hash of the revision on the pod",
            remedy: "Wait.",
        },
        About {
            cause: Cause::OldPodLeft,
            title: "An old pod is left beside the new one.",
            means: "The new one is available, and the controller has not deleted the old one.\n\
                 It looks only when something changes, or when `minReadySeconds` are over for a pod; of several pods \
                 that become ready soon after each other it notes the first, and with a surge it may then have looked \
                 for the last time a moment too early.\n\
                 Such a rollout stands still for good.",
            seen: "`metadata.deletionTimestamp`, which is missing, and since when the new pod is available",
            remedy: "Change something of the DaemonSet; an annotation does.\n\
                 Where you surge, leave `minReadySeconds` out and let a probe say when the agent works.",
        },
        About {
            cause: Cause::PodNotRemoved,
            title: "A pod is there where none should be.",
            means: "The node is not eligible any more, or does not exist any more.",
            seen: "`metadata.deletionTimestamp`, which is missing, and why the node is not eligible",
            remedy: "Wait for the controller, or for the garbage collection of pods.",
        },
        About {
            cause: Cause::DrainBlockedByBudget,
            title: "A drain cannot evict a pod for its PodDisruptionBudget.",
            means: "The node is cordoned, and a budget allows no eviction of a pod on it that is not a daemon pod.\n\
                 That holds up the drain, and never the rollout of a DaemonSet: its controller deletes pods and \
                 asks no budget, and a drain leaves daemon pods alone.\n\
                 The DaemonSet is in order all the same.",
            seen: "`spec.unschedulable` of the node, `status.disruptionsAllowed` of the budget, and the pods it \
                 selects there",
            remedy: "See to the pods of the budget that are not healthy, ask for more replicas, or let the budget \
                 allow one to be away.",
        },
        About {
            cause: Cause::NotKnown,
            title: "What was looked at does not say.",
            means: "Nothing is guessed.",
            seen: "what was looked at, without a result",
            remedy: "Wait if it has just begun.\n\
                 Else read the logs: of the pod, its kubelet, or the kube-controller-manager.",
        },
    ],
};
