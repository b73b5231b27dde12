//! What conditions ask beside the kinds that are always watched: other kinds' objects, logs, the ends of commands.
//! The engine finds it out for as long as a condition needs it and hands it in like any other change.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Key;
use crate::condition::{ExecCondition, LogsCondition};
use crate::explain::Extras;
use crate::scenario::DaemonSetRef;

/// What a condition needs to know that the watches of a world do not tell.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Need {
    /// Every object of a kind.
    Objects {
        /// As `v1` or `apps/v1`.
        api_version: String,
        /// As `ConfigMap`.
        kind: String,
    },
    /// The logs of some pods.
    Logs(LogsCondition),
    /// How a command ends in some pods.
    Exec(ExecCondition),
    /// What the diagnosis of a DaemonSet rests on beside what is watched.
    Extras(DaemonSetRef),
}

/// What was found out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// Every object of the kind by namespace and name; the namespace is empty for kinds without.
    Objects(BTreeMap<Key, Arc<Value>>),
    /// What was read of the logs, by the UID of the pod.
    Logs(BTreeMap<String, LogSeen>),
    /// How the command ended last, by the UID of the pod.
    Exec(BTreeMap<String, ExecSeen>),
    /// What was read for a diagnosis. A log that could not be read is there and empty.
    Extras(Extras),
    /// It could not be found out: the reason.
    Unknown(String),
}

/// What was read of one container's log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogSeen {
    /// The first line that has what is looked for.
    pub matched: Option<String>,
    /// How many lines were read.
    pub lines: u64,
    /// The last line that was read.
    pub last: Option<String>,
}

/// How a command ended in one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecSeen {
    /// It ran to its end.
    Ended {
        /// Its exit code.
        exit_code: i32,
        /// What it wrote to standard output, cut at some length.
        stdout: String,
        /// What it wrote to standard error, cut at some length.
        stderr: String,
    },
    /// It could not be run: the reason.
    Refused(String),
}

/// Everything that was found out, by what it was asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    known: Vec<(Need, Arc<Fact>)>,
}

impl Facts {
    /// What is known of a need.
    #[must_use]
    pub fn of(&self, need: &Need) -> Option<&Fact> {
        self.known.iter().find(|(known, _)| known == need).map(|(_, fact)| fact.as_ref())
    }

    pub(super) fn learn(&mut self, need: Need, fact: Fact) {
        match self.known.iter_mut().find(|(known, _)| *known == need) {
            Some((_, known)) => *known = Arc::new(fact),
            None => self.known.push((need, Arc::new(fact))),
        }
    }

    pub(super) fn forget(&mut self, need: &Need) {
        self.known.retain(|(known, _)| known != need);
    }
}
