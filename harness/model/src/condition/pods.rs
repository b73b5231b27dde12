//! `pods`: how many of a DaemonSet's pods there are, or what each of them is.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Pod};

use super::report::plural;
use super::{Judgement, NodeReport, NodeSelection, PodSelection, PodsCondition, Report, RevisionWanted, trouble};
use crate::scenario::DaemonSetRef;
use crate::world::{World, view};

impl NodeSelection {
    /// Whether the selection has the node of this name. One that does not exist has no labels.
    pub(crate) fn has(&self, name: &str, node: Option<&Node>) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.iter().any(|known| known == name),
            Self::Labels(wanted) => {
                let empty = BTreeMap::new();
                let labels = node.and_then(|node| node.metadata.labels.as_ref()).unwrap_or(&empty);
                wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
            }
        }
    }
}

/// Judges the condition. A DaemonSet that does not exist has no pods, and none of its pods are left behind unseen:
/// pods that name it as their controller count by its name, for its UID is not known any more.
pub(super) fn judge(world: &World, condition: &PodsCondition) -> Judgement {
    let pods = selected(world, &condition.daemon_set, &condition.nodes);
    let wrong = |pod: &Pod| mismatch(world, pod, condition);
    let matching = pods.iter().filter(|pod| wrong(pod).is_none()).count();
    let wanted = condition.count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let what = format!("{} of daemonset `{}`", condition.describe_pods(matching), condition.daemon_set);
    let summary = match wanted {
        Some(wanted) if matching == wanted => return Judgement::Done,
        Some(wanted) => format!("{matching} {what}, and {wanted} {} expected", plural(wanted, "is", "are")),
        None if pods.is_empty() => format!("there are no pods of daemonset `{}`", condition.daemon_set),
        None if matching == pods.len() => return Judgement::Done,
        None => {
            let others = pods.len() - matching;
            format!(
                "{others} of {} pods of daemonset `{}` {} not as expected",
                pods.len(),
                condition.daemon_set,
                plural(others, "is", "are")
            )
        }
    };
    let report = |pod: &&Pod| {
        let name = view::name_of(&pod.metadata);
        let what = wrong(pod).unwrap_or_else(|| format!("pod `{name}` matches"));
        NodeReport::new(view::node_of(pod).unwrap_or("no node"), what)
    };
    let mut nodes: Vec<NodeReport> = pods.iter().map(report).collect();
    if let (true, NodeSelection::Names(names)) = (pods.is_empty(), &condition.nodes) {
        nodes.extend(names.iter().map(|name| NodeReport::new(name, "no pod")));
    }
    Judgement::NotYet(Report::new(summary).with_nodes(nodes))
}

impl PodSelection {
    /// The pods that are selected.
    #[must_use]
    pub fn of<'a>(&self, world: &'a World) -> Vec<&'a Pod> {
        selected(world, &self.daemon_set, &self.nodes)
    }
}

/// The DaemonSet's pods on some nodes.
fn selected<'a>(world: &'a World, reference: &DaemonSetRef, nodes: &NodeSelection) -> Vec<&'a Pod> {
    let owned: Vec<&Pod> = match world.daemon_set(reference) {
        Some(daemon_set) => world.pods_of(daemon_set).into_iter().map(AsRef::as_ref).collect(),
        None => {
            let pods = world.pods.iter().filter(|((namespace, _), _)| *namespace == reference.namespace);
            let controlled = |pod: &Pod| {
                let owners = pod.metadata.owner_references.iter().flatten();
                owners.into_iter().any(|owner| {
                    owner.controller == Some(true) && owner.kind == "DaemonSet" && owner.name == reference.name
                })
            };
            pods.map(|(_, pod)| pod.as_ref()).filter(|pod| controlled(pod)).collect()
        }
    };
    let on_node = |pod: &&Pod| match view::node_of(pod) {
        Some(name) => nodes.has(name, world.nodes.get(name).map(AsRef::as_ref)),
        None => *nodes == NodeSelection::All,
    };
    owned.into_iter().filter(on_node).collect()
}

/// Why a pod does not match, if it does not.
fn mismatch(world: &World, pod: &Pod, condition: &PodsCondition) -> Option<String> {
    let name = view::name_of(&pod.metadata);
    let phase = view::phase_of(pod);
    if condition.phase.as_deref().is_some_and(|wanted| wanted != phase) {
        return Some(format!("pod `{name}` is in phase `{phase}`"));
    }
    match (condition.terminating, view::is_terminating(pod)) {
        (Some(false), true) => return Some(format!("pod `{name}` is terminating")),
        (Some(true), false) => return Some(format!("pod `{name}` is not terminating")),
        _ => {}
    }
    match (condition.ready, view::is_ready(pod)) {
        (Some(true), false) => return Some(trouble::of(pod)),
        (Some(false), true) => return Some(format!("pod `{name}` is ready")),
        _ => {}
    }
    if let Some(wanted) = condition.image.as_deref() {
        let images = images(pod);
        if !images.contains(&wanted) {
            return Some(format!("pod `{name}` has image `{}`", images.join("`, `")));
        }
    }
    if let Some(wanted) = condition.waiting.as_deref()
        && !trouble::waiting(pod).any(|(reason, _)| reason == wanted)
    {
        return Some(trouble::of(pod));
    }
    if let Some(wanted) = condition.restarts {
        let restarts = view::restart_count(pod);
        if restarts < i64::from(wanted) {
            return Some(format!(
                "pod `{name}` has {restarts} {}",
                plural(usize::from(restarts != 1) + 1, "restart", "restarts")
            ));
        }
    }
    revision_mismatch(world, pod, condition)
}

/// Why a pod is not of the wanted revision, if it is not.
fn revision_mismatch(world: &World, pod: &Pod, condition: &PodsCondition) -> Option<String> {
    let wanted = condition.revision?;
    let name = view::name_of(&pod.metadata);
    let Some(daemon_set) = world.daemon_set(&condition.daemon_set) else {
        return Some(format!("pod `{name}` has no daemonset that says what its revision is"));
    };
    let revisions = world.revisions_of(daemon_set);
    let hash = view::revision_hash(pod).unwrap_or_default();
    let number = revisions.iter().find(|known| view::hash_of_revision(known) == hash).map(|known| known.revision);
    let current = revisions.last().map(|revision| revision.revision);
    let good = match wanted {
        RevisionWanted::Current => number.is_some() && number == current,
        RevisionWanted::Outdated => current.is_some() && number != current,
        RevisionWanted::Number(wanted) => number == Some(wanted),
    };
    let found = number.map_or_else(|| format!("an unknown revision (`{hash}`)"), |number| format!("revision {number}"));
    (!good).then(|| format!("pod `{name}` is of {found}"))
}

fn images(pod: &Pod) -> Vec<&str> {
    let spec = pod.spec.as_ref();
    let init = spec.into_iter().flat_map(|spec| spec.init_containers.iter().flatten());
    let main = spec.into_iter().flat_map(|spec| spec.containers.iter());
    main.chain(init).filter_map(|container| container.image.as_deref()).collect()
}

impl PodsCondition {
    /// `ready pods in phase `Running``, for a sentence that begins with their number.
    pub(super) fn describe_pods(&self, number: usize) -> String {
        let mut text = String::new();
        match self.terminating {
            Some(true) => text.push_str("terminating "),
            Some(false) => text.push_str("not terminating "),
            None => {}
        }
        match self.ready {
            Some(true) => text.push_str("ready "),
            Some(false) => text.push_str("unready "),
            None => {}
        }
        text.push_str(plural(number, "pod", "pods"));
        if let Some(phase) = &self.phase {
            text.push_str(&format!(" in phase `{phase}`"));
        }
        if let Some(image) = &self.image {
            text.push_str(&format!(" with image `{image}`"));
        }
        match self.revision {
            Some(RevisionWanted::Current) => text.push_str(" of the current revision"),
            Some(RevisionWanted::Outdated) => text.push_str(" of an old revision"),
            Some(RevisionWanted::Number(number)) => text.push_str(&format!(" of revision {number}")),
            None => {}
        }
        if let Some(reason) = &self.waiting {
            text.push_str(&format!(" waiting: `{reason}`"));
        }
        if let Some(restarts) = self.restarts {
            text.push_str(&format!(" with {restarts} or more restarts"));
        }
        text
    }
}
