//! Why a node has no pod of a DaemonSet, why its pod does not work, and why a rollout stands still.
//!
//! A diagnosis is a function of what is known: a [`World`], and [`Extras`] that no watch brings. So it is the same live,
//! in a failed expectation, and on saved objects. Nothing is guessed: a finding names the field, event or log line that
//! it rests on, and where there is none the answer is [`Cause::NotKnown`] with what was looked at.
//!
//! The texts of kubelet, scheduler and controller that are looked for are those of Kubernetes 1.33 to 1.37; each stands
//! beside the place of its source.

mod beside;
mod budgets;
mod cause;
mod containers;
mod create;
mod events;
mod finding;
mod group;
mod logs;
mod markdown;
mod moments;
mod node_state;
mod nodes;
mod ownership;
mod placement;
mod question;
mod rollout;
mod scheduling;
mod selector;
mod several;
mod table;
mod terminating;
#[cfg(test)]
mod tests;
mod text;
mod update;
mod volumes;
mod waiting;

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{apps::v1::DaemonSet, core::v1::Pod, policy::v1::PodDisruptionBudget},
    jiff::Timestamp,
};

pub use cause::Cause;
pub use finding::{Certainty, Diagnosis, Evidence, Finding, NodeDiagnosis, NodeState};
pub use logs::{WantedLog, wanted_logs};
pub use moments::next_moment;
pub use question::{Answer, Question};
pub use selector::Selector;
pub use several::{Diagnoses, Selection, explain_all};
pub use table::{About, Section, Shown, sections, troubleshooting};

use crate::{
    scenario::DaemonSetRef,
    world::{World, view},
};

/// What a diagnosis rests on beside what is watched.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extras {
    /// The last lines of containers, as [`wanted_logs`] asks for them.
    pub logs: BTreeMap<WantedLog, String>,
    /// The PodDisruptionBudgets of all namespaces, or of those that may be read.
    pub budgets: Vec<PodDisruptionBudget>,
    /// What could not be looked at, and for lack of what.
    pub not_looked_at: Vec<String>,
}

/// Everything that a part of the diagnosis may look at.
#[derive(Clone, Copy)]
struct Look<'a> {
    world: &'a World,
    extras: &'a Extras,
    daemon_set: &'a DaemonSet,
    reference: &'a DaemonSetRef,
    now: Timestamp,
    /// The hash of the latest revision.
    hash: Option<&'a str>,
}

/// What is so with a DaemonSet; nothing where there is no such DaemonSet.
#[must_use]
pub fn explain(world: &World, extras: &Extras, reference: &DaemonSetRef, now: Timestamp) -> Option<Diagnosis> {
    let daemon_set = world.daemon_set(reference)?;
    let hash = world.current_hash(daemon_set);
    let look = Look { world, extras, daemon_set, reference, now, hash: hash.as_deref() };
    let nodes = nodes::all(look);
    let findings = look.of_the_whole(&nodes);
    let in_order = findings.iter().all(|finding| finding.cause.leaves_in_order())
        && nodes.iter().all(|node| node.state.is_in_order());
    Some(Diagnosis {
        daemon_set: finding::full_name(reference),
        in_order,
        findings,
        nodes,
        not_looked_at: extras.not_looked_at.clone(),
    })
}

impl Look<'_> {
    fn of_the_whole(self, nodes: &[NodeDiagnosis]) -> Vec<Finding> {
        let object = self.object();
        let mut findings = Vec::new();
        findings.extend(self.being_deleted());
        let generation = self.daemon_set.metadata.generation.unwrap_or(0);
        let observed = self.daemon_set.status.as_ref().and_then(|status| status.observed_generation).unwrap_or(0);
        // A deletion that waits raises the generation too, and the controller takes no note of it.
        if observed < generation && findings.is_empty() {
            findings.push(
                Finding::proven(Cause::ControllerBehind, &object, "the controller has not seen its latest change")
                    .seen("status.observedGeneration", format!("{observed}, and metadata.generation is {generation}"))
                    .remedy("wait; if it stays so, see that the kube-controller-manager runs and read its log: a quota or a \
                         webhook may refuse the revision that it keeps of each template"),
            );
        }
        if nodes.iter().all(|node| node.state.is_elsewhere()) {
            findings.push(
                Finding::proven(Cause::NoEligibleNode, &object, format!("none of {} nodes is eligible", nodes.len()))
                    .seen("nodes", "each says below why it is not")
                    .remedy("change what every node fails by: `nodeSelector`, required affinity, or tolerations"),
            );
        }
        findings.extend(self.overlaps());
        findings.extend(self.drains(nodes));
        findings
    }

    /// `daemonset default/log-collector`.
    fn object(self) -> String {
        format!("daemonset {}", finding::full_name(self.reference))
    }
}

/// `pod default/agent-x7f2k`.
fn pod_object(pod: &Pod) -> String {
    format!("pod {}/{}", pod.metadata.namespace.as_deref().unwrap_or_default(), view::name_of(&pod.metadata))
}
