//! How far a rolling update has come, and what it waits for: the controller's own count of nodes
//! (`pkg/controller/daemon/update.go`, `rollingUpdate`, `updatedDesiredNodeCounts` and `findUpdatedPodsOnNode`).

use k8s_openapi::{
    api::{apps::v1::RollingUpdateDaemonSet, core::v1::Pod},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{Cause, Finding, Look, NodeDiagnosis, NodeState, nodes};
use crate::{oracle::eligible, world::view};

/// What a rolling update may do, and what it waits for.
pub(super) struct Rollout<'a> {
    /// Whether it makes the new pod before the old one goes.
    pub surges: bool,
    /// How many nodes may be waited for at once.
    pub limit: usize,
    /// The nodes that it waits for.
    pub awaited: Vec<Awaited<'a>>,
}

/// A node that has to get on before another one has its turn.
pub(super) struct Awaited<'a> {
    /// The node.
    pub node: String,
    /// Its pod that is not available, if it has one.
    pub pod: Option<&'a Pod>,
    /// Whether that pod is of the latest revision.
    pub is_new: bool,
    /// What is wrong there.
    pub findings: Vec<Finding>,
    /// Whether it only takes time.
    pub by_itself: bool,
}

impl<'a> Look<'a> {
    /// Whether a pod is not of the latest revision. One without a hash, as an adopted one, is not.
    pub(super) fn is_outdated(self, pod: &Pod) -> bool {
        self.hash.is_some_and(|hash| view::revision_hash(pod) != Some(hash))
    }

    pub(super) fn rollout(self, nodes: &[NodeDiagnosis]) -> Rollout<'a> {
        let meant =
            |name: &str| self.world.nodes.get(name).is_some_and(|node| eligible(node, self.daemon_set).should_run);
        let strategy = self.daemon_set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let (surge, unavailable) = limits(rolling, nodes.iter().filter(|node| meant(&node.node)).count());
        let surges = surge > 0;
        let of_all = self.world.pods_of(self.daemon_set);
        let awaited = nodes.iter().filter_map(|diagnosis| {
            let here =
                of_all.iter().copied().map(AsRef::as_ref).filter(|pod| view::node_of(pod) == Some(&diagnosis.node));
            // What has ended and is being deleted is out of the controller's sight (`getNodesToDaemonPods`).
            let ended = |pod: &Pod| matches!(view::phase_of(pod), "Succeeded" | "Failed") && view::is_terminating(pod);
            let pods: Vec<&'a Pod> = here.filter(|pod| !ended(pod)).collect();
            if pods.is_empty() && !meant(&diagnosis.node) {
                return None;
            }
            self.awaited(diagnosis, &pods, surges)
        });
        Rollout { surges, limit: if surges { surge } else { unavailable }, awaited: awaited.collect() }
    }

    fn awaited(self, diagnosis: &NodeDiagnosis, pods: &[&'a Pod], surges: bool) -> Option<Awaited<'a>> {
        let seconds = view::min_ready_seconds(self.daemon_set);
        let is_available = |pod: &Pod| view::is_available(pod, seconds, self.now);
        let living: Vec<&Pod> = pods.iter().copied().filter(|pod| !view::is_terminating(pod)).collect();
        let (old, new): (Vec<&'a Pod>, Vec<&'a Pod>) = living.iter().partition(|pod| self.is_outdated(pod));
        let waits = match (new.as_slice(), old.as_slice()) {
            ([new], [_]) if surges => !is_available(new),
            (new, old) if surges => new.len() > 1 || old.len() > 1,
            ([pod], []) | ([], [pod]) => !is_available(pod),
            _ => true,
        };
        if !waits {
            return None;
        }
        let node = diagnosis.node.clone();
        if surges && let (Some(pod), Some(on)) = (new.first().copied(), self.world.nodes.get(&node)) {
            let findings = match view::is_ready(pod) {
                true => vec![self.not_available_yet(pod, seconds)],
                false => self.pod_trouble(on, pod),
            };
            let unknown = findings.iter().all(|finding| finding.cause == Cause::NotKnown);
            let by_itself = view::is_ready(pod) || (unknown && nodes::is_starting(pod));
            return Some(Awaited { node, pod: Some(pod), is_new: true, findings, by_itself });
        }
        let pod = living.iter().chain(pods).copied().find(|pod| !is_available(pod)).or(pods.first().copied());
        Some(Awaited {
            node,
            pod,
            is_new: pod.is_some_and(|pod| !self.is_outdated(pod)),
            findings: diagnosis.findings.clone(),
            by_itself: diagnosis.state == NodeState::Waiting,
        })
    }
}

/// How many pods may be added and how many nodes be without, of so many that are meant. Shares are rounded up, and where
/// neither is allowed one may be unavailable (`pkg/controller/daemon/util/daemonset_util.go`, `SurgeCount` and
/// `UnavailableCount`).
fn limits(rolling: Option<&RollingUpdateDaemonSet>, meant: usize) -> (usize, usize) {
    let scaled = |number: Option<&IntOrString>| match number {
        Some(IntOrString::Int(number)) => usize::try_from(*number).unwrap_or(0),
        Some(IntOrString::String(text)) => {
            let percent: usize = text.trim_end_matches('%').parse().unwrap_or(0);
            (meant * percent).div_ceil(100)
        }
        None => 0,
    };
    let surge = scaled(rolling.and_then(|rolling| rolling.max_surge.as_ref()));
    let unavailable = scaled(rolling.and_then(|rolling| rolling.max_unavailable.as_ref()));
    (surge, if surge == 0 { unavailable.max(1) } else { unavailable })
}
