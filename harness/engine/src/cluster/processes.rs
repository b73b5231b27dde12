//! Processes of containers, seen and touched from the node they run on: also those of an image that has no shell.

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use rollcall_model::{
    condition::{ExecCondition, command_line},
    world::{ExecSeen, view},
};

use super::{
    Cluster,
    commands::{Wrote, running_pods},
    machine::Machine,
};
use crate::{docker::ExecOutput, error::Result};

/// Runs `$2…` with PID set to the first process of the container whose id is `$1`: that one whose parent is outside of
/// it. A container that shares the node's process ids has no process 1 of its own. Every distro's node has a shell.
const BESIDE: &str = r#"
inside() { grep -qs "$1" "/proc/$2/cgroup"; }
for folder in /proc/[0-9]*; do
  process=${folder#/proc/}
  inside "$1" "$process" || continue
  parent=$(sed -n 's/^PPid:[[:space:]]*//p' "$folder/status" 2>/dev/null)
  [ -n "$parent" ] || continue
  if [ "$parent" = 0 ] || ! inside "$1" "$parent"; then
    shift
    PID=$process
    export PID
    exec "$@"
  fi
done
echo "no process of the container is there" >&2
exit 125
"#;

impl Cluster {
    /// Runs a command on the node of a container, with the container's first process as `PID`.
    pub(super) async fn beside(&self, machine: &Machine, id: &str, command: &[&str]) -> Result<ExecOutput> {
        let short = id.rsplit('/').next().unwrap_or_default();
        let mut words = vec!["sh", "-c", BESIDE, "beside", short];
        words.extend(command);
        self.made()?.docker.exec(&machine.container, &words).await
    }

    /// Runs a command once on the node of each selected pod, side by side, and says what each wrote and which did not end
    /// as `wanted` says.
    ///
    /// # Errors
    /// When there is no such pod, or its node cannot be asked.
    pub(crate) async fn exec_on_nodes(&self, wanted: &ExecCondition) -> Result<Wrote> {
        let world = self.world();
        let pods = running_pods(wanted, &world)?;
        let command: Vec<&str> = wanted.command.iter().map(String::as_str).collect();
        let command = command.as_slice();
        let on_each = pods.into_iter().map(|pod| self.exec_beside(pod, wanted, command));
        Ok(Wrote::of_pods(try_join_all(on_each).await?))
    }

    /// Runs a command on the node of a pod, and says what it wrote, and how it ended where that was not wanted.
    async fn exec_beside(
        &self,
        pod: &Pod,
        wanted: &ExecCondition,
        command: &[&str],
    ) -> Result<(String, Option<String>)> {
        let name = view::name_of(&pod.metadata);
        let node = view::node_of(pod).unwrap_or_default();
        let status = match chosen(pod, wanted.container.as_deref()) {
            Ok(status) => status,
            Err(why) => return Ok((format!("{node} {name}: {why}"), Some(format!("pod `{name}` {why}")))),
        };
        let machine = self.machine(node).await?;
        let output = self.beside(&machine, status.container_id.as_deref().unwrap_or_default(), command).await?;
        let text = format!("{node} {name}: {}{}", output.stdout, output.stderr);
        let exit_code = i32::try_from(output.code).unwrap_or(-1);
        let seen = ExecSeen::Ended { exit_code, stdout: output.stdout, stderr: output.stderr };
        let wrong = wanted.mismatch(&seen);
        Ok((text, wrong.map(|why| format!("`{}` beside pod `{name}`: {why}", command_line(&wanted.command)))))
    }
}

fn statuses(pod: &Pod) -> &[ContainerStatus] {
    pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default()
}

pub(super) fn status_of<'a>(pod: &'a Pod, container: &str) -> Option<&'a ContainerStatus> {
    statuses(pod).iter().find(|status| status.name == container)
}

/// The container that is meant, if it runs.
pub(super) fn chosen<'a>(pod: &'a Pod, container: Option<&str>) -> std::result::Result<&'a ContainerStatus, String> {
    let all = statuses(pod);
    let names = || all.iter().map(|status| format!("`{}`", status.name)).collect::<Vec<_>>().join(", ");
    let status = match (container, all) {
        (Some(name), _) => {
            status_of(pod, name).ok_or_else(|| format!("has no container `{name}`; it has {}", names()))?
        }
        (None, [one]) => one,
        (None, []) => return Err("has no container yet".to_owned()),
        (None, _) => return Err(format!("has several containers, and which is meant is not said: {}", names())),
    };
    let runs = status.state.as_ref().is_some_and(|state| state.running.is_some());
    if runs && status.container_id.is_some() {
        return Ok(status);
    }
    Err(format!("has container `{}`, which does not run", status.name))
}

/// Whether a status is of another container than that of the id, or says that it has ended.
pub(super) fn has_ended(status: &ContainerStatus, id: &str) -> bool {
    let runs = status.state.as_ref().is_some_and(|state| state.running.is_some());
    !runs || status.container_id.as_deref() != Some(id)
}

#[cfg(test)]
mod tests {
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
    fn the_container_that_is_meant_must_be_clear_and_running() {
        let running = json!({"running": {}});
        let one = pod(json!([status("a", running.clone())]));
        assert_eq!(chosen(&one, None).unwrap().name, "a");
        assert_eq!(chosen(&one, Some("b")).unwrap_err(), "has no container `b`; it has `a`");
        let two = pod(json!([status("a", running.clone()), status("b", json!({"waiting": {}}))]));
        assert!(chosen(&two, None).unwrap_err().contains("`a`, `b`"));
        assert_eq!(chosen(&two, Some("b")).unwrap_err(), "has container `b`, which does not run");
        assert_eq!(chosen(&pod(json!([])), None).unwrap_err(), "has no container yet");
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
