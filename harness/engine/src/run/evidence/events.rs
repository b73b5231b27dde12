//! `events.txt`: what Kubernetes itself reported, in the order of time.

use k8s_openapi::{api::core::v1::Event, jiff::Timestamp};
use rollcall_model::{World, table};

use super::nodes::one_line;

/// A line an event, the oldest first.
pub(super) fn text(world: &World) -> String {
    let mut events: Vec<&Event> = world.events.values().map(AsRef::as_ref).collect();
    events.sort_by_key(|event| last_seen(event));
    let header = ["TIME", "TYPE", "REASON", "OBJECT", "COUNT", "FROM", "MESSAGE"].map(String::from).to_vec();
    let rows = std::iter::once(header).chain(events.into_iter().map(row));
    table::render(&rows.collect::<Vec<_>>())
}

fn row(event: &Event) -> Vec<String> {
    let object = &event.involved_object;
    let name = object.name.as_deref().unwrap_or("?");
    let name = match object.namespace.as_deref().filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    };
    let count = event.series.as_ref().and_then(|series| series.count).or(event.count).unwrap_or(1);
    let source = event.source.as_ref();
    let component = event.reporting_component.as_deref().filter(|text| !text.is_empty());
    let component = component.or_else(|| source?.component.as_deref()).unwrap_or("-");
    let host = source.and_then(|source| source.host.as_deref()).filter(|host| !host.is_empty());
    vec![
        last_seen(event).map_or_else(|| "-".to_owned(), |time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
        event.type_.clone().unwrap_or_else(|| "-".to_owned()),
        event.reason.clone().unwrap_or_else(|| "-".to_owned()),
        format!("{} {name}", object.kind.as_deref().unwrap_or("?")),
        count.to_string(),
        host.map_or_else(|| component.to_owned(), |host| format!("{component} on {host}")),
        one_line(event.message.as_deref().unwrap_or("")),
    ]
}

/// When an event was last seen. Its two generations of fields are filled by different components.
fn last_seen(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = || event.last_timestamp.as_ref().map(|time| time.0);
    let first = || event.event_time.as_ref().map(|time| time.0);
    let made = || event.metadata.creation_timestamp.as_ref().map(|time| time.0);
    series.or_else(last).or_else(first).or_else(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::evidence::testing;

    #[test]
    fn events_of_both_generations_are_in_the_order_of_time() {
        insta::assert_snapshot!(text(&testing::world()), @r#"
        TIME                      TYPE     REASON     OBJECT                           COUNT  FROM                 MESSAGE
        2026-11-24T10:00:01.250Z  Normal   Scheduled  Node worker-1                    1      default-scheduler    assigned
        2026-11-24T10:00:02.000Z  Warning  Failed     Pod default/log-collector-bbbbb  4      kubelet on worker-1  Failed to pull image "fluentd"
        "#);
    }
}
