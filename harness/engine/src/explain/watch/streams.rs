//! The watches that a diagnosis needs, and no others: those that this user may not have are left out.

use std::{collections::BTreeSet, pin::Pin};

use futures::{Stream, StreamExt, stream};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{ControllerRevision, DaemonSet},
        core::v1::{Event, Node, Pod},
    },
};
use kube::{Api, Client, Resource, runtime::watcher};
use rollcall_model::{Change, Kind, Object, World, explain::Question};
use serde::de::DeserializeOwned;

use super::super::collect::Seen;
use crate::{
    error::{Error, chain},
    observe::{Reconnect, changes},
};

/// What keeps a watch from going on.
#[derive(Debug)]
pub(super) enum Trouble {
    /// One can do without the kind, and its changes may not be watched.
    Unwatched(Kind, String),
    /// One cannot do without the kind.
    Forbidden(Error),
    /// The API server does not answer.
    Lost(String),
}

type Changes = Pin<Box<dyn Stream<Item = (Kind, Result<Change, watcher::Error>)> + Send>>;

/// The watches of one question.
pub(super) struct Streams {
    client: Client,
    question: Question,
    pods_of_namespace: bool,
    /// The kinds that are watched.
    kinds: BTreeSet<Kind>,
    /// What is known of kinds that are not watched, for what it is worth.
    before: World,
    world: World,
    changes: stream::SelectAll<Changes>,
}

impl Streams {
    /// Starts watching what a first look has shown to be allowed.
    pub(super) fn start(client: &Client, question: &Question, seen: &Seen) -> Self {
        let kinds = Kind::ALL.into_iter().filter(|kind| !seen.forbidden.contains(kind)).collect();
        Self {
            client: client.clone(),
            question: question.clone(),
            pods_of_namespace: seen.pods_of_namespace,
            kinds,
            before: seen.world.clone(),
            world: World::new(),
            changes: stream::SelectAll::new(),
        }
        .afresh()
    }

    /// Starts from nothing: what is listed is listed anew, so that it is known when everything is there again.
    pub(super) fn afresh(mut self) -> Self {
        let namespace = self.question.namespace();
        self.changes = stream::SelectAll::new();
        for kind in &self.kinds {
            let changes = match kind {
                Kind::Node => of(Api::<Node>::all(self.client.clone()), *kind, None),
                Kind::Pod if self.pods_of_namespace => self.within::<Pod>(*kind, namespace, None),
                Kind::Pod => self.within::<Pod>(*kind, None, None),
                Kind::Revision => self.within::<ControllerRevision>(*kind, namespace, None),
                Kind::Event => self.within::<Event>(*kind, namespace, None),
                Kind::DaemonSet => {
                    let name = match &self.question {
                        Question::One(reference) => Some(format!("metadata.name={}", reference.name)),
                        Question::Those(_) => None,
                    };
                    self.within::<DaemonSet>(*kind, namespace, name.as_deref())
                }
            };
            self.changes.push(changes);
        }
        self.world = World::new();
        for kind in Kind::ALL.into_iter().filter(|kind| !self.kinds.contains(kind)) {
            self.world.apply(Change::Resync { kind, objects: objects(&self.before, kind) });
        }
        self
    }

    fn within<K>(&self, kind: Kind, namespace: Option<&str>, fields: Option<&str>) -> Changes
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug
            + Send
            + 'static,
        Object: From<K>,
    {
        let api = match namespace {
            Some(namespace) => Api::<K>::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        of(api, kind, fields)
    }

    /// Whether every kind that is watched has been listed.
    pub(super) fn are_whole(&self) -> bool {
        self.kinds.iter().all(|kind| self.world.has_listed(*kind))
    }

    /// What they have seen.
    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Takes in the next change.
    pub(super) async fn next(&mut self) -> Result<(), Trouble> {
        loop {
            match self.changes.next().await {
                Some((_, Ok(change))) => {
                    self.world.apply(change);
                    return Ok(());
                }
                Some((kind, Err(error))) => match self.trouble(kind, error) {
                    Some(trouble) => return Err(trouble),
                    None => continue,
                },
                // Those that are needed go on for ever.
                None => return std::future::pending().await,
            }
        }
    }

    /// What an interruption means; nothing where the watch goes on as if nothing had been.
    fn trouble(&mut self, kind: Kind, error: watcher::Error) -> Option<Trouble> {
        match error {
            watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source) => match source {
                kube::Error::Api(status) if status.is_forbidden() => {
                    if !matches!(kind, Kind::Event | Kind::Revision) {
                        let source = Box::new(kube::Error::Api(status));
                        let object = kind.plural().to_owned();
                        return Some(Trouble::Forbidden(Error::Kubernetes { action: "watch", object, source }));
                    }
                    self.kinds.remove(&kind);
                    if !self.world.has_listed(kind) {
                        self.world.apply(Change::Resync { kind, objects: objects(&self.before, kind) });
                    }
                    Some(Trouble::Unwatched(kind, status.message))
                }
                // What was listed is too old to go on from, and is listed anew.
                kube::Error::Api(status) if status.code == 410 => None,
                kube::Error::Api(status) => Some(Trouble::Lost(status.message)),
                other => Some(Trouble::Lost(chain(&other))),
            },
            // A watch ends now and then, and the next try tells what there is to tell.
            watcher::Error::WatchError(_) | watcher::Error::WatchFailed(_) | watcher::Error::NoResourceVersion => None,
        }
    }
}

/// The changes of a kind until it is forbidden.
fn of<K>(api: Api<K>, kind: Kind, fields: Option<&str>) -> Changes
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + 'static,
    K::DynamicType: Default,
    Object: From<K>,
{
    let changes = Box::pin(changes::<K>(api, kind, fields, Reconnect::far()));
    Box::pin(stream::unfold(Some(changes), move |changes| async move {
        let mut changes = changes?;
        let change = changes.next().await?;
        let is_over = change.as_ref().is_err_and(is_forbidden);
        Some(((kind, change), (!is_over).then_some(changes)))
    }))
}

fn is_forbidden(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source)) = error else {
        return false;
    };
    matches!(source, kube::Error::Api(status) if status.is_forbidden())
}

/// The objects of a kind.
fn objects(world: &World, kind: Kind) -> Vec<Object> {
    match kind {
        Kind::Node => world.nodes.values().cloned().map(Object::Node).collect(),
        Kind::Pod => world.pods.values().cloned().map(Object::Pod).collect(),
        Kind::DaemonSet => world.daemon_sets.values().cloned().map(Object::DaemonSet).collect(),
        Kind::Revision => world.revisions.values().cloned().map(Object::Revision).collect(),
        Kind::Event => world.events.values().cloned().map(Object::Event).collect(),
    }
}
