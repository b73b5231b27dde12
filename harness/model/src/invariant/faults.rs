//! The faults that a scenario injects itself, so that their consequences are not taken for breaches.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::oracle::eligible;
use crate::scenario::{Action, DaemonSetRef, DeleteTarget, NodeVerb, ObjectRef, PatchKind};
use crate::world::{Change, Object, World, view};

/// Nodes whose daemon pods a step disturbs on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The nodes.
    pub nodes: BTreeSet<String>,
    /// Only the pods of this DaemonSet.
    pub daemon_set: Option<DaemonSetRef>,
    /// For how long.
    pub lasting: Lasting,
    /// What the step brings to an end: faults of earlier steps.
    pub undoes: &'static [Cause],
    /// Which pods were known to be ready when the step began, and since when: what is known of the pods of a node that
    /// was down is from before, and still says "ready" for some seconds.
    pub known_ready: BTreeMap<String, Timestamp>,
}

/// For how long a fault excuses a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// While the step runs; at its end the watches show what came of it, and a node that has an available pod then
    /// counts again.
    TheStep,
    /// After the step too: a node that is down is so until it is brought back.
    UntilUndone(Cause),
    /// Until a pod there has become ready after the step began.
    UntilReadyAnew,
}

/// Why a node is down until something is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its container was killed.
    Stopped,
    /// Its processes are frozen.
    Paused,
    /// It is cut off the network.
    Cut,
    /// Its kubelet is short of something.
    Pressure,
}

impl Cause {
    const ALL: [Self; 4] = [Self::Stopped, Self::Paused, Self::Cut, Self::Pressure];
}

impl Fault {
    fn on(nodes: impl IntoIterator<Item = String>, lasting: Lasting) -> Self {
        let nodes = nodes.into_iter().collect();
        Self { nodes, daemon_set: None, lasting, undoes: &[], known_ready: BTreeMap::new() }
    }

    /// The fault that a step is, if it is one.
    #[must_use]
    pub fn of(action: &Action, world: &World) -> Option<Self> {
        let while_it_runs = |node: &String| Self::on([node.clone()], Lasting::TheStep);
        match action {
            Action::Node { verb, node } => Some(Self::of_node(*verb, node, world)),
            Action::Pressure { node, on: true, .. } => {
                Some(Self::on([node.clone()], Lasting::UntilUndone(Cause::Pressure)))
            }
            Action::Pressure { node, on: false, .. } => {
                Some(Self { undoes: &[Cause::Pressure], ..while_it_runs(node) })
            }
            Action::Taint { node, .. }
            | Action::Untaint { node, .. }
            | Action::Label { node, .. }
            | Action::Unlabel { node, .. }
            | Action::Cordon { node }
            | Action::Uncordon { node }
            | Action::Drain { node, .. } => Some(while_it_runs(node)),
            Action::DeletePod { daemon_set, node } => {
                Some(Self { daemon_set: Some(daemon_set.clone()), ..while_it_runs(node) })
            }
            Action::KillContainer { daemon_set, node, .. } => {
                let mut fault = Self::on([node.clone()], Lasting::UntilReadyAnew);
                fault.know_ready(world);
                Some(Self { daemon_set: Some(daemon_set.clone()), ..fault })
            }
            Action::Delete { target: DeleteTarget::Object(object), .. } => Self::of_object(object, world),
            Action::Exec(exec) | Action::NodeExec(exec) => {
                let nodes = world.nodes.iter().filter(|(name, node)| exec.pods.nodes.has(name, Some(node)));
                let mut fault = Self::on(nodes.map(|(name, _)| name.clone()), Lasting::TheStep);
                // What is done to a process from outside of it, its kubelet notices when the step is over.
                if matches!(action, Action::NodeExec(_)) {
                    fault.lasting = Lasting::UntilReadyAnew;
                    fault.know_ready(world);
                }
                Some(Self { daemon_set: Some(exec.pods.daemon_set.clone()), ..fault })
            }
            Action::ScaleSimulatedNodes { name, .. } => {
                let prefix = format!("{name}-");
                let nodes = world.nodes.keys().filter(|node| node.starts_with(&prefix)).cloned();
                Some(Self::on(nodes, Lasting::TheStep))
            }
            Action::Apply { manifest } => Self::of_change(&manifest.documents, world),
            Action::Patch { target, kind, patch, .. } => Self::of_patch(target, *kind, patch, world),
            _ => None,
        }
    }

    fn of_node(verb: NodeVerb, node: &str, world: &World) -> Self {
        let (lasting, undoes): (_, &'static [Cause]) = match verb {
            // It has no pods when the step is over, and a node that gets the name later is another one.
            NodeVerb::Remove => (Lasting::TheStep, &Cause::ALL),
            NodeVerb::Stop => (Lasting::UntilUndone(Cause::Stopped), &[]),
            NodeVerb::Pause => (Lasting::UntilUndone(Cause::Paused), &[]),
            NodeVerb::Partition => (Lasting::UntilUndone(Cause::Cut), &[]),
            NodeVerb::Start | NodeVerb::Restart => (Lasting::UntilReadyAnew, &[Cause::Stopped, Cause::Paused]),
            NodeVerb::Resume => (Lasting::UntilReadyAnew, &[Cause::Paused]),
            NodeVerb::Heal => (Lasting::UntilReadyAnew, &[Cause::Cut]),
        };
        let mut fault = Self { undoes, ..Self::on([node.to_owned()], lasting) };
        if lasting == Lasting::UntilReadyAnew {
            fault.know_ready(world);
        }
        fault
    }

    /// Notes which pods of its nodes are known to be ready.
    fn know_ready(&mut self, world: &World) {
        let there = world.pods.values().filter(|pod| view::node_of(pod).is_some_and(|node| self.nodes.contains(node)));
        let ready = there.filter_map(|pod| Some((pod.metadata.uid.clone()?, view::available_after(pod, 0)?)));
        self.known_ready = ready.collect();
    }

    /// A pod or a node that is deleted or patched as an object like any other.
    fn of_object(object: &ObjectRef, world: &World) -> Option<Self> {
        let node = match (object.api_version.as_str(), object.kind.as_str()) {
            ("v1", "Node") => object.name.clone(),
            ("v1", "Pod") => {
                let pod = world.pods.get(&(object.namespace.clone(), object.name.clone()))?;
                view::node_of(pod)?.to_owned()
            }
            _ => return None,
        };
        Some(Self::on([node], Lasting::TheStep))
    }

    fn of_patch(target: &ObjectRef, kind: PatchKind, patch: &Value, world: &World) -> Option<Self> {
        let Some(daemon_set) = target.as_daemon_set() else { return Self::of_object(target, world) };
        let mut changed = serde_json::to_value(world.daemon_set(&daemon_set)?.as_ref()).ok()?;
        match kind {
            PatchKind::Json => {
                let patch: json_patch::Patch = serde_json::from_value(patch.clone()).ok()?;
                // What cannot be patched changes nothing, and the API server says so.
                json_patch::patch(&mut changed, &patch).ok()?;
            }
            // Placement is made of mappings and of lists that a merge replaces; a strategic merge that adds to a list
            // of tolerations excuses fewer or more nodes than it moves, and only while it runs.
            PatchKind::Merge | PatchKind::Strategic => json_patch::merge(&mut changed, patch),
        }
        Self::of_change(&[changed], world)
    }

    /// The nodes on which a changed DaemonSet is eligible and was not, or the other way round.
    fn of_change(documents: &[Value], world: &World) -> Option<Self> {
        let mut nodes = BTreeSet::new();
        for document in documents
            .iter()
            .filter(|document| document["kind"] == "DaemonSet" || document["spec"]["template"].is_object())
        {
            let Ok(changed) = serde_json::from_value::<k8s_openapi::api::apps::v1::DaemonSet>(document.clone()) else {
                continue;
            };
            let name = changed.metadata.name.clone().unwrap_or_default();
            let namespace = changed.metadata.namespace.clone().unwrap_or_else(|| "default".to_owned());
            let Some(now) = world.daemon_set(&DaemonSetRef::new(name).in_namespace(namespace)) else { continue };
            let moved = world.nodes.iter().filter(|(_, node)| {
                let (before, after) = (eligible(node, now), eligible(node, &changed));
                before.should_run != after.should_run || before.should_continue != after.should_continue
            });
            nodes.extend(moved.map(|(name, _)| name.clone()));
        }
        (!nodes.is_empty()).then(|| Self::on(nodes, Lasting::TheStep))
    }
}

/// The resource version of the object that a change brings, where it is a number.
///
/// They can be compared between kinds: they are one counter of the store, and since 1.35 that is documented.
pub(super) fn version(change: &Change) -> Option<u64> {
    let object = match change {
        Change::Set(object) | Change::Delete(object) => object,
        _ => return None,
    };
    let metadata = match object {
        Object::Node(node) => &node.metadata,
        Object::Pod(pod) => &pod.metadata,
        Object::DaemonSet(daemon_set) => &daemon_set.metadata,
        Object::Revision(revision) => &revision.metadata,
        Object::Event(event) => &event.metadata,
    };
    metadata.resource_version.as_deref()?.parse().ok()
}
