//! The last lines of containers: which are wanted, and what they give away.

use k8s_openapi::api::{
    apps::v1::DaemonSet,
    core::v1::{ContainerStatus, Pod},
};

use super::{Cause, Finding, Look, pod_object};
use crate::world::{World, view};

/// A log that a diagnosis would look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WantedLog {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether of the run before the present one.
    pub previous: bool,
}

/// The logs of containers that have ended or are not ready, at most `limit` of them.
#[must_use]
pub fn wanted_logs(world: &World, daemon_set: &DaemonSet, limit: usize) -> Vec<WantedLog> {
    let pods = world.pods_of(daemon_set);
    let wanted = pods.iter().filter(|pod| !view::is_ready(pod)).flat_map(|pod| {
        let statuses = statuses(pod).filter(|status| !status.ready && has_run(status));
        statuses.map(|status| wanted(pod, status)).collect::<Vec<_>>()
    });
    wanted.take(limit).collect()
}

pub(super) fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.iter();
    status.flat_map(|status| {
        status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten())
    })
}

fn has_run(status: &ContainerStatus) -> bool {
    let state = |state: Option<&k8s_openapi::api::core::v1::ContainerState>| {
        state.is_some_and(|state| state.running.is_some() || state.terminated.is_some())
    };
    state(status.state.as_ref()) || state(status.last_state.as_ref())
}

fn wanted(pod: &Pod, status: &ContainerStatus) -> WantedLog {
    // A container that waits to be started again has its last words in the run before, and so has one that has just
    // been started.
    let ended = status.last_state.as_ref().is_some_and(|state| state.terminated.is_some());
    let over = status.state.as_ref().is_some_and(|state| state.terminated.is_some());
    WantedLog {
        namespace: pod.metadata.namespace.clone().unwrap_or_default(),
        pod: view::name_of(&pod.metadata).to_owned(),
        container: status.name.clone(),
        previous: ended && !over,
    }
}

/// Words of the C library and of language runtimes for an error number, in lower case.
const READ_ONLY: &str = "read-only file system";
const DENIED: [&str; 2] = ["permission denied", "operation not permitted"];
const NO_SUCH_NAME: [&str; 13] = [
    // Go
    "no such host",
    // the C libraries
    "name or service not known",
    "temporary failure in name resolution",
    "name does not resolve",
    "nodename nor servname provided",
    // Rust, on top of these
    "failed to lookup address",
    // curl, BusyBox
    "could not resolve host",
    "bad address",
    // Node.js
    "enotfound",
    "eai_again",
    // Java
    "unknownhostexception",
    // programs with a resolver of their own, as the probe agent
    "could not look up",
    "no such name",
];
const WRONG_FORMAT: &str = "exec format error";

impl Look<'_> {
    /// The last lines of a container, where they were read.
    pub(super) fn last_lines(&self, pod: &Pod, status: &ContainerStatus) -> Option<&str> {
        self.extras.logs.get(&wanted(pod, status)).map(String::as_str).filter(|text| !text.trim().is_empty())
    }

    /// What the last lines of a container give away.
    pub(super) fn said(self, pod: &Pod, status: &ContainerStatus) -> Option<Finding> {
        let text = self.last_lines(pod, status)?;
        let line = |parts: &[&str]| {
            text.lines().rev().find(|line| {
                let line = line.to_lowercase();
                parts.iter().any(|part| line.contains(part))
            })
        };
        let name = &status.name;
        let object = pod_object(pod);
        let log = format!("log of container {name}");
        if let Some(line) = line(&[WRONG_FORMAT]) {
            return Some(wrong_format(pod, name).seen(log, line));
        }
        if let Some(line) = line(&[READ_ONLY]) {
            let mounts = read_only_mounts(pod, name);
            let mounts = if mounts.is_empty() { "`readOnlyRootFilesystem`".to_owned() } else { mounts.join(", ") };
            return Some(
                Finding::likely(
                    Cause::ReadOnlyMount,
                    object,
                    format!("container `{name}` writes where it may only read"),
                )
                .seen(log, line)
                .seen("read-only in the pod's spec", mounts)
                .remedy("mount what it writes to without `readOnly`, or let it write elsewhere, as into an `emptyDir`"),
            );
        }
        if let Some(line) = line(&DENIED) {
            return Some(
                Finding::likely(
                    Cause::PermissionDenied,
                    object,
                    format!("container `{name}` may not do what it tries to"),
                )
                .seen(log, line)
                .seen("securityContext", security(pod, name))
                .remedy("give it the user, capability or privilege that the call needs, and no more"),
            );
        }
        let spec = pod.spec.as_ref()?;
        let resolver_of_node = spec.host_network == Some(true)
            && spec.dns_policy.as_deref().is_none_or(|policy| policy != "ClusterFirstWithHostNet" && policy != "None");
        let line = line(&NO_SUCH_NAME).filter(|_| resolver_of_node)?;
        Some(
            Finding::likely(
                Cause::DnsPolicyOfHostNetwork,
                object,
                format!("container `{name}` looks up a name on the host network, where its resolver is the node's"),
            )
            .seen(log, line)
            .seen("spec.hostNetwork", "true")
            .seen("spec.dnsPolicy", spec.dns_policy.as_deref().unwrap_or("ClusterFirst"))
            .remedy("set `dnsPolicy: ClusterFirstWithHostNet`, if the name is one of the cluster"),
        )
    }
}

/// `ENOEXEC`, which a kernel also says of a script that does not name its interpreter (execve(2)).
pub(super) fn wrong_format(pod: &Pod, container: &str) -> Finding {
    Finding::likely(
        Cause::ImageWrongArchitecture,
        pod_object(pod),
        format!(
            "the program of container `{container}` is of another architecture than its node, or a script without `#!`"
        ),
    )
    .remedy(
        "build the image for the node's architecture, choose nodes by `kubernetes.io/arch`, or name the interpreter",
    )
}

fn read_only_mounts(pod: &Pod, container: &str) -> Vec<String> {
    let spec = pod.spec.iter();
    let containers = spec.flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()));
    let of_it = containers.filter(|other| other.name == container);
    of_it
        .flat_map(|container| container.volume_mounts.iter().flatten())
        .filter(|mount| mount.read_only == Some(true))
        .map(|mount| mount.mount_path.clone())
        .collect()
}

fn security(pod: &Pod, container: &str) -> String {
    let spec = pod.spec.as_ref();
    let of_pod = spec.and_then(|spec| spec.security_context.as_ref());
    let all = spec.into_iter().flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()));
    let of_container =
        all.into_iter().find(|other| other.name == container).and_then(|found| found.security_context.as_ref());
    match of_container {
        Some(context) => serde_json::to_string(context).unwrap_or_default(),
        None => match of_pod.filter(|context| **context != Default::default()) {
            Some(context) => serde_json::to_string(context).unwrap_or_default(),
            None => "none: not privileged, the default capabilities, the user of the image".to_owned(),
        },
    }
}
