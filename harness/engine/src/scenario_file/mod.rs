//! Scenario files: read with the manifests they name, and run.

mod load;
mod run;

pub use load::{is_scenario, load_file};
#[cfg(feature = "harness")]
pub(crate) use run::Recorder;
pub use run::{FailedStep, RunFileError, RunReport, run_file};
