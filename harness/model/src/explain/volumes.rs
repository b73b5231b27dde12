//! Volumes that cannot be mounted, and sandboxes that cannot be made: what the kubelet says in events.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::{Cause, Finding, Look, events, logs, nodes, pod_object};
use crate::condition::trouble::ORDINARY;

impl Look<'_> {
    /// Why a pod's containers cannot begin, if that is why.
    pub(super) fn volumes(self, pod: &Pod) -> Option<Finding> {
        // Then everything is mounted, and an event that says otherwise is of an attempt before it.
        if logs::statuses(pod).any(is_past_its_volumes) {
            return None;
        }
        let metadata = &pod.metadata;
        // `MountVolume.SetUp failed for volume "x" : …` (pkg/volume/util/operationexecutor).
        let event = self.event(metadata, "FailedMount", &["MountVolume"]);
        // A pod that its kubelet has let go already has no objects registered, which is no reason for anything.
        if let Some(event) = event.filter(|event| !events::message(event).ends_with(" not registered")) {
            let message = events::message(event);
            return Some(mount(pod, message).seen(events::source(event), message));
        }
        let event = self.event(metadata, "FailedCreatePodSandBox", &[])?;
        Some(
            Finding::proven(Cause::SandboxFailed, pod_object(pod), "the sandbox of its containers cannot be made")
                .seen(events::source(event), events::message(event))
                .remedy("look at the pod network and the container runtime of its node"),
        )
    }
}

/// Whether a container has run, or waits for something that comes after volumes and sandbox: its image, or its own start
/// (`pkg/kubelet/kubelet.go`, `SyncPod`).
fn is_past_its_volumes(status: &ContainerStatus) -> bool {
    let has_run = status.container_id.as_deref().is_some_and(|id| !id.is_empty());
    let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
    let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
    has_run || reason.is_some_and(|reason| !ORDINARY.contains(&reason))
}

/// What the answer of a mount says.
fn mount(pod: &Pod, message: &str) -> Finding {
    let object = pod_object(pod);
    let volume = between(message, "for volume \"", "\"").unwrap_or("?");
    if let Some(name) = between(message, "secret \"", "\" not found") {
        return absent(Cause::SecretMissing, pod, "secret", name).seen("spec.volumes", volume);
    }
    if let Some(name) = between(message, "configmap \"", "\" not found") {
        return absent(Cause::ConfigMapMissing, pod, "configmap", name).seen("spec.volumes", volume);
    }
    if message.contains("references non-existent secret key") || message.contains("references non-existent config key")
    {
        return Finding::proven(Cause::KeyMissing, object, format!("volume `{volume}` wants a key that is not there"))
            .remedy("add the key, correct its name in `items`, or mark it optional");
    }
    // `hostPath type check failed, /x is not a directory, unable to determine its type: path "/x" does not exist`, and
    // up to 1.36 `hostPath type check failed: /x is not a directory` of either (pkg/volume/hostpath/host_path.go).
    if let Some((path, wanted)) = type_check(message) {
        let gone = message.contains("does not exist");
        let finding = if gone {
            let what = format!("`{path}`, which volume `{volume}` is of, is not on its node");
            Finding::proven(Cause::HostPathMissing, object, what)
        } else if message.contains("type check failed:") {
            let what = format!("`{path}` of its node is not {wanted}, or is not there");
            Finding::likely(Cause::HostPathWrongType, object, what)
        } else {
            Finding::proven(Cause::HostPathWrongType, object, format!("`{path}` of its node is not {wanted}"))
        };
        return finding
            .seen("spec.volumes", volume)
            .remedy("make the path on the node, or correct `hostPath.path` or `hostPath.type`");
    }
    Finding::proven(Cause::MountFailed, object, format!("volume `{volume}` cannot be mounted"))
        .remedy("do what the message says")
}

/// The path, and what it was to be.
fn type_check(message: &str) -> Option<(&str, &str)> {
    let rest = message.split_once("hostPath type check failed")?.1.trim_start_matches([':', ',', ' ']);
    let (path, rest) = rest.split_once(" is not ")?;
    Some((path, rest.split(',').next().unwrap_or(rest).trim()))
}

/// An object that a pod uses and that is not there.
pub(super) fn absent(cause: Cause, pod: &Pod, kind: &str, name: &str) -> Finding {
    let namespace = nodes::namespace(pod);
    Finding::proven(
        cause,
        pod_object(pod),
        format!("{kind} `{name}`, which it uses, is not in namespace `{namespace}`"),
    )
    .remedy(format!("make the {kind}, correct its name in the template, or mark it optional"))
    .command(format!("kubectl -n {namespace} get {kind}s"))
}

/// The text between two others.
pub(super) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.split_once(before)?.1;
    rest.split_once(after).map(|(found, _)| found)
}
