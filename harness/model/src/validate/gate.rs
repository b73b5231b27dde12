//! The gates: which there are, and what each of them is for a candidate.

use std::{fmt, str::FromStr};

use super::{Candidate, ImageFacts, Privileges, Settings, image, scenarios};
use crate::diagnostic::nearest;

/// The name of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GateName {
    /// What the image says of itself.
    Image,
    /// What the manifest asks for.
    Privilege,
    /// Every node that is meant gets a pod that becomes ready in time.
    ComesUp,
    /// So does the control plane.
    ControlPlane,
    /// So does a node that joins later.
    NodeJoins,
    /// After a reboot of its node the agent is back.
    NodeReboots,
    /// A container that crashes is back in time.
    Crash,
    /// SIGTERM ends it within its grace period.
    Stops,
    /// An update from the former image.
    Upgrade,
    /// An update to the former image.
    Rollback,
    /// An update that starts the new pod first.
    Surge,
    /// What it mounts read-only cannot be written.
    Mounts,
    /// What it uses is within its limits.
    Resources,
    /// It is back after its memory limit was used up.
    MemoryLimit,
    /// Pressure on its node does not disturb it.
    NodePressure,
    /// No restarts for a while.
    Soak,
    /// What it could do without.
    LeastPrivilege,
}

impl GateName {
    /// All of them, in the order in which they are run.
    pub const ALL: [Self; 17] = [
        Self::Image,
        Self::Privilege,
        Self::ComesUp,
        Self::ControlPlane,
        Self::Mounts,
        Self::Resources,
        Self::Crash,
        Self::MemoryLimit,
        Self::Stops,
        Self::Upgrade,
        Self::Rollback,
        Self::Surge,
        Self::NodeJoins,
        Self::NodeReboots,
        Self::NodePressure,
        Self::Soak,
        Self::LeastPrivilege,
    ];

    /// The name, as it is typed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Privilege => "privilege",
            Self::ComesUp => "comes-up",
            Self::ControlPlane => "control-plane",
            Self::NodeJoins => "node-joins",
            Self::NodeReboots => "node-reboots",
            Self::Crash => "crash",
            Self::Stops => "stops",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Surge => "surge",
            Self::Mounts => "mounts",
            Self::Resources => "resources",
            Self::MemoryLimit => "memory-limit",
            Self::NodePressure => "node-pressure",
            Self::Soak => "soak",
            Self::LeastPrivilege => "least-privilege",
        }
    }

    /// What has to be so.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::Image => "the image can be started, is of a size that nodes can pull, and says which version it is",
            Self::Privilege => "the manifest asks for no more than the level that is allowed",
            Self::ComesUp => "every node that is meant gets one pod, which becomes ready in time and is not restarted",
            Self::ControlPlane => "the control plane gets its pod as well, where the manifest tolerates its taint",
            Self::NodeJoins => "a node that joins later gets a pod that becomes ready in time",
            Self::NodeReboots => "after a reboot of its node the agent is ready again in time",
            Self::Crash => "after a crash of its container the agent is ready again in time, in the same pod",
            Self::Stops => "SIGTERM ends it within its grace period",
            Self::Upgrade => "an update from the former image keeps to its budget and restarts nothing",
            Self::Rollback => "so does a rollback to the former image",
            Self::Surge => {
                "with maxSurge the old pod serves until the new one does, and both bear each other on one node"
            }
            Self::Mounts => "what it says it only reads of the node it cannot write",
            Self::Resources => "what it uses keeps away from its limits",
            Self::MemoryLimit => "after its memory limit was used up it is ready again in time, in the same pod",
            Self::NodePressure => "it goes on while its node runs short of memory, or of disk where it is critical",
            Self::LeastPrivilege => "what it could do without is known",
            Self::Soak => "nothing restarts, and every pod stays ready, for as long as was asked for",
        }
    }

    /// What to do about a failure, where that is always the same.
    #[must_use]
    pub fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Stops => Some(
                "end on SIGTERM: as process 1 a program has no handler unless it sets one, and a shell in front of it hands \
                 no signal on (`exec`, or a small init, does); or give it a longer `terminationGracePeriodSeconds`",
            ),
            Self::Mounts => Some("see to the manifest: another mount, or one in it, lies over what was meant"),
            Self::Resources => Some("raise its limits, or see to what it does with them"),
            Self::Surge => {
                Some("let two versions bear each other on one node: no fixed ports, sockets, locks or files")
            }
            _ => None,
        }
    }
}

impl fmt::Display for GateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A gate that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no gate `{given}`{}: they are {}", near(.given), all())]
pub struct UnknownGate {
    given: String,
}

fn near(given: &str) -> String {
    let near = nearest(given, GateName::ALL.into_iter().map(GateName::as_str));
    near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
}

fn all() -> String {
    GateName::ALL.map(GateName::as_str).join(", ")
}

impl FromStr for GateName {
    type Err = UnknownGate;

    fn from_str(text: &str) -> Result<Self, UnknownGate> {
        Self::ALL.into_iter().find(|gate| gate.as_str() == text).ok_or_else(|| UnknownGate { given: text.to_owned() })
    }
}

/// A gate for a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Its name.
    pub name: GateName,
    /// How it is tried.
    pub work: Work,
}

/// How a gate is tried.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Work {
    /// By a scenario, as it would stand in a file.
    Run(String),
    /// By a scenario for each thing that may not be needed. What comes of it is told, and no failure.
    Trials(Vec<Trial>),
    /// It is known without a cluster: what is wrong, and what one should know all the same.
    Known {
        /// What keeps the image from passing.
        wrong: Vec<String>,
        /// What does not.
        notes: Vec<String>,
    },
    /// It does not apply, or cannot be tried.
    Skipped {
        /// Why.
        reason: String,
    },
}

/// Something that is taken away once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// What.
    pub without: String,
    /// The scenario in which it is not there.
    pub text: String,
}

/// Every gate for a candidate, in the order in which they are run.
#[must_use]
pub fn gates(candidate: &Candidate, facts: &ImageFacts, settings: &Settings) -> Vec<Gate> {
    let work = |name| match name {
        GateName::Image => {
            let (wrong, notes) = image::judge(candidate, facts, settings);
            Work::Known { wrong, notes }
        }
        GateName::Privilege => privilege(candidate, settings),
        _ => scenarios::work(name, candidate, facts, settings),
    };
    GateName::ALL.into_iter().map(|name| Gate { name, work: work(name) }).collect()
}

fn privilege(candidate: &Candidate, settings: &Settings) -> Work {
    let found = Privileges::of(candidate.pod_spec());
    let level = found.level();
    let wrong = found.beyond(settings.level).into_iter();
    let wrong = wrong.map(|what| format!("{what} is beyond level {}", settings.level)).collect();
    let mut notes = vec![format!("Pod Security level {level}")];
    if settings.level == super::Level::Privileged {
        notes.extend(found.beyond_baseline.iter().map(|what| format!("{what} is beyond level baseline")));
    }
    Work::Known { wrong, notes }
}
