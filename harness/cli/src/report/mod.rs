//! What a person sees of a run, and what programs read of it. A reporter turns events into text and decides nothing.

pub(crate) mod file;
mod junit;
mod lines;
pub(crate) mod problems;
mod progress;
mod recorder;
pub(crate) mod scorecard;
pub(crate) mod style;
mod suite;
mod summary;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use lines::PlainReporter;
pub(crate) use progress::Progress;
pub(crate) use recorder::ScenarioRecorder;
pub(crate) use rollcall::transcript::table;
pub(crate) use suite::{ScenarioReport, ScenarioVerdict, StepReport, StepReportOutcome, SuiteReport};
pub(crate) use summary::{Ended, Summary};
