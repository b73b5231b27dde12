//! The conditions of a scenario file.

use std::time::Duration;

mod explain;
mod probes;

use super::{Decoder, Fields, Mention};
use crate::condition::{Condition, NodeSelection, PodsCondition, RevisionWanted, StatusCondition};
use crate::scenario::tree::{Tree, Value};

/// Every condition.
pub const CONDITIONS: [&str; 15] = [
    "converged",
    "rolledOut",
    "pods",
    "status",
    "nodeReady",
    "notRestarted",
    "logs",
    "exec",
    "events",
    "object",
    "explain",
    "cel",
    "all",
    "any",
    "not",
];

/// The phases of a pod (`core/v1 PodPhase`).
const PHASES: [(&str, &str); 5] = [
    ("Pending", "Pending"),
    ("Running", "Running"),
    ("Succeeded", "Succeeded"),
    ("Failed", "Failed"),
    ("Unknown", "Unknown"),
];

impl Decoder<'_> {
    /// A mapping of one condition and one duration beside it.
    pub(super) fn condition_with(
        &mut self,
        tree: &Tree,
        what: &'static str,
        duration: &str,
    ) -> Option<(Condition, Option<Duration>)> {
        let mut fields = self.mapping(tree, what)?;
        let read = self.optional(&fields, duration, |decoder, tree| decoder.duration(tree, duration, false));
        fields.pairs.retain(|(key, _, _)| *key != duration);
        let condition = self.one_condition(&fields, Some(duration))?;
        Some((condition, read?))
    }

    /// A mapping of one condition and something else beside it.
    pub(super) fn condition_beside<'t>(
        &mut self,
        tree: &'t Tree,
        what: &'static str,
        beside: &str,
    ) -> (Option<Condition>, Option<&'t Tree>) {
        let Some(mut fields) = self.mapping(tree, what) else { return (None, None) };
        let other = fields.get(beside);
        fields.pairs.retain(|(key, _, _)| *key != beside);
        (self.one_condition(&fields, Some(beside)), other)
    }

    /// A mapping of one condition.
    pub(super) fn condition(&mut self, tree: &Tree, what: &'static str) -> Option<Condition> {
        let fields = self.mapping(tree, what)?;
        self.one_condition(&fields, None)
    }

    fn one_condition(&mut self, fields: &Fields<'_>, beside: Option<&str>) -> Option<Condition> {
        let mut good = Vec::new();
        let mut unknown = false;
        for (key, span, value) in &fields.pairs {
            if CONDITIONS.contains(key) {
                good.push((*key, *span, *value));
                continue;
            }
            unknown = true;
            let known: Vec<&str> = CONDITIONS.iter().copied().chain(beside).collect();
            self.unknown(*span, "condition", key, &known);
        }
        if let Some((key, span, _)) = good.get(1) {
            let message = format!("{} takes one condition, and this has `{}` and `{key}`", fields.what, good[0].0);
            self.problem_with_hint(*span, message, "put them into `all`: [{…}, {…}]");
            return None;
        }
        let Some((key, _, tree)) = good.pop() else {
            if !unknown {
                self.problem(fields.span, format!("{} needs a condition, such as `converged`", fields.what));
            }
            return None;
        };
        let condition = self.named_condition(key, tree)?;
        (!unknown).then_some(condition)
    }

    pub(super) fn named_condition(&mut self, key: &str, tree: &Tree) -> Option<Condition> {
        match key {
            "converged" | "rolledOut" => {
                let what = if key == "converged" { "`converged`" } else { "`rolledOut`" };
                let fields = self.fields(tree, what, &["daemonSet", "namespace", "allowNone"])?;
                let allow_none = self.flag(&fields, "allowNone", false);
                let daemon_set = self.daemon_set(&fields)?;
                let allow_none = allow_none?;
                Some(match key {
                    "converged" => Condition::Converged { daemon_set, allow_none },
                    _ => Condition::RolledOut { daemon_set, allow_none },
                })
            }
            "pods" => self.pods(tree),
            "status" => self.status(tree),
            "nodeReady" => {
                let fields = self.fields(tree, "`nodeReady`", &["node", "nodes", "all", "ready"])?;
                let ready = self.flag(&fields, "ready", true);
                let nodes = self.selection(&fields, true)?;
                Some(Condition::NodeReady { nodes, ready: ready? })
            }
            "notRestarted" => {
                let fields = self.fields(tree, "`notRestarted`", &["daemonSet", "namespace", "since", "node"])?;
                let daemon_set = self.daemon_set(&fields);
                let node = self.optional(&fields, "node", |decoder, tree| decoder.node(tree, false));
                let tree = self.require(&fields, "since")?;
                let since = self.string(tree, "`since`")?;
                self.mentions.push(Mention::Since { step: since.clone(), span: tree.span });
                Some(Condition::NotRestarted { daemon_set: daemon_set?, since, node: node? })
            }
            "logs" => self.logs(tree),
            "exec" => super::steps::exec(self, tree, "`exec`").map(Condition::Exec),
            "events" => self.events(tree),
            "object" => self.object(tree),
            "explain" => self.explain(tree),
            "cel" => self.cel(tree),
            "all" => {
                let read = |decoder: &mut Self, tree: &Tree| decoder.condition(tree, "an item of `all`");
                self.full_list(tree, "all", read).map(Condition::All)
            }
            "any" => {
                let read = |decoder: &mut Self, tree: &Tree| decoder.condition(tree, "an item of `any`");
                self.full_list(tree, "any", read).map(Condition::Any)
            }
            "not" => self.condition(tree, "`not`").map(|condition| Condition::Not(Box::new(condition))),
            // Every condition of the list above is handled; a test reads them all.
            _ => None,
        }
    }

    fn pods(&mut self, tree: &Tree) -> Option<Condition> {
        let known = [
            "daemonSet",
            "namespace",
            "node",
            "nodes",
            "nodeSelector",
            "count",
            "phase",
            "ready",
            "image",
            "terminating",
            "revision",
            "waiting",
            "restarts",
        ];
        let fields = self.fields(tree, "`pods`", &known)?;
        let count = self.optional(&fields, "count", |decoder, tree| decoder.number(tree, "`count`", 0, i32::MAX));
        let phase = self.optional(&fields, "phase", |decoder, tree| decoder.word(tree, "phase", &PHASES));
        let ready = self.optional(&fields, "ready", |decoder, tree| decoder.boolean(tree, "`ready`"));
        let image = self.optional(&fields, "image", |decoder, tree| decoder.string(tree, "`image`"));
        let terminating = self.optional(&fields, "terminating", |decoder, tree| decoder.boolean(tree, "`terminating`"));
        let revision = self.optional(&fields, "revision", Self::revision);
        let waiting = self.optional(&fields, "waiting", |decoder, tree| decoder.string(tree, "`waiting`"));
        let restarts =
            self.optional(&fields, "restarts", |decoder, tree| decoder.number(tree, "`restarts`", 0, i32::MAX));
        let nodes = self.selection(&fields, false);
        let daemon_set = self.daemon_set(&fields)?;
        if !known[5..].iter().any(|key| fields.get(key).is_some()) {
            self.incomplete(&fields, "`pods` says nothing about the pods", Some("for instance `count: 1`"));
            return None;
        }
        Some(Condition::Pods(PodsCondition {
            daemon_set,
            nodes: nodes?,
            count: count?.and_then(|count| u32::try_from(count).ok()),
            phase: phase?.map(str::to_owned),
            ready: ready?,
            image: image?,
            terminating: terminating?,
            revision: revision?,
            waiting: waiting?,
            restarts: restarts?.and_then(|restarts| u32::try_from(restarts).ok()),
        }))
    }

    /// `current`, `outdated`, or the number of a revision.
    fn revision(&mut self, tree: &Tree) -> Option<RevisionWanted> {
        match tree.value {
            Value::Integer(_) => {
                self.number(tree, "`revision`", 1, i32::MAX).map(|number| RevisionWanted::Number(number.into()))
            }
            _ => {
                let words = [("current", RevisionWanted::Current), ("outdated", RevisionWanted::Outdated)];
                self.word(tree, "revision", &words)
            }
        }
    }

    fn status(&mut self, tree: &Tree) -> Option<Condition> {
        const FIGURES: [&str; 7] =
            ["desired", "current", "ready", "available", "unavailable", "updated", "misscheduled"];
        let known: Vec<&str> = ["daemonSet", "namespace"].into_iter().chain(FIGURES).collect();
        let fields = self.fields(tree, "`status`", &known)?;
        let read = FIGURES.map(|key| {
            self.optional(&fields, key, |decoder, tree| decoder.number(tree, format!("`{key}`"), 0, i32::MAX))
        });
        let daemon_set = self.daemon_set(&fields)?;
        if !FIGURES.iter().any(|key| fields.get(key).is_some()) {
            self.incomplete(&fields, "`status` names no figure", Some("for instance `desired: 2`"));
            return None;
        }
        let [desired, current, ready, available, unavailable, updated, misscheduled] = read;
        Some(Condition::Status(StatusCondition {
            daemon_set,
            desired: desired?,
            current: current?,
            ready: ready?,
            available: available?,
            unavailable: unavailable?,
            updated: updated?,
            misscheduled: misscheduled?,
        }))
    }

    /// The nodes of a condition: at most one of `node`, `nodes`, `nodeSelector`, `all`.
    pub(super) fn selection(&mut self, fields: &Fields<'_>, needed: bool) -> Option<NodeSelection> {
        let given: Vec<_> = fields
            .pairs
            .iter()
            .filter(|(key, _, _)| matches!(*key, "node" | "nodes" | "nodeSelector" | "all"))
            .collect();
        if let [first, second, ..] = given[..] {
            self.problem(second.1, format!("`{}` and `{}` do not go together", first.0, second.0));
            return None;
        }
        let Some((key, span, tree)) = given.first() else {
            if needed {
                let last = if fields.what == "`neverOn`" { "nodeSelector" } else { "all: true" };
                self.incomplete(fields, format!("{} needs `node`, `nodes` or `{last}`", fields.what), None);
                return None;
            }
            return Some(NodeSelection::All);
        };
        match *key {
            "node" => self.node(tree, false).map(|name| NodeSelection::Names(vec![name])),
            "nodes" => {
                self.full_list(tree, "nodes", |decoder, tree| decoder.node(tree, false)).map(NodeSelection::Names)
            }
            "nodeSelector" => self.labels(tree).map(NodeSelection::Labels),
            _ => match tree.value {
                Value::Bool(true) => Some(NodeSelection::All),
                _ => {
                    self.problem(*span, "`all` is either `true` or left out");
                    None
                }
            },
        }
    }
}
