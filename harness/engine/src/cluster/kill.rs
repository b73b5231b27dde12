//! Killing the main process of a container, as a crash would end it.
//! What is not here: how the process is found, which is in `processes`.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use rollcall_model::{DaemonSetRef, Judgement, NodeReport, Report, scenario::Kill, world::view};

use super::{
    Cluster,
    processes::{chosen, has_ended, status_of},
};
use crate::{
    clock,
    error::{Error, Result},
};

/// Fills what is left of the memory of the control group of process `$PID`, until the kernel ends a process there, which
/// it is told should be that one first (`oom_score_adj`, `Documentation/filesystems/proc.rst`): it counts for as much as
/// the whole limit and what it has. A process that filled the limit alone would count for about as much, so one fills the
/// first half of it and another the rest. Those are what is left then, and end the same way or when the other has ended,
/// so that nothing stays in the group.
const USE_UP_MEMORY: &str = r#"
group=$(sed -n 's/^[0-9]*:memory:/\/memory/p' "/proc/$PID/cgroup")
[ -n "$group" ] || group=$(sed -n 's/^0:://p' "/proc/$PID/cgroup")
group=/sys/fs/cgroup$group
limit=$(cat "$group/memory.limit_in_bytes" 2>/dev/null || cat "$group/memory.max") || exit 1
available=$(awk '$1 == "MemAvailable:" { printf "%.0f", $2 * 1024 }' /proc/meminfo)
if [ "$limit" -gt "$available" ]; then
  echo "its limit is $limit bytes, and the machine has $available bytes left" >&2; exit 3
fi
echo 1000 > "/proc/$PID/oom_score_adj" || exit 1
within() { sh -c 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"' within "$group" "$@" > /dev/null; }
ended=$({ { head -c $((limit / 2)) /dev/zero; within tail /dev/zero; echo $? >&3; } | within tail; } 3>&1)
# 137 is 128 and 9, for SIGKILL.
[ "$ended" = 137 ] || { echo "the process that filled its memory ended with exit code $ended"; exit 1; } >&2
"#;
/// How that ends where the machine has less memory than the container may use.
const TOO_LITTLE_MEMORY: i64 = 3;

impl Cluster {
    /// Kills the main process of a container in the daemon pod of a node, by SIGKILL or by using up its memory limit,
    /// and returns when the kubelet has noticed: when the container has been restarted, or waits for that.
    ///
    /// `container` may be left out where the pod has only one.
    ///
    /// # Errors
    /// When there is no such pod or container, it does not run, it has no memory limit to use up, or the kubelet says
    /// nothing of it in time.
    pub async fn kill_container(
        &self,
        daemon_set: &DaemonSetRef,
        node: &str,
        container: Option<&str>,
        by: Kill,
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
        if by == Kill::Memory && !has_memory_limit(pod, &container) {
            let message = format!("container `{container}` of pod `{name}` has no memory limit that could be used up");
            return Err(Error::usage_hint(message, "set `resources.limits.memory`"));
        }
        let command = match by {
            Kill::Signal => "kill -9 \"$PID\"",
            Kill::Memory => USE_UP_MEMORY,
        };
        let output = self.beside(&machine, &id, &["sh", "-c", command]).await?;
        if output.code != 0 {
            let why = output.stderr.trim_end();
            let message =
                format!("container `{container}` of pod `{name}` could not be killed on node `{node}`: {why}");
            return Err(match output.code {
                TOO_LITTLE_MEMORY => Error::usage_hint(message, "set a lower `resources.limits.memory`"),
                _ => Error::Unmet { message },
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

fn has_memory_limit(pod: &Pod, container: &str) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let found = containers.filter(|found| found.name == container).filter_map(|found| found.resources.as_ref());
    found.filter_map(|resources| resources.limits.as_ref()).any(|limits| limits.contains_key("memory"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_limit_is_that_of_the_container_itself() {
        let pod: Pod = serde_json::from_value(json!({"metadata": {}, "spec": {"containers": [
            {"name": "a", "resources": {"limits": {"memory": "32Mi"}}},
            {"name": "b", "resources": {"limits": {"cpu": "1"}, "requests": {"memory": "32Mi"}}},
        ]}}))
        .unwrap();
        assert!(has_memory_limit(&pod, "a") && !has_memory_limit(&pod, "b"));
    }
}
