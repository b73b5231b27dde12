//! What a text must have: a part of it, or a match of a regular expression.

use std::fmt;

use regex::Regex;

/// What a text must have.
#[derive(Debug, Clone)]
pub enum Text {
    /// This, as it stands.
    Contains(String),
    /// A match of this expression, in the syntax of the crate `regex`.
    Matches(Regex),
}

impl Text {
    /// Whether a text has it.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Matches(pattern) => pattern.is_match(text),
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Contains(one), Self::Contains(other)) => one == other,
            (Self::Matches(one), Self::Matches(other)) => one.as_str() == other.as_str(),
            _ => false,
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contains(part) => write!(f, "`{part}`"),
            Self::Matches(pattern) => write!(f, "a match of `{pattern}`"),
        }
    }
}
