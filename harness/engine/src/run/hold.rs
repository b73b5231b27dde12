//! Judging a condition at every change that is seen during a stretch of time.

use std::{sync::Arc, time::Duration};

use rollcall_model::{Condition, Memory, Report, World};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::Instant,
};

use crate::clock;

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
    loop {
        let now = clock::now();
        if let Some(report) = condition.judge(&world, now, memory).report() {
            return Err(Broken { report: report.clone(), held });
        }
        held = Some(started.elapsed());
        // Time alone may change the answer too.
        let timer = condition
            .next_check(&world, now)
            .map_or(end, |moment| end.min(Instant::now() + clock::pause_until(moment, now)));
        let change = tokio::select! {
            // What has happened is judged before the time is said to be over.
            biased;
            change = changes.recv() => change,
            () = tokio::time::sleep_until(timer) => {
                if Instant::now() >= end {
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
    use rollcall_model::{Change, Kind, condition::NodeSelection};
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
