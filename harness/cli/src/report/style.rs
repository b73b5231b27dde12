//! The colours. They are written always and taken out where nobody would see them, by `output`.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

fn in_style(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Something that held.
pub(crate) fn good(text: impl Display) -> String {
    in_style(GOOD, text)
}

/// Something that did not.
pub(crate) fn error(text: impl Display) -> String {
    in_style(BAD, text)
}

/// A name that heads a section.
pub(crate) fn strong(text: impl Display) -> String {
    in_style(STRONG, text)
}

/// What is beside the point.
pub(crate) fn faint(text: impl Display) -> String {
    in_style(FAINT, text)
}

/// Whether text that brings its own colours may have them on standard error.
pub(crate) fn on_stderr() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}
