//! The one moving line of a terminal: what is going on, for how long, and why it is not done.

use std::{io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

/// The moving line, or nothing where it would only litter a log.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    moves: bool,
    bar: Option<ProgressBar>,
    what: String,
}

impl Progress {
    /// One that shows nothing.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// One that moves if a person watches.
    pub(crate) fn on_terminal() -> Self {
        Self { moves: std::io::stdout().is_terminal() && std::io::stderr().is_terminal(), ..Self::default() }
    }

    /// Something begins.
    pub(crate) fn start(&mut self, what: &str) {
        self.clear();
        if !self.moves {
            return;
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {elapsed:>6} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.what = what.to_owned();
        self.bar = Some(bar);
    }

    /// Why it is not done yet.
    pub(crate) fn reason(&self, reason: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}: {reason}", self.what));
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Writes something above the line.
    pub(crate) fn above(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}
