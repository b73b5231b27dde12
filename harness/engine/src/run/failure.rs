//! How failures are told: one line first, which stands alone in a list, then the evidence.

use std::time::Duration;

use rollcall_model::{Condition, Report, event::StepOutcome};

use crate::error::{Error, chain, seconds};

/// Something that went wrong, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The reason with every cause below it.
    pub message: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self { message: chain(error), hint: error.hint() }
    }
}

impl Failure {
    pub(super) fn interrupted() -> Self {
        Self { message: INTERRUPTED.into(), hint: None }
    }
}

/// The message of a run that was ended from outside.
const INTERRUPTED: &str = "interrupted";

/// A step that was under way when the run was ended from outside.
pub(super) fn interrupted() -> StepOutcome {
    StepOutcome::Environment { message: INTERRUPTED.into() }
}

/// A verb that could not be done.
pub(super) fn environment(error: &Error) -> StepOutcome {
    let Failure { mut message, hint } = Failure::from(error);
    if let Some(hint) = hint {
        message.push_str(&format!("\n  (hint: {hint})"));
    }
    StepOutcome::Environment { message }
}

/// An expectation that did not become true.
pub(super) fn expectation(condition: &Condition, error: Error) -> StepOutcome {
    match error {
        Error::Timeout { waited, last, .. } => StepOutcome::Failed {
            message: format!("{}: {} after {}", not(condition), reason(&last), seconds(waited)),
            report: Some(last),
        },
        Error::Never { last, .. } => StepOutcome::Failed {
            message: format!("{}: {}, and waiting does not change it", not(condition), reason(&last)),
            report: Some(last),
        },
        error => environment(&error),
    }
}

/// A condition that did not keep holding. `held` is for how long it did.
pub(super) fn hold(condition: &Condition, report: Report, held: Option<Duration>, wanted: Duration) -> StepOutcome {
    let when = match held {
        None => format!("at the start of {}", seconds(wanted)),
        Some(held) => format!("{} into {}", seconds(held), seconds(wanted)),
    };
    StepOutcome::Failed {
        message: format!("did not hold: {condition}: {}, {when}", reason(&report)),
        report: Some(report),
    }
}

fn not(condition: &Condition) -> String {
    match condition {
        Condition::Converged { daemon_set, .. } => format!("daemonset `{daemon_set}` did not converge"),
        Condition::RolledOut { daemon_set, .. } => format!("daemonset `{daemon_set}` did not roll out"),
        condition => format!("did not hold: {condition}"),
    }
}

/// The last reason; a world that never changed gives none.
fn reason(report: &Report) -> &str {
    if report.summary.is_empty() { "no reason was seen" } else { &report.summary }
}

#[cfg(test)]
mod tests {
    use rollcall_model::{DaemonSetRef, NodeReport};

    use super::*;

    fn converged() -> Condition {
        Condition::Converged { daemon_set: DaemonSetRef::new("node-agent"), allow_none: false }
    }

    fn report() -> Report {
        Report {
            summary: "1 of 3 eligible nodes has no ready pod".into(),
            nodes: vec![NodeReport { node: "worker-3".into(), what: "pod `node-agent-x7k2p` is Pending".into() }],
        }
    }

    fn line(outcome: StepOutcome) -> String {
        match outcome {
            StepOutcome::Held => "held".into(),
            StepOutcome::Skipped { reason } => format!("skipped: {reason}"),
            StepOutcome::Failed { message, report } => {
                assert!(report.is_some(), "the evidence is not lost");
                message
            }
            StepOutcome::Environment { message } => format!("environment: {message}"),
        }
    }

    #[test]
    fn a_timeout_is_a_failure_with_the_last_reason_and_the_time() {
        let error = Error::Timeout { what: String::new(), waited: Duration::from_secs(60), last: report() };
        insta::assert_snapshot!(
            line(expectation(&converged(), error)),
            @"daemonset `node-agent` did not converge: 1 of 3 eligible nodes has no ready pod after 60.0s"
        );
    }

    #[test]
    fn what_cannot_come_true_is_told_as_that() {
        let condition = Condition::Not(Box::new(converged()));
        let error = Error::Never { what: String::new(), last: report() };
        insta::assert_snapshot!(
            line(expectation(&condition, error)),
            @"did not hold: not (daemonset `node-agent` converged): 1 of 3 eligible nodes has no ready pod, and waiting does not change it"
        );
    }

    #[test]
    fn a_hold_says_how_long_it_held() {
        let three = Duration::from_secs(3);
        insta::assert_snapshot!(
            line(hold(&converged(), report(), None, three)),
            @"did not hold: daemonset `node-agent` converged: 1 of 3 eligible nodes has no ready pod, at the start of 3.0s"
        );
        insta::assert_snapshot!(
            line(hold(&converged(), report(), Some(Duration::from_millis(1200)), three)),
            @"did not hold: daemonset `node-agent` converged: 1 of 3 eligible nodes has no ready pod, 1.2s into 3.0s"
        );
    }

    #[test]
    fn an_expectation_that_could_not_be_judged_is_the_environments() {
        let error =
            Error::Usage { message: "no node `worker-9`".into(), hint: Some("did you mean `worker-1`?".into()) };
        insta::assert_snapshot!(line(expectation(&converged(), error)), @r"
        environment: no node `worker-9`
          (hint: did you mean `worker-1`?)
        ");
    }

    #[test]
    fn a_verb_that_timed_out_is_the_environments() {
        let error = Error::Timeout { what: "node `w` gone".into(), waited: Duration::from_secs(15), last: report() };
        insta::assert_snapshot!(line(environment(&error)), @r"
        environment: node `w` gone did not come true within 15.0s: 1 of 3 eligible nodes has no ready pod
          `worker-3`: pod `node-agent-x7k2p` is Pending
        ");
    }
}
