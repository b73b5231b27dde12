//! Faults that a scenario switches on and off.

use std::fmt;
use std::time::Duration;

/// How pulling an image fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullFault {
    /// There is no such image: 404.
    Absent,
    /// Every answer takes so long.
    Slow(Duration),
    /// Credentials are asked for: 401.
    Unauthorized,
    /// The registry has been asked too often: 429.
    TooManyRequests,
    /// It does not fail.
    None,
}

impl fmt::Display for PullFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Slow(delay) => write!(f, "slow by {}", humantime::format_duration(*delay)),
            Self::Unauthorized => f.write_str("unauthorized"),
            Self::TooManyRequests => f.write_str("too many requests"),
            Self::None => f.write_str("none"),
        }
    }
}

/// What a node has too little of, as its kubelet sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// `DiskPressure`
    Disk,
    /// `MemoryPressure`
    Memory,
    /// `PIDPressure`
    Pid,
}

impl Pressure {
    /// The word in a scenario file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Memory => "memory",
            Self::Pid => "pid",
        }
    }
}

impl fmt::Display for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
