//! The colours. They are written always and taken out where nobody would see them, by `output`.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};
use rollcall::transcript::Tone;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const PENDING: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

fn in_style(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A piece of a transcript.
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    let style = match tone {
        Tone::Good => GOOD,
        Tone::Bad => BAD,
        Tone::Pending => PENDING,
        Tone::Strong => STRONG,
        Tone::Faint => FAINT,
    };
    in_style(style, text)
}

/// Something that did not.
pub(crate) fn error(text: impl Display) -> String {
    in_style(BAD, text)
}

/// What is beside the point.
pub(crate) fn faint(text: impl Display) -> String {
    in_style(FAINT, text)
}

/// Whether text that brings its own colours may have them on standard error.
pub(crate) fn on_stderr() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}
