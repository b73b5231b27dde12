//! Whether an agent image may be released: gates, each of them a scenario of the ordinary language or a judgement on
//! what is known without a cluster.
//!
//! Nothing here runs anything: [`gates`] says what is to be run and [`Scorecard`] what came of it.

mod baseline;
mod candidate;
mod facts;
mod gate;
mod html;
mod image;
mod measure;
mod privilege;
mod scenarios;
mod scorecard;
mod settings;
#[cfg(test)]
mod tests;

pub use candidate::{Candidate, CandidateError, minimal_daemon_set};
pub use facts::ImageFacts;
pub use gate::{Gate, GateName, Trial, UnknownGate, Work, gates};
pub use image::repository;
pub use measure::{Measure, Unit};
pub use privilege::{Level, Privileges};
pub use scorecard::{GateResult, Outcome, Scorecard};
pub use settings::Settings;
