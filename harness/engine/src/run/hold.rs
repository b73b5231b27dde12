//! Judging a condition at every change that is seen during a stretch of time.

use std::{sync::Arc, time::Duration};

use rollcall_model::{Condition, Memory, Report, World};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::Instant,
};

use crate::{clock, patience};

/// How long what is asked beside the watches may take to be known again after a change.
const ANSWERED_WITHIN: Duration = rollcall_model::plan::REQUEST_WITHIN;

/// A condition that did not keep holding.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Why it is not true any more.
    pub(super) report: Report,
    /// For how long it was, `None` where it was not from the start.
    pub(super) held: Option<Duration>,
}

/// Returns when the condition was true from now on, for all of the time; or as soon as it is not.
///
/// There is no grace at the start: a step that expects it to become true comes before.
pub(super) async fn hold(
    (mut world, mut changes): (Arc<World>, broadcast::Receiver<Arc<World>>),
    condition: &Condition,
    memory: &Memory,
    duration: Duration,
) -> Result<(), Broken> {
    let started = Instant::now();
    let end = started + duration;
    let mut held = None;
    // Until when something has to be read that a change has made necessary.
    let mut open_until = None;
    loop {
        let now = clock::now();
        // It says nothing for the condition and nothing against it.
        if held.is_none() || condition.unanswered(&world).is_none() {
            open_until = None;
        } else {
            open_until.get_or_insert_with(|| Instant::now() + patience::stretched(ANSWERED_WITHIN));
        }
        if open_until.is_none_or(|until| Instant::now() >= until) {
            if let Some(report) = condition.judge(&world, now, memory).report() {
                return Err(Broken { report: report.clone(), held });
            }
            held = Some(started.elapsed());
        }
        // Time alone may change the answer too.
        let next_check = || {
            let moment = condition.next_check(&world, now);
            moment.map_or(end, |moment| end.min(Instant::now() + clock::pause_until(moment, now)))
        };
        let timer = open_until.unwrap_or_else(next_check);
        let change = tokio::select! {
            // What has happened is judged before the time is said to be over.
            biased;
            change = changes.recv() => change,
            () = tokio::time::sleep_until(timer) => {
                if open_until.is_none() && Instant::now() >= end {
                    return Ok(());
                }
                continue;
            }
        };
        match change {
            Ok(next) => world = next,
            Err(error) => {
                let summary = match error {
                    RecvError::Lagged(missed) => format!("{missed} changes came too fast to be judged"),
                    RecvError::Closed => "the cluster is not watched any more".into(),
                };
                return Err(Broken { report: Report { summary, nodes: Vec::new() }, held });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::{apps::v1::DaemonSet, core::v1::Pod};
    use rollcall_model::{
        Change, DaemonSetRef, Kind,
        condition::{ExplainCondition, NodeSelection},
        explain::{Cause, Extras, WantedLog},
        world::{Fact, Need},
    };
    use serde_json::json;

    use super::*;
    use crate::run::testing::node;

    fn ready() -> Condition {
        Condition::NodeReady { nodes: NodeSelection::Names(vec!["worker-1".into()]), ready: true }
    }

    fn world() -> World {
        let mut world = World::new();
        for kind in Kind::ALL {
            world.apply(Change::Resync { kind, objects: Vec::new() });
        }
        world.apply(Change::Set(node("worker-1", json!("True"))));
        world
    }

    type Watched = (Arc<World>, broadcast::Receiver<Arc<World>>);

    fn watched(world: World) -> (broadcast::Sender<Arc<World>>, Watched) {
        let (sender, receiver) = broadcast::channel(4);
        (sender, (Arc::new(world), receiver))
    }

    fn world_with(status: &str) -> Arc<World> {
        let mut world = world();
        world.apply(Change::Set(node("worker-1", json!(status))));
        Arc::new(world)
    }

    #[tokio::test]
    async fn what_is_true_all_the_time_holds() {
        let (_sender, watched) = watched(world());
        let result = hold(watched, &ready(), &Memory::default(), Duration::from_millis(20)).await;
        assert_eq!(result, Ok(()));
    }

    #[tokio::test]
    async fn there_is_no_grace_at_the_start() {
        let (_sender, watched) = watched(World::new());
        let broken = hold(watched, &ready(), &Memory::default(), Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(broken.held, None);
    }

    #[tokio::test]
    async fn a_change_for_the_worse_ends_it_at_once() {
        let (sender, watched) = watched(world());
        let (condition, memory) = (ready(), Memory::default());
        let held = hold(watched, &condition, &memory, Duration::from_secs(60));
        tokio::pin!(held);
        assert!(futures::poll!(&mut held).is_pending());
        sender.send(world_with("False")).unwrap();
        let broken = held.await.unwrap_err();
        assert!(broken.held.is_some() && broken.report.nodes.iter().any(|node| node.node == "worker-1"), "{broken:?}");
    }

    #[tokio::test]
    async fn a_breach_that_is_over_before_anybody_looks_is_seen() {
        let (sender, watched) = watched(world());
        sender.send(world_with("False")).unwrap();
        sender.send(world_with("True")).unwrap();
        let result = hold(watched, &ready(), &Memory::default(), Duration::from_millis(20)).await;
        assert!(result.is_err());
    }

    /// A pod that crashes, with what is known of its log.
    fn crashing(restarts: u32, log: Option<&str>) -> Arc<World> {
        let mut world = world();
        let daemon_set: DaemonSet = serde_json::from_value(json!({
            "metadata": {"name": "agent", "namespace": "default", "uid": "ds"},
            "spec": {"selector": {}, "template": {}},
        }))
        .expect("a daemonset");
        let ended = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {
                "name": "agent-x", "namespace": "default", "uid": "pod",
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "ds", "controller": true}],
            },
            "spec": {"nodeName": "worker-1", "containers": [{"name": "agent"}]},
            "status": {"phase": "Running", "containerStatuses": [{
                "name": "agent", "ready": false, "restartCount": restarts, "image": "", "imageID": "",
                "state": if restarts == 0 { ended.clone() } else { json!({"waiting": {"reason": "CrashLoopBackOff"}}) },
                "lastState": if restarts == 0 { json!({}) } else { ended },
            }]},
        }))
        .expect("a pod");
        world.apply(Change::Set(daemon_set.into()));
        world.apply(Change::Set(pod.into()));
        let mut extras = Extras::default();
        if let Some(text) = log {
            let (namespace, pod, container) = ("default".into(), "agent-x".into(), "agent".into());
            extras.logs.insert(WantedLog { namespace, pod, container, previous: restarts > 0 }, text.into());
        }
        let need = Need::Extras(DaemonSetRef::new("agent"));
        world.apply(Change::Learn { need, fact: Fact::Extras(extras) });
        Arc::new(world)
    }

    fn is_denied() -> Condition {
        Condition::Explain(ExplainCondition {
            daemon_set: DaemonSetRef::new("agent"),
            findings: [("worker-1".to_owned(), vec![Cause::PermissionDenied])].into(),
            overall: Vec::new(),
        })
    }

    const DENIED: Option<&str> = Some("open /x: permission denied");

    #[tokio::test]
    async fn a_log_that_is_yet_to_be_read_is_waited_for_even_at_the_end() {
        let (sender, (_, changes)) = watched(World::new());
        let (condition, memory) = (is_denied(), Memory::default());
        let held = hold((crashing(0, DENIED), changes), &condition, &memory, Duration::from_millis(20));
        tokio::pin!(held);
        assert!(futures::poll!(&mut held).is_pending());
        sender.send(crashing(1, None)).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(60), &mut held).await.is_err(), "it is not known yet");
        sender.send(crashing(1, DENIED)).unwrap();
        assert_eq!(held.await, Ok(()));
    }

    #[tokio::test]
    async fn a_log_that_says_something_else_ends_it() {
        let (sender, (_, changes)) = watched(World::new());
        let (condition, memory) = (is_denied(), Memory::default());
        let held = hold((crashing(0, DENIED), changes), &condition, &memory, Duration::from_secs(60));
        tokio::pin!(held);
        assert!(futures::poll!(&mut held).is_pending());
        sender.send(crashing(1, None)).unwrap();
        assert!(futures::poll!(&mut held).is_pending());
        sender.send(crashing(1, Some("no config"))).unwrap();
        assert!(held.await.unwrap_err().held.is_some());
    }

    #[tokio::test]
    async fn changes_that_were_missed_are_not_taken_for_good_ones() {
        let (sender, watched) = watched(world());
        for _ in 0..6 {
            sender.send(world_with("True")).unwrap();
        }
        let broken = hold(watched, &ready(), &Memory::default(), Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(broken.report.summary, "2 changes came too fast to be judged");
    }
}
