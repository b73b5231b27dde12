//! What can be wrong with pulling an image.

use std::fmt;
use std::time::Duration;

/// What the registry inside the cluster answers when a node asks for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullFault {
    /// The image is not there (404).
    Absent,
    /// The answer comes so much later.
    Slow(Duration),
    /// Credentials are asked for, and nobody has any (401).
    Unauthorized,
    /// Too many requests came already (429).
    TooManyRequests,
    /// Nothing is wrong any more.
    None,
}

/// As the rest of a sentence that begins with pulling an image.
impl fmt::Display for PullFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("is not found"),
            Self::Slow(delay) => write!(f, "is slow by {}", humantime::format_duration(*delay)),
            Self::Unauthorized => f.write_str("is unauthorized"),
            Self::TooManyRequests => f.write_str("is refused as too many requests"),
            Self::None => f.write_str("works"),
        }
    }
}
