//! `converged` and `rolledOut`: one ready pod on each eligible node, and none where there should not be.
//!
//! # The status figures
//! The controller writes a DaemonSet's status at every sync, but not every change of a node leads to one
//! (`daemon_controller.go`, `updateNode`, since 1.33): a new `NoSchedule` taint on a node that runs the pod leads to
//! none, so `desiredNumberScheduled` keeps counting the node, and `numberMisscheduled` does not, until something
//! unrelated happens. Nothing would ever make the figures exact.
//! So with `E` eligible nodes and `K` others that keep a pod, `desired`, `current`, `ready` and `available` may be
//! anything from `E` to `E + K`, except that `ready` and `available` may not be below `E`, and `misscheduled` is at
//! most `K`. Without kept pods that is equality.
//! A deleted node needs no such allowance: its pod's removal, which this condition demands anyway, leads to a sync.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::report::plural;
use super::{Judgement, NodeReport, Report, hopeless, trouble};
use crate::oracle::{Eligibility, eligible};
use crate::scenario::DaemonSetRef;
use crate::world::{World, view};

/// Judges `converged`, or `rolledOut` where `current` revision's pods are demanded.
pub(super) fn judge(
    world: &World,
    now: Timestamp,
    reference: &DaemonSetRef,
    allow_none: bool,
    rolled_out: bool,
) -> Judgement {
    let Some(daemon_set) = world.daemon_set(reference) else {
        return Judgement::not_yet(format!("daemonset `{reference}` does not exist"));
    };
    let hash = world.current_hash(daemon_set);
    let look = Look { reference, daemon_set, now, hash: hash.as_deref(), rolled_out };
    look.judge(world, allow_none)
}

/// When the next pod becomes available.
pub(super) fn next_check(world: &World, now: Timestamp, reference: &DaemonSetRef) -> Option<Timestamp> {
    let daemon_set = world.daemon_set(reference)?;
    let seconds = view::min_ready_seconds(daemon_set);
    let pods = world.pods_of(daemon_set);
    let waiting = pods.into_iter().filter(|pod| view::is_ready(pod) && !view::is_available(pod, seconds, now));
    // A pod is available strictly after that instant.
    let instants =
        waiting.filter_map(|pod| view::available_after(pod, seconds)?.checked_add(SignedDuration::from_millis(1)).ok());
    instants.filter(|instant| *instant > now).min()
}

/// What is wrong with the pods of one node, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// A pod that can never run.
    Hopeless,
    NoReadyPod,
    NotAvailable,
    TooMany,
    /// A pod that should not be there.
    Stray,
    Terminating,
    OldRevision,
}

/// What was found on one node.
enum Found {
    Good,
    Kept(String),
    NotEligible(String),
    Bad(Fault, String),
}

struct Look<'a> {
    reference: &'a DaemonSetRef,
    daemon_set: &'a DaemonSet,
    now: Timestamp,
    hash: Option<&'a str>,
    rolled_out: bool,
}

impl Look<'_> {
    fn judge(&self, world: &World, allow_none: bool) -> Judgement {
        let mut pods: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        for pod in world.pods_of(self.daemon_set) {
            // A pod that belongs to no node counts for nothing, as the controller sees it.
            if let Some(node) = view::node_of(pod) {
                pods.entry(node).or_default().push(pod);
            }
        }
        let (mut eligible_nodes, mut kept) = (0, 0);
        let mut bad: Vec<(Fault, NodeReport)> = Vec::new();
        let mut context: (Vec<NodeReport>, Vec<NodeReport>, Vec<NodeReport>) = Default::default();
        for (name, node) in &world.nodes {
            let pods = pods.remove(name.as_str()).unwrap_or_default();
            let eligibility = eligible(node, self.daemon_set);
            eligible_nodes += usize::from(eligibility.should_run);
            kept += usize::from(!eligibility.should_run && !pods.is_empty());
            match self.node(node, &eligibility, &pods) {
                Found::Good => context.0.push(NodeReport::new(name, "one ready pod")),
                Found::Kept(what) => context.1.push(NodeReport::new(name, what)),
                Found::NotEligible(what) => context.2.push(NodeReport::new(name, what)),
                Found::Bad(fault, what) => bad.push((fault, NodeReport::new(name, what))),
            }
        }
        for (name, pods) in pods {
            let what = format!("the node does not exist, and {} still there", names(&pods, "is", "are"));
            bad.push((Fault::Stray, NodeReport::new(name, what)));
        }
        bad.sort_by_key(|(fault, _)| *fault);
        let mut reasons = self.waits(eligible_nodes, allow_none);
        reasons.extend(faults(&bad, eligible_nodes));
        if reasons.is_empty() {
            // With wrong pods wrong figures are no news; with right ones they are the only thing left to wait for.
            reasons.extend(self.figures(eligible_nodes, kept));
        }
        if reasons.is_empty() {
            return Judgement::Done;
        }
        let never = bad.first().is_some_and(|(fault, _)| *fault == Fault::Hopeless) && self.observed();
        let nodes = bad.into_iter().map(|(_, node)| node).chain(context.1).chain(context.2).chain(context.0);
        let summary = format!("daemonset `{}`: {}", self.reference, reasons.join("; "));
        let report = Report::new(summary).with_nodes(nodes);
        if never { Judgement::Never(report) } else { Judgement::NotYet(report) }
    }

    /// Whether the controller has seen the DaemonSet as it is now.
    fn observed(&self) -> bool {
        let observed = self.daemon_set.status.as_ref().and_then(|status| status.observed_generation).unwrap_or(0);
        observed >= self.daemon_set.metadata.generation.unwrap_or(0)
    }

    /// Reasons to wait that concern no single node.
    fn waits(&self, eligible_nodes: usize, allow_none: bool) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.daemon_set.metadata.deletion_timestamp.is_some() {
            reasons.push("it is being deleted".to_owned());
        }
        if !self.observed() {
            reasons.push("the controller has not seen its latest change".to_owned());
        }
        if self.rolled_out && self.hash.is_none() {
            reasons.push("it has no revision".to_owned());
        }
        if eligible_nodes == 0 && !allow_none {
            reasons.push("no node is eligible".to_owned());
        }
        reasons
    }

    fn node(&self, node: &Node, eligibility: &Eligibility, pods: &[&Pod]) -> Found {
        match (eligibility.should_run, eligibility.should_continue) {
            (true, _) => self.eligible_node(node, pods),
            (false, true) => self.kept_node(eligibility, pods),
            (false, false) => match pods {
                [] => Found::NotEligible(format!("not eligible: {}", eligibility.why_not())),
                _ => {
                    let text = names(pods, "is", "are");
                    Found::Bad(Fault::Stray, format!("not eligible: {}, and {text} still there", eligibility.why_not()))
                }
            },
        }
    }

    fn eligible_node(&self, node: &Node, pods: &[&Pod]) -> Found {
        let living: Vec<&Pod> = pods.iter().copied().filter(|pod| !view::is_terminating(pod)).collect();
        // A dead node says more than its pod, whose readiness the control plane takes away.
        let prefix = if view::is_node_ready(node) { "" } else { "the node is not ready; " };
        match (&living[..], pods) {
            ([], []) => Found::Bad(Fault::NoReadyPod, format!("{prefix}no pod")),
            ([], [leaving, ..]) => Found::Bad(Fault::NoReadyPod, format!("{prefix}{}", trouble::of(leaving))),
            ([_, _, ..], _) => Found::Bad(Fault::TooMany, format!("{prefix}{}", names(&living, "", ""))),
            ([pod], _) if !view::is_ready(pod) => {
                // An old pod of a wrong image goes away with the rollout; one of the current revision stays wrong.
                let current = self.hash.is_some() && view::revision_hash(pod) == self.hash;
                let in_vain = if current { hopeless::why(pod, node) } else { None };
                let fault = if in_vain.is_some() { Fault::Hopeless } else { Fault::NoReadyPod };
                Found::Bad(fault, format!("{prefix}{}{}", trouble::of(pod), in_vain.unwrap_or_default()))
            }
            ([pod], _) => self.ready_pod(pod, pods),
        }
    }

    fn ready_pod(&self, pod: &Pod, pods: &[&Pod]) -> Found {
        let name = view::name_of(&pod.metadata);
        let seconds = view::min_ready_seconds(self.daemon_set);
        if !view::is_available(pod, seconds, self.now) {
            let what = format!("pod `{name}` is ready, but not yet for {seconds}s (`minReadySeconds`)");
            return Found::Bad(Fault::NotAvailable, what);
        }
        if let Some(leaving) = pods.iter().find(|pod| view::is_terminating(pod)) {
            return Found::Bad(Fault::Terminating, trouble::of(leaving));
        }
        if let Some(what) = self.old_revision(pod) {
            return Found::Bad(Fault::OldRevision, what);
        }
        Found::Good
    }

    /// A node that is not eligible and where Kubernetes keeps a pod on purpose.
    fn kept_node(&self, eligibility: &Eligibility, pods: &[&Pod]) -> Found {
        let why = eligibility.why_not();
        match pods {
            [] => Found::NotEligible(format!("not eligible: {why}")),
            [pod] if view::is_terminating(pod) => Found::Bad(Fault::Terminating, trouble::of(pod)),
            [pod] => match self.old_revision(pod) {
                Some(what) => Found::Bad(Fault::OldRevision, what),
                None => {
                    Found::Kept(format!("pod `{}` is kept though not eligible: {why}", view::name_of(&pod.metadata)))
                }
            },
            _ => Found::Bad(Fault::TooMany, names(pods, "", "")),
        }
    }

    fn old_revision(&self, pod: &Pod) -> Option<String> {
        let hash = self.hash.filter(|_| self.rolled_out)?;
        let found = view::revision_hash(pod);
        if found == Some(hash) {
            return None;
        }
        let strategy = self.daemon_set.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref()?.type_.as_deref());
        let note = if strategy == Some("OnDelete") { ", and `updateStrategy` is `OnDelete`" } else { "" };
        let name = view::name_of(&pod.metadata);
        Some(format!("pod `{name}` is of revision `{}`, not `{hash}`{note}", found.unwrap_or("none")))
    }

    /// The first status figure that disagrees. See the head of this file for what agreement is.
    fn figures(&self, eligible_nodes: usize, kept: usize) -> Option<String> {
        let status = self.daemon_set.status.clone().unwrap_or_default();
        let figure = |value: Option<i32>| value.unwrap_or(0);
        let mut figures = vec![
            ("desired", status.desired_number_scheduled),
            ("current", status.current_number_scheduled),
            ("ready", status.number_ready),
            ("available", figure(status.number_available)),
        ];
        if self.rolled_out {
            figures.push(("updated", figure(status.updated_number_scheduled)));
        }
        let wrong = figures.into_iter().find(|(_, value)| {
            usize::try_from(*value).is_ok_and(|value| !(eligible_nodes..=eligible_nodes + kept).contains(&value))
        });
        if let Some((name, value)) = wrong {
            let nodes = plural(eligible_nodes, "node is", "nodes are");
            return Some(format!("its status says {value} {name}, and {eligible_nodes} {nodes} eligible"));
        }
        let misscheduled = status.number_misscheduled;
        usize::try_from(misscheduled).is_ok_and(|value| value > kept).then(|| {
            format!(
                "its status says {misscheduled} misscheduled, and {kept} {} kept",
                plural(kept, "pod is", "pods are")
            )
        })
    }
}

/// What is wrong, counted.
fn faults(bad: &[(Fault, NodeReport)], eligible_nodes: usize) -> Vec<String> {
    let count = |faults: &[Fault]| bad.iter().filter(|(fault, _)| faults.contains(fault)).count();
    let mut reasons = Vec::new();
    let mut of_eligible = |faults: &[Fault], text: &str| {
        let number = count(faults);
        if number > 0 {
            let nodes = plural(eligible_nodes, "node", "nodes");
            reasons.push(format!(
                "{number} of {eligible_nodes} eligible {nodes} {} {text}",
                plural(number, "has", "have")
            ));
        }
    };
    of_eligible(&[Fault::Hopeless, Fault::NoReadyPod], "no ready pod");
    of_eligible(&[Fault::NotAvailable], "no available pod");
    let mut of_nodes = |fault: Fault, text: &str| {
        let number = count(&[fault]);
        if number > 0 {
            reasons.push(format!("{number} {} {text}", plural(number, "node has", "nodes have")));
        }
    };
    of_nodes(Fault::TooMany, "more than one pod");
    of_nodes(Fault::Stray, "a pod that should be gone");
    of_nodes(Fault::Terminating, "a pod that is terminating");
    of_nodes(Fault::OldRevision, "a pod of an old revision");
    reasons
}

/// Pods by name: ``pod `a` is``, or ``2 pods (`a`, `b`) are``.
fn names(pods: &[&Pod], one: &str, many: &str) -> String {
    let names: Vec<String> = pods.iter().map(|pod| format!("`{}`", view::name_of(&pod.metadata))).collect();
    let text = match &names[..] {
        [name] => format!("pod {name} {one}"),
        _ => format!("{} pods ({}) {many}", names.len(), names.join(", ")),
    };
    text.trim_end().to_owned()
}
