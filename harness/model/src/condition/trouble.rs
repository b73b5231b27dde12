//! Why a pod is not ready, in half a sentence, from what its status says.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition};

use crate::world::view;

/// Reasons that are the ordinary way up.
pub(crate) const ORDINARY: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// Why a pod is not ready.
#[must_use]
pub fn of(pod: &Pod) -> String {
    let name = view::name_of(&pod.metadata);
    if view::is_terminating(pod) {
        return format!("pod `{name}` is terminating");
    }
    let status = pod.status.as_ref();
    let detail = |reason: Option<&str>, message: Option<&str>| {
        let mut text = String::new();
        if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
            text.push_str(&format!(": `{reason}`"));
        }
        if let Some(message) = message.filter(|message| !message.is_empty()) {
            text.push_str(&format!(": {}", message.trim()));
        }
        text
    };
    let phase = view::phase_of(pod);
    if phase == "Failed" || phase == "Succeeded" {
        let reason = status.and_then(|status| status.reason.as_deref());
        let message = status.and_then(|status| status.message.as_deref());
        let ended = if phase == "Failed" { "failed" } else { "ended" };
        return format!("pod `{name}` {ended}{}", detail(reason, message));
    }
    if let Some((reason, message)) = waiting(pod).find(|(reason, _)| !ORDINARY.contains(reason)) {
        return format!("pod `{name}` waiting{}", detail(Some(reason), message));
    }
    if let Some(condition) = unscheduled(pod) {
        return format!(
            "pod `{name}` is not scheduled{}",
            detail(condition.reason.as_deref(), condition.message.as_deref())
        );
    }
    if let Some((container, state)) = ended(pod) {
        return format!("pod `{name}`: container `{container}` ended{state}");
    }
    if let Some((reason, _)) = waiting(pod).next() {
        return format!("pod `{name}` is starting{}", detail(Some(reason), None));
    }
    if phase == "Pending" {
        return format!("pod `{name}` is pending");
    }
    match view::restart_count(pod) {
        0 => format!("pod `{name}` runs and is not ready"),
        1 => format!("pod `{name}` runs and is not ready, 1 restart"),
        restarts => format!("pod `{name}` runs and is not ready, {restarts} restarts"),
    }
}

/// The condition of a pod for which the scheduler has found no place.
pub(crate) fn unscheduled(pod: &Pod) -> Option<&PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
}

fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.iter();
    status.flat_map(|status| {
        status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten())
    })
}

/// Reason and message of every waiting container.
pub(super) fn waiting(pod: &Pod) -> impl Iterator<Item = (&str, Option<&str>)> {
    let states = containers(pod).filter_map(|container| container.state.as_ref()?.waiting.as_ref());
    states.filter_map(|waiting| Some((waiting.reason.as_deref()?, waiting.message.as_deref())))
}

/// A container, not an init one, that is over and has not been started again.
fn ended(pod: &Pod) -> Option<(&str, String)> {
    let statuses = pod.status.as_ref()?.container_statuses.iter().flatten();
    statuses.into_iter().find_map(|container| {
        let state = container.state.as_ref()?.terminated.as_ref()?;
        let reason = state.reason.as_deref().map(|reason| format!(": `{reason}`")).unwrap_or_default();
        Some((container.name.as_str(), format!("{reason}, exit code {}", state.exit_code)))
    })
}
