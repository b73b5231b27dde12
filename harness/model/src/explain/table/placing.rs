//! Why a node has no pod, or no node has one.

use super::{About, Section};
use crate::explain::Cause;

pub(super) const SECTION: Section = Section {
    title: "No pod on a node",
    causes: &[
        About {
            cause: Cause::NoEligibleNode,
            title: "No node is eligible.",
            means: "Every node fails the selector, the required affinity, or a taint of its own, so the DaemonSet \
                 asks for no pod at all.\n\
                 Its own status calls that complete: 0 of 0.",
            seen: "each node, which says why it is not eligible",
            remedy: "Change what every node fails by: `nodeSelector`, required affinity, or tolerations.",
        },
        About {
            cause: Cause::ControllerBehind,
            title: "The controller has not seen the latest change.",
            means: "The DaemonSet was changed, and its controller has not worked on that change, or fails before it \
                 can write the status.",
            seen: "`status.observedGeneration` below `metadata.generation`",
            remedy: "Wait.\nIf it stays so, look whether the kube-controller-manager runs, and read its log.",
        },
        About {
            cause: Cause::DaemonSetBeingDeleted,
            title: "The DaemonSet itself is being deleted.",
            means: "For a DaemonSet with a deletion timestamp the controller does nothing: it makes, replaces, \
                 adopts and removes no pod, and does not write its status.\n\
                 It is gone when its finalizers are.",
            seen: "`metadata.deletionTimestamp` and `metadata.finalizers` of the DaemonSet, and how many of its \
                 pods are left",
            remedy: "With `foregroundDeletion` see to the pods that do not end.\n\
                 With a finalizer of somebody else see to its owner, or take it away.",
        },
        About {
            cause: Cause::SelectorOverlaps,
            title: "Pods of another controller match the selector.",
            means: "Two controllers select the same pods.\n\
                 Each counts its own alone, by owner reference, so the DaemonSet is in order; but whatever goes \
                 by labels takes both: Services, budgets, network policies, `kubectl delete -l`.",
            seen: "pods of the namespace that `spec.selector` takes, and the controller in their \
                 `metadata.ownerReferences`",
            remedy: "Give the pods of each controller a label that the other one does not select.\n\
                 A selector cannot be changed, so one of the two has to be made anew.",
        },
        About {
            cause: Cause::NodeNameMismatch,
            title: "The template names another node.",
            means: "`spec.template.spec.nodeName` makes the DaemonSet one for that node alone.",
            seen: "`spec.template.spec.nodeName`",
            remedy: "Remove it, or leave it so if only that node is meant.",
        },
        About {
            cause: Cause::NodeSelectorMismatch,
            title: "A label that `nodeSelector` wants is missing or has another value.",
            means: "The node is not eligible.\nA label that is nearly the one wanted is shown with it.",
            seen: "`spec.template.spec.nodeSelector`, and `metadata.labels` of the node",
            remedy: "Label the node if it is meant, or correct `nodeSelector`.",
        },
        About {
            cause: Cause::NodeAffinityMismatch,
            title: "No term of the required node affinity matches.",
            means: "Terms are alternatives, and the requirements within one must all match.\n\
                 A term without any matches nothing.",
            seen: "for each term the first requirement that does not match",
            remedy: "Label the node so that one term matches, or change the term.",
        },
        About {
            cause: Cause::TaintNotTolerated,
            title: "A taint of the node is not tolerated.",
            means: "With `NoSchedule` there is no new pod, and one that runs stays and counts as misscheduled; with \
                 `NoExecute` it is removed.\n\
                 A toleration that nearly matches is shown.",
            seen: "`spec.taints` of the node, `spec.template.spec.tolerations`",
            remedy: "Add a toleration with the same key, value and effect, or remove the taint.",
        },
        About {
            cause: Cause::InsufficientResource,
            title: "The node has too little of something left.",
            means: "The pod of the node is there and has no place on it: a daemon pod can go nowhere else.",
            seen: "condition `PodScheduled` of the pod, and what the node can give less what its pods request",
            remedy: "Lower the request, move other pods away, or give the DaemonSet a priority class, by which it \
                 may take their place.",
        },
        About {
            cause: Cause::HostPortTaken,
            title: "Another pod has the host port.",
            means: "Two pods of a node cannot have one host port of one protocol and address.\n\
                 With a surge the old pod of the DaemonSet itself may be the one.",
            seen: "condition `PodScheduled` of the pod, and the ports of the other pods of the node",
            remedy: "Choose another port, or remove the other pod.",
        },
        About {
            cause: Cause::NodeNotReady,
            title: "The kubelet says that its node is not ready.",
            means: "The node is tainted for that, gets no new pod, and the pods on it count as not ready.",
            seen: "condition `Ready` of the node: `False`, with the reason of the kubelet",
            remedy: "Do what its message says.\nOften the container runtime or the pod network is not up.",
        },
        About {
            cause: Cause::NodeUnreachable,
            title: "The node has stopped reporting.",
            means: "The machine is off or cut off, or its kubelet does not run.\n\
                 What happens on it nobody knows; its daemon pods stay in the API.",
            seen: "condition `Ready` of the node: `Unknown`, and the last heartbeat",
            remedy: "Bring machine, kubelet or network back, or delete the Node if it is gone for good.",
        },
        About {
            cause: Cause::NodeUnderPressure,
            title: "The node runs short of memory, disk or process ids.",
            means: "The kubelet refuses or evicts pods.\n\
                 Daemon pods tolerate the taints of pressure, so the controller makes them all the same, and \
                 they may be refused again and again.",
            seen: "conditions `MemoryPressure`, `DiskPressure`, `PIDPressure` of the node",
            remedy: "Free what it runs short of, or give it more.",
        },
        About {
            cause: Cause::RefusedByQuota,
            title: "A quota of the namespace refuses the pods.",
            means: "The API server makes no pod.\n\
                 The controller tries again with growing pauses, and does not go on with an update meanwhile.",
            seen: "event `FailedCreate` of the DaemonSet: `exceeded quota`",
            remedy: "Raise the quota, or lower what the template asks for.",
        },
        About {
            cause: Cause::RefusedByAdmission,
            title: "Admission refuses the pods.",
            means: "A webhook, a policy, or the pod security level of the namespace does not let the pod in.\n\
                 An update stands still by that as well.",
            seen: "event `FailedCreate` of the DaemonSet, with the answer of who refused",
            remedy: "Change the template so that it is admitted, or the rule that refuses it.",
        },
        About {
            cause: Cause::CreateFailed,
            title: "The API server refuses the pods for another reason.",
            means: "The controller tries again with growing pauses.",
            seen: "event `FailedCreate` of the DaemonSet, with the answer",
            remedy: "Do what the answer says.",
        },
        About {
            cause: Cause::OrphanNotAdopted,
            title: "A pod without a controller matches the selector, and is not adopted.",
            means: "A DaemonSet adopts such a pod at once, unless the pod or the DaemonSet is being deleted, or the \
                 controller does not get to it.\n\
                 While it is on its way out it keeps its ports and what it requests.",
            seen: "`spec.selector`, `metadata.ownerReferences` of the pod, and which of the two has a \
                 `metadata.deletionTimestamp`",
            remedy: "See to what holds the pod, or to the deletion of the DaemonSet.\n\
                 If it is neither, read the log of the kube-controller-manager.",
        },
        About {
            cause: Cause::RefusedByKubelet,
            title: "The kubelet refused the pod.",
            means: "The pod came to the node and did not fit it by then.\n\
                 The controller removes it and makes another, with growing pauses.",
            seen: "`status.reason` of the failed pod",
            remedy: "Do what the message says.",
        },
        About {
            cause: Cause::Evicted,
            title: "The kubelet evicted the pod.",
            means: "The node ran short of something, and the pod used more of it than it had requested, or had too \
                 low a priority.",
            seen: "`status.reason` of the failed pod: `Evicted`, with what was short",
            remedy: "Free what the node runs short of; set requests, or a priority class.",
        },
        About {
            cause: Cause::Unschedulable,
            title: "The scheduler finds no place, for a reason of its own.",
            means: "Neither room, nor ports, nor taints are named: volumes, rules between pods, or scheduling gates \
                 are.",
            seen: "condition `PodScheduled` of the pod",
            remedy: "Do what the message says.",
        },
    ],
};
