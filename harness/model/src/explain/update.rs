//! Pods that work and are of an old revision.

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::util::intstr::IntOrString};

use super::{Cause, Finding, Look, nodes, pod_object};
use crate::{oracle::eligible, world::view};

impl Look<'_> {
    /// Why a pod has not been replaced, if it should be.
    pub(super) fn outdated(self, pod: &Pod) -> Option<Finding> {
        let hash = self.hash?;
        let found = view::revision_hash(pod)?;
        if found == hash {
            return None;
        }
        let name = view::name_of(&pod.metadata);
        let strategy = self.daemon_set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        let label = format!("metadata.labels[{}]", view::REVISION_HASH_LABEL);
        let says = format!("{found}, and the latest is {hash}");
        if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete") {
            return Some(
                Finding::proven(
                    Cause::UpdateOnDelete,
                    pod_object(pod),
                    format!("pod `{name}` stays as it is until somebody deletes it"),
                )
                .seen("spec.updateStrategy.type", "OnDelete")
                .seen(label, says)
                .remedy("delete the pod, or update by `RollingUpdate`")
                .command(format!("kubectl -n {} delete pod {name}", nodes::namespace(pod))),
            );
        }
        let (away, meant) = self.away();
        let budget = strategy
            .and_then(|strategy| strategy.rolling_update.as_ref()?.max_unavailable.as_ref())
            .map_or(1, |most| share(most, meant));
        if !away.is_empty() && away.len() >= budget {
            let mut finding = Finding::proven(
                Cause::UpdateBudgetUsedUp,
                pod_object(pod),
                format!(
                    "pod `{name}` waits: {} of {budget} that may be unavailable are: {}",
                    away.len(),
                    away.join(", ")
                ),
            )
            .seen("spec.updateStrategy.rollingUpdate.maxUnavailable", budget.to_string())
            .seen(label, says)
            .remedy("see to those pods first; what is wrong with them stands at their nodes");
            if away.len() > 20 {
                finding.what = format!("pod `{name}` waits: {} of {budget} that may be unavailable are", away.len());
            }
            return Some(finding);
        }
        Some(
            Finding::likely(Cause::UpdateUnderWay, pod_object(pod), format!("pod `{name}` has its turn yet to come"))
                .seen(label, says)
                .remedy("wait"),
        )
    }

    /// The nodes without an available pod, and how many are eligible (`pkg/controller/daemon/update.go`).
    fn away(self) -> (Vec<String>, usize) {
        let seconds = view::min_ready_seconds(self.daemon_set);
        let pods = self.world.pods_of(self.daemon_set);
        let mut available: Vec<&str> = pods
            .iter()
            .filter(|pod| !view::is_terminating(pod) && view::is_available(pod, seconds, self.now))
            .filter_map(|pod| view::node_of(pod))
            .collect();
        available.sort_unstable();
        let meant: Vec<&String> = self
            .world
            .nodes
            .iter()
            .filter(|(_, node)| eligible(node, self.daemon_set).should_run)
            .map(|(name, _)| name)
            .collect();
        let away = meant.iter().filter(|name| available.binary_search(&name.as_str()).is_err());
        (away.map(|name| format!("`{name}`")).collect(), meant.len())
    }
}

/// A number, or a share of all nodes, rounded up, and at least one (`pkg/controller/daemon/util`, `UnavailableCount`).
fn share(most: &IntOrString, nodes: usize) -> usize {
    let number = match most {
        IntOrString::Int(number) => usize::try_from(*number).unwrap_or(0),
        IntOrString::String(text) => {
            let percent: usize = text.trim_end_matches('%').parse().unwrap_or(0);
            (nodes * percent).div_ceil(100)
        }
    };
    number.max(1)
}
