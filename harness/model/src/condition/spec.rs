//! What the conditions say, one type each.

use std::collections::BTreeMap;

use super::Text;
use crate::explain::Cause;
use crate::scenario::DaemonSetRef;

/// Some of the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NodeSelection {
    /// Every node.
    #[default]
    All,
    /// The nodes with these names.
    Names(Vec<String>),
    /// The nodes with all of these labels.
    Labels(BTreeMap<String, String>),
}

/// The pods of a DaemonSet on some nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSelection {
    /// The DaemonSet.
    pub daemon_set: DaemonSetRef,
    /// Only pods on these nodes.
    pub nodes: NodeSelection,
}

/// Which revision of its DaemonSet a pod must carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevisionWanted {
    /// The current one.
    Current,
    /// Any but the current one.
    Outdated,
    /// The one with this number, as `kubectl rollout history` shows it.
    Number(i64),
}

/// What must be true of a DaemonSet's pods.
///
/// With `count` exactly so many pods of the nodes match every other field, over all those nodes together.
/// Without it there is at least one, and each matches.
/// A terminating pod counts until its object is gone, unless `terminating` says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodsCondition {
    /// The DaemonSet.
    pub daemon_set: DaemonSetRef,
    /// Only pods on these nodes.
    pub nodes: NodeSelection,
    /// How many.
    pub count: Option<u32>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Option<String>,
    /// Whether the `Ready` condition is `True`.
    pub ready: Option<bool>,
    /// The image of at least one container of the pod's spec.
    pub image: Option<String>,
    /// Whether the pod is being deleted.
    pub terminating: Option<bool>,
    /// The revision.
    pub revision: Option<RevisionWanted>,
    /// The reason why at least one container waits, as `CrashLoopBackOff`.
    pub waiting: Option<String>,
    /// How often its containers have been restarted, at least.
    pub restarts: Option<u32>,
}

impl PodsCondition {
    /// There is at least one pod, whatever it is like.
    #[must_use]
    pub fn of(daemon_set: DaemonSetRef) -> Self {
        Self {
            daemon_set,
            nodes: NodeSelection::All,
            count: None,
            phase: None,
            ready: None,
            image: None,
            terminating: None,
            revision: None,
            waiting: None,
            restarts: None,
        }
    }
}

/// Figures of `apps/v1 DaemonSetStatus`, each exact where given. An absent field of the API is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCondition {
    /// The DaemonSet.
    pub daemon_set: DaemonSetRef,
    /// `desiredNumberScheduled`
    pub desired: Option<i32>,
    /// `currentNumberScheduled`
    pub current: Option<i32>,
    /// `numberReady`
    pub ready: Option<i32>,
    /// `numberAvailable`
    pub available: Option<i32>,
    /// `numberUnavailable`
    pub unavailable: Option<i32>,
    /// `updatedNumberScheduled`
    pub updated: Option<i32>,
    /// `numberMisscheduled`
    pub misscheduled: Option<i32>,
}

/// What must be in the logs of a DaemonSet's pods, read from the start of each container.
#[derive(Debug, Clone, PartialEq)]
pub struct LogsCondition {
    /// The pods.
    pub pods: PodSelection,
    /// The container; the pod's only one where none is given.
    pub container: Option<String>,
    /// What one line must have.
    pub line: Text,
    /// Whether one pod is enough, where otherwise every one must have such a line.
    pub any_pod: bool,
}

/// What [`explain`](crate::explain::explain) must find, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainCondition {
    /// The DaemonSet.
    pub daemon_set: DaemonSetRef,
    /// The causes on each of these nodes, in the order of the diagnosis. Every other node is in order.
    pub findings: BTreeMap<String, Vec<Cause>>,
    /// The causes of the whole, which concern no single node.
    pub overall: Vec<Cause>,
}

/// How a command must end in every selected pod.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecCondition {
    /// The pods.
    pub pods: PodSelection,
    /// The container; the pod's only one where none is given.
    pub container: Option<String>,
    /// Program and arguments. There is no shell but the one that is named here.
    pub command: Vec<String>,
    /// The exit code.
    pub exit_code: i32,
    /// What standard output must have.
    pub stdout: Option<Text>,
    /// What standard error must have.
    pub stderr: Option<Text>,
}

/// Which events there must be. At least one field is given.
#[derive(Debug, Clone, PartialEq)]
pub struct EventsCondition {
    /// Only those about this DaemonSet and its pods.
    pub daemon_set: Option<DaemonSetRef>,
    /// Only those about this node.
    pub node: Option<String>,
    /// Only those about objects of this kind.
    pub kind: Option<String>,
    /// Only those about an object of this name.
    pub name: Option<String>,
    /// The reason, as `FailedCreate`.
    pub reason: Option<String>,
    /// `Normal` or `Warning`.
    pub type_: Option<String>,
    /// What the message must have.
    pub message: Option<Text>,
    /// How many at least, repetitions counted.
    pub count: u32,
}

/// Which objects of a kind there must be, and what is in them.
///
/// With `count` exactly so many objects match. Without it there is at least one object, and each matches.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectCondition {
    /// As `v1` or `apps/v1`.
    pub api_version: String,
    /// As `ConfigMap`.
    pub kind: String,
    /// Only those of this namespace.
    pub namespace: Option<String>,
    /// Only the one of this name.
    pub name: Option<String>,
    /// Only those with these labels.
    pub labels: BTreeMap<String, String>,
    /// What is in them: a part of the object. Mappings may have more keys, lists more items.
    pub matching: Option<serde_json::Value>,
    /// How many match.
    pub count: Option<u32>,
}
