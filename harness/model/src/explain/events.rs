//! Events as evidence: of one object, the latest last.

use k8s_openapi::{api::core::v1::Event, apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp};

use super::Look;

impl<'a> Look<'a> {
    /// The events of an object, by its UID, the latest last. Those of an earlier object of its name are not meant.
    pub(super) fn events_of(self, metadata: &ObjectMeta) -> Vec<&'a Event> {
        let is_meant = |event: &&Event| metadata.uid.is_some() && event.involved_object.uid == metadata.uid;
        let mut found: Vec<&Event> = self.world.events.values().map(AsRef::as_ref).filter(is_meant).collect();
        found.sort_by_key(|event| when(event));
        found
    }

    /// The latest event of an object with this reason whose message has one of these parts.
    pub(super) fn event(self, metadata: &ObjectMeta, reason: &str, parts: &[&str]) -> Option<&'a Event> {
        let says = |event: &&Event| {
            let message = event.message.as_deref().unwrap_or_default();
            parts.is_empty() || parts.iter().any(|part| message.contains(part))
        };
        let of_reason = |event: &&Event| event.reason.as_deref() == Some(reason);
        self.events_of(metadata).into_iter().filter(of_reason).rfind(says)
    }
}

/// When an event was seen last.
pub(super) fn when(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref().map(|time| time.0));
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let first = event.event_time.as_ref().map(|time| time.0);
    series.or(last).or(first)
}

/// Its message.
pub(super) fn message(event: &Event) -> &str {
    event.message.as_deref().unwrap_or_default()
}

/// Where it is found.
pub(super) fn source(event: &Event) -> String {
    format!("event {}", event.reason.as_deref().unwrap_or("without a reason"))
}
