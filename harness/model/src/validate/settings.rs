//! What an agent has to reach, and on what.

use std::{collections::BTreeMap, time::Duration};

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
    /// How long what the agent uses is looked at.
    pub measure_for: Duration,
    /// How much of its memory limit it may use, in percent.
    pub memory_percent: u32,
    /// In how much of the time its CPU limit may hold it back, in percent of the periods of the kernel's quota.
    pub throttled_percent: u32,
    /// How much more than in a baseline a measure may be, in percent.
    pub slower_by: u32,
    /// Labels of the workers, for a manifest that selects nodes.
    pub node_labels: BTreeMap<String, String>,
    /// Whether what the manifest asks for is taken away once, to see what the agent can do without.
    pub trials: bool,
    /// Whether nodes of the cluster can be put under pressure.
    pub pressure: bool,
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
            measure_for: Duration::from_secs(5),
            // Beyond that a burst of what is normal ends it.
            memory_percent: 90,
            throttled_percent: 25,
            slower_by: 50,
            node_labels: BTreeMap::new(),
            trials: false,
            pressure: true,
            gates: Vec::new(),
        }
    }
}
