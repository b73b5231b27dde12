//! What a person sees of a run. A reporter turns events into text and decides nothing.

mod lines;
pub(crate) mod problems;
mod progress;
pub(crate) mod style;
mod summary;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use lines::PlainReporter;
pub(crate) use progress::Progress;
pub(crate) use rollcall::transcript::table;
pub(crate) use summary::{Ended, Summary};
