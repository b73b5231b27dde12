//! What an agent has to reach, and on what.

use std::time::Duration;

use super::{GateName, Level};

/// What an agent has to reach, and on what. [`Default`] says what is asked where nobody says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Nodes of the cluster, the control plane among them; at least 2.
    pub nodes: u32,
    /// How long a pod may take to become ready on a node that is there, or joins, or is back from a reboot.
    pub ready_within: Duration,
    /// How long an update of all nodes may take.
    pub rollout_within: Duration,
    /// How long the agent is watched for restarts; nothing is watched where it is zero.
    pub soak: Duration,
    /// The largest image that passes, in bytes as it is sent.
    pub largest_image: u64,
    /// The Pod Security level that the manifest may not go beyond.
    pub level: Level,
    /// How much longer than in a baseline a measure may be, in percent.
    pub slower_by: u32,
    /// Only these gates; all where there is none.
    pub gates: Vec<GateName>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            nodes: 3,
            ready_within: Duration::from_secs(60),
            rollout_within: Duration::from_secs(180),
            soak: Duration::ZERO,
            // A node pulls it while its pods wait. The agents in wide use are between 10 and 300 MB.
            largest_image: 500_000_000,
            level: Level::Privileged,
            slower_by: 50,
            gates: Vec::new(),
        }
    }
}
