//! Running one scenario file, with a result that a test can return or match.

use std::{collections::BTreeMap, fmt, path::Path};

use rollcall_model::{Event, Plan, Problems, Report, Stamped, Verdict, event::StepOutcome};

use super::load_file;
use crate::{
    error::Error,
    gate::{Clusters, Needs},
    run::{RunOptions, RunResult, run},
    transcript::Transcript,
};

/// Why a scenario file did not hold, or was not run.
///
/// ```no_run
/// # async fn example() {
/// use rollcall::RunFileError;
///
/// match rollcall::run_file("scenarios/node-joins.yaml").await {
///     Ok(report) => println!("held in {:?}", report.result.took),
///     Err(RunFileError::Invalid(problems)) => eprintln!("{problems}"),
///     Err(RunFileError::DidNotHold(report)) => eprintln!("{:?}\n{report}", report.step),
///     Err(RunFileError::Environment(report)) => eprintln!("nothing is known of the agent\n{report}"),
///     Err(RunFileError::Skipped { reason, .. }) => eprintln!("skipped: {reason}"),
///     Err(error) => eprintln!("{error}"),
/// }
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunFileError {
    /// The file is no valid scenario.
    #[error(transparent)]
    Invalid(Problems),
    /// An expectation did not hold, or the scenario did not leave its cluster as it promised.
    #[error("{0}")]
    DidNotHold(Box<RunReport>),
    /// The machine, the engine or the cluster could not do what was asked, so nothing is known of the expectations.
    #[error("{0}")]
    Environment(Box<RunReport>),
    /// The scenario was not run: there is no engine or no image, or clusters are switched off.
    #[error("`{file}` was not run: {reason}")]
    Skipped {
        /// The scenario's file.
        file: String,
        /// What is missing.
        reason: String,
    },
    /// Whether it can run could not be found out.
    #[error("`{file}` was not run")]
    Refused {
        /// The scenario's file.
        file: String,
        /// Why not.
        #[source]
        source: Box<Error>,
    },
}

/// A run with everything that was seen of it. Displayed, it is the lines that `rollcall run --plain` prints.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunReport {
    /// The scenario's name.
    pub scenario: String,
    /// The step at which it ended, unless all were done.
    pub step: Option<FailedStep>,
    /// Verdict, times, and what went wrong outside of the steps.
    pub result: RunResult,
    /// Every line of the run, the evidence of a failure included.
    pub transcript: String,
}

/// The lines alone.
impl fmt::Display for RunReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.transcript.trim_end())
    }
}

/// The step at which a run ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FailedStep {
    /// The position in the plan, from 0.
    pub index: usize,
    /// The step's label, where the scenario gives one.
    pub name: Option<String>,
    /// What the step does, in one line.
    pub summary: String,
    /// What went wrong.
    pub message: String,
    /// The last answer, with the nodes at fault, where an expectation did not hold.
    pub report: Option<Report>,
}

/// Reads a scenario file, makes its cluster, does its steps, and removes the cluster.
///
/// Where there is no engine or no image the scenario is skipped, unless `ROLLCALL_CLUSTERS` is `required`: see
/// [`Clusters`].
///
/// # Errors
/// Unless everything that the scenario expects was checked and held.
///
/// ```no_run
/// #[tokio::test]
/// async fn the_agent_follows_the_nodes() -> Result<(), rollcall::RunFileError> {
///     rollcall::run_file("scenarios/node-joins.yaml").await?;
///     Ok(())
/// }
/// ```
pub async fn run_file(file: impl AsRef<Path>) -> Result<RunReport, RunFileError> {
    let plan = Plan::new(&load_file(file).map_err(RunFileError::Invalid)?);
    let file = plan.file.clone();
    let closed = match Clusters::from_env() {
        // The run itself says what is missing.
        Ok(Clusters::Required) => Ok(None),
        Ok(clusters) => clusters.closed(&Needs::of(&plan)).await,
        Err(error) => Err(error),
    };
    match closed {
        Ok(None) => {}
        Ok(Some(reason)) => return Err(RunFileError::Skipped { file, reason }),
        Err(source) => return Err(RunFileError::Refused { file, source: Box::new(source) }),
    }
    let mut recorder = Recorder::default();
    let result = run(&plan, &RunOptions::with_evidence(), &mut |stamped| recorder.event(&stamped)).await;
    recorder.finish(&plan, result).into_result()
}

impl RunReport {
    /// What is left behind is in the way of later runs, so a scenario that left it did not succeed.
    pub(crate) fn into_result(self) -> Result<Self, RunFileError> {
        match self.result.verdict_with_cleanup() {
            Verdict::Held => Ok(self),
            Verdict::DidNotHold => Err(RunFileError::DidNotHold(Box::new(self))),
            Verdict::Environment => Err(RunFileError::Environment(Box::new(self))),
            Verdict::Skipped { reason } => Err(RunFileError::Skipped { file: self.scenario, reason }),
        }
    }
}

/// Gathers the events of a run into its report.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    transcript: Transcript,
    text: String,
    /// Label and summary of the steps that began, by position.
    begun: BTreeMap<usize, (Option<String>, String)>,
    /// The first that failed: those it is inside of fail with it.
    step: Option<FailedStep>,
}

impl Recorder {
    pub(crate) fn event(&mut self, stamped: &Stamped) {
        self.text.push_str(&self.transcript.event(stamped));
        match &stamped.event {
            Event::StepStarted { index, name, summary, .. } => {
                self.begun.insert(*index, (name.clone(), summary.clone()));
            }
            Event::StepFinished { index, outcome, .. } => {
                let (message, report) = match outcome {
                    StepOutcome::Held | StepOutcome::Skipped { .. } => return,
                    StepOutcome::Failed { message, report } => (message.clone(), report.clone()),
                    StepOutcome::Environment { message } => (message.clone(), None),
                };
                let (name, summary) = self.begun.get(index).cloned().unwrap_or_default();
                self.step.get_or_insert(FailedStep { index: *index, name, summary, message, report });
            }
            _ => {}
        }
    }

    pub(crate) fn finish(mut self, plan: &Plan, result: RunResult) -> RunReport {
        self.text.push_str(&self.transcript.finish(result.failure.as_ref()));
        if let Some(folder) = &result.evidence {
            self.text.push_str(&format!("{}\n", folder.display()));
        }
        RunReport { scenario: plan.name.clone(), step: self.step, result, transcript: self.text }
    }
}
