//! The objects and logs that a diagnosis rests on. Lists come in pages, and nothing is watched.

use std::collections::BTreeMap;

use futures::StreamExt;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{ControllerRevision, DaemonSet},
        core::v1::{Event, Node, Pod},
    },
};
use kube::{
    Api, Client, Resource,
    api::{ListParams, LogParams},
};
use rollcall_model::{
    Change, DaemonSetRef, Kind, Object, World,
    condition::MOST_LOGS,
    explain::{Extras, WantedLog, wanted_logs},
};
use serde::de::DeserializeOwned;

use super::budgets;
use crate::error::{KubernetesContext, Result};

/// How many objects come at once.
const PAGE: u32 = 500;
/// How many lines of each.
const LINES: i64 = 20;
/// How many logs are read at once.
const AT_ONCE: usize = 8;

pub(super) async fn collect(client: &Client, wanted: &DaemonSetRef) -> Result<(World, Extras)> {
    let (namespace, name) = wanted.key();
    let here = |what: &str| format!("{what} of namespace `{namespace}`");
    let own: Api<DaemonSet> = Api::namespaced(client.clone(), &namespace);
    let (daemon_set, nodes, pods, revisions, events, budgets) = tokio::join!(
        async { own.get_opt(&name).await.doing("read", || format!("daemonset `{namespace}/{name}`")) },
        async { all::<Node>(&Api::all(client.clone())).await.doing("list", || "nodes".into()) },
        pods(client, &namespace),
        async { in_namespace::<ControllerRevision>(client, &namespace).await },
        async { in_namespace::<Event>(client, &namespace).await },
        budgets::budgets(client, Some(&namespace)),
    );
    let mut extras = Extras::default();
    let mut world = World::new();
    let daemon_set = daemon_set?;
    take(&mut world, Kind::DaemonSet, daemon_set.clone().into_iter().collect());
    take(&mut world, Kind::Node, nodes?);
    let (pods, only_here) = pods?;
    take(&mut world, Kind::Pod, pods);
    if let Some(why) = only_here {
        extras.not_looked_at.push(format!("pods of other namespaces, which may hold ports and resources: {why}"));
    }
    match optional(revisions).doing("list", || here("revisions"))? {
        Ok(revisions) => take(&mut world, Kind::Revision, revisions),
        Err(why) => extras.not_looked_at.push(format!("{}, by which old pods are told: {why}", here("revisions"))),
    }
    match optional(events).doing("list", || here("events"))? {
        Ok(events) => take(&mut world, Kind::Event, events),
        Err(why) => extras.not_looked_at.push(format!("{}: {why}", here("events"))),
    }
    let (budgets, unseen) = budgets?;
    extras.budgets = budgets;
    extras.not_looked_at.extend(unseen);
    if let Some(daemon_set) = &daemon_set {
        read_logs(client, wanted_logs(&world, daemon_set, MOST_LOGS), &mut extras).await;
    }
    Ok((world, extras))
}

/// Every pod; those of the namespace alone, and why, where no others may be read.
async fn pods(client: &Client, namespace: &str) -> Result<(Vec<Pod>, Option<String>)> {
    match optional(all::<Pod>(&Api::all(client.clone())).await).doing("list", || "pods".into())? {
        Ok(pods) => Ok((pods, None)),
        Err(why) => {
            let own = in_namespace::<Pod>(client, namespace).await;
            Ok((own.doing("list", || format!("pods of namespace `{namespace}`"))?, Some(why)))
        }
    }
}

/// Reads the last lines of containers into `extras`; what could not be read is said there.
pub(crate) async fn read_logs(client: &Client, wanted: Vec<WantedLog>, extras: &mut Extras) {
    let reads = wanted.into_iter().map(|log| async move {
        let pods: Api<Pod> = Api::namespaced(client.clone(), &log.namespace);
        let parameters = LogParams {
            container: Some(log.container.clone()),
            previous: log.previous,
            tail_lines: Some(LINES),
            limit_bytes: Some(64 * 1024),
            ..LogParams::default()
        };
        let read = pods.logs(&log.pod, &parameters).await;
        (log, read)
    });
    let mut reads = futures::stream::iter(reads).buffer_unordered(AT_ONCE);
    let mut refused = BTreeMap::new();
    while let Some((log, read)) = reads.next().await {
        match read {
            Ok(text) => drop(extras.logs.insert(log, text)),
            Err(error) => {
                let why = answer(&error);
                *refused.entry(why).or_insert(0) += 1;
            }
        }
    }
    let texts = refused.into_iter().map(|(why, count)| format!("the logs of {count} containers: {why}"));
    extras.not_looked_at.extend(texts);
}

fn take<K: Into<Object>>(world: &mut World, kind: Kind, objects: Vec<K>) {
    world.apply(Change::Resync { kind, objects: objects.into_iter().map(Into::into).collect() });
}

pub(super) async fn in_namespace<K>(client: &Client, namespace: &str) -> std::result::Result<Vec<K>, kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
{
    all(&Api::namespaced(client.clone(), namespace)).await
}

/// Every object, page by page.
pub(super) async fn all<K>(api: &Api<K>) -> std::result::Result<Vec<K>, kube::Error>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let mut found = Vec::new();
    let mut parameters = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&parameters).await?;
        found.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(found),
        }
    }
}

/// What one may do without: the answer why it may not be read is no failure.
pub(super) fn optional<T>(
    result: std::result::Result<T, kube::Error>,
) -> std::result::Result<std::result::Result<T, String>, kube::Error> {
    match result {
        Ok(found) => Ok(Ok(found)),
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(Err(status.message.clone())),
        Err(error) => Err(error),
    }
}

fn answer(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}
