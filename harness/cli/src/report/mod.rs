//! What a person sees of a run. A reporter turns events into text and decides nothing.

mod plain;
pub(crate) mod problems;
mod progress;
pub(crate) mod style;
mod summary;
pub(crate) mod table;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use plain::PlainReporter;
pub(crate) use progress::Progress;
pub(crate) use summary::{Ended, Summary};

/// A number of bytes as a person reads it.
pub(crate) fn bytes(number: u64) -> String {
    indicatif::BinaryBytes(number).to_string()
}
