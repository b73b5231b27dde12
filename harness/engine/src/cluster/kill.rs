//! Killing the main process of a container, as a crash would end it.
//! What is not here: how the process is found, which is in `processes`.

use std::time::Duration;

use rollcall_model::{DaemonSetRef, Judgement, NodeReport, Report, world::view};

use super::{
    Cluster,
    processes::{chosen, has_ended, status_of},
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
