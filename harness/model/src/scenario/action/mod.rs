//! The verbs of a scenario, with every default filled in and every file read.
//! What is not here: how a verb is done, which is the engine's, and how it is written, which is the decoder's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Kill, Manifest, NodeSpec, Pressure, PullFault, Step, Taint, TaintEffect};
use crate::condition::{Condition, ExecCondition};

mod display;
mod target;

pub use target::{Cascade, DaemonSetRef, DeleteTarget, ObjectRef};

/// What is done to the container of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeVerb {
    /// The node leaves: container, Node object, lease and pods.
    Remove,
    /// The container is killed.
    Stop,
    /// A stopped container is started.
    Start,
    /// The container is killed and started.
    Restart,
    /// Every process is frozen, so heartbeats stop.
    Pause,
    /// A paused node goes on.
    Resume,
    /// The network is cut.
    Partition,
    /// The network is joined again.
    Heal,
}

impl NodeVerb {
    /// The key in a scenario file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Remove => "removeNode",
            Self::Stop => "stopNode",
            Self::Start => "startNode",
            Self::Restart => "restartNode",
            Self::Pause => "pauseNode",
            Self::Resume => "resumeNode",
            Self::Partition => "partitionNode",
            Self::Heal => "healNode",
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// New nodes join. Counts are expanded.
    AddNodes {
        /// The nodes.
        nodes: Vec<NodeSpec>,
    },
    /// Something is done to the container of a node.
    Node {
        /// What is done.
        verb: NodeVerb,
        /// The node.
        node: String,
    },
    /// A taint is set. One with the same key and effect is replaced.
    Taint {
        /// The node.
        node: String,
        /// The taint.
        taint: Taint,
    },
    /// Taints are removed.
    Untaint {
        /// The node.
        node: String,
        /// The key of the taints.
        key: String,
        /// Only the taint with this effect; without it every taint with the key, as `kubectl taint KEY-`.
        effect: Option<TaintEffect>,
    },
    /// Labels are set.
    Label {
        /// The node.
        node: String,
        /// The labels.
        labels: BTreeMap<String, String>,
    },
    /// Labels are removed.
    Unlabel {
        /// The node.
        node: String,
        /// The keys of the labels.
        keys: Vec<String>,
    },
    /// The node is made unschedulable.
    Cordon {
        /// The node.
        node: String,
    },
    /// The node is made schedulable.
    Uncordon {
        /// The node.
        node: String,
    },
    /// The node is cordoned and its pods are evicted.
    Drain {
        /// The node.
        node: String,
        /// Whether daemon pods are left alone. Without it a drain fails where there is one, as kubectl's does.
        ignore_daemon_sets: bool,
        /// How long a pod gets to end, instead of its own grace period.
        grace_period: Option<Duration>,
    },
    /// The objects of a file are applied.
    Apply {
        /// The file's content.
        manifest: Arc<Manifest>,
    },
    /// Objects are deleted.
    Delete {
        /// Which.
        target: DeleteTarget,
        /// What becomes of their dependents.
        cascade: Cascade,
    },
    /// The image of a container of a DaemonSet's template is changed.
    SetImage {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// The container, which may be an init container.
        container: String,
        /// The new image.
        image: String,
    },
    /// An object is changed by a patch.
    Patch {
        /// The object.
        target: ObjectRef,
        /// How the patch is merged.
        kind: PatchKind,
        /// The patch.
        patch: Value,
        /// `status` and the like, where not the object itself is changed.
        subresource: Option<String>,
    },
    /// Every pod of a DaemonSet is replaced, as `kubectl rollout restart` does it.
    RolloutRestart {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
    },
    /// A DaemonSet's template becomes that of an earlier revision, as `kubectl rollout undo` does it.
    Rollback {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// The revision; the one before the current one where none is given.
        to_revision: Option<i64>,
    },
    /// A command is run once in a container of each selected pod, and must end as said.
    Exec(ExecCondition),
    /// A command is run once on the node of each selected pod, told which process is the container's, and must end as
    /// said.
    NodeExec(ExecCondition),
    /// A command is run on this machine, with `KUBECONFIG` set.
    Run {
        /// Program and arguments; one word is given to the shell.
        command: Vec<String>,
        /// How it must end.
        exit_code: i32,
    },
    /// An image becomes available in the cluster under a name.
    PushImage {
        /// The name in the manifests.
        name: String,
        /// The image that is pushed.
        image: String,
    },
    /// Pulling an image fails from now on in a certain way, or does not any more.
    PullFault {
        /// The name in the manifests.
        image: String,
        /// How it fails.
        fault: PullFault,
    },
    /// A group of simulated nodes grows or shrinks.
    ScaleSimulatedNodes {
        /// The group.
        name: String,
        /// How many there are to be.
        count: u32,
    },
    /// The kubelet of a node comes under pressure, or is relieved.
    Pressure {
        /// The node.
        node: String,
        /// Of what there is too little.
        resource: Pressure,
        /// Whether there is pressure from now on.
        on: bool,
    },
    /// A container of the daemon pod of a node is killed.
    KillContainer {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// The node.
        node: String,
        /// The container; the pod's only one where it is left out.
        container: Option<String>,
        /// What by.
        by: Kill,
    },
    /// A DaemonSet's pods on a node are deleted.
    DeletePod {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// The node.
        node: String,
    },
    /// A condition must become true within the step's deadline.
    Expect {
        /// The condition.
        condition: Condition,
    },
    /// A condition must be true at once and at every change during a stretch of time.
    Hold {
        /// The condition.
        condition: Condition,
        /// The stretch of time.
        duration: Duration,
    },
    /// A condition must not become true at any change while the steps run.
    Never {
        /// The condition.
        condition: Condition,
        /// The steps.
        steps: Vec<Step>,
    },
    /// Branches of steps run side by side. All of them end before the next step begins.
    Parallel {
        /// The branches.
        branches: Vec<Vec<Step>>,
    },
    /// The run waits for a person, if there is one.
    Pause {
        /// What the person is told.
        message: String,
    },
}

/// How a patch is merged: the content types of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PatchKind {
    /// Lists are merged by their keys, such as the name of a container. Kubernetes' own kinds know it, others do not.
    #[default]
    Strategic,
    /// RFC 7386: what is named replaces what was there, lists as a whole.
    Merge,
    /// RFC 6902: a list of operations.
    Json,
}

impl PatchKind {
    /// The word in a scenario file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Strategic => "strategic",
            Self::Merge => "merge",
            Self::Json => "json",
        }
    }
}

impl Action {
    /// The key in a scenario file.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::AddNodes { .. } => "addNodes",
            Self::Node { verb, .. } => verb.key(),
            Self::Taint { .. } => "taint",
            Self::Untaint { .. } => "untaint",
            Self::Label { .. } => "label",
            Self::Unlabel { .. } => "unlabel",
            Self::Cordon { .. } => "cordon",
            Self::Uncordon { .. } => "uncordon",
            Self::Drain { .. } => "drain",
            Self::Apply { .. } => "apply",
            Self::Delete { .. } => "delete",
            Self::SetImage { .. } => "setImage",
            Self::Patch { .. } => "patch",
            Self::RolloutRestart { .. } => "rolloutRestart",
            Self::Rollback { .. } => "rollback",
            Self::Exec(_) => "exec",
            Self::NodeExec(_) => "nodeExec",
            Self::Run { .. } => "run",
            Self::PushImage { .. } => "pushImage",
            Self::PullFault { .. } => "pullFault",
            Self::ScaleSimulatedNodes { .. } => "scaleSimulatedNodes",
            Self::Pressure { .. } => "pressure",
            Self::DeletePod { .. } => "deletePod",
            Self::KillContainer { .. } => "killContainer",
            Self::Expect { .. } => "expect",
            Self::Hold { .. } => "hold",
            Self::Never { .. } => "never",
            Self::Parallel { .. } => "parallel",
            Self::Pause { .. } => "pause",
        }
    }

    /// The steps inside of this one, a list for each branch.
    #[must_use]
    pub fn branches(&self) -> Vec<&[Step]> {
        match self {
            Self::Never { steps, .. } => vec![steps],
            Self::Parallel { branches } => branches.iter().map(Vec::as_slice).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the step asserts something, so that a scenario with it can fail for a reason.
    #[must_use]
    pub fn is_assertion(&self) -> bool {
        matches!(self, Self::Expect { .. } | Self::Hold { .. } | Self::Never { .. })
            || self.branches().into_iter().flatten().any(|step| step.action.is_assertion())
    }
}
