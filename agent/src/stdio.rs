//! The one place that prints. A closed output never ends the agent, which the print macros would do.

use std::io::Write;

pub(crate) const OK: u8 = 0;
pub(crate) const FAILED: u8 = 1;
/// Wrong arguments or an unknown fault switch; the number is that of `sysexits.h`.
pub(crate) const USAGE: u8 = 64;

/// One line of the log, or the result of a command.
pub(crate) fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

pub(crate) fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "agent: {message}");
}
