//! What a person sees of a run, and what programs read of it. A reporter turns events into text and decides nothing.

pub(crate) mod file;
mod junit;
mod plain;
pub(crate) mod problems;
mod progress;
mod recorder;
pub(crate) mod style;
mod suite;
mod summary;
pub(crate) mod table;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use plain::PlainReporter;
pub(crate) use progress::Progress;
pub(crate) use recorder::ScenarioRecorder;
pub(crate) use suite::{ScenarioReport, SuiteReport};
pub(crate) use summary::{Ended, Summary};

/// A number of bytes as a person reads it.
pub(crate) fn bytes(number: u64) -> String {
    indicatif::BinaryBytes(number).to_string()
}
