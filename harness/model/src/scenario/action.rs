//! The verbs of a scenario, with every default filled in and every file read.
//! What is not here: how a verb is done, which is the engine's, and how it is written, which is the decoder's.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Manifest, NodeSpec, Taint, TaintEffect};
use crate::condition::Condition;

/// A DaemonSet by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DaemonSetRef {
    /// The namespace, `default` where the scenario names none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl DaemonSetRef {
    /// A DaemonSet in the namespace `default`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { namespace: "default".to_owned(), name: name.into() }
    }

    /// The same name in another namespace.
    #[must_use]
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The key of the DaemonSet in a [`World`](crate::World).
    #[must_use]
    pub fn key(&self) -> (String, String) {
        (self.namespace.clone(), self.name.clone())
    }
}

/// `name`, or `namespace/name` outside of `default`.
impl fmt::Display for DaemonSetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace != "default" {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

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

/// What becomes of the pods of a deleted DaemonSet: the `propagationPolicy` of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cascade {
    /// The object goes first, its pods after it. This is kubectl's default.
    #[default]
    Background,
    /// The pods go first, the object after them.
    Foreground,
    /// The pods stay.
    Orphan,
}

impl Cascade {
    /// The word in a scenario file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Foreground => "foreground",
            Self::Orphan => "orphan",
        }
    }
}

/// What a delete step deletes.
#[derive(Debug, Clone, PartialEq)]
pub enum DeleteTarget {
    /// One DaemonSet.
    DaemonSet(DaemonSetRef),
    /// Every object of a file.
    Manifest(Arc<Manifest>),
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
            Self::DeletePod { .. } => "deletePod",
            Self::Expect { .. } => "expect",
            Self::Hold { .. } => "hold",
        }
    }

    /// Whether the step asserts something, so that a scenario with it can fail for a reason.
    #[must_use]
    pub fn is_assertion(&self) -> bool {
        matches!(self, Self::Expect { .. } | Self::Hold { .. })
    }
}

/// What the step does, in one line.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddNodes { nodes } => {
                f.write_str("add ")?;
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{node}")?;
                }
                Ok(())
            }
            Self::Node { verb, node } => match verb {
                NodeVerb::Remove => write!(f, "remove node `{node}`"),
                NodeVerb::Stop => write!(f, "stop node `{node}`"),
                NodeVerb::Start => write!(f, "start node `{node}`"),
                NodeVerb::Restart => write!(f, "restart node `{node}`"),
                NodeVerb::Pause => write!(f, "pause node `{node}`"),
                NodeVerb::Resume => write!(f, "resume node `{node}`"),
                NodeVerb::Partition => write!(f, "cut node `{node}` off the network"),
                NodeVerb::Heal => write!(f, "join node `{node}` to the network again"),
            },
            Self::Taint { node, taint } => write!(f, "taint `{node}` with `{taint}`"),
            Self::Untaint { node, key, effect: Some(effect) } => {
                write!(f, "remove taint `{key}:{effect}` from `{node}`")
            }
            Self::Untaint { node, key, effect: None } => write!(f, "remove every taint `{key}` from `{node}`"),
            Self::Label { node, labels } => {
                let labels: Vec<String> = labels.iter().map(|(key, value)| format!("`{key}={value}`")).collect();
                write!(f, "label `{node}` with {}", labels.join(", "))
            }
            Self::Unlabel { node, keys } => {
                let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
                write!(
                    f,
                    "remove {} {} from `{node}`",
                    if keys.len() == 1 { "label" } else { "labels" },
                    keys.join(", ")
                )
            }
            Self::Cordon { node } => write!(f, "cordon `{node}`"),
            Self::Uncordon { node } => write!(f, "uncordon `{node}`"),
            Self::Drain { node, ignore_daemon_sets, grace_period } => {
                write!(f, "drain `{node}`")?;
                if !ignore_daemon_sets {
                    f.write_str(", daemon pods not ignored")?;
                }
                match grace_period {
                    Some(grace) => write!(f, ", grace period {}", humantime::format_duration(*grace)),
                    None => Ok(()),
                }
            }
            Self::Apply { manifest } => write!(f, "apply `{}`", manifest.path),
            Self::Delete { target, cascade } => {
                match target {
                    DeleteTarget::DaemonSet(daemon_set) => write!(f, "delete daemonset `{daemon_set}`")?,
                    DeleteTarget::Manifest(manifest) => write!(f, "delete the objects of `{}`", manifest.path)?,
                }
                write!(f, ", cascade {}", cascade.key())
            }
            Self::SetImage { daemon_set, container, image } => {
                write!(f, "set the image of container `{container}` of daemonset `{daemon_set}` to `{image}`")
            }
            Self::DeletePod { daemon_set, node } => write!(f, "delete the pod of daemonset `{daemon_set}` on `{node}`"),
            Self::Expect { condition } => write!(f, "expect {condition}"),
            Self::Hold { condition, duration } => {
                write!(f, "hold for {}: {condition}", humantime::format_duration(*duration))
            }
        }
    }
}
