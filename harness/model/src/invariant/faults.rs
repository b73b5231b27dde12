//! The faults that a scenario injects itself, so that their consequences are not taken for breaches.

use std::collections::BTreeSet;

use crate::oracle::eligible;
use crate::scenario::{Action, DaemonSetRef, NodeVerb};
use crate::world::{Change, Object, World};

/// Nodes whose daemon pods a step disturbs on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The nodes.
    pub nodes: BTreeSet<String>,
    /// Only the pods of this DaemonSet.
    pub daemon_set: Option<DaemonSetRef>,
    /// For how long.
    pub lasting: Lasting,
}

/// For how long a fault excuses a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// While the step runs; at its end the watches show what came of it, and a node that has an available pod then
    /// counts again.
    TheStep,
    /// After the step too: a node that is down is so until it is brought back.
    UntilUndone,
    /// Until a pod there has become ready after the step began. What is known of the pods of a node that was down is
    /// from before, and still says "ready" for some seconds.
    UntilReadyAnew,
}

impl Fault {
    /// The fault that a step is, if it is one.
    #[must_use]
    pub fn of(action: &Action, world: &World) -> Option<Self> {
        let node = |node: &String, lasting| Self { nodes: BTreeSet::from([node.clone()]), daemon_set: None, lasting };
        match action {
            Action::Node { verb, node: name } => Some(match verb {
                // It has no pods when the step is over, and a node that gets the name later is another one.
                NodeVerb::Remove => node(name, Lasting::TheStep),
                NodeVerb::Stop | NodeVerb::Pause | NodeVerb::Partition => node(name, Lasting::UntilUndone),
                NodeVerb::Start | NodeVerb::Restart | NodeVerb::Resume | NodeVerb::Heal => {
                    node(name, Lasting::UntilReadyAnew)
                }
            }),
            Action::Pressure { node: name, on, .. } => {
                Some(node(name, if *on { Lasting::UntilUndone } else { Lasting::TheStep }))
            }
            Action::Taint { node: name, .. }
            | Action::Untaint { node: name, .. }
            | Action::Label { node: name, .. }
            | Action::Unlabel { node: name, .. }
            | Action::Cordon { node: name }
            | Action::Uncordon { node: name }
            | Action::Drain { node: name, .. } => Some(node(name, Lasting::TheStep)),
            Action::DeletePod { daemon_set, node: name } => {
                Some(Self { daemon_set: Some(daemon_set.clone()), ..node(name, Lasting::TheStep) })
            }
            Action::Exec(exec) => {
                let nodes = world.nodes.iter().filter(|(name, node)| exec.pods.nodes.has(name, Some(node)));
                Some(Self {
                    nodes: nodes.map(|(name, _)| name.clone()).collect(),
                    daemon_set: Some(exec.pods.daemon_set.clone()),
                    lasting: Lasting::TheStep,
                })
            }
            Action::ScaleSimulatedNodes { name, .. } => {
                let prefix = format!("{name}-");
                let nodes = world.nodes.keys().filter(|node| node.starts_with(&prefix)).cloned().collect();
                Some(Self { nodes, daemon_set: None, lasting: Lasting::TheStep })
            }
            Action::Apply { manifest } => Self::of_change(&manifest.documents, world),
            Action::Patch { target, patch, .. } => {
                let daemon_set = target.as_daemon_set()?;
                let mut changed = serde_json::to_value(world.daemon_set(&daemon_set)?.as_ref()).ok()?;
                // Placement is made of mappings and of lists that a merge replaces; a strategic merge that adds to a
                // list of tolerations excuses fewer or more nodes than it moves, and only while it runs.
                json_patch::merge(&mut changed, patch);
                Self::of_change(&[changed], world)
            }
            _ => None,
        }
    }

    /// The nodes on which a changed DaemonSet is eligible and was not, or the other way round.
    fn of_change(documents: &[serde_json::Value], world: &World) -> Option<Self> {
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
        (!nodes.is_empty()).then_some(Self { nodes, daemon_set: None, lasting: Lasting::TheStep })
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
