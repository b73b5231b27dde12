//! What is wrong with scenario files, each problem with its line.

use rollcall::model::Problems;

use super::style;
use crate::output;

/// Prints every problem of every file.
pub(crate) fn print(files: &[Problems]) {
    for problems in files {
        output::error(&problems.render(style::on_stderr()));
    }
}
