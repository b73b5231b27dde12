//! What a diagnosis consists of.

use serde::{Deserialize, Serialize};

use super::Cause;
use crate::scenario::DaemonSetRef;

/// What is so with a DaemonSet, on every node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Diagnosis {
    /// Namespace and name, as `default/log-collector`.
    pub daemon_set: String,
    /// Whether every eligible node has one available pod of the latest revision, there is none elsewhere, and at least
    /// one node is eligible.
    pub in_order: bool,
    /// What concerns no single node.
    pub findings: Vec<Finding>,
    /// Every node, by name.
    pub nodes: Vec<NodeDiagnosis>,
    /// What could not be looked at, and for lack of what.
    pub not_looked_at: Vec<String>,
}

/// What is so on one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeDiagnosis {
    /// The node's name.
    pub node: String,
    /// In one word.
    pub state: NodeState,
    /// The pod that this is about.
    pub pod: Option<String>,
    /// Why it is so, what keeps all else from mattering first. Of a node that is not meant, why not.
    pub findings: Vec<Finding>,
}

/// The state of a node, as a DaemonSet sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NodeState {
    /// One available pod of the latest revision.
    Ok,
    /// It is not eligible, and has no pod.
    NotMeant,
    /// It is not eligible any more, and Kubernetes keeps its pod on purpose.
    Kept,
    /// No pod, and there should be one.
    Missing,
    /// A pod, and there should be none.
    Extra,
    /// A pod that does not work, or one that does not go beside the one that took its place.
    Unhealthy,
    /// What there is to wait for comes by itself.
    Waiting,
    /// A pod that works, of an old revision.
    Outdated,
}

impl NodeState {
    /// The word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotMeant => "not meant",
            Self::Kept => "kept",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Unhealthy => "unhealthy",
            Self::Waiting => "waiting",
            Self::Outdated => "outdated",
        }
    }

    /// Whether the node is not eligible, whatever is there.
    #[must_use]
    pub fn is_elsewhere(self) -> bool {
        matches!(self, Self::NotMeant | Self::Kept | Self::Extra)
    }

    /// Whether nothing is to be done or waited for.
    #[must_use]
    pub fn is_in_order(self) -> bool {
        matches!(self, Self::Ok | Self::NotMeant | Self::Kept)
    }
}

/// One cause with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// What it is.
    pub cause: Cause,
    /// The object that it is about: `node worker-1`, `pod default/agent-x7f2k`.
    pub object: String,
    /// What is so, in one sentence without a full stop.
    pub what: String,
    /// What that rests on.
    pub evidence: Vec<Evidence>,
    /// What to change.
    pub remedy: String,
    /// A command that does it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// How sure it is.
    pub certainty: Certainty,
}

/// What a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evidence {
    /// Where it was seen: a field, an event, a log.
    pub source: String,
    /// What was seen there.
    pub says: String,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Certainty {
    /// What was seen leaves no other explanation.
    Proven,
    /// What was seen fits, and something else might too.
    Likely,
}

impl Certainty {
    /// The word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Likely => "likely",
        }
    }
}

impl Finding {
    pub(super) fn proven(cause: Cause, object: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            cause,
            object: object.into(),
            what: what.into(),
            evidence: Vec::new(),
            remedy: String::new(),
            command: None,
            certainty: Certainty::Proven,
        }
    }

    pub(super) fn likely(cause: Cause, object: impl Into<String>, what: impl Into<String>) -> Self {
        Self { certainty: Certainty::Likely, ..Self::proven(cause, object, what) }
    }

    pub(super) fn seen(mut self, source: impl Into<String>, says: impl AsRef<str>) -> Self {
        let says = says.as_ref().trim().to_owned();
        self.evidence.push(Evidence { source: source.into(), says });
        self
    }

    pub(super) fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedy = text.into();
        self
    }

    pub(super) fn command(mut self, line: impl Into<String>) -> Self {
        self.command = Some(line.into());
        self
    }
}

/// `default/log-collector`.
pub(super) fn full_name(reference: &DaemonSetRef) -> String {
    let (namespace, name) = reference.key();
    format!("{namespace}/{name}")
}
