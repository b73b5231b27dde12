//! The logs of pods, followed from their beginning.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::LogParams};
use rollcall_model::{
    World,
    condition::LogsCondition,
    world::{Fact, LogSeen, view},
};
use tokio::{sync::watch, task::JoinSet};

use super::Answers;

/// A container's log ends when it does, and the next start has another: by pod and number of restarts.
type Started = (String, i64);

pub(super) async fn follow(
    client: Client,
    condition: LogsCondition,
    mut worlds: watch::Receiver<Arc<World>>,
    answers: Answers,
) {
    let seen: Arc<Mutex<BTreeMap<String, LogSeen>>> = Arc::default();
    let condition = Arc::new(condition);
    let mut followed: Vec<Started> = Vec::new();
    let mut tasks = JoinSet::new();
    loop {
        let world = worlds.borrow_and_update().clone();
        for pod in condition.pods.of(&world).into_iter().filter(|pod| has_started(pod)) {
            let started = (pod.metadata.uid.clone().unwrap_or_default(), view::restart_count(pod));
            if followed.contains(&started) {
                continue;
            }
            followed.push(started);
            tasks.spawn(read(client.clone(), pod.clone(), condition.clone(), seen.clone(), answers.clone()));
        }
        answers.send(Fact::Logs(seen.lock().unwrap_or_else(PoisonError::into_inner).clone()));
        // Its own answers change the world too; only a change of the pods matters here.
        let before = started_pods(&condition, &world);
        let changed = worlds.wait_for(|world| started_pods(&condition, world) != before).await;
        if changed.is_err() {
            return;
        }
    }
}

fn started_pods(condition: &LogsCondition, world: &World) -> Vec<Started> {
    let pods = condition.pods.of(world).into_iter().filter(|pod| has_started(pod));
    pods.map(|pod| (pod.metadata.uid.clone().unwrap_or_default(), view::restart_count(pod))).collect()
}

/// Whether a container of the pod runs or has run, so that there is a log.
fn has_started(pod: &Pod) -> bool {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses
        .into_iter()
        .any(|status| status.state.as_ref().is_some_and(|state| state.running.is_some() || state.terminated.is_some()))
}

async fn read(
    client: Client,
    pod: Pod,
    condition: Arc<LogsCondition>,
    seen: Arc<Mutex<BTreeMap<String, LogSeen>>>,
    answers: Answers,
) {
    let name = view::name_of(&pod.metadata);
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let api: Api<Pod> = Api::namespaced(client, namespace);
    let parameters = LogParams { follow: true, container: condition.container.clone(), ..LogParams::default() };
    let uid = pod.metadata.uid.clone().unwrap_or_default();
    let mut lines = match api.log_stream(name, &parameters).await {
        Ok(stream) => stream.lines(),
        Err(error) => {
            let last = Some(format!("the log cannot be read: {error}"));
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.entry(uid).or_default().last = last;
            answers.send(Fact::Logs(seen.clone()));
            return;
        }
    };
    loop {
        let line = match lines.try_next().await {
            Ok(Some(line)) => line,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(pod = name, %error, "the log broke off");
                return;
            }
        };
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let log = seen.entry(uid.clone()).or_default();
        log.lines += 1;
        if log.matched.is_none() && condition.line.is_in(&line) {
            log.matched = Some(line.clone());
        }
        log.last = Some(line);
        // Once it has been found, more lines are no news.
        let news = log.matched.is_none() || log.matched == log.last;
        if news {
            answers.send(Fact::Logs(seen.clone()));
        }
    }
}
