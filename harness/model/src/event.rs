//! What the engine says while it runs. Reporters render these, and the recording is the same stream on disk.
//!
//! The format is versioned by [`FORMAT`]: a reader refuses a recording of a later format, and ignores nothing silently.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::condition::Report;
use crate::explain::Diagnosis;
use crate::scenario::Role;
use crate::verdict::Verdict;

/// The version of the event format. It rises when an event changes in a way an older reader would misread.
pub const FORMAT: u32 = 1;

/// An [`Event`] with the moment it was emitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stamped {
    /// The wall clock time.
    pub at: Timestamp,
    /// Milliseconds since the run started, of a clock that never goes back.
    pub elapsed_ms: u64,
    /// What happened.
    pub event: Event,
}

/// Something that happened during a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Event {
    /// The first event of a run.
    RunStarted {
        /// The version of the format, [`FORMAT`].
        format: u32,
        /// The scenario's name.
        scenario: String,
        /// The scenario's file, as it was named on the command line.
        file: String,
        /// One line a step, those inside of others too.
        steps: Vec<String>,
        /// One line an invariant.
        invariants: Vec<String>,
    },
    /// The containers are being made.
    ClusterStarting {
        /// The names of the nodes that are containers.
        nodes: Vec<String>,
        /// How many simulated nodes there are beside them.
        #[serde(default)]
        simulated: usize,
    },
    /// Every node is ready for use.
    ClusterStarted {
        /// The names of the nodes that are containers.
        nodes: Vec<String>,
        /// How many simulated nodes there are beside them.
        #[serde(default)]
        simulated: usize,
        /// How long it took.
        took_ms: u64,
    },
    /// The run is a guest on a cluster that was there before.
    ClusterAttached {
        /// The context of the kubeconfig.
        context: String,
        /// The namespace that the run has to itself.
        namespace: String,
        /// The names of the nodes.
        nodes: Vec<String>,
        /// How long it took to get there.
        took_ms: u64,
    },
    /// The scenario gets the cluster of the one before it, which left it as it found it.
    ClusterReused {
        /// The cluster's name.
        name: String,
        /// The names of the nodes.
        nodes: Vec<String>,
    },
    /// An image was made available to the cluster.
    ImagePushed {
        /// The name under which manifests find it.
        name: String,
        /// The image that was pushed under that name.
        from: String,
        /// The bytes that were sent.
        bytes: u64,
        /// Whether it was there already, so that nothing was sent.
        skipped: bool,
    },
    /// A step begins.
    StepStarted {
        /// The position in the plan, from 0.
        index: usize,
        /// The step's label, if the scenario gives one.
        name: Option<String>,
        /// What the step does, in one line.
        summary: String,
        /// How many steps it is inside of.
        depth: usize,
    },
    /// What a command of a step wrote.
    StepOutput {
        /// The position in the plan, from 0.
        index: usize,
        /// What it wrote, cut at some length.
        text: String,
    },
    /// An invariant did not hold.
    InvariantBreached {
        /// The invariant, in one line.
        invariant: String,
        /// When it did not hold.
        at: Timestamp,
        /// Why, with the nodes at fault.
        report: Report,
    },
    /// Watches were interrupted and their kinds listed afresh: there may have been states that nobody saw.
    WatchGap {
        /// The kinds, in the plural.
        kinds: Vec<String>,
    },
    /// A waiting step's reason for waiting changed.
    StepProgress {
        /// The position in the plan, from 0.
        index: usize,
        /// Why not yet.
        report: Report,
    },
    /// A step ended.
    StepFinished {
        /// The position in the plan, from 0.
        index: usize,
        /// How it ended.
        outcome: StepOutcome,
        /// How long it took to become true.
        took_ms: u64,
    },
    /// What is so with a DaemonSet that a step expected something else of.
    Diagnosed {
        /// The position in the plan of the step that has just ended, from 0.
        index: usize,
        /// What was found.
        diagnosis: Diagnosis,
    },
    /// The state of every node's daemon pods.
    RollCall {
        /// One row a node.
        rows: Vec<RollCallRow>,
    },
    /// What is known of a failed run was written down, while its cluster was still there.
    EvidenceCollected {
        /// The folder.
        path: String,
    },
    /// The last event of a run.
    RunFinished {
        /// The outcome.
        verdict: Verdict,
        /// How long the run took.
        took_ms: u64,
        /// How the removal of the cluster went.
        cleanup: Cleanup,
    },
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum StepOutcome {
    /// It was done, or what it expects held.
    Held,
    /// What it expects did not hold.
    Failed {
        /// The reason in one line.
        message: String,
        /// The last answer, with the nodes at fault.
        report: Option<Report>,
    },
    /// It was not done, or not to its end, and nothing is known of it.
    Skipped {
        /// Why not.
        reason: String,
    },
    /// The substrate could not do it.
    Environment {
        /// The reason, with every cause below it.
        message: String,
    },
}

/// How the removal of a cluster went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Cleanup {
    /// Nothing is left.
    Done,
    /// The cluster was kept because it was asked for.
    Kept,
    /// The cluster is as it was found and waits for the next scenario.
    HandedOn,
    /// Something is left. It is reported beside the first failure, never instead of it.
    Failed {
        /// What could not be removed, and why.
        message: String,
    },
}

/// One node in a roll call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollCallRow {
    /// The node's name.
    pub node: String,
    /// What the node is in the cluster.
    pub role: Role,
    /// Whether the node's `Ready` condition is `True`.
    pub ready: bool,
    /// The daemon pods there.
    pub pods: Vec<RollCallPod>,
}

/// One pod in a roll call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollCallPod {
    /// The pod's name.
    pub name: String,
    /// The revision number, when the pod's hash is that of a known revision.
    pub revision: Option<i64>,
    /// Whether the pod's `Ready` condition is `True`.
    pub ready: bool,
}
