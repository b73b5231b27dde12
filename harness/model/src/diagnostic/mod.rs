//! What is wrong with a file, all of it at once, and where.
//! It renders text and writes none of it anywhere.

use std::fmt;

mod render;
mod suggest;

pub use suggest::nearest;

/// A place in a file. Lines and columns count from 1 and in characters, as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Which file: 0 is the scenario's own, the others are those it uses, in the order in which they were read.
    #[serde(default, skip_serializing_if = "is_own")]
    pub file: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// How many characters it covers.
    pub len: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_own(file: &usize) -> bool {
    *file == 0
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong: lower case, no full stop, names in backticks.
    pub message: String,
    /// Where, unless it concerns the whole file.
    pub location: Option<Span>,
    /// What to change.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of the whole file.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), location: None, hint: None }
    }

    /// The same problem at a place.
    #[must_use]
    pub fn at(mut self, location: Span) -> Self {
        self.location = Some(location);
        self
    }

    /// The same problem with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A file and its text, from which the lines of messages are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The file's name.
    pub file: String,
    /// The file's text.
    pub text: String,
}

/// Everything that is wrong with a file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file's name.
    pub file: String,
    /// The file's text, from which the lines are shown.
    pub source: String,
    /// The files that this one uses, as [`Span::file`] counts them from 1.
    pub used: Vec<Source>,
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl Problems {
    /// Sorts the problems by place; those of the whole file come first.
    #[must_use]
    pub fn new(file: impl Into<String>, source: impl Into<String>, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.location);
        problems.dedup();
        Self { file: file.into(), source: source.into(), used: Vec::new(), problems }
    }

    /// The same problems with the files that the file uses.
    #[must_use]
    pub fn with_used(mut self, used: Vec<Source>) -> Self {
        self.used = used;
        self
    }

    /// The name and the text of the file that a place is in.
    fn source_of(&self, span: Option<Span>) -> (&str, &str) {
        let used = span.and_then(|span| self.used.get(span.file.checked_sub(1)?));
        used.map_or((&self.file, &self.source), |used| (&used.file, &used.text))
    }

    /// The problems in the look of a compiler, with the line of each.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        render::render(self, color)
    }
}

/// The problems without colours.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}
