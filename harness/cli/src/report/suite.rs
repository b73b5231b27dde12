//! The JSON report: a whole run as programs read it. The format is versioned, and a reader refuses what it does not
//! know. `docs/reports.md` describes it.
//!
//! Every key is always there; what is not known is `null`.

use rollcall::model::{Report, Timestamp, Verdict, event::RollCallRow, explain::Diagnosis};
use serde::{Deserialize, Serialize};

/// A run of several scenarios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SuiteReport {
    /// What this is, so that no other JSON is taken for it.
    pub(crate) kind: Kind,
    /// The version of the format.
    pub(crate) format: Format,
    /// What wrote it.
    pub(crate) tool: Tool,
    /// When the run began.
    pub(crate) started: Timestamp,
    /// How long it took.
    pub(crate) took_ms: u64,
    /// How many scenarios ended how.
    pub(crate) totals: Totals,
    /// The scenarios, in the order in which they were selected.
    pub(crate) scenarios: Vec<ScenarioReport>,
}

/// The one kind of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Written by `rollcall run --report json=FILE`.
    RollcallReport,
}

/// The version of the format: 1. It rises when a key changes in a way that an older reader would misread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
pub(crate) struct Format;

/// The version that this program writes.
const FORMAT: u32 = 1;

impl From<Format> for u32 {
    fn from(Format: Format) -> Self {
        FORMAT
    }
}

impl TryFrom<u32> for Format {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        if number == FORMAT { Ok(Self) } else { Err(format!("this is format {number}, and only {FORMAT} is known")) }
    }
}

/// The program that wrote a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Tool {
    /// `rollcall`.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
}

/// How many scenarios ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Totals {
    /// All of them.
    pub(crate) scenarios: usize,
    /// Every expectation held.
    pub(crate) held: usize,
    /// An expectation did not hold.
    pub(crate) did_not_hold: usize,
    /// The environment could not do it, so nothing is known about the expectations.
    pub(crate) environment: usize,
    /// They were not run.
    pub(crate) skipped: usize,
}

/// One scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScenarioReport {
    /// Its name.
    pub(crate) name: String,
    /// Its file, as the command line led to it.
    pub(crate) file: String,
    /// How it ended.
    pub(crate) verdict: ScenarioVerdict,
    /// Why it was skipped.
    pub(crate) reason: Option<String>,
    /// When it began.
    pub(crate) started: Option<Timestamp>,
    /// How long it took, with the start and the removal of its cluster.
    pub(crate) took_ms: u64,
    /// Its cluster, if it was to have one.
    pub(crate) cluster: Option<ClusterReport>,
    /// The images that its cluster was given.
    pub(crate) images: Vec<ImageReport>,
    /// Every step of it, those that were not reached too.
    pub(crate) steps: Vec<StepReport>,
    /// What went wrong outside of the steps.
    pub(crate) failure: Option<FailureReport>,
    /// Every node with its daemon pods, as last seen.
    pub(crate) roll_call: Vec<RollCallRow>,
    /// How the removal of the cluster went.
    pub(crate) cleanup: Option<CleanupReport>,
    /// The folder with the evidence of a failure.
    pub(crate) evidence: Option<String>,
}

/// How a scenario ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ScenarioVerdict {
    /// Every expectation held.
    Held,
    /// An expectation did not hold.
    DidNotHold,
    /// The environment could not do it. A cluster that is not removed completely is this, too.
    Environment,
    /// It was not run.
    Skipped,
}

impl From<&Verdict> for ScenarioVerdict {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Held => Self::Held,
            Verdict::DidNotHold => Self::DidNotHold,
            Verdict::Environment => Self::Environment,
            Verdict::Skipped { .. } => Self::Skipped,
        }
    }
}

/// The cluster of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ClusterReport {
    /// Its nodes at the start.
    pub(crate) nodes: Vec<String>,
    /// How long it took until every node was ready for use; `null` for one that did not come up.
    pub(crate) took_ms: Option<u64>,
}

/// An image that a cluster was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImageReport {
    /// The name by which manifests ask for it.
    pub(crate) name: String,
    /// What was pushed under that name.
    pub(crate) from: String,
    /// The bytes that were sent.
    pub(crate) bytes: u64,
    /// Whether it was there already.
    pub(crate) skipped: bool,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StepReport {
    /// The position in the plan, from 0.
    pub(crate) index: usize,
    /// The step's own name, if the scenario gives one.
    pub(crate) name: Option<String>,
    /// What it does, in one line.
    pub(crate) summary: String,
    /// How it ended.
    pub(crate) outcome: StepReportOutcome,
    /// How long it took to become true, or to fail.
    pub(crate) took_ms: Option<u64>,
    /// Why it failed.
    pub(crate) message: Option<String>,
    /// The last answer to its condition, with the nodes at fault first.
    pub(crate) report: Option<Report>,
    /// What is so with the DaemonSets that it speaks of, where it did not hold.
    pub(crate) diagnoses: Vec<Diagnosis>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum StepReportOutcome {
    /// It was done, or what it expects held.
    Held,
    /// What it expects did not hold.
    DidNotHold,
    /// The environment could not do it.
    Environment,
    /// It was passed over, and the run went on.
    Skipped,
    /// The run ended before it.
    NotReached,
}

/// What went wrong outside of the steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FailureReport {
    /// The reason, with every cause.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

/// How the removal of a cluster went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CleanupReport {
    /// How it ended.
    pub(crate) outcome: CleanupOutcome,
    /// What is left, and why.
    pub(crate) message: Option<String>,
}

/// How the removal of a cluster ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum CleanupOutcome {
    /// Nothing is left.
    Done,
    /// It was kept on request.
    Kept,
    /// The next scenario has it.
    HandedOn,
    /// Something is left.
    Failed,
}

impl SuiteReport {
    /// The report of a run.
    pub(crate) fn new(started: Timestamp, took_ms: u64, scenarios: Vec<ScenarioReport>) -> Self {
        let mut totals = Totals { scenarios: scenarios.len(), ..Totals::default() };
        for scenario in &scenarios {
            *match scenario.verdict {
                ScenarioVerdict::Held => &mut totals.held,
                ScenarioVerdict::DidNotHold => &mut totals.did_not_hold,
                ScenarioVerdict::Environment => &mut totals.environment,
                ScenarioVerdict::Skipped => &mut totals.skipped,
            } += 1;
        }
        let tool = Tool { name: "rollcall".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
        Self { kind: Kind::RollcallReport, format: Format, tool, started, took_ms, totals, scenarios }
    }

    /// As it is written.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn a_report_has_everything_there_is_to_know() {
        let json = testing::suite().to_json().unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(json);
    }

    #[test]
    fn a_reader_takes_back_what_was_written_and_refuses_what_it_does_not_know() {
        let suite = testing::suite();
        let json = suite.to_json().unwrap();
        assert_eq!(serde_json::from_str::<SuiteReport>(&json).unwrap(), suite);
        for (right, wrong, said) in [
            ("\"format\": 1", "\"format\": 2", "this is format 2, and only 1 is known"),
            ("RollcallReport", "OtherReport", "unknown variant `OtherReport`"),
            ("\"reason\"", "\"reasons\"", "unknown field `reasons`"),
            ("\"outcome\": \"held\"", "\"outcome\": \"fine\"", "unknown variant `fine`"),
        ] {
            assert!(json.contains(right), "the case replaces nothing: {right}");
            let error = serde_json::from_str::<SuiteReport>(&json.replacen(right, wrong, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
