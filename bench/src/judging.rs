//! How long it takes from a change to its judgement, in a cluster of many nodes.
//!
//! The world is one that the watches of a real cluster have made. The changes are those of a rolling update over all of
//! it, made here and not waited for, so that what is measured is the harness and not the cluster: the change is applied
//! as the observer applies it (somebody still holds the world of before, so its maps are copied), the invariants look at
//! it, and the condition is judged. What is left out is the decoding of the watch's answer and the waking of a task.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::{
    api::{
        apps::v1::DaemonSet,
        core::v1::{Pod, PodCondition},
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use rollcall::model::{
    Change, Condition, DaemonSetRef, Invariant, Judgement, Memory, Monitor, Object, Span, Timestamp, World,
    invariant::Rule,
};

/// Judges every change of a rolling update in this world, and says how long each took.
pub(crate) fn measure(mut world: Arc<World>, daemon_set: &DaemonSetRef) -> Result<Vec<Duration>> {
    let condition = Condition::Converged { daemon_set: daemon_set.clone(), allow_none: false };
    let location = Span { file: 0, line: 1, column: 1, len: 0 };
    let invariant = |rule| Invariant { location, from: None, until: None, rule };
    let mut monitor = Monitor::new(&[
        invariant(Rule::OnePodPerNode { daemon_set: daemon_set.clone() }),
        invariant(Rule::MaxUnavailable { daemon_set: daemon_set.clone(), budget: None }),
    ]);
    let memory = Memory::default();
    let changes = rolling_update(&world, daemon_set)?;
    let mut times = Vec::with_capacity(changes.len());
    let mut unfinished = 0;
    for change in changes {
        let before = world.clone();
        let started = Instant::now();
        Arc::make_mut(&mut world).apply(change.clone());
        let now = Timestamp::now();
        let breaches = monitor.observe(&change, &world, now, &memory);
        let judgement = condition.judge(&world, now, &memory);
        times.push(started.elapsed());
        drop(before);
        ensure!(
            breaches.is_empty() && monitor.next_check().is_none(),
            "the update breaches an invariant: {breaches:?}"
        );
        unfinished += usize::from(matches!(judgement, Judgement::NotYet(_)));
    }
    let end = condition.judge(&world, Timestamp::now(), &memory);
    ensure!(end.is_done() && monitor.finish(Timestamp::now()).is_empty(), "it does not end well: {end:?}");
    ensure!(unfinished > times.len() / 2, "while it goes on it is converged");
    Ok(times)
}

/// Each pod is replaced, one after the other.
fn rolling_update(world: &World, reference: &DaemonSetRef) -> Result<Vec<Change>> {
    let daemon_set = world.daemon_set(reference).context("the daemonset is there")?;
    let mut version = 1_000_000_000_u64;
    let mut changes = Vec::new();
    for old in world.pods_of(daemon_set) {
        let mut next = |mut pod: Pod, change: &dyn Fn(&mut Pod)| {
            version += 1;
            pod.metadata.resource_version = Some(version.to_string());
            change(&mut pod);
            pod
        };
        let leaving = next(old.as_ref().clone(), &|pod| {
            pod.metadata.deletion_timestamp = Some(Time(Timestamp::now()));
        });
        let created = next(old.as_ref().clone(), &|pod| {
            pod.metadata.name = pod.metadata.name.take().map(|name| format!("{name}-new"));
            pod.metadata.uid = pod.metadata.uid.take().map(|uid| format!("{uid}-new"));
            pod.status = None;
        });
        let running = |ready: bool| {
            move |pod: &mut Pod| {
                pod.status = old.status.clone();
                let conditions = pod.status.iter_mut().flat_map(|status| status.conditions.iter_mut().flatten());
                for condition in conditions {
                    let PodCondition { type_, status, .. } = condition;
                    if type_ == "Ready" || type_ == "ContainersReady" {
                        *status = if ready { "True" } else { "False" }.to_owned();
                    }
                }
            }
        };
        let started = next(created.clone(), &running(false));
        let ready = next(created.clone(), &running(true));
        changes.push(Change::Set(leaving.clone().into()));
        changes.push(Change::Delete(leaving.into()));
        changes.extend([created, started, ready].map(|pod| Change::Set(pod.into())));
        version += 1;
        let mut synced: DaemonSet = daemon_set.as_ref().clone();
        synced.metadata.resource_version = Some(version.to_string());
        changes.push(Change::Set(Object::from(synced)));
    }
    ensure!(!changes.is_empty(), "there are no pods to update");
    Ok(changes)
}

/// The time that so many of a hundred do not exceed.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::percentile;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&times[..1], 99), Duration::from_millis(200));
    }
}
