//! A former scorecard, to compare with.

use std::{fs, path::Path};

use rollcall::model::validate::Scorecard;

use crate::{error::CliError, report::scorecard};

/// Reads what `--report json=FILE` wrote.
pub(super) fn read(path: &Path) -> Result<Scorecard, CliError> {
    let text = fs::read_to_string(path)
        .map_err(|error| CliError::usage(format!("cannot read baseline `{}`: {error}", path.display())))?;
    scorecard::read(&text).map_err(|why| {
        CliError::usage(format!("baseline `{}` {why}", path.display()))
            .hint("`rollcall validate IMAGE --report json=FILE` writes one")
    })
}
