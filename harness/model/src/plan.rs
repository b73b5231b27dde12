//! What will be done, with nothing left to choose: the scenario with every default filled in.
//! It is printable, and `--dry-run` prints it. It does nothing itself.

use std::fmt;
use std::time::Duration;

use crate::diagnostic::Span;
use crate::scenario::{Action, ClusterSpec, ImageUse, NodeVerb, Scenario};

/// The deadline of an expectation without `within`.
pub const EXPECT_WITHIN: Duration = Duration::from_secs(30);
/// The deadline of verbs that make or start a container and wait until its node is ready for use.
pub const NODE_UP_WITHIN: Duration = Duration::from_secs(30);
/// The deadline of verbs that end, freeze or cut off a container.
pub const NODE_DOWN_WITHIN: Duration = Duration::from_secs(15);
/// The deadline of a drain: the default `terminationGracePeriodSeconds` of a pod is 30, and there is eviction before it.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(60);
/// The deadline of verbs that delete objects and wait until they are gone, for the same reason.
pub const DELETE_WITHIN: Duration = Duration::from_secs(60);
/// The deadline of verbs that are a request or two to the API server.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(10);

/// A scenario that is ready to be run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The scenario's name.
    pub name: String,
    /// The scenario's file.
    pub file: String,
    /// What the scenario shows.
    pub description: Option<String>,
    /// The cluster at the start.
    pub cluster: ClusterSpec,
    /// Images that take the place of those the manifests name.
    pub images: Vec<ImageUse>,
    /// The steps.
    pub steps: Vec<PlannedStep>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedStep {
    /// The position, from 0.
    pub index: usize,
    /// The step's label, where the scenario gives one.
    pub name: Option<String>,
    /// Where the step is in the scenario's file.
    pub location: Span,
    /// What is done.
    pub action: Action,
    /// How long it may take. For [`Action::Hold`] it is the time the condition must hold.
    pub deadline: Duration,
}

impl PlannedStep {
    /// What the step does, in one line, without its label and deadline.
    #[must_use]
    pub fn summary(&self) -> String {
        self.action.to_string()
    }
}

impl Plan {
    /// Makes the plan of a scenario.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let steps = scenario.steps.iter().enumerate().map(|(index, step)| PlannedStep {
            index,
            name: step.name.clone(),
            location: step.location,
            action: step.action.clone(),
            deadline: step.within.unwrap_or_else(|| default_deadline(&step.action)),
        });
        Self {
            name: scenario.metadata.name.clone(),
            file: scenario.file.clone(),
            description: scenario.metadata.description.clone(),
            cluster: scenario.cluster.clone(),
            images: scenario.images.clone(),
            steps: steps.collect(),
        }
    }
}

/// The deadline of a step that names none.
#[must_use]
pub fn default_deadline(action: &Action) -> Duration {
    match action {
        Action::Expect { .. } => EXPECT_WITHIN,
        Action::Hold { duration, .. } => *duration,
        Action::AddNodes { .. } => NODE_UP_WITHIN,
        Action::Node { verb: NodeVerb::Start | NodeVerb::Restart | NodeVerb::Resume | NodeVerb::Heal, .. } => {
            NODE_UP_WITHIN
        }
        Action::Node { verb: NodeVerb::Remove | NodeVerb::Stop | NodeVerb::Pause | NodeVerb::Partition, .. } => {
            NODE_DOWN_WITHIN
        }
        Action::Drain { .. } => DRAIN_WITHIN,
        Action::Delete { .. } => DELETE_WITHIN,
        Action::Taint { .. }
        | Action::Untaint { .. }
        | Action::Label { .. }
        | Action::Unlabel { .. }
        | Action::Cordon { .. }
        | Action::Uncordon { .. }
        | Action::Apply { .. }
        | Action::SetImage { .. }
        | Action::DeletePod { .. } => REQUEST_WITHIN,
    }
}

/// The plan as `--dry-run` prints it.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "scenario {}", self.name)?;
        if let Some(description) = &self.description {
            writeln!(f, "  {}", description.trim())?;
        }
        let version = self.cluster.kubernetes.as_deref().map(|version| format!(", Kubernetes {version}"));
        let shared = if self.cluster.shared { ", shared" } else { "" };
        writeln!(f, "cluster{}{shared}", version.unwrap_or_default())?;
        for node in &self.cluster.nodes {
            writeln!(f, "  {node}")?;
        }
        if !self.images.is_empty() {
            writeln!(f, "images")?;
            for image in &self.images {
                writeln!(f, "  `{}` is `{}`", image.name, image.image)?;
            }
        }
        writeln!(f, "steps")?;
        let width = self.steps.len().to_string().len();
        for step in &self.steps {
            write!(f, "  {:>width$}. ", step.index + 1)?;
            if let Some(name) = &step.name {
                write!(f, "{name}: ")?;
            }
            write!(f, "{}", step.action)?;
            match step.action {
                Action::Hold { .. } => writeln!(f)?,
                _ => writeln!(f, " (within {})", humantime::format_duration(step.deadline))?,
            }
        }
        Ok(())
    }
}
