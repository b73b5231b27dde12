//! What a container is killed by.

use std::fmt;

/// What a container is killed by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kill {
    /// SIGKILL, as a crash ends it.
    #[default]
    Signal,
    /// The kernel, because the container's memory limit is used up.
    Memory,
}

impl Kill {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Signal, Self::Memory];

    /// The word in a scenario file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
