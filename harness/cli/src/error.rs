//! What ends a command early, and the one function that prints it.

use std::error::Error as _;

use rollcall::transcript;

use crate::{exit_code::ExitCode, output, report::style};

/// A command that could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    pub(crate) code: ExitCode,
    message: String,
    /// Each says why the one before it happened.
    causes: Vec<String>,
    hint: Option<String>,
}

impl CliError {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: ExitCode::USAGE, message: message.into(), causes: Vec::new(), hint: None }
    }

    pub(crate) fn environment(message: impl Into<String>) -> Self {
        Self { code: ExitCode::ENVIRONMENT, ..Self::usage(message) }
    }

    pub(crate) fn nothing_selected(message: impl Into<String>) -> Self {
        Self { code: ExitCode::NOTHING_SELECTED, ..Self::usage(message) }
    }

    /// The user ended it.
    pub(crate) fn interrupted() -> Self {
        Self::environment("interrupted")
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the error, its causes and what to do about it.
    pub(crate) fn print(&self) {
        output::error(&self.render());
    }

    pub(crate) fn render(&self) -> String {
        error_text(&self.message, &self.causes, self.hint.as_deref())
    }
}

/// The look of every error, with its colours.
pub(crate) fn error_text(message: &str, causes: &[String], hint: Option<&str>) -> String {
    transcript::error_text(style::paint, message, causes, hint)
}

impl From<rollcall::Error> for CliError {
    fn from(error: rollcall::Error) -> Self {
        let message = error.to_string();
        let mut causes: Vec<String> = Vec::new();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            // Some libraries print their cause in their own message as well.
            let last = causes.last().unwrap_or(&message);
            if !last.ends_with(&text) {
                causes.push(text);
            }
            cause = inner.source();
        }
        let code = match &error {
            rollcall::Error::NoneSelected { .. } => ExitCode::NOTHING_SELECTED,
            other => other.kind().into(),
        };
        Self { code, message, causes, hint: error.hint() }
    }
}

#[cfg(test)]
mod tests {
    use rollcall::Error;

    use super::*;
    use crate::report::testing::plain;

    #[test]
    fn an_error_shows_its_causes_and_what_to_do() {
        let source = std::io::Error::other("disk quota exceeded");
        let error = CliError::from(Error::File { action: "write kubeconfig", path: "a.yaml".into(), source });
        assert_eq!(error.code, ExitCode::ENVIRONMENT);
        insta::assert_snapshot!(plain(&error.hint("choose another file").render()), @r"
        error: could not write kubeconfig `a.yaml`
          caused by: disk quota exceeded
          (hint: choose another file)
        ");
    }

    #[test]
    fn where_nothing_is_selected_nothing_is_in_order() {
        let error = CliError::from(Error::NoneSelected { message: "there is no daemonset".into(), hint: None });
        assert_eq!(error.code, ExitCode::NOTHING_SELECTED);
    }

    #[test]
    fn a_request_that_makes_no_sense_is_the_users() {
        let error = CliError::from(Error::Usage { message: "there is no cluster `x`".into(), hint: None });
        assert_eq!(error.code, ExitCode::USAGE);
        insta::assert_snapshot!(plain(&error.render()), @"error: there is no cluster `x`");
    }
}
