//! `status` and `nodeReady`: figures and conditions that the API states outright.

use super::report::plural;
use super::{Judgement, NodeReport, NodeSelection, Report, StatusCondition};
use crate::world::{World, view};

/// Judges exact status figures.
pub(super) fn status(world: &World, condition: &StatusCondition) -> Judgement {
    let Some(daemon_set) = world.daemon_set(&condition.daemon_set) else {
        return Judgement::not_yet(format!("daemonset `{}` does not exist", condition.daemon_set));
    };
    let status = daemon_set.status.clone().unwrap_or_default();
    let found = [
        status.desired_number_scheduled,
        status.current_number_scheduled,
        status.number_ready,
        status.number_available.unwrap_or(0),
        status.number_unavailable.unwrap_or(0),
        status.updated_number_scheduled.unwrap_or(0),
        status.number_misscheduled,
    ];
    let wanted = condition.figures();
    let wrong: Vec<String> = wanted
        .into_iter()
        .zip(found)
        .filter_map(|((name, wanted), found)| {
            wanted.filter(|wanted| *wanted != found).map(|wanted| (name, wanted, found))
        })
        .map(|(name, wanted, found)| format!("{name} is {found}, not {wanted}"))
        .collect();
    if wrong.is_empty() {
        return Judgement::Done;
    }
    Judgement::not_yet(format!("status of daemonset `{}`: {}", condition.daemon_set, wrong.join(", ")))
}

impl StatusCondition {
    /// The figures by their names in a scenario file.
    pub(super) fn figures(&self) -> [(&'static str, Option<i32>); 7] {
        [
            ("desired", self.desired),
            ("current", self.current),
            ("ready", self.ready),
            ("available", self.available),
            ("unavailable", self.unavailable),
            ("updated", self.updated),
            ("misscheduled", self.misscheduled),
        ]
    }
}

/// Judges the readiness of nodes. A node that does not exist is neither ready nor not, and none at all is no answer.
pub(super) fn node_ready(world: &World, nodes: &NodeSelection, ready: bool) -> Judgement {
    let names: Vec<&String> = match nodes {
        NodeSelection::Names(names) => names.iter().collect(),
        _ => world.nodes.iter().filter(|(name, node)| nodes.has(name, Some(node))).map(|(name, _)| name).collect(),
    };
    if names.is_empty() {
        return Judgement::not_yet("there are no such nodes");
    }
    let mut bad = Vec::new();
    for name in &names {
        match world.nodes.get(*name) {
            None => bad.push(NodeReport::new(*name, "does not exist")),
            Some(node) if view::is_node_ready(node) == ready => {}
            Some(_) if ready => bad.push(NodeReport::new(*name, "not ready")),
            Some(_) => bad.push(NodeReport::new(*name, "ready")),
        }
    }
    if bad.is_empty() {
        return Judgement::Done;
    }
    let verb = plural(bad.len(), "is", "are");
    let text = if ready { "not ready" } else { "not unready" };
    let summary = format!("{} of {} {} {verb} {text}", bad.len(), names.len(), plural(names.len(), "node", "nodes"));
    Judgement::NotYet(Report::new(summary).with_nodes(bad))
}
