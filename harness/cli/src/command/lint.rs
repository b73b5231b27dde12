//! `lint`: every problem of every file.

use std::path::PathBuf;

use crate::{discover, error::CliError, exit_code::ExitCode, output, report::problems, scenarios};

pub(super) fn lint(paths: &[PathBuf]) -> Result<ExitCode, CliError> {
    let files = discover::files(paths)?;
    if files.is_empty() {
        return Err(
            CliError::nothing_selected("no scenario found").hint("a scenario is a `.yaml` file with `kind: Scenario`")
        );
    }
    let (valid, invalid) = scenarios::load(&files);
    problems::print(&invalid);
    output::line(&format!("{} valid, {} invalid", valid.len(), invalid.len()));
    Ok(if invalid.is_empty() { ExitCode::HELD } else { ExitCode::USAGE })
}
