//! The watches: list, watch, and again from the start when the server or the connection fails.

use std::{fmt::Debug, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::{
    apps::v1::{ControllerRevision, DaemonSet},
    core::v1::{Event, Node, Pod},
};
use kube::{
    Api, Client, Resource,
    runtime::{WatchStreamExt, utils::Backoff, watcher},
};
use rollcall_model::{Change, Kind, Object, World};
use serde::de::DeserializeOwned;
use tokio::sync::{broadcast, mpsc, watch};

use super::hooks::{Hooks, Seen};
use crate::attach::Lens;

/// How long the server lets one watch live; a connection that died silently is noticed five seconds after that.
const WATCH_SECONDS: u32 = 20;

/// Where what is seen goes.
pub(super) struct Outlets {
    pub(super) world: watch::Sender<Arc<World>>,
    pub(super) changes: broadcast::Sender<Arc<World>>,
    pub(super) hooks: Hooks,
    pub(super) lens: Option<Lens>,
}

/// Applies every change of every kind, and those that come in otherwise, to the world and publishes it.
pub(super) async fn gather(client: Client, more: mpsc::UnboundedReceiver<Change>, outlets: Outlets) {
    let Outlets { world: sender, changes: every, hooks, lens } = outlets;
    let mut changes = stream::select_all([
        changes_of::<Node>(&client, Kind::Node),
        changes_of::<Pod>(&client, Kind::Pod),
        changes_of::<DaemonSet>(&client, Kind::DaemonSet),
        changes_of::<ControllerRevision>(&client, Kind::Revision),
        changes_of::<Event>(&client, Kind::Event),
        Box::pin(stream::unfold(more, |mut more| async { more.recv().await.map(|change| (change, more)) })),
    ]);
    while let Some(change) = changes.next().await {
        let change = match &lens {
            Some(lens) => lens.inward_change(change),
            None => change,
        };
        let gap = matches!(&change, Change::Resync { kind, .. } if sender.borrow().has_listed(*kind));
        let hooked = (!hooks.is_empty()).then(|| change.clone());
        // Shared objects make this a copy of maps of pointers.
        sender.send_modify(|world| Arc::make_mut(world).apply(change));
        if let Some(change) = hooked {
            let world = sender.borrow().clone();
            hooks.call(&Seen { change: &change, world: &world, gap });
        }
        // Only for those who asked: each world that waits there has to be copied before the next change.
        if every.receiver_count() > 0 {
            let _ = every.send(sender.borrow().clone());
        }
    }
}

type Changes = std::pin::Pin<Box<dyn Stream<Item = Change> + Send>>;

fn changes_of<K>(client: &Client, kind: Kind) -> Changes
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    K::DynamicType: Default,
    Object: From<K>,
{
    let changes = changes::<K>(Api::all(client.clone()), kind, None, Reconnect::near());
    Box::pin(changes.filter_map(move |change| {
        let change = change.inspect_err(|error| tracing::trace!(kind = kind.plural(), %error, "watch interrupted"));
        std::future::ready(change.ok())
    }))
}

/// The changes of a kind, of the objects that match a field selector if there is one, and what interrupts their watch,
/// which goes on all the same.
pub(crate) fn changes<K>(
    api: Api<K>,
    kind: Kind,
    fields: Option<&str>,
    reconnect: Reconnect,
) -> impl Stream<Item = Result<Change, watcher::Error>> + Send + use<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    K::DynamicType: Default,
    Object: From<K>,
{
    let mut config = watcher::Config::default().timeout(WATCH_SECONDS).any_semantic();
    if let Some(fields) = fields {
        config = config.fields(fields);
    }
    let events = watcher(api, config).backoff(reconnect);
    // A list comes in pages; only the whole of it says what is not there.
    let mut listed: Option<Vec<Object>> = None;
    events.filter_map(move |event| {
        let change = match event {
            Ok(watcher::Event::Apply(object)) => Some(Ok(Change::Set(object.into()))),
            Ok(watcher::Event::Delete(object)) => Some(Ok(Change::Delete(object.into()))),
            Ok(watcher::Event::Init) => {
                listed = Some(Vec::new());
                None
            }
            Ok(watcher::Event::InitApply(object)) => {
                listed.get_or_insert_default().push(object.into());
                None
            }
            Ok(watcher::Event::InitDone) => {
                Some(Ok(Change::Resync { kind, objects: listed.take().unwrap_or_default() }))
            }
            Err(error) => Some(Err(error)),
        };
        std::future::ready(change)
    })
}

/// How soon a failed watch is tried again.
#[derive(Debug, Clone)]
pub(crate) struct Reconnect {
    next: Duration,
    first: Duration,
    longest: Duration,
}

impl Reconnect {
    /// At once while a cluster boots, and never seldom, since the API server is on this machine and serves nobody else.
    pub(crate) fn near() -> Self {
        Self::between(Duration::from_millis(25), Duration::from_millis(400))
    }

    /// As one does who is one of many.
    pub(crate) fn far() -> Self {
        Self::between(Duration::from_millis(500), Duration::from_secs(5))
    }

    fn between(first: Duration, longest: Duration) -> Self {
        Self { next: first, first, longest }
    }
}

impl Iterator for Reconnect {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        Some(pause)
    }
}

impl Backoff for Reconnect {
    fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::runtime::utils::Backoff;

    use super::Reconnect;

    #[test]
    fn reconnecting_slows_down_to_a_bound_and_starts_afresh_after_success() {
        for (mut reconnect, first, longest) in [(Reconnect::near(), 25, 400), (Reconnect::far(), 500, 5000)] {
            let (first, longest) = (Duration::from_millis(first), Duration::from_millis(longest));
            assert_eq!(reconnect.next(), Some(first));
            assert_eq!(reconnect.by_ref().take(20).last(), Some(longest));
            reconnect.reset();
            assert_eq!(reconnect.next(), Some(first));
        }
    }
}
