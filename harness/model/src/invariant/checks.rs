//! One function a rule: what is wrong in this world, if anything is.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use k8s_openapi::jiff::Timestamp;

use super::Budget;
use super::nodes::Nodes;
use crate::condition::{NodeReport, NodeSelection, Report};
use crate::oracle::eligible;
use crate::world::{World, view};

/// The pods that are neither terminating nor ended, by node.
fn living<'a>(world: &'a World, daemon_set: &DaemonSet) -> BTreeMap<&'a str, Vec<&'a Pod>> {
    let mut pods: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
    for pod in world.pods_of(daemon_set) {
        let over = matches!(view::phase_of(pod), "Failed" | "Succeeded");
        if let Some(node) = view::node_of(pod).filter(|_| !over && !view::is_terminating(pod)) {
            pods.entry(node).or_default().push(pod);
        }
    }
    pods
}

fn names(pods: &[&Pod]) -> String {
    pods.iter().map(|pod| format!("`{}`", view::name_of(&pod.metadata))).collect::<Vec<_>>().join(", ")
}

pub(super) fn one_pod_per_node(world: &World, daemon_set: &DaemonSet) -> Option<Report> {
    let surge = max_surge(daemon_set, eligible_nodes(world, daemon_set)) > 0;
    let bad: Vec<NodeReport> = living(world, daemon_set)
        .into_iter()
        .filter(|(_, pods)| {
            let revisions: BTreeSet<_> = pods.iter().map(|pod| view::revision_hash(pod)).collect();
            // A surge puts a pod of the new revision beside the old one, and nothing beside that.
            pods.len() > if surge { revisions.len().min(2) } else { 1 }
        })
        .map(|(node, pods)| NodeReport::new(node, format!("{} pods ({})", pods.len(), names(&pods))))
        .collect();
    told(bad, |number| format!("{number} with more than one pod"))
}

pub(super) fn max_unavailable(
    world: &World,
    daemon_set: &DaemonSet,
    nodes: &Nodes,
    budget: Option<Budget>,
) -> Option<Report> {
    let all = eligible_nodes(world, daemon_set);
    let budget = budget.map_or_else(|| own_max_unavailable(daemon_set, all), |budget| budget.of(all));
    let down = nodes.down();
    if down.len() <= budget {
        return None;
    }
    let number = down.len();
    let bad = down.into_iter().map(|node| NodeReport::new(node, "had an available pod and has none"));
    Some(Report::new(format!("{number} of {all} nodes are unavailable, and {budget} may be")).with_nodes(bad))
}

pub(super) fn max_surge_kept(
    world: &World,
    daemon_set: &DaemonSet,
    now: Timestamp,
    budget: Option<Budget>,
) -> Option<Report> {
    let all = eligible_nodes(world, daemon_set);
    let budget = budget.map_or_else(|| max_surge(daemon_set, all), |budget| budget.of(all));
    let seconds = view::min_ready_seconds(daemon_set);
    let surging: Vec<NodeReport> = living(world, daemon_set)
        .into_iter()
        .filter(|(_, pods)| {
            let revisions: BTreeSet<_> = pods.iter().map(|pod| view::revision_hash(pod)).collect();
            let youngest = pods.iter().max_by_key(|pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0));
            // Once the new pod is available the old one goes in the same sync that lets the next node surge.
            revisions.len() > 1 && youngest.is_some_and(|pod| !view::is_available(pod, seconds, now))
        })
        .map(|(node, pods)| NodeReport::new(node, format!("{} pods ({})", pods.len(), names(&pods))))
        .collect();
    if surging.len() <= budget {
        return None;
    }
    Some(Report::new(format!("{} of {all} nodes surge, and {budget} may", surging.len())).with_nodes(surging))
}

pub(super) fn never_on(world: &World, daemon_set: &DaemonSet, nodes: &NodeSelection) -> Option<Report> {
    let bad: Vec<NodeReport> = living(world, daemon_set)
        .into_iter()
        .filter(|(name, _)| nodes.has(name, world.nodes.get(*name).map(AsRef::as_ref)))
        .map(|(node, pods)| NodeReport::new(node, format!("has {}", names(&pods))))
        .collect();
    told(bad, |number| format!("{number} with a pod that must have none"))
}

/// `known` is how often each pod had been restarted, by UID.
pub(super) fn no_restarts(
    world: &World,
    daemon_set: &DaemonSet,
    nodes: &Nodes,
    known: &mut BTreeMap<String, i64>,
) -> Option<Report> {
    let mut bad = Vec::new();
    for pod in world.pods_of(daemon_set) {
        let node = view::node_of(pod).unwrap_or("no node");
        let restarts = view::restart_count(pod);
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        let before = known.insert(uid, restarts).unwrap_or(0);
        if restarts > before && !nodes.is_excused(node) {
            let name = view::name_of(&pod.metadata);
            bad.push(NodeReport::new(node, format!("pod `{name}` had {before} restarts, and has {restarts}")));
        }
    }
    told(bad, |number| format!("{number} with a restarted container"))
}

pub(super) fn at_most_two_revisions(world: &World, daemon_set: &DaemonSet) -> Option<Report> {
    let pods = living(world, daemon_set);
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

fn told(bad: Vec<NodeReport>, summary: impl Fn(String) -> String) -> Option<Report> {
    let number = match bad.len() {
        0 => return None,
        1 => "1 node".to_owned(),
        number => format!("{number} nodes"),
    };
    Some(Report::new(summary(number)).with_nodes(bad))
}

fn eligible_nodes(world: &World, daemon_set: &DaemonSet) -> usize {
    world.nodes.values().filter(|node| eligible(node, daemon_set).should_run).count()
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
