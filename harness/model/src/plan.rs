//! What will be done, with nothing left to choose: the scenario with every default filled in.
//! It is printable, and `--dry-run` prints it. It does nothing itself.

use std::fmt;
use std::time::Duration;

use crate::diagnostic::Span;
use crate::invariant::Invariant;
use crate::scenario::{Action, ClusterSpec, ImageUse, NodeVerb, Scenario, Step};

/// The deadline of an expectation without `within`.
pub const EXPECT_WITHIN: Duration = Duration::from_secs(30);
/// The deadline of verbs that make or start a container and wait until its node is ready for use.
pub const NODE_UP_WITHIN: Duration = Duration::from_secs(30);
/// The deadline of verbs that end, freeze or cut off a container.
pub const NODE_DOWN_WITHIN: Duration = Duration::from_secs(15);
/// The deadline of a drain: the default `terminationGracePeriodSeconds` of a pod is 30, and there is eviction before it.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(60);
/// The deadline of verbs that delete DaemonSets and wait until their pods are gone, for the same reason.
pub const DELETE_WITHIN: Duration = Duration::from_secs(60);
/// The deadline of commands, and of sending an image, which may be large.
pub const COMMAND_WITHIN: Duration = Duration::from_secs(60);
/// The deadline of verbs that change many simulated nodes, or that wait for a kubelet to notice.
pub const SCALE_WITHIN: Duration = Duration::from_secs(60);
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
    /// What must hold at every change.
    pub invariants: Vec<Invariant>,
    /// The steps.
    pub steps: Vec<PlannedStep>,
    /// What is looked at when something did not hold.
    pub on_failure: Vec<PlannedStep>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedStep {
    /// The position, from 0; steps inside of others are counted after those.
    pub index: usize,
    /// The step's label, where the scenario gives one.
    pub name: Option<String>,
    /// Where the step is in the scenario's file.
    pub location: Span,
    /// What is done.
    pub action: Action,
    /// How long it may take. For [`Action::Hold`] it is the time the condition must hold; steps that hold others, and
    /// pauses, have none.
    pub deadline: Option<Duration>,
    /// The steps inside of this one, branch by branch.
    pub branches: Vec<Vec<PlannedStep>>,
}

impl PlannedStep {
    /// What the step does, in one line, without its label and deadline.
    #[must_use]
    pub fn summary(&self) -> String {
        self.action.to_string()
    }

    /// This step and those inside of it, in the order of their positions.
    #[must_use]
    pub fn flat(&self) -> Vec<&Self> {
        std::iter::once(self).chain(self.branches.iter().flatten().flat_map(Self::flat)).collect()
    }
}

impl Plan {
    /// Makes the plan of a scenario.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let mut next = 0;
        let steps = planned(&scenario.steps, &mut next);
        let on_failure = planned(&scenario.on_failure, &mut next);
        Self {
            name: scenario.metadata.name.clone(),
            file: scenario.file.clone(),
            description: scenario.metadata.description.clone(),
            cluster: scenario.cluster.clone(),
            images: scenario.images.clone(),
            invariants: scenario.invariants.clone(),
            steps,
            on_failure,
        }
    }

    /// Every step, those inside of others too, in the order of their positions. What is done on failure is not among
    /// them.
    #[must_use]
    pub fn flat(&self) -> Vec<&PlannedStep> {
        self.steps.iter().flat_map(PlannedStep::flat).collect()
    }
}

/// Numbers the steps as they stand in the file.
fn planned(steps: &[Step], next: &mut usize) -> Vec<PlannedStep> {
    let planned = steps.iter().map(|step| {
        let index = *next;
        *next += 1;
        PlannedStep {
            index,
            name: step.name.clone(),
            location: step.location,
            action: step.action.clone(),
            deadline: step.within.or_else(|| default_deadline(&step.action)),
            branches: step.action.branches().into_iter().map(|branch| planned(branch, next)).collect(),
        }
    });
    planned.collect()
}

/// The deadline of a step that names none, if it has one.
#[must_use]
pub fn default_deadline(action: &Action) -> Option<Duration> {
    Some(match action {
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
        Action::Exec(_) | Action::NodeExec(_) | Action::Run { .. } | Action::PushImage { .. } => COMMAND_WITHIN,
        Action::ScaleSimulatedNodes { .. } | Action::Pressure { .. } => SCALE_WITHIN,
        Action::Never { .. } | Action::Parallel { .. } | Action::Pause { .. } => return None,
        Action::Taint { .. }
        | Action::Untaint { .. }
        | Action::Label { .. }
        | Action::Unlabel { .. }
        | Action::Cordon { .. }
        | Action::Uncordon { .. }
        | Action::Apply { .. }
        | Action::Patch { .. }
        | Action::SetImage { .. }
        | Action::RolloutRestart { .. }
        | Action::Rollback { .. }
        | Action::PullFault { .. }
        | Action::DeletePod { .. } => REQUEST_WITHIN,
        Action::KillContainer { .. } => NODE_DOWN_WITHIN,
    })
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
        for group in &self.cluster.simulated {
            writeln!(f, "  {group}")?;
        }
        if !self.images.is_empty() {
            writeln!(f, "images")?;
            for image in &self.images {
                writeln!(f, "  `{}` is `{}`", image.name, image.image)?;
            }
        }
        if !self.invariants.is_empty() {
            writeln!(f, "invariants")?;
            for invariant in &self.invariants {
                writeln!(f, "  {invariant}")?;
            }
        }
        writeln!(f, "steps")?;
        let all = self.steps.iter().chain(&self.on_failure).flat_map(PlannedStep::flat).count();
        let width = all.to_string().len();
        self.steps.iter().try_for_each(|step| write_step(f, step, width, 0))?;
        if !self.on_failure.is_empty() {
            writeln!(f, "on failure")?;
        }
        self.on_failure.iter().try_for_each(|step| write_step(f, step, width, 0))
    }
}

/// A step, and those inside of it further to the right.
fn write_step(f: &mut fmt::Formatter<'_>, step: &PlannedStep, width: usize, depth: usize) -> fmt::Result {
    write!(f, "  {:>width$}. {}", step.index + 1, "   ".repeat(depth))?;
    if let Some(name) = &step.name {
        write!(f, "{name}: ")?;
    }
    write!(f, "{}", step.action)?;
    match (&step.action, step.deadline) {
        (Action::Hold { .. }, _) | (_, None) => writeln!(f)?,
        (_, Some(deadline)) => writeln!(f, " (within {})", humantime::format_duration(deadline))?,
    }
    for branch in &step.branches {
        branch.iter().try_for_each(|step| write_step(f, step, width, depth + 1))?;
    }
    Ok(())
}
