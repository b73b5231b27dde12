//! What an agent has to reach: what flags say, then what a file says, then what is usual.

use std::{fs, path::Path};

use rollcall::model::validate::Settings;

use crate::{args::Validate, error::CliError, report::problems};

/// The file that is read where it is there.
const FILE: &str = "rollcall-validate.yaml";

/// Reads the file that flags name, or the one that is there. `None` where it is wrong, which has been told.
pub(super) fn read(flags: &Validate) -> Result<Option<Settings>, CliError> {
    let path = match &flags.config {
        Some(path) => path.as_path(),
        None if Path::new(FILE).exists() => Path::new(FILE),
        None => return Ok(Some(flags.over(Settings::default()))),
    };
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| CliError::usage(format!("cannot read `{name}`: {error}")))?;
    match Settings::load(&name, &text) {
        Ok(file) => Ok(Some(flags.over(file))),
        Err(found) => {
            problems::print(&[found]);
            Ok(None)
        }
    }
}
