//! How a process of `rollcall` ends, as scripts and CI see it. These numbers are part of the interface.

use rollcall::{ErrorKind, model::Verdict};

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExitCode(pub(crate) u8);

impl ExitCode {
    /// Every expectation held, or what was asked for was done.
    pub(crate) const HELD: Self = Self(0);
    /// A bug in rollcall.
    pub(crate) const BUG: Self = Self(1);
    /// The command line or a scenario is invalid. The parser of the command line exits with the same number.
    pub(crate) const USAGE: Self = Self(2);
    /// Docker, the machine or the cluster could not do what was asked, so nothing is known about the expectations.
    /// An interrupted run is this too.
    pub(crate) const ENVIRONMENT: Self = Self(3);
    /// No scenario or DaemonSet was found, or none is left by the filter.
    pub(crate) const NOTHING_SELECTED: Self = Self(4);
    /// An expectation did not hold.
    pub(crate) const DID_NOT_HOLD: Self = Self(5);
    /// A scenario that was asked for was skipped.
    pub(crate) const SKIPPED: Self = Self(6);

    /// The one to end with where several things ended differently: what says least about the expectations comes
    /// first, so that a red run is never taken for a verdict on the agent when it is none.
    pub(crate) fn worst(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    fn rank(self) -> u8 {
        match self {
            Self::HELD => 0,
            Self::SKIPPED => 1,
            Self::DID_NOT_HOLD => 2,
            Self::ENVIRONMENT => 3,
            Self::NOTHING_SELECTED => 4,
            Self::USAGE => 5,
            _ => 6,
        }
    }
}

impl From<&Verdict> for ExitCode {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Held => Self::HELD,
            Verdict::DidNotHold => Self::DID_NOT_HOLD,
            Verdict::Environment => Self::ENVIRONMENT,
            Verdict::Skipped { .. } => Self::SKIPPED,
        }
    }
}

impl From<ErrorKind> for ExitCode {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Usage => Self::USAGE,
            ErrorKind::Environment => Self::ENVIRONMENT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_that_are_documented() {
        let all = [
            ExitCode::HELD,
            ExitCode::BUG,
            ExitCode::USAGE,
            ExitCode::ENVIRONMENT,
            ExitCode::NOTHING_SELECTED,
            ExitCode::DID_NOT_HOLD,
            ExitCode::SKIPPED,
        ];
        assert_eq!(all.map(|code| code.0), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn each_verdict_has_its_own_code() {
        let code = |verdict: Verdict| ExitCode::from(&verdict);
        assert_eq!(code(Verdict::Held), ExitCode::HELD);
        assert_eq!(code(Verdict::DidNotHold), ExitCode::DID_NOT_HOLD);
        assert_eq!(code(Verdict::Environment), ExitCode::ENVIRONMENT);
        assert_eq!(code(Verdict::Skipped { reason: String::new() }), ExitCode::SKIPPED);
    }

    #[test]
    fn errors_are_the_users_or_the_environments() {
        assert_eq!(ExitCode::from(ErrorKind::Usage), ExitCode::USAGE);
        assert_eq!(ExitCode::from(ErrorKind::Environment), ExitCode::ENVIRONMENT);
    }

    #[test]
    fn the_worst_of_several_is_the_one_that_says_least_of_the_agent() {
        let order = [ExitCode::HELD, ExitCode::SKIPPED, ExitCode::DID_NOT_HOLD, ExitCode::ENVIRONMENT, ExitCode::BUG];
        for (index, better) in order.iter().enumerate() {
            for worse in &order[index..] {
                assert_eq!(better.worst(*worse), *worse);
                assert_eq!(worse.worst(*better), *worse);
            }
        }
    }
}
