//! What a diagnosis rests on beside what is watched: the last lines of containers that do not work, and
//! PodDisruptionBudgets.
//!
//! A log is read once for each state of its pod: when the pod has changed, the lines may be others.

use std::{collections::BTreeMap, sync::Arc};

use futures::StreamExt;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::{
    Api, Client,
    runtime::{WatchStreamExt, watcher},
};
use rollcall_model::{
    DaemonSetRef, World,
    condition::MOST_LOGS,
    explain::{Extras, WantedLog, wanted_logs},
    world::{Fact, Key},
};
use tokio::sync::watch;

use super::Answers;
use crate::explain::read_logs;

/// A log in a state of its pod, by the version of the pod's object.
type Version = (WantedLog, Option<String>);
/// Nothing until they were listed for the first time, or refused.
type Budgets = Option<Vec<PodDisruptionBudget>>;

pub(super) async fn follow(
    client: Client,
    daemon_set: DaemonSetRef,
    worlds: watch::Receiver<Arc<World>>,
    answers: Answers,
) {
    let (sender, budgets) = watch::channel(None);
    tokio::select! {
        () = follow_budgets(client.clone(), sender) => {}
        () = follow_logs(client, daemon_set, worlds, budgets, answers) => {}
    }
}

async fn follow_logs(
    client: Client,
    daemon_set: DaemonSetRef,
    mut worlds: watch::Receiver<Arc<World>>,
    mut budgets: watch::Receiver<Budgets>,
    answers: Answers,
) {
    let mut read: BTreeMap<Version, String> = BTreeMap::new();
    if budgets.wait_for(Option::is_some).await.is_err() {
        return;
    }
    loop {
        let known = budgets.borrow_and_update().clone().unwrap_or_default();
        let world = worlds.borrow_and_update().clone();
        let wanted = wanted(&world, &daemon_set);
        read.retain(|version, _| wanted.contains(version));
        let unread: Vec<Version> = wanted.iter().filter(|version| !read.contains_key(*version)).cloned().collect();
        let logs = unread.iter().map(|(log, _)| log.clone()).collect();
        let mut extras = Extras { budgets: known, ..Extras::default() };
        read_logs(&client, logs, &mut extras).await;
        for version in unread {
            // One that could not be read says nothing, and is not asked for again.
            let text = extras.logs.remove(&version.0).unwrap_or_default();
            read.insert(version, text);
        }
        extras.logs = read.iter().map(|((log, _), text)| (log.clone(), text.clone())).collect();
        answers.send(Fact::Extras(extras));
        // Its own answers change the world too; only a change of the pods matters here.
        let changed = worlds.wait_for(|world| self::wanted(world, &daemon_set) != wanted);
        let gone = tokio::select! {
            changed = changed => changed.is_err(),
            changed = budgets.changed() => changed.is_err(),
        };
        if gone {
            return;
        }
    }
}

fn wanted(world: &World, daemon_set: &DaemonSetRef) -> Vec<Version> {
    let Some(daemon_set) = world.daemon_set(daemon_set) else { return Vec::new() };
    let versions = wanted_logs(world, daemon_set, MOST_LOGS).into_iter().map(|log| {
        let pod = world.pods.get(&(log.namespace.clone(), log.pod.clone()));
        let version = pod.and_then(|pod| pod.metadata.resource_version.clone());
        (log, version)
    });
    versions.collect()
}

/// Ends with the watch, which never does by itself. Where they may not be read there are none to go by.
async fn follow_budgets(client: Client, to: watch::Sender<Budgets>) {
    let api: Api<PodDisruptionBudget> = Api::all(client);
    let mut events = Box::pin(watcher(api, watcher::Config::default().any_semantic()).default_backoff());
    let mut known: BTreeMap<Key, PodDisruptionBudget> = BTreeMap::new();
    let mut listed = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => {
                listed = false;
                known.clear();
            }
            Ok(watcher::Event::InitApply(budget) | watcher::Event::Apply(budget)) => {
                known.insert(key(&budget), budget);
            }
            Ok(watcher::Event::Delete(budget)) => drop(known.remove(&key(&budget))),
            Ok(watcher::Event::InitDone) => listed = true,
            Err(error) => {
                tracing::trace!(%error, "watch of budgets interrupted");
                listed |= is_refused(&error);
            }
        }
        // Half a list says nothing of what is absent.
        if listed {
            to.send_replace(Some(known.values().cloned().collect()));
        }
    }
}

fn key(budget: &PodDisruptionBudget) -> Key {
    (budget.metadata.namespace.clone().unwrap_or_default(), budget.metadata.name.clone().unwrap_or_default())
}

fn is_refused(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 403)
}
