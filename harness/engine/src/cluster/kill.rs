//! Killing the main process of a container, as a crash would end it.
//! What is not here: how the process is found, which is in `processes`.

use std::time::Duration;

use k8s_openapi::api::core::v1::ContainerStatus;
use rollcall_model::{DaemonSetRef, Judgement, NodeReport, Report, world::view};

use super::{
    Cluster,
    processes::{chosen, status_of},
};
use crate::{
    clock,
    error::{Error, Result},
};

impl Cluster {
    /// Kills the main process of a container in the daemon pod of a node by SIGKILL, and returns when the kubelet has
    /// noticed: when the container has been restarted, or waits for that.
    ///
    /// `container` may be left out where the pod has only one.
    ///
    /// # Errors
    /// When there is no such pod or container, it does not run, or the kubelet says nothing of it in time.
    pub async fn kill_container(
        &self,
        daemon_set: &DaemonSetRef,
        node: &str,
        container: Option<&str>,
        deadline: Duration,
    ) -> Result<Duration> {
        let started = clock::instant();
        let machine = self.machine(node).await?;
        let world = self.world();
        let pods = world.daemon_set(daemon_set).map(|found| world.pods_of(found)).unwrap_or_default();
        let pod = pods.into_iter().find(|pod| view::node_of(pod) == Some(node) && !view::is_terminating(pod));
        let Some(pod) = pod else {
            return Err(Error::usage(format!("daemonset `{daemon_set}` has no pod on node `{node}`")));
        };
        let name = view::name_of(&pod.metadata).to_owned();
        let status = chosen(pod, container).map_err(|why| Error::usage(format!("pod `{name}` {why}")))?;
        let (container, id) = (status.name.clone(), status.container_id.clone().unwrap_or_default());
        let output = self.beside(&machine, &id, &["sh", "-c", "kill -9 \"$PID\""]).await?;
        if output.code != 0 {
            return Err(Error::Unmet {
                message: format!(
                    "container `{container}` of pod `{name}` could not be killed on node `{node}`: {}",
                    output.stderr.trim_end()
                ),
            });
        }
        let what = format!("end of container `{container}` of pod `{name}`");
        let uid = pod.metadata.uid.clone();
        let left = deadline.saturating_sub(started.elapsed());
        self.observer
            .wait(what, left, |world, _| {
                let same = world.pods.values().find(|pod| pod.metadata.uid == uid);
                let status = same.and_then(|pod| status_of(pod, &container));
                if status.is_none_or(|status| has_ended(status, &id)) {
                    return Judgement::Done;
                }
                let what = format!("container `{container}` is said to run still");
                Judgement::NotYet(Report {
                    summary: what.clone(),
                    nodes: vec![NodeReport { node: node.to_owned(), what }],
                })
            })
            .await?;
        Ok(started.elapsed())
    }
}

/// Whether a status is of another container than that of the id, or says that it has ended.
fn has_ended(status: &ContainerStatus, id: &str) -> bool {
    let runs = status.state.as_ref().is_some_and(|state| state.running.is_some());
    !runs || status.container_id.as_deref() != Some(id)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::{Value, json};

    use super::*;

    fn pod(statuses: Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "p"}, "status": {"containerStatuses": statuses}})).unwrap()
    }

    fn status(name: &str, state: Value) -> Value {
        json!({"name": name, "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": state,
            "containerID": format!("containerd://{name}")})
    }

    #[test]
    fn a_container_has_ended_when_it_is_said_so_or_there_is_another() {
        let running = pod(json!([status("a", json!({"running": {}}))]));
        let status_of_a = status_of(&running, "a").unwrap();
        assert!(!has_ended(status_of_a, "containerd://a") && has_ended(status_of_a, "containerd://earlier"));
        let ended = pod(json!([status("a", json!({"terminated": {"exitCode": 137}}))]));
        assert!(has_ended(status_of(&ended, "a").unwrap(), "containerd://a"));
    }
}
