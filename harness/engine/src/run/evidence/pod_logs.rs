//! `pods/`: what the containers of pods have printed, and those before them that ended.

use futures::AsyncReadExt;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::{Api, Client, api::LogParams};
use rollcall_model::{
    World,
    world::view::{self, name_of},
};

use super::tail::Tail;
use crate::error::{Error, KubernetesContext, Result};

/// The last lines of a log that are asked for.
const MOST_LINES: i64 = 2000;
/// And no more bytes of them than these.
const MOST_BYTES: usize = 1 << 20;
/// How many logs are asked for at most, those of daemon pods first. A cluster of thousands of nodes has more.
const MOST_LOGS: usize = 300;

/// What a kubelet gives in place of a log that it has removed, as if it were the log
/// (`pkg/kubelet/kuberuntime/kuberuntime_container.go`, `GetContainerLogs`).
const KUBELET_LACKS: &[u8] = b"unable to retrieve container logs for ";

/// One log that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PodLog {
    pub(super) file: String,
    namespace: String,
    pod: String,
    container: String,
    /// That of the container's life before the present one.
    previous: bool,
}

/// The logs there should be, and those that there cannot be, with the reason.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) logs: Vec<PodLog>,
    pub(super) missing: Vec<(String, String)>,
}

/// Which logs to read.
pub(super) fn wanted(world: &World) -> Wanted {
    let mut pods: Vec<&Pod> = world.pods.values().map(AsRef::as_ref).collect();
    // Kubelets that answer come first, then those that may let everybody wait for them.
    pods.sort_by_key(|pod| (!is_on_ready_node(pod, world), !is_daemon_pod(pod)));
    let mut wanted = Wanted::default();
    for pod in pods {
        for status in containers(pod) {
            let log = |previous| PodLog {
                file: file(pod, &status.name, previous),
                namespace: pod.metadata.namespace.clone().unwrap_or_default(),
                pod: name_of(&pod.metadata).to_owned(),
                container: status.name.clone(),
                previous,
            };
            if let Some(why) = not_started(status) {
                wanted.missing.push((log(false).file, format!("the container has not been started: {why}")));
            } else {
                wanted.logs.push(log(false));
            }
            if status.restart_count > 0 {
                wanted.logs.push(log(true));
            }
        }
        if pod.status.as_ref().is_none_or(|status| status.container_statuses.is_none()) {
            let why = "no kubelet has reported on its containers";
            wanted.missing.push((file(pod, "*", false), why.to_owned()));
        }
    }
    let beyond = wanted.logs.split_off(wanted.logs.len().min(MOST_LOGS));
    let why = format!("no more than {MOST_LOGS} logs are collected");
    wanted.missing.extend(beyond.into_iter().map(|log| (log.file, why.clone())));
    wanted
}

fn file(pod: &Pod, container: &str, previous: bool) -> String {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let name = super::folder::file_name(&format!("{namespace}_{}_{container}", name_of(&pod.metadata)));
    format!("pods/{name}{}.log", if previous { ".previous" } else { "" })
}

fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| {
        let init = status.init_container_statuses.iter().flatten();
        init.chain(status.container_statuses.iter().flatten())
            .chain(status.ephemeral_container_statuses.iter().flatten())
    })
}

/// Why a container has never run, if it has not.
fn not_started(status: &ContainerStatus) -> Option<String> {
    let state = status.state.as_ref();
    let ran = |state: Option<&k8s_openapi::api::core::v1::ContainerState>| {
        state.is_some_and(|state| state.running.is_some() || state.terminated.is_some())
    };
    if ran(state) || ran(status.last_state.as_ref()) {
        return None;
    }
    let waiting = state.and_then(|state| state.waiting.as_ref());
    let reason = waiting.and_then(|waiting| waiting.reason.as_deref()).unwrap_or("no reason was given");
    let message = waiting.and_then(|waiting| waiting.message.as_deref()).map(|text| format!(": {}", text.trim()));
    Some(format!("{reason}{}", message.unwrap_or_default()))
}

fn is_on_ready_node(pod: &Pod, world: &World) -> bool {
    view::node_of(pod).and_then(|node| world.nodes.get(node)).is_some_and(|node| view::is_node_ready(node))
}

fn is_daemon_pod(pod: &Pod) -> bool {
    let mut owners = pod.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.kind == "DaemonSet" && owner.controller == Some(true))
}

impl PodLog {
    /// Reads the log, its end where it is long.
    ///
    /// # Errors
    /// When the API server or the kubelet does not give it.
    pub(super) async fn read(&self, client: &Client) -> Result<Vec<u8>> {
        let parameters = LogParams {
            container: Some(self.container.clone()),
            previous: self.previous,
            tail_lines: Some(MOST_LINES),
            ..LogParams::default()
        };
        let what = || format!("the log of container `{}` of pod `{}`", self.container, self.pod);
        let pods: Api<Pod> = Api::namespaced(client.clone(), &self.namespace);
        let stream = pods.log_stream(&self.pod, &parameters).await.doing("read", what)?;
        let mut stream = Box::pin(stream);
        let mut tail = Tail::new(MOST_BYTES);
        let mut piece = vec![0; 64 << 10];
        loop {
            match stream.read(&mut piece).await {
                Ok(0) => break,
                Ok(count) => tail.push(piece.get(..count).unwrap_or_default()),
                Err(source) => return Err(Error::file("read", what(), source)),
            }
        }
        let log = tail.finish();
        if log.starts_with(KUBELET_LACKS) {
            let source = std::io::Error::other(String::from_utf8_lossy(&log).trim().to_owned());
            return Err(Error::file("read", what(), source));
        }
        Ok(log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::evidence::testing;

    #[test]
    fn every_life_of_a_container_is_read_and_those_that_never_were_are_told() {
        let wanted = wanted(&testing::world());
        let files: Vec<&str> = wanted.logs.iter().map(|log| log.file.as_str()).collect();
        assert_eq!(
            files,
            [
                "pods/default_log-collector-aaaaa_collector.log",
                "pods/default_log-collector-aaaaa_collector.previous.log"
            ]
        );
        insta::assert_debug_snapshot!(wanted.missing, @r#"
        [
            (
                "pods/default_log-collector-bbbbb_collector.log",
                "the container has not been started: ErrImagePull: not\nfound",
            ),
        ]
        "#);
    }
}
