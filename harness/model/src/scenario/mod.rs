//! What a scenario file says: types here, reading in `load`, `decode` and `validate`.
//! A [`Scenario`] that exists is valid; there is no other way to make one than [`Scenario::load`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Span;
use crate::invariant::Invariant;

mod action;
mod decode;
pub mod keys;
mod kill;
mod load;
mod manifest;
pub mod names;
mod pressure;
mod pull_fault;
mod schema;
mod taint;
mod tree;
mod validate;

pub use action::{Action, Cascade, DaemonSetRef, DeleteTarget, NodeVerb, ObjectRef, PatchKind};
pub use kill::Kill;
pub use manifest::Manifest;
pub use pressure::Pressure;
pub use pull_fault::PullFault;
pub use schema::schema;
pub use taint::{Taint, TaintEffect, TaintSyntax, parse_untaint};

/// The `apiVersion` of a scenario file.
pub const API_VERSION: &str = "rollcall.dev/v1";
/// The `kind` of a scenario file.
pub const KIND: &str = "Scenario";
/// The `kind` of a file of steps.
pub const STEPS_KIND: &str = "Steps";
/// The `kind` of a file that says what an agent has to reach.
pub const VALIDATION_KIND: &str = "Validation";

/// A scenario: a cluster, and what is done to it and expected of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scenario {
    /// The file's path, as it was given to [`Scenario::load`].
    pub file: String,
    /// Name and description.
    pub metadata: Metadata,
    /// The cluster at the start.
    pub cluster: ClusterSpec,
    /// Images that take the place of those the manifests name.
    pub images: Vec<ImageUse>,
    /// What must hold at every change.
    pub invariants: Vec<Invariant>,
    /// The steps.
    pub steps: Vec<Step>,
    /// What is looked at when the scenario did not hold, while its cluster still lives.
    pub on_failure: Vec<Step>,
}

/// Name and description of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// A DNS-1123 label.
    pub name: String,
    /// What the scenario shows.
    pub description: Option<String>,
    /// What filters select by.
    pub labels: BTreeMap<String, String>,
}

/// The cluster at the start of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterSpec {
    /// The nodes; counts are expanded.
    pub nodes: Vec<NodeSpec>,
    /// Groups of simulated nodes.
    pub simulated: Vec<SimulatedNodes>,
    /// The Kubernetes minor version, as `1.37`, where the scenario needs a certain one.
    pub kubernetes: Option<String>,
    /// Whether the scenario leaves the cluster as it found it, so that the next one with an equal cluster may have it.
    pub shared: bool,
}

/// What a node is in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It runs the control plane.
    ControlPlane,
    /// It runs workloads.
    #[default]
    Worker,
}

impl Role {
    /// The word in a scenario file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// A DNS-1123 label of at most [`MAX_NODE_NAME`] characters.
    pub name: String,
    /// What it is in the cluster.
    pub role: Role,
    /// Labels it has from the start.
    pub labels: BTreeMap<String, String>,
    /// Taints it has from the start.
    pub taints: Vec<Taint>,
}

/// A group of simulated nodes: objects of the API with a heartbeat and no kubelet, so that thousands cost little.
/// They are named `NAME-1`, `NAME-2` and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedNodes {
    /// What the names begin with: a DNS-1123 label.
    pub name: String,
    /// How many there are.
    pub count: u32,
    /// Labels they have from the start.
    pub labels: BTreeMap<String, String>,
    /// Taints they have from the start.
    pub taints: Vec<Taint>,
    /// Quantities by resource, as `cpu: "4"`; what is not named has a generous default.
    pub allocatable: BTreeMap<String, String>,
    /// What is wrong with the pods there.
    pub fault: Option<SimulatedFault>,
}

/// `500 simulated nodes `sim``, as a plan shows it.
impl fmt::Display for SimulatedNodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} simulated {} `{}`", self.count, if self.count == 1 { "node" } else { "nodes" }, self.name)?;
        let labels = self.labels.iter().map(|(key, value)| format!("label {key}={value}"));
        let taints = self.taints.iter().map(|taint| format!("taint {taint}"));
        let resources = self.allocatable.iter().map(|(key, value)| format!("allocatable {key}={value}"));
        let fault = self.fault.map(|fault| match fault {
            SimulatedFault::NeverReady => "pods never ready".to_owned(),
            SimulatedFault::Slow(delay) => format!("pods ready after {}", humantime::format_duration(delay)),
            SimulatedFault::Crash => "pods crash".to_owned(),
        });
        let extras: Vec<String> = labels.chain(taints).chain(resources).chain(fault).collect();
        if extras.is_empty() { Ok(()) } else { write!(f, " ({})", extras.join(", ")) }
    }
}

/// What is wrong with the pods of a group of simulated nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimulatedFault {
    /// They run and never become ready.
    NeverReady,
    /// They become ready so long after they were scheduled.
    Slow(Duration),
    /// Their containers end again and again.
    Crash,
}

/// The longest name of a node: container names, which carry the cluster's name too, stay below 63 characters.
pub const MAX_NODE_NAME: usize = 40;

/// `worker `worker-3`` with labels and taints, as a plan shows it.
impl fmt::Display for NodeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.role, self.name)?;
        let labels = self.labels.iter().map(|(key, value)| format!("label {key}={value}"));
        let taints = self.taints.iter().map(|taint| format!("taint {taint}"));
        let extras: Vec<String> = labels.chain(taints).collect();
        if extras.is_empty() { Ok(()) } else { write!(f, " ({})", extras.join(", ")) }
    }
}

/// An image that takes the place of one a manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    /// The name in the manifests.
    pub name: String,
    /// The image that is pushed under that name.
    pub image: String,
}

/// One step as the file has it, defaults filled in except for the deadline, which is the plan's.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The step's label, unique in the scenario.
    pub name: Option<String>,
    /// Where the step is in the file.
    pub location: Span,
    /// The deadline, where the file gives one.
    pub within: Option<Duration>,
    /// What the step does.
    pub action: Action,
}
