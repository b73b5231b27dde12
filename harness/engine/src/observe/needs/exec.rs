//! The ends of a command in pods.
//!
//! A command cannot be watched: it is run again until it ends as it should, at once when the pods change, and else after
//! [`PAUSE`]. This is the one place where something is asked again and again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kube::Client;
use rollcall_model::{
    World,
    condition::ExecCondition,
    world::{ExecSeen, Fact, view},
};
use tokio::sync::watch;

use super::Answers;
use crate::cluster::exec_in;

/// Between two tries. A command is a process in a container; more of them would disturb what they look at.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn follow(
    client: Client,
    condition: ExecCondition,
    mut worlds: watch::Receiver<Arc<World>>,
    answers: Answers,
) {
    loop {
        let world = worlds.borrow_and_update().clone();
        let pods: Vec<_> =
            condition.pods.of(&world).into_iter().filter(|pod| view::phase_of(pod) == "Running").collect();
        let tries = pods.iter().map(|pod| async {
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            let seen = exec_in(&client, pod, condition.container.as_deref(), &condition.command).await;
            (uid, seen.unwrap_or_else(|error| ExecSeen::Refused(crate::error::chain(&error))))
        });
        let seen: BTreeMap<String, ExecSeen> = futures::future::join_all(tries).await.into_iter().collect();
        answers.send(Fact::Exec(seen));
        let known = running(&condition, &world);
        let changed = worlds.wait_for(|world| running(&condition, world) != known);
        if let Ok(Err(_)) = tokio::time::timeout(PAUSE, changed).await {
            return;
        }
    }
}

fn running(condition: &ExecCondition, world: &World) -> Vec<String> {
    let pods = condition.pods.of(world).into_iter().filter(|pod| view::phase_of(pod) == "Running");
    pods.map(|pod| pod.metadata.uid.clone().unwrap_or_default()).collect()
}
