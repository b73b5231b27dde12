//! PodDisruptionBudgets: they hold up the drain of a node, and never the rollout of a DaemonSet.
//!
//! The rules are those of the eviction (`pkg/registry/core/pod/storage/eviction.go`, `Create` and `checkAndDecrement`)
//! and of what `kubectl drain` evicts (`k8s.io/kubectl/pkg/drain/filters.go`). A DaemonSet's controller deletes pods and
//! evicts none (`pkg/controller/daemon/daemon_controller.go`, `syncNodes`), so it asks no budget.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    api::{
        core::v1::{Node, Pod},
        policy::v1::{PodDisruptionBudget, PodDisruptionBudgetStatus},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{Cause, Finding, Look, NodeDiagnosis, NodeState, pod_object};
use crate::world::{selector, view};

/// How many of several are named one by one.
const MOST: usize = 5;

impl<'a> Look<'a> {
    /// The budgets that select a pod.
    pub(super) fn budgets_of(self, pod: &Pod) -> Vec<&'a PodDisruptionBudget> {
        let selects = |budget: &&PodDisruptionBudget| {
            let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
            budget.metadata.namespace == pod.metadata.namespace
                && selector::selects(selector, pod.metadata.labels.as_ref())
        };
        self.extras.budgets.iter().filter(selects).collect()
    }

    /// With a line for each budget of a pod that waits to be replaced, so that nobody looks for the reason there.
    pub(super) fn not_for_budgets(self, finding: Finding, pod: &Pod) -> Finding {
        self.budgets_of(pod).into_iter().fold(finding, |finding, budget| {
            finding.seen(object(budget), "does not hold up a DaemonSet's rollout, only evictions")
        })
    }

    /// A finding for each budget that keeps a cordoned node of this DaemonSet from being drained.
    pub(super) fn drains(self, nodes: &[NodeDiagnosis]) -> Vec<Finding> {
        let mut held: BTreeMap<Vec<String>, Held<'a>> = BTreeMap::new();
        for diagnosis in nodes.iter().filter(|node| node.state != NodeState::NotMeant) {
            let Some(node) = self.world.nodes.get(&diagnosis.node).filter(|node| is_cordoned(node)) else { continue };
            for pod in self.pods_on(&diagnosis.node).filter(|pod| is_evicted(pod)) {
                let budgets = self.budgets_of(pod);
                if refuses(&budgets, pod) {
                    let key = budgets.iter().map(|budget| object(budget)).collect();
                    let held = held.entry(key).or_insert_with(|| Held { budgets, pods: Vec::new() });
                    held.pods.push((view::name_of(&node.metadata), pod));
                }
            }
        }
        held.into_values().map(|held| self.held_up(&held)).collect()
    }

    fn pods_on(self, node: &str) -> impl Iterator<Item = &'a Pod> {
        let is_here = move |pod: &&Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(node);
        self.world.pods.values().map(AsRef::as_ref).filter(is_here)
    }

    fn held_up(self, held: &Held<'_>) -> Finding {
        let why = match held.budgets.as_slice() {
            [budget] => reason(budget),
            budgets => Reason {
                text: format!("{} budgets select the same pod, and an eviction can respect one only", budgets.len()),
                remedy: "leave one budget for each pod: narrow the selectors of the others".to_owned(),
            },
        };
        let nodes = {
            let mut nodes: Vec<String> = held.pods.iter().map(|(node, _)| format!("`{node}`")).collect();
            nodes.dedup();
            named(&nodes)
        };
        let pods: Vec<String> =
            held.pods.iter().map(|(_, pod)| format!("`{}`", view::name_of(&pod.metadata))).collect();
        let kind = if pods.len() == 1 { "pod" } else { "pods" };
        let what = format!(
            "a drain of {nodes} cannot evict {kind} {}: {}; this holds up the drain, and never a DaemonSet's rollout",
            named(&pods),
            why.text
        );
        let first = held.budgets.first();
        let subject = first.map(|budget| object(budget)).unwrap_or_default();
        let mut finding = Finding::proven(Cause::DrainBlockedByBudget, subject, what)
            .seen("spec.unschedulable", format!("true on {nodes}"));
        for budget in &held.budgets {
            finding = evidence(finding, budget);
        }
        for (node, pod) in held.pods.iter().take(MOST) {
            finding = finding.seen(pod_object(pod), format!("runs on `{node}`, and the budget selects it"));
        }
        for node in held.pods.iter().map(|(node, _)| node).collect::<BTreeSet<_>>() {
            for own in self.pods_on(node).filter(|pod| view::is_controlled_by(&pod.metadata, &self.daemon_set.metadata))
            {
                finding =
                    finding.seen(pod_object(own), format!("is this DaemonSet's on `{node}`: a drain leaves it alone"));
            }
        }
        let finding = finding.remedy(why.remedy);
        match first {
            Some(budget) => finding.command(format!(
                "kubectl -n {} describe poddisruptionbudget {}",
                budget.metadata.namespace.as_deref().unwrap_or("default"),
                view::name_of(&budget.metadata)
            )),
            None => finding,
        }
    }
}

/// Pods that the same budgets keep where they are, with their nodes.
struct Held<'a> {
    budgets: Vec<&'a PodDisruptionBudget>,
    pods: Vec<(&'a str, &'a Pod)>,
}

fn is_cordoned(node: &Node) -> bool {
    node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true)
}

/// Whether a drain evicts a pod, and the eviction asks for its budgets: it does not for one that has not begun, has
/// ended, or is being deleted (`canIgnorePDB`).
fn is_evicted(pod: &Pod) -> bool {
    let is_daemon = view::controller_of(&pod.metadata).is_some_and(|owner| owner.kind == "DaemonSet");
    !is_daemon && !view::is_mirror(pod) && !view::is_terminating(pod) && view::phase_of(pod) == "Running"
}

/// Whether the API server refuses to evict a pod at this moment.
fn refuses(budgets: &[&PodDisruptionBudget], pod: &Pod) -> bool {
    let [budget] = budgets else { return budgets.len() > 1 };
    let status = status(budget);
    if !view::is_ready(pod) {
        let policy = budget.spec.as_ref().and_then(|spec| spec.unhealthy_pod_eviction_policy.as_deref());
        let enough = status.current_healthy >= status.desired_healthy && status.desired_healthy > 0;
        if policy == Some("AlwaysAllow") || enough {
            return false;
        }
    }
    status.allowed <= 0 || !status.is_current
}

/// The numbers of a budget, as the disruption controller counted them last.
struct Status {
    allowed: i32,
    current_healthy: i32,
    desired_healthy: i32,
    expected: i32,
    /// Whether it has counted since the budget was changed.
    is_current: bool,
    /// What it could not count for.
    failed: Option<String>,
}

fn status(budget: &PodDisruptionBudget) -> Status {
    let generation = budget.metadata.generation.unwrap_or(0);
    let none = PodDisruptionBudgetStatus::default();
    let status = budget.status.as_ref().unwrap_or(&none);
    let conditions = status.conditions.iter().flatten();
    // `DisruptionAllowed` with reason `SyncFailed` (pkg/controller/disruption/disruption.go, `failSafe`).
    let mut failed =
        conditions.filter(|condition| condition.type_ == "DisruptionAllowed" && condition.reason == "SyncFailed");
    Status {
        allowed: status.disruptions_allowed.unwrap_or(0),
        current_healthy: status.current_healthy.unwrap_or(0),
        desired_healthy: status.desired_healthy.unwrap_or(0),
        expected: status.expected_pods.unwrap_or(0),
        is_current: status.observed_generation.unwrap_or(0) >= generation,
        failed: failed.next().map(|condition| condition.message.clone()),
    }
}

struct Reason {
    text: String,
    remedy: String,
}

/// Why a budget allows no eviction, as the API server answers, and what would change that.
fn reason(budget: &PodDisruptionBudget) -> Reason {
    let status = status(budget);
    let name = view::name_of(&budget.metadata);
    if !status.is_current {
        return Reason {
            text: format!("the disruption controller has not looked at budget `{name}` since it was changed"),
            remedy: "wait; if it stays so, look whether the kube-controller-manager runs".to_owned(),
        };
    }
    if let Some(failed) = status.failed {
        return Reason {
            text: format!("budget `{name}` allows nothing, because its pods cannot be counted: {failed}"),
            remedy:
                "write the budget with `minAvailable` as a number, which needs no scale of a controller, or let it \
                     select pods of one controller alone"
                    .to_owned(),
        };
    }
    let (has, needs, expected) = (status.current_healthy, status.desired_healthy, status.expected);
    let text = format!("budget `{name}` needs {needs} healthy, and {has} are");
    let remedy = if expected <= needs {
        format!("ask for more replicas than {needs}, or let the budget allow one to be away: as it is, it never does")
    } else if has < expected {
        format!(
            "see to its pods that are not healthy, {} of {expected}; once they are, the drain goes on by itself",
            expected - has
        )
    } else {
        "wait: the budget is about to allow it".to_owned()
    };
    Reason { text, remedy }
}

fn evidence(finding: Finding, budget: &PodDisruptionBudget) -> Finding {
    let (status, object) = (status(budget), object(budget));
    let spec = budget.spec.as_ref();
    let number = |number: &IntOrString| match number {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(text) => text.clone(),
    };
    let least =
        spec.and_then(|spec| spec.min_available.as_ref()).map(|least| format!("minAvailable: {}", number(least)));
    let most =
        spec.and_then(|spec| spec.max_unavailable.as_ref()).map(|most| format!("maxUnavailable: {}", number(most)));
    let finding = match least.or(most) {
        Some(says) => finding.seen(format!("spec of {object}"), says),
        None => finding,
    };
    finding.seen(
        format!("status of {object}"),
        format!(
            "disruptionsAllowed: {}, currentHealthy: {}, desiredHealthy: {}, expectedPods: {}",
            status.allowed, status.current_healthy, status.desired_healthy, status.expected
        ),
    )
}

/// `poddisruptionbudget default/web`.
fn object(budget: &PodDisruptionBudget) -> String {
    let namespace = budget.metadata.namespace.as_deref().unwrap_or_default();
    format!("poddisruptionbudget {namespace}/{}", view::name_of(&budget.metadata))
}

fn named(names: &[String]) -> String {
    match names.get(MOST..) {
        None | Some([]) => names.join(", "),
        Some(more) => format!("{} and {} more", names[..MOST].join(", "), more.len()),
    }
}
