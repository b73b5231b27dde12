//! What must hold at every change while a stretch of steps runs.
//!
//! A [`Monitor`] is handed each world that the watches make, and the faults that the scenario itself injects; it answers
//! with breaches. It is a pure function of that history, so that a recording can be judged again.

use std::fmt;

use crate::condition::{Condition, NodeSelection};
use crate::diagnostic::Span;
use crate::scenario::DaemonSetRef;

mod checks;
mod faults;
mod history;
mod monitor;
mod nodes;
mod scene;

pub use faults::Fault;
pub use monitor::{Breach, Monitor};

/// Something that must hold at every change.
#[derive(Debug, Clone, PartialEq)]
pub struct Invariant {
    /// Where it is in the scenario's file.
    pub location: Span,
    /// From the end of this step on; from the start where none is given.
    pub from: Option<String>,
    /// Until the end of this step; to the end where none is given.
    pub until: Option<String>,
    /// What must hold.
    pub rule: Rule,
}

/// What an invariant says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// No node has two pods that are neither terminating nor ended; with `maxSurge`, no two of one revision.
    OnePodPerNode {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
    },
    /// No more nodes than the budget are without an available pod, among those that had one.
    MaxUnavailable {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// The DaemonSet's own where none is given.
        budget: Option<Budget>,
    },
    /// No more nodes than the budget have a new pod that is not available yet beside the old one.
    MaxSurge {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// The DaemonSet's own where none is given.
        budget: Option<Budget>,
    },
    /// No pod comes to be on these nodes. One that was there before its node became one of them is not meant.
    NeverOn {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// The nodes.
        nodes: NodeSelection,
    },
    /// No container is restarted.
    NoRestarts {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
    },
    /// The pods carry at most two revisions.
    AtMostTwoRevisions {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
    },
    /// At least so many nodes have an available pod, once they had.
    Available {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// How many.
        least: u32,
    },
    /// Any condition, once it has been true.
    Always(Condition),
}

/// How many nodes: a number, or a part of the nodes that should run a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// So many.
    Nodes(u32),
    /// So many of a hundred, rounded up, as the controller does it.
    Percent(u32),
}

impl Budget {
    /// The number for so many nodes (`k8s.io/apimachinery/pkg/util/intstr`, `GetScaledValueFromIntOrPercent`).
    #[must_use]
    pub fn of(self, nodes: usize) -> usize {
        match self {
            Self::Nodes(number) => usize::try_from(number).unwrap_or(usize::MAX),
            Self::Percent(percent) => {
                usize::try_from(percent).unwrap_or(usize::MAX).saturating_mul(nodes).div_ceil(100)
            }
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(number) => write!(f, "{number}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Rule {
    /// The key in a scenario file; for a condition it is the condition's own.
    #[must_use]
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::OnePodPerNode { .. } => Some("onePodPerNode"),
            Self::MaxUnavailable { .. } => Some("maxUnavailable"),
            Self::MaxSurge { .. } => Some("maxSurge"),
            Self::NeverOn { .. } => Some("neverOn"),
            Self::NoRestarts { .. } => Some("noRestarts"),
            Self::AtMostTwoRevisions { .. } => Some("atMostTwoRevisions"),
            Self::Available { .. } => Some("available"),
            Self::Always(_) => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let budget = |budget: &Option<Budget>| budget.map_or("its own budget".to_owned(), |budget| budget.to_string());
        match self {
            Self::OnePodPerNode { daemon_set } => write!(f, "one pod per node of daemonset `{daemon_set}`"),
            Self::MaxUnavailable { daemon_set, budget: given } => {
                write!(f, "at most {} unavailable of daemonset `{daemon_set}`", budget(given))
            }
            Self::MaxSurge { daemon_set, budget: given } => {
                write!(f, "at most {} surging of daemonset `{daemon_set}`", budget(given))
            }
            Self::NeverOn { daemon_set, nodes } => write!(f, "no pod of daemonset `{daemon_set}` on {nodes}"),
            Self::NoRestarts { daemon_set } => write!(f, "no restarts of daemonset `{daemon_set}`"),
            Self::AtMostTwoRevisions { daemon_set } => write!(f, "at most two revisions of daemonset `{daemon_set}`"),
            Self::Available { daemon_set, least } => {
                write!(f, "at least {least} available of daemonset `{daemon_set}`")
            }
            Self::Always(condition) => write!(f, "{condition}"),
        }
    }
}

/// The rule and the steps it holds for.
impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rule)?;
        if let Some(from) = &self.from {
            write!(f, ", from the end of `{from}`")?;
        }
        if let Some(until) = &self.until {
            write!(f, ", until the end of `{until}`")?;
        }
        Ok(())
    }
}
