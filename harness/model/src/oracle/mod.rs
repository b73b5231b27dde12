//! Whether a DaemonSet wants a pod on a node, and if not, why: a port of the controller's own decision.
//!
//! The source is `pkg/controller/daemon/daemon_controller.go`, `NodeShouldRunDaemonPod` and `predicates`, read at 1.36.
//! It knows nothing of resources, ports, node conditions or volumes, because the controller does not either.

use std::fmt;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Node, PodSpec};

use crate::scenario::{Taint, TaintEffect};

mod affinity;
mod tolerations;

pub use tolerations::daemon_tolerations;
pub(crate) use tolerations::tolerates_pod;

/// The controller's decision about one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eligibility {
    /// Whether a pod is created where there is none.
    pub should_run: bool,
    /// Whether a pod that is there is kept.
    pub should_continue: bool,
    /// Every reason against, empty exactly when `should_run`.
    pub reasons: Vec<Ineligible>,
}

impl Eligibility {
    /// The reasons in one line, empty when there are none.
    #[must_use]
    pub fn why_not(&self) -> String {
        let reasons: Vec<String> = self.reasons.iter().map(Ineligible::to_string).collect();
        reasons.join("; ")
    }
}

/// One reason why a node is not eligible.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ineligible {
    /// The template names another node.
    NodeNameMismatch {
        /// The node the template names.
        wanted: String,
    },
    /// A label of the template's `nodeSelector` is absent or has another value.
    NodeSelector {
        /// The label's key.
        key: String,
        /// The value the template wants.
        wanted: String,
        /// The value the node has.
        found: Option<String>,
    },
    /// No term of the required node affinity matches.
    Affinity {
        /// Per term the first requirement that does not match, as text; empty when no term says anything.
        unmatched: Vec<String>,
    },
    /// A taint is not tolerated.
    Taint {
        /// The taint.
        taint: Taint,
    },
}

impl fmt::Display for Ineligible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeNameMismatch { wanted } => write!(f, "the template names node `{wanted}`"),
            Self::NodeSelector { key, wanted, found: Some(found) } => {
                write!(f, "label `{key}` is `{found}`, and `nodeSelector` wants `{wanted}`")
            }
            Self::NodeSelector { key, wanted, found: None } => {
                write!(f, "label `{key}` is missing, and `nodeSelector` wants `{wanted}`")
            }
            Self::Affinity { unmatched } if unmatched.is_empty() => {
                f.write_str("the required node affinity has no term, so it matches no node")
            }
            Self::Affinity { unmatched } => write!(f, "required node affinity: {}", unmatched.join(", nor ")),
            Self::Taint { taint } => write!(f, "taint `{taint}` is not tolerated"),
        }
    }
}

/// Decides whether a DaemonSet wants a pod on a node.
///
/// A node that fails by name, selector or affinity keeps no pod.
/// One that only has taints the pod does not tolerate keeps its pod as long as none of them is `NoExecute`.
/// `PreferNoSchedule` is never considered, and neither are `tolerationSeconds`.
#[must_use]
pub fn eligible(node: &Node, daemon_set: &DaemonSet) -> Eligibility {
    let empty = PodSpec::default();
    let pod = daemon_set.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()).unwrap_or(&empty);
    let mut reasons = Vec::new();
    let name = node.metadata.name.as_deref().unwrap_or_default();
    if let Some(wanted) = pod.node_name.as_deref().filter(|wanted| !wanted.is_empty() && *wanted != name) {
        reasons.push(Ineligible::NodeNameMismatch { wanted: wanted.to_owned() });
    }
    let labels = node.metadata.labels.as_ref();
    for (key, wanted) in pod.node_selector.iter().flatten() {
        let found = labels.and_then(|labels| labels.get(key));
        if found != Some(wanted) {
            reasons.push(Ineligible::NodeSelector { key: key.clone(), wanted: wanted.clone(), found: found.cloned() });
        }
    }
    reasons.extend(affinity::mismatch(pod, node).map(|unmatched| Ineligible::Affinity { unmatched }));
    let placed = reasons.is_empty();
    let mut evicted = false;
    for taint in node.spec.iter().flat_map(|spec| spec.taints.iter().flatten()) {
        let effect = match taint.effect.as_str() {
            "NoSchedule" => TaintEffect::NoSchedule,
            "NoExecute" => TaintEffect::NoExecute,
            _ => continue,
        };
        if tolerations::is_tolerated(pod, taint) {
            continue;
        }
        evicted |= effect == TaintEffect::NoExecute;
        let taint = Taint { key: taint.key.clone(), value: taint.value.clone().unwrap_or_default(), effect };
        reasons.push(Ineligible::Taint { taint });
    }
    Eligibility { should_run: reasons.is_empty(), should_continue: placed && !evicted, reasons }
}
