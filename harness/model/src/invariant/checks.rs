//! One function a rule: what is wrong in this world, if anything is.
//!
//! # What is judged
//! A rule is broken by what happens to pods. A DaemonSet whose budget becomes smaller, or a node that leaves and makes a
//! percentage less, breaks none, though the same pods are too many for it from now on. So the rules with a budget also
//! answer which nodes count against it, and only a node that counts more than before is a breach.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use k8s_openapi::jiff::Timestamp;

use super::Budget;
use super::nodes::Nodes;
use super::scene::Scene;
use crate::condition::{NodeReport, NodeSelection, Report, plural};
use crate::world::view;

/// What counts against a rule, by node, and what it comes to if that is too much.
#[derive(Debug, Default)]
pub(super) struct Finding {
    pub(super) counted: BTreeMap<String, usize>,
    pub(super) wrong: Option<Report>,
}

impl Finding {
    /// What is wrong and was not so, or less so, before.
    pub(super) fn news(self, before: &BTreeMap<String, usize>) -> Option<Report> {
        let more = is_more(&self.counted, before);
        self.wrong.filter(|_| more)
    }
}

/// Whether a node counts that did not before, or more than it did.
pub(super) fn is_more(counted: &BTreeMap<String, usize>, before: &BTreeMap<String, usize>) -> bool {
    counted.iter().any(|(node, number)| before.get(node).is_none_or(|known| number > known))
}

fn names(pods: &[&Pod]) -> String {
    pods.iter().map(|pod| format!("`{}`", view::name_of(&pod.metadata))).collect::<Vec<_>>().join(", ")
}

/// Whether there is anything at all that the rules about pods could find wrong.
pub(super) fn has_pods(scene: &Scene<'_>) -> bool {
    !scene.living().is_empty()
}

pub(super) fn one_pod_per_node(scene: &Scene<'_>) -> Finding {
    let surge = max_surge(&scene.daemon_set, scene.eligible().len()) > 0;
    let mut counted = BTreeMap::new();
    let mut bad = Vec::new();
    for (node, pods) in scene.living() {
        let revisions: BTreeSet<_> = pods.iter().map(|pod| view::revision_hash(pod)).collect();
        // A surge puts a pod of the new revision beside the old one, and nothing beside that.
        if pods.len() > if surge { revisions.len().min(2) } else { 1 } {
            counted.insert((*node).to_owned(), pods.len());
            bad.push(NodeReport::new(*node, format!("{} pods ({})", pods.len(), names(pods))));
        }
    }
    Finding { counted, wrong: told(bad, |number| format!("{number} with more than one pod")) }
}

pub(super) fn max_unavailable(scene: &Scene<'_>, nodes: &Nodes, budget: Option<Budget>) -> Finding {
    let all = scene.eligible().len();
    let budget = budget.map_or_else(|| own_max_unavailable(&scene.daemon_set, all), |budget| budget.of(all));
    let mut down = nodes.down();
    down.retain(|name| scene.eligible().contains(name));
    let counted = down.iter().map(|name| ((*name).to_owned(), 1)).collect();
    let number = down.len();
    let wrong = (number > budget).then(|| {
        let bad = down.into_iter().map(|node| NodeReport::new(node, "had an available pod and has none"));
        let summary =
            format!("{number} of {all} nodes {} unavailable, and {budget} may be", plural(number, "is", "are"));
        Report::new(summary).with_nodes(bad)
    });
    Finding { counted, wrong }
}

pub(super) fn max_surge_kept(scene: &Scene<'_>, budget: Option<Budget>) -> Finding {
    let all = scene.eligible().len();
    let budget = budget.map_or_else(|| max_surge(&scene.daemon_set, all), |budget| budget.of(all));
    let mut counted = BTreeMap::new();
    let mut surging = Vec::new();
    for (node, pods) in scene.living() {
        if surges(pods, view::min_ready_seconds(&scene.daemon_set), scene.now) {
            counted.insert((*node).to_owned(), pods.len());
            surging.push(NodeReport::new(*node, format!("{} pods ({})", pods.len(), names(pods))));
        }
    }
    let number = surging.len();
    let wrong = (number > budget).then(|| {
        let summary = format!("{number} of {all} nodes {}, and {budget} may", plural(number, "surges", "surge"));
        Report::new(summary).with_nodes(surging)
    });
    Finding { counted, wrong }
}

/// Whether a new pod that is not available stands beside an old one that was when the new one was made.
///
/// Once the new pod is available the old one goes in the same sync that lets the next node surge. And beside an old pod
/// that is of no use a new one is made at once, whatever the budget is (`pkg/controller/daemon/update.go`,
/// `rollingUpdate`).
fn surges(pods: &[&Pod], seconds: i32, now: Timestamp) -> bool {
    let revisions: BTreeSet<_> = pods.iter().map(|pod| view::revision_hash(pod)).collect();
    let made = |pod: &Pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
    // The API keeps whole seconds; of two that seem to be of one age the one that is not available is the new one.
    let youngest = pods.iter().max_by_key(|pod| (made(pod), !view::is_available(pod, seconds, now)));
    let Some(new) = youngest.filter(|pod| revisions.len() > 1 && !view::is_available(pod, seconds, now)) else {
        return false;
    };
    let was_available = |old: &&&Pod| match (view::available_after(old, seconds), made(new)) {
        (Some(available), Some(made)) => available.as_second() <= made.as_second(),
        _ => view::is_available(old, seconds, now),
    };
    pods.iter().filter(|old| view::revision_hash(old) != view::revision_hash(new)).any(|old| was_available(&old))
}

/// `tolerated` are pods, by UID, that were on a node before it was among those nodes.
pub(super) fn never_on(scene: &Scene<'_>, nodes: &NodeSelection, tolerated: &mut BTreeSet<String>) -> Option<Report> {
    let mut bad = Vec::new();
    for (&name, pods) in scene.living() {
        let mut pods = pods.clone();
        let node = scene.world.nodes.get(name).map(AsRef::as_ref);
        if nodes.has(name, node) {
            pods.retain(|pod| !tolerated.contains(&uid(pod)));
            if !pods.is_empty() {
                bad.push(NodeReport::new(name, format!("has {}", names(&pods))));
            }
        } else if node.is_some() {
            tolerated.extend(pods.iter().map(|pod| uid(pod)));
        }
    }
    told(bad, |number| format!("{number} with a pod that must have none"))
}

/// `known` is how often each pod had been restarted, by UID.
pub(super) fn no_restarts(scene: &Scene<'_>, nodes: &Nodes, known: &mut BTreeMap<String, i64>) -> Option<Report> {
    let mut bad = Vec::new();
    for pod in scene.world.pods_of(&scene.daemon_set) {
        let node = view::node_of(pod).unwrap_or("no node");
        let restarts = view::restart_count(pod);
        let before = known.insert(uid(pod), restarts).unwrap_or(0);
        if restarts > before && !nodes.is_excused(node) {
            let name = view::name_of(&pod.metadata);
            bad.push(NodeReport::new(node, format!("pod `{name}` had {before} restarts, and has {restarts}")));
        }
    }
    told(bad, |number| format!("{number} with a restarted container"))
}

/// `tolerated` are pods, by UID, that nobody could update because the scenario disturbed their node.
pub(super) fn at_most_two_revisions(
    scene: &Scene<'_>,
    nodes: &Nodes,
    tolerated: &mut BTreeSet<String>,
) -> Option<Report> {
    let mut pods = scene.living().clone();
    for (node, pods) in &mut pods {
        if nodes.is_excused(node) {
            tolerated.extend(pods.iter().map(|pod| uid(pod)));
        }
        pods.retain(|pod| !tolerated.contains(&uid(pod)));
    }
    let revisions: BTreeSet<&str> = pods.values().flatten().filter_map(|pod| view::revision_hash(pod)).collect();
    if revisions.len() <= 2 {
        return None;
    }
    let nodes = pods.iter().flat_map(|(node, pods)| {
        pods.iter().map(|pod| {
            let hash = view::revision_hash(pod).unwrap_or("none");
            NodeReport::new(*node, format!("pod `{}` is of revision `{hash}`", view::name_of(&pod.metadata)))
        })
    });
    Some(Report::new(format!("the pods carry {} revisions", revisions.len())).with_nodes(nodes))
}

pub(super) fn available(nodes: &Nodes, least: u32) -> Option<Report> {
    let up = nodes.up();
    let least = usize::try_from(least).unwrap_or(usize::MAX);
    (up < least).then(|| {
        let down = nodes.down().into_iter().map(|node| NodeReport::new(node, "had an available pod and has none"));
        Report::new(format!("nodes with an available pod: {up}, and at least {least} are demanded")).with_nodes(down)
    })
}

fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}

fn told(bad: Vec<NodeReport>, summary: impl Fn(String) -> String) -> Option<Report> {
    let number = match bad.len() {
        0 => return None,
        1 => "1 node".to_owned(),
        number => format!("{number} nodes"),
    };
    Some(Report::new(summary(number)).with_nodes(bad))
}

/// The DaemonSet's own `maxUnavailable` (`pkg/controller/daemon/util`, `UnavailableCount`): 1 where none is given, and
/// 1 where it comes to 0 without a surge, for nothing could be updated then.
fn own_max_unavailable(daemon_set: &DaemonSet, nodes: usize) -> usize {
    let rolling = daemon_set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref()?.rolling_update.as_ref());
    let given = rolling.and_then(|rolling| rolling.max_unavailable.as_ref());
    let number = given.map_or(1, |given| scaled(given, nodes));
    if number == 0 && max_surge(daemon_set, nodes) == 0 { 1 } else { number }
}

/// The DaemonSet's own `maxSurge`, 0 where none is given.
fn max_surge(daemon_set: &DaemonSet, nodes: usize) -> usize {
    let strategy = daemon_set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    rolling.and_then(|rolling| rolling.max_surge.as_ref()).map_or(0, |given| scaled(given, nodes))
}

fn scaled(given: &IntOrString, nodes: usize) -> usize {
    match given {
        IntOrString::Int(number) => usize::try_from(*number).unwrap_or(0),
        IntOrString::String(text) => {
            let percent = text.trim_end_matches('%').parse().unwrap_or(0);
            Budget::Percent(percent).of(nodes)
        }
    }
}
