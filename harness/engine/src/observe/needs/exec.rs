//! The ends of a command in pods.
//!
//! A command cannot be watched: it is run again until it ends as it should, at once when the pods change, and else after
//! [`PAUSE`]. This is the one place where something is asked again and again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Pod;
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
        let tries = running(&condition, &world).into_iter().map(async |pod| {
            let seen = exec_in(&client, pod, condition.container.as_deref(), &condition.command).await;
            (uid(pod), seen.unwrap_or_else(|error| ExecSeen::Refused(crate::error::chain(&error))))
        });
        let seen: BTreeMap<String, ExecSeen> = futures::future::join_all(tries).await.into_iter().collect();
        answers.send(Fact::Exec(seen));
        let uids = |world: &World| running(&condition, world).into_iter().map(uid).collect::<Vec<_>>();
        let known = uids(&world);
        let changed = worlds.wait_for(|world| uids(world) != known);
        if let Ok(Err(_)) = tokio::time::timeout(PAUSE, changed).await {
            return;
        }
    }
}

/// The pods in which a command can be run.
fn running<'a>(condition: &ExecCondition, world: &'a World) -> Vec<&'a Pod> {
    condition.pods.of(world).into_iter().filter(|pod| view::phase_of(pod) == "Running").collect()
}

fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}
