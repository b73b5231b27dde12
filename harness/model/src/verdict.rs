//! How a run ended. It refuses to be a boolean: "the environment broke" is neither success nor a finding.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The outcome of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// Every expectation held.
    Held,
    /// An expectation did not hold. A timeout is this, never success.
    DidNotHold,
    /// The substrate could not do what was asked of it, so nothing is known about the expectations.
    Environment,
    /// The scenario was not run.
    Skipped {
        /// Why not, for the reader of a report.
        reason: String,
    },
}

impl Verdict {
    /// Whether every expectation was checked and held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("held"),
            Self::DidNotHold => f.write_str("did not hold"),
            Self::Environment => f.write_str("environment failure"),
            Self::Skipped { reason } => write!(f, "skipped: {reason}"),
        }
    }
}
