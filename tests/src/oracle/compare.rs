//! What the controller did, beside what the oracle says of the same nodes and DaemonSets.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
};

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::{apps::v1::DaemonSet, core::v1::Node};
use rollcall::model::{Eligibility, Ineligible, eligible, world::view};
use serde::Serialize;

use super::Snapshot;

/// How many differences are told with both objects; the others get a line each.
const IN_FULL: usize = 2;
/// How many are told at all.
const TOLD: usize = 40;

/// How a comparison ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many pairs of a node and a DaemonSet were compared.
    pub pairs: usize,
    /// How many pods there are.
    pub pods: usize,
    /// How many pairs the oracle wants a pod for.
    pub run: usize,
    /// How many it wants none for, and keeps one where one is.
    pub only_continue: usize,
    /// On how many of those a pod was kept.
    pub kept: usize,
    /// How many it wants none for, nor keeps one.
    pub neither: usize,
    /// How many pairs each kind of reason stands against.
    pub reasons: BTreeMap<&'static str, usize>,
    /// What does not agree.
    pub differences: Vec<String>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} differences in {} pairs of a node and a DaemonSet: {} run, {} only continue ({} do), {} neither; \
             {} pods; reasons against: {:?}",
            self.differences.len(),
            self.pairs,
            self.run,
            self.only_continue,
            self.kept,
            self.neither,
            self.pods,
            self.reasons
        )
    }
}

impl Outcome {
    /// The differences as a person reads them.
    #[must_use]
    pub fn told(&self) -> String {
        let mut text = format!("{self}\n");
        for (index, difference) in self.differences.iter().take(TOLD).enumerate() {
            let difference = if index < IN_FULL { difference } else { difference.lines().next().unwrap_or_default() };
            let _ = writeln!(text, "{difference}");
        }
        let more = self.differences.len().saturating_sub(TOLD);
        if more > 0 {
            let _ = writeln!(text, "and {more} more");
        }
        text
    }
}

/// Compares every node with every DaemonSet. `before` is what there was when the nodes were as they are not any more;
/// where there is none, no pod is older than the nodes as they are.
#[must_use]
pub fn compare(now: &Snapshot, before: Option<&Snapshot>) -> Outcome {
    let mut outcome = Outcome { pods: now.pods.len(), ..Outcome::default() };
    let mut known = 0;
    for daemon_set in &now.daemon_sets {
        let pods = now.pods_of(daemon_set);
        let earlier = before.map(|before| before.pods_of(daemon_set)).unwrap_or_default();
        let mut counted = Counted::default();
        for node in &now.nodes {
            let name = view::name_of(&node.metadata);
            let (there, earlier) = (uids(pods.get(name)), uids(earlier.get(name)));
            let eligibility = eligible(node, daemon_set);
            known += there.len();
            outcome.count(&eligibility, &there);
            counted.add(&eligibility, &there);
            if let Some(what) = disagreement(&eligibility, &there, &earlier) {
                outcome.differences.push(difference(node, daemon_set, &eligibility, &what));
            }
        }
        if let Some(what) = counted.disagreement(daemon_set) {
            outcome.differences.push(what);
        }
    }
    if known != now.pods.len() {
        let what = format!("{} pods belong to no DaemonSet and node that there is", now.pods.len() - known);
        outcome.differences.push(what);
    }
    outcome
}

fn uids<'a>(pods: Option<&Vec<&'a Pod>>) -> BTreeSet<&'a str> {
    pods.into_iter().flatten().filter_map(|pod| pod.metadata.uid.as_deref()).collect()
}

impl Outcome {
    fn count(&mut self, eligibility: &Eligibility, there: &BTreeSet<&str>) {
        self.pairs += 1;
        match (eligibility.should_run, eligibility.should_continue) {
            (true, _) => self.run += 1,
            (false, true) => {
                self.only_continue += 1;
                self.kept += usize::from(!there.is_empty());
            }
            (false, false) => self.neither += 1,
        }
        let kinds: BTreeSet<&'static str> = eligibility.reasons.iter().map(kind).collect();
        for kind in kinds {
            *self.reasons.entry(kind).or_default() += 1;
        }
    }
}

fn kind(reason: &Ineligible) -> &'static str {
    match reason {
        Ineligible::NodeNameMismatch { .. } => "nodeName",
        Ineligible::NodeSelector { .. } => "nodeSelector",
        Ineligible::Affinity { .. } => "affinity",
        Ineligible::Taint { .. } => "taint",
        _ => "another",
    }
}

/// What the controller did otherwise than the oracle says.
fn disagreement(eligibility: &Eligibility, there: &BTreeSet<&str>, earlier: &BTreeSet<&str>) -> Option<String> {
    let number = match there.len() {
        1 => "1 pod".to_owned(),
        number => format!("{number} pods"),
    };
    match (eligibility.should_run, eligibility.should_continue) {
        (true, _) if there.len() == 1 => None,
        (true, _) => Some(format!("{number}, and the oracle says that one should run")),
        (false, true) if there == earlier => None,
        (false, true) => Some(format!(
            "{number}, {} before, and the oracle says that what was there should continue and nothing else",
            earlier.len()
        )),
        (false, false) if there.is_empty() => None,
        (false, false) => Some(format!("{number}, and the oracle says that none should run or continue")),
    }
}

/// The first line says what, the others show the objects.
fn difference(node: &Node, daemon_set: &DaemonSet, eligibility: &Eligibility, what: &str) -> String {
    let why = if eligibility.should_run { "nothing is against it".to_owned() } else { eligibility.why_not() };
    let (node_name, name) = (view::name_of(&node.metadata), view::name_of(&daemon_set.metadata));
    let mut node = node.clone();
    node.metadata.managed_fields = None;
    let mut daemon_set = daemon_set.clone();
    daemon_set.metadata.managed_fields = None;
    format!(
        "node `{node_name}`, daemonset `{name}`: the controller has {what} (should_run {}, should_continue {}: {why})\n\
         --- # the node\n{}--- # the daemonset\n{}",
        eligibility.should_run,
        eligibility.should_continue,
        yaml(&node),
        yaml(&daemon_set)
    )
}

fn yaml(object: &impl Serialize) -> String {
    serde_yaml::to_string(object).unwrap_or_else(|error| format!("# not shown: {error}\n"))
}

/// The figures of a DaemonSet's status, counted from the oracle's answers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    desired: usize,
    current: usize,
    misscheduled: usize,
}

impl Counted {
    fn add(&mut self, eligibility: &Eligibility, there: &BTreeSet<&str>) {
        self.desired += usize::from(eligibility.should_run);
        self.current += usize::from(eligibility.should_run && !there.is_empty());
        self.misscheduled += usize::from(!eligibility.should_run && !there.is_empty());
    }

    fn disagreement(&self, daemon_set: &DaemonSet) -> Option<String> {
        let status = daemon_set.status.clone().unwrap_or_default();
        let figure = |value: i32| usize::try_from(value).unwrap_or(usize::MAX);
        let told = Self {
            desired: figure(status.desired_number_scheduled),
            current: figure(status.current_number_scheduled),
            misscheduled: figure(status.number_misscheduled),
        };
        let name = view::name_of(&daemon_set.metadata);
        (told != *self)
            .then(|| format!("daemonset `{name}`: its status says {told:?}, and by the oracle it would be {self:?}"))
    }
}
