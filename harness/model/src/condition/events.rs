//! `events`: what the components of the cluster said.

use std::fmt;

use k8s_openapi::api::core::v1::Event;

use super::{EventsCondition, Judgement, Report};
use crate::world::World;

/// How many events are told: as many as a cluster of real nodes may have nodes.
const MOST_TOLD: usize = 50;

/// Judges the condition.
pub(super) fn judge(world: &World, condition: &EventsCondition) -> Judgement {
    let found: u64 = world.events.values().filter(|event| condition.has(event)).map(|event| repetitions(event)).sum();
    if found >= u64::from(condition.count) {
        return Judgement::Done;
    }
    let summary = format!("{found} found, not {}: {condition}", condition.count);
    Judgement::NotYet(Report::new(summary))
}

/// How often the event happened: the API counts repetitions in one object, in the older or the newer field.
fn repetitions(event: &Event) -> u64 {
    let series = event.series.as_ref().and_then(|series| series.count);
    u64::try_from(series.or(event.count).unwrap_or(1)).unwrap_or(1).max(1)
}

impl EventsCondition {
    /// What the events that it is about say, each with the node of its component where it has one.
    #[must_use]
    pub fn told(&self, world: &World) -> Vec<String> {
        let mut told: Vec<String> =
            world.events.values().filter(|event| self.has(event)).map(|event| text(event)).collect();
        told.sort_unstable();
        told.dedup();
        told.truncate(MOST_TOLD);
        told
    }

    fn has(&self, event: &Event) -> bool {
        let about = &event.involved_object;
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let daemon_set = self.daemon_set.as_ref().is_none_or(|daemon_set| {
            let name = about.name.as_deref().unwrap_or_default();
            let itself = about.kind.as_deref() == Some("DaemonSet") && name == daemon_set.name;
            // The controller names pods after their DaemonSet (`generateName`), and gone ones are known by name only.
            let pod = about.kind.as_deref() == Some("Pod")
                && name.strip_prefix(&daemon_set.name).is_some_and(|rest| rest.starts_with('-') && rest.len() == 6);
            about.namespace.as_deref() == Some(&daemon_set.namespace) && (itself || pod)
        });
        let node = self.node.is_none() || (about.kind.as_deref() == Some("Node") && about.name == self.node);
        let message = self.message.as_ref();
        daemon_set
            && node
            && is(&self.kind, &about.kind)
            && is(&self.name, &about.name)
            && is(&self.reason, &event.reason)
            && is(&self.type_, &event.type_)
            && message.is_none_or(|text| text.is_in(event.message.as_deref().unwrap_or_default()))
    }
}

/// `worker-1: Created container: agent`
fn text(event: &Event) -> String {
    let host = event.source.as_ref().and_then(|source| source.host.as_deref()).filter(|host| !host.is_empty());
    let host = host.map(|host| format!("{host}: ")).unwrap_or_default();
    format!("{host}{}", event.message.as_deref().unwrap_or_default())
}

impl fmt::Display for EventsCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(reason) = &self.reason {
            parts.push(format!("with reason `{reason}`"));
        }
        if let Some(type_) = &self.type_ {
            parts.push(format!("of type `{type_}`"));
        }
        if let Some(daemon_set) = &self.daemon_set {
            parts.push(format!("about daemonset `{daemon_set}` or its pods"));
        }
        if let Some(node) = &self.node {
            parts.push(format!("about node `{node}`"));
        }
        match (&self.kind, &self.name) {
            (Some(kind), Some(name)) => parts.push(format!("about {} `{name}`", kind.to_lowercase())),
            (Some(kind), None) => parts.push(format!("about a {}", kind.to_lowercase())),
            (None, Some(name)) => parts.push(format!("about `{name}`")),
            (None, None) => {}
        }
        if let Some(message) = &self.message {
            parts.push(format!("whose message has {message}"));
        }
        let number = if self.count == 1 { "an event".to_owned() } else { format!("{} events", self.count) };
        write!(f, "{number} {}", parts.join(" "))
    }
}
