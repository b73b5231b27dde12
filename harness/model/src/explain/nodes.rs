//! A state and its findings for each node.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, Pod};

use super::{Cause, Finding, Look, NodeDiagnosis, NodeState, pod_object, update};
use crate::{
    oracle::{Eligibility, Ineligible, eligible},
    world::view,
};

/// Every node, by name. Pods of nodes that are gone come as nodes of their own.
pub(super) fn all(look: Look<'_>) -> Vec<NodeDiagnosis> {
    let mut pods: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
    for pod in look.world.pods_of(look.daemon_set) {
        if let Some(node) = view::node_of(pod) {
            pods.entry(node).or_default().push(pod);
        }
    }
    let mut all = Vec::new();
    for (name, node) in &look.world.nodes {
        let pods = pods.remove(name.as_str()).unwrap_or_default();
        all.push(look.node(name, node, &pods));
    }
    all.extend(pods.into_iter().map(|(name, pods)| look.gone_node(name, &pods)));
    all.sort_by(|a, b| a.node.cmp(&b.node));
    update::explain(look, &mut all);
    all
}

impl Look<'_> {
    fn node(self, name: &str, node: &Node, pods: &[&Pod]) -> NodeDiagnosis {
        let eligibility = eligible(node, self.daemon_set);
        let (state, pod, findings) = match (eligibility.should_run, eligibility.should_continue, pods) {
            (true, ..) => self.eligible_node(node, pods),
            // What is tainted for its own state is meant all the same, and has to be looked after.
            (false, _, []) if is_down_only(&eligibility) => {
                (NodeState::Missing, None, self.not_meant(node, &eligibility))
            }
            (false, _, []) => (NodeState::NotMeant, None, self.not_meant(node, &eligibility)),
            // Its own taints are not why the pod of a node that is down does not go.
            (false, true, pods) if is_down_only(&eligibility) && pods.iter().all(|pod| view::is_terminating(pod)) => {
                self.eligible_node(node, pods)
            }
            (false, true, [pod, ..]) if !view::is_terminating(pod) => {
                let state = if is_down_only(&eligibility) { NodeState::Unhealthy } else { NodeState::Kept };
                (state, Some(*pod), self.not_meant(node, &eligibility))
            }
            (false, _, [pod, ..]) => (NodeState::Extra, Some(*pod), self.extra(node, &eligibility, pod)),
        };
        let pod = pod.map(|pod| view::name_of(&pod.metadata).to_owned());
        NodeDiagnosis { node: name.to_owned(), state, pod, findings }
    }

    /// What is wrong with the node, and why it is not eligible. A node that is down is tainted for that, which says less
    /// than that it is down.
    fn not_meant(self, node: &Node, eligibility: &Eligibility) -> Vec<Finding> {
        let mut findings = self.node_trouble(node);
        let mut eligibility = eligibility.clone();
        if !findings.is_empty() {
            eligibility.reasons.retain(|reason| !is_down(reason));
        }
        findings.extend(self.placement(node, &eligibility));
        findings
    }

    fn extra(self, node: &Node, eligibility: &Eligibility, pod: &Pod) -> Vec<Finding> {
        let mut findings = self.placement(node, eligibility);
        if view::is_terminating(pod) {
            findings.insert(0, self.terminating(Some(node), pod));
            return findings;
        }
        let name = view::name_of(&pod.metadata);
        if let Some(finding) = self.nothing_is_done(format!("pod `{name}` is not removed")) {
            findings.insert(0, finding);
            return findings;
        }
        let what = format!("pod `{name}` should be gone: its node is not eligible any more");
        findings.insert(
            0,
            Finding::likely(Cause::PodNotRemoved, pod_object(pod), what)
                .seen("metadata.deletionTimestamp", "missing")
                .remedy("wait for the controller; if it stays so, look whether the kube-controller-manager runs"),
        );
        findings
    }

    fn gone_node(self, name: &str, pods: &[&Pod]) -> NodeDiagnosis {
        let findings = pods.iter().map(|pod| {
            let what =
                format!("node `{name}` does not exist, and pod `{}` is bound to it", view::name_of(&pod.metadata));
            Finding::proven(Cause::PodNotRemoved, pod_object(pod), what)
                .seen("spec.nodeName", name)
                .remedy("wait for the garbage collection of pods, which takes up to a minute, or delete it by force")
                .command(delete_by_force(pod))
        });
        let pod = pods.first().map(|pod| view::name_of(&pod.metadata).to_owned());
        NodeDiagnosis { node: name.to_owned(), state: NodeState::Extra, pod, findings: findings.collect() }
    }

    fn eligible_node<'p>(self, node: &Node, pods: &[&'p Pod]) -> (NodeState, Option<&'p Pod>, Vec<Finding>) {
        let living = pods.iter().copied().filter(|pod| !view::is_terminating(pod));
        let seconds = view::min_ready_seconds(self.daemon_set);
        let available = || living.clone().filter(move |pod| view::is_available(pod, seconds, self.now));
        // While pods surge there are two; the one that works is what the node has, and of two the new one.
        let works = available().find(|pod| !self.is_outdated(pod)).or_else(|| available().next());
        let best = works.or_else(|| living.clone().find(|pod| view::is_ready(pod)));
        let Some(pod) = best.or_else(|| living.clone().next_back()) else {
            return match pods.first() {
                Some(leaving) => {
                    let finding = self.terminating(Some(node), leaving);
                    let waits = finding.cause == Cause::TerminatingGracePeriod;
                    let ended = if waits { self.ended(node, leaving) } else { Vec::new() };
                    if !ended.is_empty() {
                        // It only makes room for another one, which will fare no better.
                        return (NodeState::Unhealthy, Some(*leaving), ended);
                    }
                    (if waits { NodeState::Waiting } else { NodeState::Missing }, Some(*leaving), vec![finding])
                }
                None => (NodeState::Missing, None, self.missing(node)),
            };
        };
        if view::is_available(pod, seconds, self.now) {
            if self.is_outdated(pod) {
                // Why is said when all nodes are known.
                return (NodeState::Outdated, Some(pod), Vec::new());
            }
            if let Some((left, finding)) = self.left_over(node, pods) {
                return (NodeState::Unhealthy, Some(left), vec![finding]);
            }
            if let Some((state, old, finding)) = self.old_beside(pod, pods) {
                return (state, Some(old), vec![finding]);
            }
            let joining = self.joining(view::name_of(&node.metadata));
            let state = if joining.is_empty() { NodeState::Ok } else { NodeState::Waiting };
            return (state, Some(pod), joining);
        }
        if view::is_ready(pod) {
            return (NodeState::Waiting, Some(pod), vec![self.not_available_yet(pod, seconds)]);
        }
        let mut findings = self.node_trouble(node);
        let of_pod = self.pod_trouble(node, pod);
        // Readiness of pods on a dead node is taken away by the control plane, and says nothing of the pod.
        if findings.is_empty() || of_pod.iter().any(|finding| finding.cause != Cause::NotKnown) {
            findings.extend(of_pod);
        }
        let waits = findings.iter().all(|finding| finding.cause == Cause::NotKnown) && is_starting(pod);
        (if waits { NodeState::Waiting } else { NodeState::Unhealthy }, Some(pod), findings)
    }

    /// A pod that has ended and does not go, beside the one that took its place: the controller does not see it any more
    /// (`pkg/controller/daemon/daemon_controller.go`, `getNodesToDaemonPods`), and everybody else does.
    fn left_over<'p>(self, node: &Node, pods: &[&'p Pod]) -> Option<(&'p Pod, Finding)> {
        let leaving = pods.iter().copied().filter(|pod| view::is_terminating(pod));
        leaving
            .map(|pod| (pod, self.terminating(Some(node), pod)))
            .find(|(_, why)| why.cause == Cause::TerminatingFinalizer)
    }

    /// An eligible node without a pod.
    fn missing(self, node: &Node) -> Vec<Finding> {
        let mut findings = self.node_trouble(node);
        let name = view::name_of(&node.metadata);
        match self.nothing_is_done(format!("node `{name}` gets no pod")) {
            Some(finding) => findings.push(finding),
            None => findings.extend(self.refused()),
        }
        findings.extend(self.orphans(name, |pod| !view::is_terminating(pod)));
        if findings.is_empty() {
            findings.push(
                Finding::likely(
                    Cause::NotKnown,
                    format!("node {name}"),
                    format!("node `{name}` is eligible and has no pod, and nothing says why"),
                )
                .seen("events of the DaemonSet", "no creation was refused")
                .seen("pods of the DaemonSet", format!("none on `{name}`"))
                .remedy(
                    "wait for the controller's next turn; if it stays so, read the log of the kube-controller-manager",
                ),
            );
        }
        findings
    }

    pub(super) fn pod_trouble(self, node: &Node, pod: &Pod) -> Vec<Finding> {
        let mut findings = self.unscheduled(node, pod);
        if !findings.is_empty() {
            // What is on its way out may hold what this one waits for.
            findings.extend(self.orphans(view::name_of(&node.metadata), |_| true));
        }
        if findings.is_empty() {
            findings = self.ended(node, pod);
        }
        if findings.is_empty() {
            findings.extend(self.volumes(pod));
            findings.extend(self.containers(pod));
        }
        if findings.is_empty() {
            findings.push(self.nothing_says_why(pod));
        }
        findings
    }

    fn nothing_says_why(self, pod: &Pod) -> Finding {
        let name = view::name_of(&pod.metadata);
        let finding = Finding::likely(
            Cause::NotKnown,
            pod_object(pod),
            format!("pod `{name}` is not ready, and nothing says why"),
        );
        let finding = finding
            .seen("status.phase", view::phase_of(pod))
            .seen("status.containerStatuses", "nothing waits for anything that could go wrong, and nothing has ended")
            .seen("events of the pod", format!("{} and none of a failure", self.events_of(&pod.metadata).len()));
        if is_starting(pod) {
            return finding.remedy("wait: it is starting");
        }
        finding
            .remedy("read its log, and what its readiness gates wait for")
            .command(format!("kubectl -n {} logs {name} --all-containers", namespace(pod)))
    }
}

/// What the lifecycle controller taints a node with for its own state, and daemon pods do not tolerate of themselves
/// (pkg/controller/nodelifecycle/node_lifecycle_controller.go).
const DOWN: [&str; 3] =
    ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "node.kubernetes.io/network-unavailable"];

fn is_down(reason: &Ineligible) -> bool {
    matches!(reason, Ineligible::Taint { taint } if DOWN.contains(&taint.key.as_str()))
}

/// Whether a node would be eligible if it were up.
fn is_down_only(eligibility: &Eligibility) -> bool {
    eligibility.reasons.iter().all(is_down)
}

/// Whether a pod's containers have all still to begin.
pub(super) fn is_starting(pod: &Pod) -> bool {
    view::phase_of(pod) == "Pending" && view::restart_count(pod) == 0
}

pub(super) fn namespace(pod: &Pod) -> &str {
    pod.metadata.namespace.as_deref().unwrap_or("default")
}

pub(super) fn delete_by_force(pod: &Pod) -> String {
    format!("kubectl -n {} delete pod {} --grace-period=0 --force", namespace(pod), view::name_of(&pod.metadata))
}
