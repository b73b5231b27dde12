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
    Change, Kind, Object, World,
    condition::MOST_LOGS,
    explain::{Extras, Question, WantedLog, wanted_logs},
};
use serde::de::DeserializeOwned;

use super::budgets;
use crate::error::{KubernetesContext, Result};

/// How many objects come at once.
const PAGE: u32 = 500;
/// How many logs are read of many DaemonSets that do not work, if each gets its share.
const MOST_LOGS_OF_ALL: usize = 60;
/// And how many of each all the same.
const LEAST_LOGS: usize = 3;
/// How many lines of each.
pub(super) const LINES: i64 = 20;
/// And no more bytes of them than these.
pub(super) const MOST_BYTES: i64 = 64 * 1024;
/// How many logs are read at once.
const AT_ONCE: usize = 8;

/// What a first look showed.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) world: World,
    /// Without logs.
    pub(super) extras: Extras,
    /// The kinds that may not be read at all.
    pub(super) forbidden: Vec<Kind>,
    /// Whether pods of one namespace alone may be read.
    pub(super) pods_of_namespace: bool,
}

/// The objects that a question is about, each kind listed once however many DaemonSets there are.
pub(super) async fn objects(client: &Client, question: &Question) -> Result<Seen> {
    let namespace = question.namespace();
    let here = |what: &str| match namespace {
        Some(namespace) => format!("{what} of namespace `{namespace}`"),
        None => what.to_owned(),
    };
    let (daemon_sets, nodes, pods, revisions, events, budgets) = tokio::join!(
        daemon_sets(client, question),
        async { all::<Node>(&Api::all(client.clone())).await.doing("list", || "nodes".into()) },
        pods(client, namespace),
        async { within::<ControllerRevision>(client, namespace).await },
        async { within::<Event>(client, namespace).await },
        budgets::budgets(client, namespace),
    );
    let mut seen = Seen::default();
    take(&mut seen.world, Kind::DaemonSet, daemon_sets?);
    take(&mut seen.world, Kind::Node, nodes?);
    let (pods, only_here) = pods?;
    take(&mut seen.world, Kind::Pod, pods);
    let not_looked_at = &mut seen.extras.not_looked_at;
    if let Some(why) = only_here {
        seen.pods_of_namespace = true;
        not_looked_at.push(format!("pods of other namespaces, which may hold ports and resources: {why}"));
    }
    match optional(revisions).doing("list", || here("revisions"))? {
        Ok(revisions) => take(&mut seen.world, Kind::Revision, revisions),
        Err(why) => {
            seen.forbidden.push(Kind::Revision);
            not_looked_at.push(format!("{}, by which old pods are told: {why}", here("revisions")));
        }
    }
    match optional(events).doing("list", || here("events"))? {
        Ok(events) => take(&mut seen.world, Kind::Event, events),
        Err(why) => {
            seen.forbidden.push(Kind::Event);
            not_looked_at.push(format!("{}: {why}", here("events")));
        }
    }
    let (budgets, unseen) = budgets?;
    seen.extras.budgets = budgets;
    seen.extras.not_looked_at.extend(unseen);
    Ok(seen)
}

/// The objects that a question is about, and the logs of what does not work.
pub(super) async fn collect(client: &Client, question: &Question) -> Result<(World, Extras)> {
    let Seen { world, mut extras, .. } = objects(client, question).await?;
    read_logs(client, wanted(&world, question), &mut extras).await;
    Ok((world, extras))
}

/// The logs of every DaemonSet that is asked for; of many, fewer of each.
pub(super) fn wanted(world: &World, question: &Question) -> Vec<WantedLog> {
    let daemon_sets = question.of(world);
    let of_each = daemon_sets
        .iter()
        .filter_map(|reference| world.daemon_set(reference))
        .map(|daemon_set| wanted_logs(world, daemon_set, MOST_LOGS));
    let of_each: Vec<Vec<WantedLog>> = of_each.filter(|logs| !logs.is_empty()).collect();
    let share = (MOST_LOGS_OF_ALL / of_each.len().max(1)).clamp(LEAST_LOGS, MOST_LOGS);
    of_each.into_iter().flat_map(|logs| logs.into_iter().take(share)).collect()
}

/// The one DaemonSet, if it is there, or all of the namespace or cluster.
async fn daemon_sets(client: &Client, question: &Question) -> Result<Vec<DaemonSet>> {
    match question {
        Question::One(reference) => {
            let api: Api<DaemonSet> = Api::namespaced(client.clone(), &reference.namespace);
            let found = api.get_opt(&reference.name).await;
            let found = found.doing("read", || format!("daemonset `{}/{}`", reference.namespace, reference.name))?;
            Ok(found.into_iter().collect())
        }
        Question::Those(selection) => {
            let found = within::<DaemonSet>(client, selection.namespace.as_deref()).await;
            found.doing("list", || match &selection.namespace {
                Some(namespace) => format!("daemonsets of namespace `{namespace}`"),
                None => "daemonsets".to_owned(),
            })
        }
    }
}

/// Every pod; those of the namespace alone, and why, where no others may be read.
async fn pods(client: &Client, namespace: Option<&str>) -> Result<(Vec<Pod>, Option<String>)> {
    let everywhere = all::<Pod>(&Api::all(client.clone())).await;
    let Some(namespace) = namespace else { return Ok((everywhere.doing("list", || "pods".into())?, None)) };
    match optional(everywhere).doing("list", || "pods".into())? {
        Ok(pods) => Ok((pods, None)),
        Err(why) => {
            let own = within::<Pod>(client, Some(namespace)).await;
            Ok((own.doing("list", || format!("pods of namespace `{namespace}`"))?, Some(why)))
        }
    }
}

/// Reads the last lines of containers into `extras`; what could not be read is said there.
pub(crate) async fn read_logs(client: &Client, wanted: Vec<WantedLog>, extras: &mut Extras) {
    let reads = wanted.into_iter().map(|log| async move {
        let read = log_of(client, &log).await;
        (log, read)
    });
    let mut reads = futures::stream::iter(reads).buffer_unordered(AT_ONCE);
    let mut refused = BTreeMap::new();
    while let Some((log, read)) = reads.next().await {
        match read {
            Ok(text) => drop(extras.logs.insert(log, text)),
            Err(why) => *refused.entry(why).or_insert(0) += 1,
        }
    }
    extras.not_looked_at.extend(lacking_logs(refused));
}

/// The last lines of a container, or why there are none.
pub(super) async fn log_of(client: &Client, log: &WantedLog) -> std::result::Result<String, String> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &log.namespace);
    let parameters = LogParams {
        container: Some(log.container.clone()),
        previous: log.previous,
        tail_lines: Some(LINES),
        limit_bytes: Some(MOST_BYTES),
        ..LogParams::default()
    };
    pods.logs(&log.pod, &parameters).await.map_err(|error| answer(&error))
}

/// How many logs there are not, by the reason.
pub(super) fn lacking_logs(reasons: BTreeMap<String, usize>) -> impl Iterator<Item = String> {
    reasons.into_iter().map(|(why, count)| match count {
        1 => format!("the log of a container: {why}"),
        count => format!("the logs of {count} containers: {why}"),
    })
}

fn take<K: Into<Object>>(world: &mut World, kind: Kind, objects: Vec<K>) {
    world.apply(Change::Resync { kind, objects: objects.into_iter().map(Into::into).collect() });
}

/// Every object of a namespace; of all where none is named.
pub(super) async fn within<K>(client: &Client, namespace: Option<&str>) -> std::result::Result<Vec<K>, kube::Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let api = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    all(&api).await
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
