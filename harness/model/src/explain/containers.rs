//! Containers that do not get to run, do not go on running, or do not get ready.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Node, Pod};

use super::{Cause, Finding, Look, events, logs, nodes, pod_object, volumes};
use crate::world::view;

/// What the kubelet says of a pod that it evicts for more than it may have (`pkg/kubelet/eviction/helpers.go`).
const OWN_LIMIT: [&str; 3] =
    ["exceeded its local ephemeral storage limit", "exceeds the total limit", "exceeds the limit"];

/// And of one that it refuses or evicts because the node is short of something.
const FOR_PRESSURE: [&str; 2] = ["The node was low on", "The node had condition"];

/// How containerd and cri-dockerd call the end of a container that could not be started
/// (`internal/cri/server/container_start.go`, `core/container_start.go`). After a few of them the kubelet says
/// `CrashLoopBackOff`, as of any other that ends.
const NOT_STARTED: [&str; 2] = ["StartError", "ContainerCannotRun"];
/// What registries answer, in lower case, with the words of the status and not its number alone: digests and ports are
/// numbers too (distribution specification, error codes; `core/remotes/docker` of containerd).
const TOO_MANY_REQUESTS: [&str; 2] = ["toomanyrequests", "too many requests"];
const UNAUTHORIZED: [&str; 7] = [
    "unauthorized",
    "403 forbidden",
    "access denied",
    "access to the resource is denied",
    "authorization failed",
    "no basic auth credentials",
    "insufficient_scope",
];

/// A pod that is over by the kubelet's will.
struct Refusal<'a> {
    source: &'static str,
    reason: &'a str,
    message: &'a str,
}

impl Look<'_> {
    /// Why a pod that the kubelet refused, evicted or gave up on is over. What the node is short of says best what that
    /// was for, if it was for that.
    pub(super) fn ended(self, node: &Node, pod: &Pod) -> Vec<Finding> {
        let Some(Refusal { source, reason, message }) = self.turned_away(pod) else { return Vec::new() };
        let name = view::name_of(&pod.metadata);
        let (cause, what, remedy) = if reason != "Evicted" {
            let what = format!("the kubelet refused pod `{name}`");
            (Cause::RefusedByKubelet, what, "do what the message says; the controller tries again by and by")
        } else if OWN_LIMIT.iter().any(|part| message.contains(part)) {
            let what = format!("the kubelet evicted pod `{name}` for more than it may have");
            (Cause::Evicted, what, "raise the limit that its message names, or let it write less")
        } else {
            let what = format!("the kubelet evicted pod `{name}`");
            (Cause::Evicted, what, "free what the node runs short of; daemon pods are spared only by their priority")
        };
        let is_for_pressure = FOR_PRESSURE.iter().any(|part| message.contains(part));
        let mut findings = if is_for_pressure { self.pressures(node) } else { Vec::new() };
        let finding = Finding::proven(cause, pod_object(pod), what);
        findings.push(finding.seen(source, format!("{reason}: {message}")).remedy(remedy));
        findings
    }

    /// What the kubelet says of a pod that is over: in its status, or in an event, for the status may take seconds more.
    fn turned_away<'a>(self, pod: &'a Pod) -> Option<Refusal<'a>>
    where
        Self: 'a,
    {
        if view::phase_of(pod) == "Failed" {
            let status = pod.status.as_ref()?;
            let message = status.message.as_deref().unwrap_or_default();
            return Some(Refusal { source: "status.reason", reason: status.reason.as_deref()?, message });
        }
        let event = self.event(&pod.metadata, "Evicted", &[])?;
        Some(Refusal { source: "event Evicted", reason: "Evicted", message: events::message(event) })
    }

    /// A finding for each container that is not as it should be, init containers first.
    pub(super) fn containers(self, pod: &Pod) -> Vec<Finding> {
        let init = pod.status.iter().flat_map(|status| status.init_container_statuses.iter().flatten());
        let init: Vec<Finding> = init.filter_map(|status| self.container(pod, status, true)).collect();
        if !init.is_empty() {
            return init;
        }
        let main = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        main.filter(|status| !status.ready).filter_map(|status| self.container(pod, status, false)).collect()
    }

    fn container(self, pod: &Pod, status: &ContainerStatus, init: bool) -> Option<Finding> {
        let state = status.state.as_ref();
        if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
            let reason = waiting.reason.as_deref().unwrap_or_default();
            let message = waiting.message.as_deref().unwrap_or_default();
            let finding = match reason {
                "CrashLoopBackOff" => return self.crashed(pod, status),
                "ErrImagePull" | "ImagePullBackOff" => self.pull(pod, status, message),
                "InvalidImageName" => named(Cause::ImageNameInvalid, pod, status, "has an image name that is none")
                    .remedy("correct the name of the image"),
                "ErrImageNeverPull" => {
                    named(Cause::ImageNeverPulled, pod, status, "may not pull its image, and the node does not have it")
                        .remedy("bring the image to the node, or set `imagePullPolicy: IfNotPresent`")
                }
                "CreateContainerConfigError" => config(pod, status, message),
                "CreateContainerError" | "RunContainerError" => start(pod, status, message),
                // The ordinary way up, unless the last run ended badly.
                _ => return self.crashed(pod, status),
            };
            return Some(finding.seen(
                format!("status.containerStatuses[{}].state.waiting", status.name),
                format!("{reason}: {message}"),
            ));
        }
        if state.is_some_and(|state| state.terminated.is_some()) {
            return self.crashed(pod, status);
        }
        let running = state.is_some_and(|state| state.running.is_some());
        // A sidecar is an init container that stays.
        let has_come_up = status.started == Some(true) && is_sidecar(pod, &status.name);
        if init && running && !has_come_up {
            let since = state.and_then(|state| state.running.as_ref()?.started_at.as_ref()).map(|at| at.0.to_string());
            let finding = named(Cause::InitContainerStuck, pod, status, "has not ended, and the others wait for it");
            let finding = finding.seen(
                format!("status.initContainerStatuses[{}].state.running.startedAt", status.name),
                since.unwrap_or_default(),
            );
            let finding = self.with_last_lines(finding, pod, status);
            return Some(finding.remedy("look what it waits for").command(format!(
                "kubectl -n {} logs {} -c {}",
                nodes::namespace(pod),
                view::name_of(&pod.metadata),
                status.name
            )));
        }
        if running && !init {
            return self.probe(pod, status).or_else(|| self.crashed(pod, status)).or_else(|| self.said(pod, status));
        }
        None
    }

    /// Why a container ended, the last time that it did.
    fn crashed(self, pod: &Pod, status: &ContainerStatus) -> Option<Finding> {
        let over = |state: Option<&ContainerState>| state.and_then(|state| state.terminated.clone());
        let ended: ContainerStateTerminated =
            over(status.state.as_ref()).or_else(|| over(status.last_state.as_ref()))?;
        let name = &status.name;
        let source = format!("status.containerStatuses[{name}].lastState.terminated");
        let reason = ended.reason.as_deref().unwrap_or_default();
        let says = format!("{reason}, exit code {}, {} restarts", ended.exit_code, status.restart_count);
        if reason == "OOMKilled" {
            let limit = memory_limit(pod, name);
            let of = limit.clone().map_or_else(|| "of its node".to_owned(), |limit| format!("of {limit}"));
            let finding = named(Cause::OutOfMemory, pod, status, &format!("was killed at the memory limit {of}"));
            let finding =
                finding.seen(source, says).seen("resources.limits.memory", limit.unwrap_or_else(|| "none".into()));
            return Some(finding.remedy("raise the limit, or let the program use less"));
        }
        if let Some(finding) = self.probe_killed(pod, status) {
            return Some(finding.seen(source, says));
        }
        if ended.exit_code == 0
            && status.restart_count == 0
            && status.last_state.is_none()
            && reason == "Completed"
            && is_init(pod, name)
        {
            return None;
        }
        // What never ran has no last words: the runtime's answer is in the state.
        if NOT_STARTED.contains(&reason) {
            let message = ended.message.as_deref().unwrap_or_default();
            return Some(start(pod, status, message).seen(source, format!("{says}: {message}")));
        }
        if let Some(finding) = self.said(pod, status) {
            return Some(finding.seen(source, says));
        }
        let what = match ended.exit_code {
            0 => "ends with exit code 0 again and again, and a daemon pod's container is not meant to end".to_owned(),
            code if code > 128 => format!("is ended by signal {} again and again", code - 128),
            code => format!("ends with exit code {code} again and again"),
        };
        let finding = named(Cause::CrashLoop, pod, status, &what).seen(source, says);
        let finding = match ended.message.as_deref().filter(|message| !message.trim().is_empty()) {
            Some(message) => finding.seen("termination message", message),
            None => finding,
        };
        let finding = self.with_last_lines(finding, pod, status);
        let previous = if status.restart_count > 0 { " --previous" } else { "" };
        Some(finding.remedy("do what its last words say").command(format!(
            "kubectl -n {} logs {} -c {name}{previous}",
            nodes::namespace(pod),
            view::name_of(&pod.metadata)
        )))
    }

    fn with_last_lines(self, finding: Finding, pod: &Pod, status: &ContainerStatus) -> Finding {
        match self.last_lines(pod, status) {
            Some(text) => finding.seen(format!("log of container {}", status.name), tail(text)),
            None => finding,
        }
    }

    /// A probe that keeps a running container from being ready (`pkg/kubelet/prober/prober.go`: `Unhealthy`).
    fn probe(self, pod: &Pod, status: &ContainerStatus) -> Option<Finding> {
        let event = self.event(&pod.metadata, "Unhealthy", &["Readiness probe", "Startup probe"])?;
        Some(probe(pod, status, events::message(event)).seen(events::source(event), events::message(event)))
    }

    /// A probe for which the kubelet has killed a container (`failed liveness probe, will be restarted`).
    fn probe_killed(self, pod: &Pod, status: &ContainerStatus) -> Option<Finding> {
        let killed = self.event(&pod.metadata, "Killing", &["failed liveness probe", "failed startup probe"])?;
        if !events::message(killed).contains(&status.name) {
            return None;
        }
        let failed = self.event(&pod.metadata, "Unhealthy", &["Liveness probe", "Startup probe"]);
        let message = failed.map(events::message).unwrap_or("Liveness probe failed");
        let finding = probe(pod, status, message).seen(events::source(killed), events::message(killed));
        Some(match failed {
            Some(failed) => finding.seen(events::source(failed), message),
            None => finding,
        })
    }

    fn pull(self, pod: &Pod, status: &ContainerStatus, waiting: &str) -> Finding {
        // Older kubelets say why in the event only.
        let event = self.event(&pod.metadata, "Failed", &["Failed to pull image"]);
        let said = event.map(events::message).unwrap_or_default();
        let text = format!("{waiting} {said}").to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
        let image = &status.image;
        let finding = if has(&["no match for platform", "no matching manifest"]) {
            named(
                Cause::ImageWrongArchitecture,
                pod,
                status,
                &format!("has image `{image}`, which is not for the architecture of its node"),
            )
            .remedy("build the image for the node's architecture, or choose nodes by `kubernetes.io/arch`")
        } else if has(&TOO_MANY_REQUESTS) {
            named(
                Cause::ImagePullRateLimited,
                pod,
                status,
                &format!("cannot pull image `{image}`: the registry answers too many requests"),
            )
            .remedy("wait, pull with an account, or bring the image into a registry of your own")
        } else if has(&UNAUTHORIZED) {
            named(
                Cause::ImagePullUnauthorized,
                pod,
                status,
                &format!("cannot pull image `{image}`: the registry wants other credentials"),
            )
            .remedy("add a working `imagePullSecrets`; some registries answer so for an image that does not exist, too")
        } else if has(&["not found", "manifest unknown"]) {
            named(Cause::ImageNotFound, pod, status, &format!("has image `{image}`, which the registry does not have"))
                .remedy("correct name or tag, or push the image")
        } else {
            named(Cause::ImagePullFailed, pod, status, &format!("cannot pull image `{image}`"))
                .remedy("look whether the node reaches the registry")
        };
        match event {
            Some(event) => finding.seen(events::source(event), said),
            None => finding,
        }
    }
}

fn named(cause: Cause, pod: &Pod, status: &ContainerStatus, what: &str) -> Finding {
    let kind = if is_init(pod, &status.name) { "init container" } else { "container" };
    Finding::proven(cause, pod_object(pod), format!("{kind} `{}` {what}", status.name))
}

/// `CreateContainerConfigError` (pkg/kubelet/kubelet_pods.go, kuberuntime/security_context.go).
fn config(pod: &Pod, status: &ContainerStatus, message: &str) -> Finding {
    if let Some(name) = volumes::between(message, "secret \"", "\" not found") {
        return volumes::absent(Cause::SecretMissing, pod, "secret", name);
    }
    if let Some(name) = volumes::between(message, "configmap \"", "\" not found") {
        return volumes::absent(Cause::ConfigMapMissing, pod, "configmap", name);
    }
    if message.contains("couldn't find key") {
        return named(Cause::KeyMissing, pod, status, "wants a key that is not there")
            .remedy("add the key, correct its name, or mark it optional");
    }
    if message.contains("runAsNonRoot") || message.contains("non-root") {
        return named(
            Cause::WouldRunAsRoot,
            pod,
            status,
            "must not run as root, and its image's user is root or a name",
        )
        .remedy("set `runAsUser` to a number that is not 0, or build the image with such a user");
    }
    if message.contains("subPath") {
        return named(Cause::SubPathFailed, pod, status, "has a `subPath` that cannot be mounted")
            .remedy("correct the `subPath`");
    }
    named(Cause::ContainerFailed, pod, status, "cannot be configured").remedy("do what the message says")
}

/// `CreateContainerError` and `RunContainerError`: what the container runtime answers.
fn start(pod: &Pod, status: &ContainerStatus, message: &str) -> Finding {
    if message.contains("exec format error") {
        return logs::wrong_format(pod, &status.name);
    }
    let exec = message.contains("exec: ") || message.contains("starting container process");
    if exec && (message.contains("no such file or directory") || message.contains("executable file not found")) {
        return named(Cause::CommandNotFound, pod, status, "begins with a command that its image does not have")
            .remedy("correct `command`, or build the image with it");
    }
    if message.contains("subPath") {
        return named(Cause::SubPathFailed, pod, status, "has a `subPath` that cannot be mounted")
            .remedy("correct the `subPath`");
    }
    if message.contains("permission denied") || message.contains("operation not permitted") {
        return named(Cause::PermissionDenied, pod, status, "cannot be started for want of a right")
            .remedy("do what the message says");
    }
    named(Cause::ContainerFailed, pod, status, "cannot be started").remedy("do what the message says")
}

fn probe(pod: &Pod, status: &ContainerStatus, message: &str) -> Finding {
    let kind = message.split_once(" probe").map_or("probe", |(kind, _)| kind).to_lowercase();
    let answer = message.split_once(": ").map_or(message, |(_, answer)| answer);
    named(Cause::ProbeFailed, pod, status, &format!("fails its {kind} probe: {}", answer.trim()))
        .remedy("see to what the probe asks for, or correct its path, port or times")
}

fn is_init(pod: &Pod, container: &str) -> bool {
    pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten()).any(|init| init.name == container)
}

fn is_sidecar(pod: &Pod, container: &str) -> bool {
    let init = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    init.into_iter().any(|init| init.name == container && init.restart_policy.as_deref() == Some("Always"))
}

fn memory_limit(pod: &Pod, container: &str) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let mut all = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let found = all.find(|other| other.name == container)?;
    found.resources.as_ref()?.limits.as_ref()?.get("memory").map(|limit| limit.0.clone())
}

/// The last lines, few enough to read.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
