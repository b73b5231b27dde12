//! One step after the other: each is done by a verb of the cluster or judged, and told.

use std::{collections::BTreeSet, time::Duration};

use rollcall_model::{
    Action, Condition, DaemonSetRef, Event, Memory, NodeSpec, PlannedStep, Report, Verdict,
    event::StepOutcome,
    scenario::{Cascade, DeleteTarget, NodeVerb},
};

use super::{Interrupt, emit::Emitter, emit::milliseconds, failure, hold::hold};
use crate::{
    clock,
    cluster::{Cluster, DrainOptions},
    error::{Error, Result},
};

/// The steps of one run, and what later ones need to know of earlier ones.
pub(super) struct Steps<'a> {
    cluster: &'a Cluster,
    interrupt: &'a Interrupt,
    memory: Memory,
    /// Those that were applied: the roll call is theirs.
    daemon_sets: BTreeSet<DaemonSetRef>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(cluster: &'a Cluster, interrupt: &'a Interrupt) -> Self {
        Self { cluster, interrupt, memory: Memory::default(), daemon_sets: BTreeSet::new() }
    }

    /// Does a step, or judges it, and tells how that went.
    pub(super) async fn run(&mut self, step: &PlannedStep, emitter: &mut Emitter<'_>) -> Verdict {
        let started = clock::instant();
        let index = step.index;
        emitter.emit(Event::StepStarted { index, name: step.name.clone(), summary: step.summary() });
        if let Action::Apply { manifest } = &step.action {
            self.daemon_sets.extend(manifest.daemon_sets().into_iter().map(|(daemon_set, _)| daemon_set));
        }
        let outcome = tokio::select! {
            outcome = self.outcome(step, emitter) => outcome,
            () = self.interrupt.triggered() => failure::interrupted(),
        };
        let verdict = match &outcome {
            StepOutcome::Held => Verdict::Held,
            StepOutcome::Failed { .. } => Verdict::DidNotHold,
            StepOutcome::Environment { .. } => Verdict::Environment,
        };
        emitter.emit(Event::StepFinished { index, outcome, took_ms: milliseconds(started.elapsed()) });
        let world = self.cluster.world();
        if let Some(name) = step.name.as_ref().filter(|_| verdict.is_held()) {
            self.memory.remember(name, &world);
        }
        let daemon_sets: Vec<DaemonSetRef> = self.daemon_sets.iter().cloned().collect();
        emitter.emit(Event::RollCall { rows: world.roll_call(&daemon_sets) });
        verdict
    }

    async fn outcome(&self, step: &PlannedStep, emitter: &mut Emitter<'_>) -> StepOutcome {
        match &step.action {
            Action::Expect { condition } => self.expect(step, condition, emitter).await,
            Action::Hold { condition, duration } => {
                let watched = self.cluster.observer().every_change();
                match hold(watched, condition, &self.memory, *duration).await {
                    Ok(()) => StepOutcome::Held,
                    Err(broken) => failure::hold(condition, broken.report, broken.held, *duration),
                }
            }
            _ => match self.verb(step).await {
                Ok(()) => StepOutcome::Held,
                Err(error) => failure::environment(&error),
            },
        }
    }

    async fn expect(&self, step: &PlannedStep, condition: &Condition, emitter: &mut Emitter<'_>) -> StepOutcome {
        let index = step.index;
        let mut progress = |report: &Report| emitter.emit(Event::StepProgress { index, report: report.clone() });
        match self.cluster.wait_with(condition, step.deadline, &self.memory, &mut progress).await {
            Ok(_) => StepOutcome::Held,
            Err(error) => failure::expectation(condition, error),
        }
    }

    /// Does what the step says by the cluster's verb for it.
    async fn verb(&self, step: &PlannedStep) -> Result<()> {
        let cluster = self.cluster;
        let deadline = step.deadline;
        match &step.action {
            Action::AddNodes { nodes } => self.add_nodes(nodes, deadline).await,
            Action::Node { verb, node } => self.node_verb(step, *verb, node).await,
            Action::Taint { node, taint } => within(step, cluster.taint_node(node, taint)).await,
            Action::Untaint { node, key, effect } => within(step, cluster.untaint_node(node, key, *effect)).await,
            Action::Label { node, labels } => within(step, cluster.label_node(node, labels)).await,
            Action::Unlabel { node, keys } => within(step, cluster.unlabel_node(node, keys)).await,
            Action::Cordon { node } => within(step, cluster.cordon_node(node)).await,
            Action::Uncordon { node } => within(step, cluster.uncordon_node(node)).await,
            Action::Drain { node, ignore_daemon_sets, grace_period } => {
                let options = DrainOptions { ignore_daemon_sets: *ignore_daemon_sets, grace_period: *grace_period };
                cluster.drain_node(node, options, deadline).await.map(drop)
            }
            Action::Apply { manifest } => within(step, cluster.apply(&manifest.documents)).await,
            Action::Delete { target, cascade } => self.delete(target, *cascade, deadline).await,
            Action::SetImage { daemon_set, container, image } => {
                within(step, cluster.set_image(daemon_set, container, image)).await
            }
            Action::DeletePod { daemon_set, node } => {
                cluster.delete_daemon_pods(daemon_set, node, deadline).await.map(drop)
            }
            // The model may know verbs before the engine does; a wrong "held" would be worse than an error.
            other => Err(Error::usage(format!("this version cannot run step `{}`", other.key()))),
        }
    }

    async fn node_verb(&self, step: &PlannedStep, verb: NodeVerb, node: &str) -> Result<()> {
        let cluster = self.cluster;
        let deadline = step.deadline;
        match verb {
            NodeVerb::Remove => cluster.remove_node(node, deadline).await.map(drop),
            NodeVerb::Stop => within(step, cluster.stop_node(node)).await,
            NodeVerb::Start => cluster.start_node(node, deadline).await.map(drop),
            NodeVerb::Restart => cluster.restart_node(node, deadline).await.map(drop),
            NodeVerb::Pause => within(step, cluster.pause_node(node)).await,
            NodeVerb::Resume => cluster.resume_node(node, deadline).await.map(drop),
            NodeVerb::Partition => within(step, cluster.cut_node(node)).await,
            NodeVerb::Heal => cluster.heal_node(node, deadline).await.map(drop),
        }
    }

    /// Side by side. One that fails does not keep the others from being told.
    async fn add_nodes(&self, nodes: &[NodeSpec], deadline: Duration) -> Result<()> {
        let joins = nodes.iter().map(|node| self.cluster.add_node(node.clone(), deadline));
        futures::future::join_all(joins).await.into_iter().find_map(Result::err).map_or(Ok(()), Err)
    }

    async fn delete(&self, target: &DeleteTarget, cascade: Cascade, deadline: Duration) -> Result<()> {
        let deleted = match target {
            DeleteTarget::DaemonSet(daemon_set) => self.cluster.delete_daemon_set(daemon_set, cascade, deadline).await,
            DeleteTarget::Manifest(manifest) => self.cluster.delete(&manifest.documents, cascade, deadline).await,
        };
        deleted.map(drop)
    }
}

/// Holds a verb that takes no deadline to the one of its step.
async fn within<T>(step: &PlannedStep, verb: impl Future<Output = Result<T>>) -> Result<()> {
    match tokio::time::timeout(step.deadline, verb).await {
        Ok(result) => result.map(drop),
        Err(_) => Err(Error::Timeout {
            what: step.summary(),
            waited: step.deadline,
            last: Report { summary: "it was not answered".into(), nodes: Vec::new() },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::plan;

    #[tokio::test]
    async fn a_verb_without_a_deadline_gets_that_of_its_step() {
        let mut step = plan("").steps.remove(0);
        step.deadline = Duration::from_millis(5);
        let error = within(&step, std::future::pending::<Result<()>>()).await.unwrap_err();
        insta::assert_snapshot!(error, @"apply `agent.yaml` did not come true within 0.0s: it was not answered");
    }
}
