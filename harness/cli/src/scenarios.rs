//! Reading many scenario files at once.

use std::path::PathBuf;

use rollcall::{
    load_file,
    model::{Problems, Scenario},
};

/// Every scenario that is valid, and the problems of every file that is not.
pub(crate) fn load(files: &[PathBuf]) -> (Vec<Scenario>, Vec<Problems>) {
    let mut scenarios = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        match load_file(file) {
            Ok(scenario) => scenarios.push(scenario),
            Err(found) => problems.push(found),
        }
    }
    (scenarios, problems)
}
