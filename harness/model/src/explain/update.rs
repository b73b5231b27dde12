//! Pods that work and are of an old revision: what keeps them from being replaced.

use k8s_openapi::api::core::v1::Pod;

use super::{
    Cause, Finding, Look, NodeDiagnosis, NodeState, events, nodes, pod_object,
    rollout::{Awaited, Rollout},
};
use crate::world::view;

/// How many of several are named one by one.
const MOST: usize = 5;

/// Says of each outdated node why its pod is not replaced, out of what is so on the others.
pub(super) fn explain(look: Look<'_>, all: &mut [NodeDiagnosis]) {
    if all.iter().all(|node| node.state != NodeState::Outdated) {
        return;
    }
    let rollout = look.rollout(all);
    let namespace = look.daemon_set.metadata.namespace.clone().unwrap_or_default();
    for node in all.iter_mut().filter(|node| node.state == NodeState::Outdated) {
        let key = (namespace.clone(), node.pod.clone().unwrap_or_default());
        if let Some(pod) = look.world.pods.get(&key) {
            node.findings = look.not_replaced(&node.node, pod, &rollout);
        }
    }
}

impl Look<'_> {
    fn not_replaced(self, node: &str, pod: &Pod, rollout: &Rollout<'_>) -> Vec<Finding> {
        let name = view::name_of(&pod.metadata);
        if let Some(finding) = self.nothing_is_done(format!("pod `{name}` is not replaced")) {
            return vec![self.old(finding, pod)];
        }
        let strategy = self.daemon_set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete") {
            let finding = Finding::proven(
                Cause::UpdateOnDelete,
                pod_object(pod),
                format!("pod `{name}` stays as it is until somebody deletes it"),
            );
            let finding = self.old(finding.seen("spec.updateStrategy.type", "OnDelete"), pod);
            return vec![
                finding
                    .remedy("delete the pod, or update by `RollingUpdate`")
                    .command(format!("kubectl -n {} delete pod {name}", nodes::namespace(pod))),
            ];
        }
        let mut findings = Vec::new();
        let refused = self.refused().filter(|_| self.is_refused_now(rollout));
        if let Some(mut refused) = refused {
            refused.what = format!("pod `{name}` is not replaced: {}", refused.what);
            findings.push(self.old(refused, pod));
        }
        let own = rollout.awaited.iter().find(|awaited| rollout.surges && awaited.node == node);
        match own {
            // What it waits for is the pod beside it.
            Some(own) if !own.by_itself && !own.findings.is_empty() => findings.extend(own.findings.iter().cloned()),
            Some(own) => findings.push(self.old(beside(name, pod, own), pod)),
            None => findings.extend(self.turn(name, pod, rollout, findings.is_empty())),
        }
        findings
    }

    /// Why a pod does not have its turn. Where creation is refused, that is why, unless others are away for reasons of
    /// their own too.
    fn turn(self, name: &str, pod: &Pod, rollout: &Rollout<'_>, is_only: bool) -> Option<Finding> {
        let away: Vec<&Awaited<'_>> =
            rollout.awaited.iter().filter(|awaited| is_only || awaited.pod.is_some()).collect();
        let (list, limit) = (named(&away), rollout.limit);
        let of = if rollout.surges { "maxSurge" } else { "maxUnavailable" };
        if away.is_empty() || away.len() < limit {
            let what = format!("pod `{name}` has its turn yet to come");
            let finding = Finding::likely(Cause::UpdateUnderWay, pod_object(pod), what);
            return is_only.then(|| self.old(finding, pod).remedy("wait"));
        }
        if away.iter().all(|awaited| awaited.by_itself) {
            let what = format!("pod `{name}` has its turn when others are available: {list}");
            let finding = Finding::proven(Cause::UpdateUnderWay, pod_object(pod), what);
            let finding = finding.seen(format!("spec.updateStrategy.rollingUpdate.{of}"), limit.to_string());
            return Some(self.old(with(finding, &away), pod).remedy("wait"));
        }
        let so = match rollout.surges {
            true => format!("{} of {limit} that may be added are not available", away.len()),
            false => format!("{} of {limit} that may be unavailable are", away.len()),
        };
        let finding =
            Finding::proven(Cause::UpdateBudgetUsedUp, pod_object(pod), format!("pod `{name}` waits: {so}: {list}"))
                .seen(format!("spec.updateStrategy.rollingUpdate.{of}"), limit.to_string());
        let finding = self.old(with(finding, &away), pod);
        let (namespace, daemon_set) = self.reference.key();
        Some(match away.iter().any(|awaited| awaited.is_new && !awaited.by_itself) {
            true => finding
                .remedy(
                    "see to those pods first; where the new revision is at fault, correct it, or go back to the last",
                )
                .command(format!("kubectl -n {namespace} rollout undo daemonset/{daemon_set}")),
            false => finding.remedy("see to those nodes first: while they are not available no other pod is replaced"),
        })
    }

    /// Whether the latest refusal is what the rollout stands still by. After a creation that failed the controller does
    /// not go on to the update (`pkg/controller/daemon/daemon_controller.go`, `updateDaemonSet`).
    fn is_refused_now(self, rollout: &Rollout<'_>) -> bool {
        let revisions = self.world.revisions_of(self.daemon_set);
        let made = revisions.last().and_then(|latest| latest.metadata.creation_timestamp.as_ref()).map(|time| time.0);
        let is_of_this_update = || self.refusal().and_then(events::when) >= made;
        rollout.awaited.iter().any(|awaited| awaited.pod.is_none()) || (rollout.surges && is_of_this_update())
    }

    /// With what shows that a pod is old, and that no budget is why it stays.
    fn old(self, finding: Finding, pod: &Pod) -> Finding {
        let found = view::revision_hash(pod).unwrap_or("missing");
        let label = format!("metadata.labels[{}]", view::REVISION_HASH_LABEL);
        let finding = finding.seen(label, format!("{found}, and the latest is {}", self.hash.unwrap_or_default()));
        self.not_for_budgets(finding, pod)
    }
}

/// That the new pod is there and gets on.
fn beside(name: &str, pod: &Pod, own: &Awaited<'_>) -> Finding {
    let new = own.pod.map(|pod| view::name_of(&pod.metadata)).unwrap_or_default();
    let what = format!("pod `{name}` goes as soon as pod `{new}` beside it is available");
    with(Finding::proven(Cause::UpdateUnderWay, pod_object(pod), what), &[own]).remedy("wait")
}

/// `w2` (new pod `agent-x`: image-not-found), and so on.
fn named(away: &[&Awaited<'_>]) -> String {
    let one = |awaited: &&Awaited<'_>| {
        let codes: Vec<&str> = awaited.findings.iter().map(|finding| finding.cause.code()).collect();
        let age = if awaited.is_new { "new" } else { "old" };
        let pod = awaited
            .pod
            .map_or_else(|| "no pod".to_owned(), |pod| format!("{age} pod `{}`", view::name_of(&pod.metadata)));
        let why = if codes.is_empty() { String::new() } else { format!(": {}", codes.join(", ")) };
        format!("`{}` ({pod}{why})", awaited.node)
    };
    let all: Vec<String> = away.iter().take(MOST).map(one).collect();
    match away.len().saturating_sub(MOST) {
        0 => all.join(", "),
        more => format!("{} and {more} more", all.join(", ")),
    }
}

/// With what is wrong on each node that is waited for.
fn with(finding: Finding, away: &[&Awaited<'_>]) -> Finding {
    away.iter().take(MOST).fold(finding, |finding, awaited| match awaited.findings.first() {
        Some(first) => {
            finding.seen(format!("{} on {}", first.object, awaited.node), format!("{}: {}", first.cause, first.what))
        }
        None => finding,
    })
}
