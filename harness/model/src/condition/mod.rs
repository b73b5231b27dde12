//! Questions to a [`World`]: done, not yet and why, or never and why.
//! Each is a pure function, judged again at every change; nothing here waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;

use crate::explain::next_moment;
use crate::scenario::DaemonSetRef;
use crate::world::{Fact, Kind, Need, World};

mod cel;
mod converged;
mod display;
mod events;
mod exec;
mod explain;
mod figures;
mod hopeless;
mod logs;
mod objects;
mod partial;
mod pods;
mod report;
mod restarts;
mod spec;
mod text;
pub mod trouble;

pub use cel::Expression;
pub use exec::command_line;
pub use explain::MOST_LOGS;
pub(crate) use report::plural;
pub use report::{NodeReport, Report};
pub use spec::{
    EventsCondition, ExecCondition, ExplainCondition, LogsCondition, NodeSelection, ObjectCondition, PodSelection,
    PodsCondition, RevisionWanted, StatusCondition,
};
pub use text::Text;

/// Something that can be true of a world. The shape grows; match with a wildcard.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// Every eligible node has exactly one pod, ready and available, and there is none where there should not be.
    Converged {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// Whether no eligible node at all is right too.
        allow_none: bool,
    },
    /// `Converged`, and every pod carries the current revision's hash.
    RolledOut {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// Whether no eligible node at all is right too.
        allow_none: bool,
    },
    /// A DaemonSet's pods are as many, or as, said.
    Pods(PodsCondition),
    /// Figures of a DaemonSet's status are as said.
    Status(StatusCondition),
    /// Nodes are ready, or are not.
    NodeReady {
        /// The nodes.
        nodes: NodeSelection,
        /// Whether they must be ready or must not be.
        ready: bool,
    },
    /// A DaemonSet's pods are the same ones as at the end of an earlier step, with the same restart counts.
    NotRestarted {
        /// The DaemonSet.
        daemon_set: DaemonSetRef,
        /// The label of the earlier step.
        since: String,
        /// Only the pods on this node.
        node: Option<String>,
    },
    /// Lines of pods' logs are as said.
    Logs(LogsCondition),
    /// A command ends as said in pods.
    Exec(ExecCondition),
    /// There are events as said.
    Events(EventsCondition),
    /// Objects of any kind are as said.
    Object(ObjectCondition),
    /// A diagnosis finds what is said, and nothing else.
    Explain(ExplainCondition),
    /// An expression over what is watched is true.
    Cel(Expression),
    /// Every one is true.
    All(Vec<Condition>),
    /// At least one is true.
    Any(Vec<Condition>),
    /// It is not true.
    Not(Box<Condition>),
    /// The same, where something else of the scenario may change what by itself would never change. No file says this:
    /// steps that run side by side are read so.
    Patient(Box<Condition>),
}

/// The answer to a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is true.
    Done,
    /// It is not, and may become so.
    NotYet(Report),
    /// It is not, and will not become so by waiting.
    Never(Report),
}

impl Judgement {
    fn not_yet(summary: impl Into<String>) -> Self {
        Self::NotYet(Report::new(summary))
    }

    /// Whether the condition is true.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Why the condition is not true.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Done => None,
            Self::NotYet(report) | Self::Never(report) => Some(report),
        }
    }
}

/// What conditions about the past need: the pods at the end of named steps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// Shared, for a memory is copied at each step that asks it.
    steps: BTreeMap<String, Arc<World>>,
}

impl Memory {
    /// Keeps the world as it was when the step with this label ended.
    pub fn remember(&mut self, step: impl Into<String>, world: &World) {
        self.steps.insert(step.into(), Arc::new(world.clone()));
    }

    /// The world at the end of a step.
    #[must_use]
    pub fn at(&self, step: &str) -> Option<&World> {
        self.steps.get(step).map(AsRef::as_ref)
    }
}

impl Condition {
    /// The key in a scenario file; what no file says has none.
    #[must_use]
    pub fn key(&self) -> Option<&'static str> {
        Some(match self {
            Self::Converged { .. } => "converged",
            Self::RolledOut { .. } => "rolledOut",
            Self::Pods(_) => "pods",
            Self::Status(_) => "status",
            Self::NodeReady { .. } => "nodeReady",
            Self::NotRestarted { .. } => "notRestarted",
            Self::Logs(_) => "logs",
            Self::Exec(_) => "exec",
            Self::Events(_) => "events",
            Self::Object(_) => "object",
            Self::Explain(_) => "explain",
            Self::Cel(_) => "cel",
            Self::All(_) => "all",
            Self::Any(_) => "any",
            Self::Not(_) => "not",
            Self::Patient(_) => return None,
        })
    }

    /// Judges the condition of a world at a moment.
    ///
    /// Before the first listing of every kind has arrived the answer is *not yet*, whatever the condition,
    /// so that nothing absent is taken for gone.
    #[must_use]
    pub fn judge(&self, world: &World, now: Timestamp, memory: &Memory) -> Judgement {
        let missing = world.missing();
        if missing.is_empty() {
            return match self.unanswered(world) {
                Some(why) => Judgement::not_yet(why),
                None => self.judge_synced(world, now, memory),
            };
        }
        let missing: Vec<&str> = missing.into_iter().map(Kind::plural).collect();
        Judgement::not_yet(format!("the first listing of {} has not arrived", missing.join(", ")))
    }

    fn judge_synced(&self, world: &World, now: Timestamp, memory: &Memory) -> Judgement {
        match self {
            Self::Converged { daemon_set, allow_none } => converged::judge(world, now, daemon_set, *allow_none, false),
            Self::RolledOut { daemon_set, allow_none } => converged::judge(world, now, daemon_set, *allow_none, true),
            Self::Pods(condition) => pods::judge(world, condition),
            Self::Status(condition) => figures::status(world, condition),
            Self::NodeReady { nodes, ready } => figures::node_ready(world, nodes, *ready),
            Self::NotRestarted { daemon_set, since, node } => {
                restarts::judge(world, memory, daemon_set, since, node.as_deref())
            }
            Self::Logs(condition) => logs::judge(world, condition),
            Self::Exec(condition) => exec::judge(world, condition),
            Self::Events(condition) => events::judge(world, condition),
            Self::Object(condition) => objects::judge(world, condition),
            Self::Explain(condition) => explain::judge(world, now, condition),
            Self::Cel(expression) => cel::judge(world, expression),
            Self::All(conditions) => all(conditions.iter().map(|condition| condition.judge_synced(world, now, memory))),
            Self::Any(conditions) => any(conditions.iter().map(|condition| condition.judge_synced(world, now, memory))),
            // What is never true is not true, and neither is what is not true yet.
            Self::Not(condition) => match condition.judge_synced(world, now, memory) {
                Judgement::Done => Judgement::not_yet(format!("{condition} holds")),
                Judgement::NotYet(_) | Judgement::Never(_) => Judgement::Done,
            },
            Self::Patient(condition) => match condition.judge_synced(world, now, memory) {
                Judgement::Never(report) => Judgement::NotYet(report),
                other => other,
            },
        }
    }

    /// When time alone may change the answer, with no change of the world: the end of a `minReadySeconds`, or, for a
    /// diagnosis, of a grace period.
    #[must_use]
    pub fn next_check(&self, world: &World, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Converged { daemon_set, .. } | Self::RolledOut { daemon_set, .. } => {
                converged::next_check(world, now, daemon_set)
            }
            Self::Explain(condition) => next_moment(world, std::slice::from_ref(&condition.daemon_set), now),
            Self::All(conditions) | Self::Any(conditions) => {
                conditions.iter().filter_map(|condition| condition.next_check(world, now)).min()
            }
            Self::Not(condition) | Self::Patient(condition) => condition.next_check(world, now),
            _ => None,
        }
    }

    /// The DaemonSets that the condition speaks of.
    #[must_use]
    pub fn daemon_sets(&self) -> Vec<&DaemonSetRef> {
        match self {
            Self::Converged { daemon_set, .. }
            | Self::RolledOut { daemon_set, .. }
            | Self::NotRestarted { daemon_set, .. } => vec![daemon_set],
            Self::Pods(condition) => vec![&condition.daemon_set],
            Self::Status(condition) => vec![&condition.daemon_set],
            Self::Logs(condition) => vec![&condition.pods.daemon_set],
            Self::Exec(condition) => vec![&condition.pods.daemon_set],
            Self::Events(condition) => condition.daemon_set.iter().collect(),
            Self::Explain(condition) => vec![&condition.daemon_set],
            Self::NodeReady { .. } | Self::Object(_) | Self::Cel(_) => Vec::new(),
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().flat_map(Self::daemon_sets).collect(),
            Self::Not(condition) | Self::Patient(condition) => condition.daemon_sets(),
        }
    }

    /// What is not known yet of that which the condition asks for beside what is always watched.
    ///
    /// While anything is, the condition is *not yet*, and so is its `not`: what nobody has looked for is not absent.
    #[must_use]
    pub fn unanswered(&self, world: &World) -> Option<String> {
        let unknown = self.needs().iter().find_map(|need| match world.facts.of(need) {
            Some(Fact::Unknown(why)) => Some(why.clone()),
            Some(_) => None,
            None => Some(match need {
                Need::Objects { kind, .. } => format!("the objects of kind `{kind}` have not been listed yet"),
                Need::Logs(_) => "no log has been read yet".to_owned(),
                Need::Exec(_) => "the command has not been run yet".to_owned(),
                Need::Extras(_) => "what an explanation needs has not been looked at yet".to_owned(),
            }),
        });
        unknown.or_else(|| self.explanations().into_iter().find_map(|condition| explain::unread(world, condition)))
    }

    /// The diagnoses that it asks for.
    fn explanations(&self) -> Vec<&ExplainCondition> {
        match self {
            Self::Explain(condition) => vec![condition],
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().flat_map(Self::explanations).collect(),
            Self::Not(condition) | Self::Patient(condition) => condition.explanations(),
            _ => Vec::new(),
        }
    }

    /// What the engine has to find out for this condition, beside what is always watched.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        match self {
            Self::Logs(condition) => vec![Need::Logs(condition.clone())],
            Self::Exec(condition) => vec![Need::Exec(condition.clone())],
            Self::Object(condition) => vec![condition.need()],
            Self::Explain(condition) => vec![Need::Extras(condition.daemon_set.clone())],
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().flat_map(Self::needs).collect(),
            Self::Not(condition) | Self::Patient(condition) => condition.needs(),
            _ => Vec::new(),
        }
    }
}

/// Done when all are; never when one is never.
fn all(judgements: impl Iterator<Item = Judgement>) -> Judgement {
    let mut reports = Vec::new();
    for judgement in judgements {
        match judgement {
            Judgement::Done => {}
            Judgement::NotYet(report) => reports.push(report),
            // What cannot come true is the answer; what merely waits beside it is noise.
            Judgement::Never(report) => return Judgement::Never(report),
        }
    }
    if reports.is_empty() { Judgement::Done } else { Judgement::NotYet(Report::joined(reports, "; ")) }
}

/// Done when one is; never when all are never.
fn any(judgements: impl Iterator<Item = Judgement>) -> Judgement {
    let (mut reports, mut hope) = (Vec::new(), false);
    for judgement in judgements {
        match judgement {
            Judgement::Done => return Judgement::Done,
            Judgement::NotYet(report) => {
                hope = true;
                reports.push(report);
            }
            Judgement::Never(report) => reports.push(report),
        }
    }
    let report = Report::joined(reports, "; and ");
    if hope { Judgement::NotYet(report) } else { Judgement::Never(report) }
}
