//! What a node can be short of.

use std::fmt;

/// A shortage that a kubelet reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pressure {
    /// Of disk space.
    Disk,
    /// Of memory.
    Memory,
    /// Of process ids.
    Pid,
}

impl Pressure {
    /// Every shortage.
    pub const ALL: [Self; 3] = [Self::Disk, Self::Memory, Self::Pid];

    /// The word in a scenario file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Memory => "memory",
            Self::Pid => "pid",
        }
    }

    /// The type of the node's condition (`core/v1 NodeConditionType`).
    #[must_use]
    pub fn condition(self) -> &'static str {
        match self {
            Self::Disk => "DiskPressure",
            Self::Memory => "MemoryPressure",
            Self::Pid => "PIDPressure",
        }
    }

    /// The key of the taint that a node under this pressure gets, with the effect `NoSchedule`.
    #[must_use]
    pub fn taint_key(self) -> &'static str {
        match self {
            Self::Disk => "node.kubernetes.io/disk-pressure",
            Self::Memory => "node.kubernetes.io/memory-pressure",
            Self::Pid => "node.kubernetes.io/pid-pressure",
        }
    }
}

impl fmt::Display for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
