//! Each verb by what the cluster can do.

use std::{path::Path, time::Duration};

use rollcall_model::{
    Action, NodeSpec, PlannedStep, Report,
    condition::command_line,
    scenario::{Cascade, DeleteTarget, NodeVerb},
};

use crate::{
    cluster::{Cluster, DrainOptions, Wrote},
    error::{Error, Result},
    images::ImageSource,
    patience,
};

/// Does what steps say.
pub(super) struct Verbs<'a> {
    pub(super) cluster: &'a Cluster,
    /// Where commands run: the scenario's own folder.
    pub(super) folder: &'a Path,
}

/// What a verb wrote, where it is a command.
pub(super) type Output = Option<Wrote>;

impl Verbs<'_> {
    /// Does what the step says by the cluster's verb for it.
    pub(super) async fn run(&self, step: &PlannedStep) -> Result<Output> {
        let cluster = self.cluster;
        match &step.action {
            Action::Exec(wanted) => within_of(step, cluster.exec_once(wanted)).await.map(Some),
            Action::NodeExec(wanted) => within_of(step, cluster.exec_on_nodes(wanted)).await.map(Some),
            Action::Run { command, exit_code } => {
                self.command(step, command, *exit_code).await.map(Wrote::right).map(Some)
            }
            _ => self.change(step).await.map(|()| None),
        }
    }

    async fn command(&self, step: &PlannedStep, command: &[String], wanted: i32) -> Result<String> {
        let ran = within_of(step, self.cluster.run_command(command, self.folder)).await?;
        if ran.exit_code == Some(wanted) {
            return Ok(ran.output);
        }
        let ended =
            ran.exit_code.map_or("was ended by a signal".to_owned(), |code| format!("ended with exit code {code}"));
        let last: Vec<&str> = ran.output.lines().rev().take(20).collect();
        let said: String = last.into_iter().rev().map(|line| format!("\n  {line}")).collect();
        Err(Error::Unmet { message: format!("`{}` {ended}, and {wanted} is expected{said}", command_line(command)) })
    }

    async fn change(&self, step: &PlannedStep) -> Result<()> {
        let cluster = self.cluster;
        let deadline = deadline_of(step);
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
            Action::KillContainer { daemon_set, node, container, by } => {
                cluster.kill_container(daemon_set, node, container.as_deref(), *by, deadline).await.map(drop)
            }
            Action::Patch { target, kind, patch, subresource } => {
                within(step, cluster.patch_object(target, *kind, patch, subresource.as_deref())).await
            }
            Action::RolloutRestart { daemon_set } => within(step, cluster.restart_daemon_set(daemon_set)).await,
            Action::Rollback { daemon_set, to_revision } => {
                within(step, cluster.roll_back(daemon_set, *to_revision)).await
            }
            Action::PushImage { name, image } => {
                within(step, cluster.load_image(name, &ImageSource::Local(image.clone()))).await
            }
            Action::ScaleSimulatedNodes { name, count } => {
                cluster.scale_simulated_nodes(name, *count, deadline).await.map(drop)
            }
            Action::PullFault { image, fault } => within(step, cluster.pull_fault(image, *fault)).await,
            Action::Pressure { node, resource, on } => {
                cluster.node_pressure(node, *resource, *on, deadline).await.map(drop)
            }
            // The model may know verbs before the engine does; a wrong "held" would be worse than an error.
            other => Err(Error::usage(format!("this version cannot run step `{}`", other.key()))),
        }
    }

    async fn node_verb(&self, step: &PlannedStep, verb: NodeVerb, node: &str) -> Result<()> {
        let cluster = self.cluster;
        let deadline = deadline_of(step);
        match verb {
            NodeVerb::Remove => cluster.remove_node(node, deadline).await.map(drop),
            NodeVerb::Stop => within(step, cluster.stop_node(node)).await,
            NodeVerb::Start => cluster.start_node(node, deadline).await.map(drop),
            NodeVerb::Restart => cluster.restart_node(node, deadline).await.map(drop),
            NodeVerb::Pause => cluster.pause_node(node, deadline).await.map(drop),
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
            DeleteTarget::Object(object) => self.cluster.delete_object(object, cascade, deadline).await,
            DeleteTarget::Manifest(manifest) => self.cluster.delete(&manifest.documents, cascade, deadline).await,
        };
        deleted.map(drop)
    }
}

/// Steps that do something have a deadline; the plan gives them one.
fn deadline_of(step: &PlannedStep) -> Duration {
    patience::stretched(step.deadline.unwrap_or_default())
}

async fn within<T>(step: &PlannedStep, verb: impl Future<Output = Result<T>>) -> Result<()> {
    within_of(step, verb).await.map(drop)
}

/// Holds a verb that takes no deadline to the one of its step.
async fn within_of<T>(step: &PlannedStep, verb: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(deadline_of(step), verb).await {
        Ok(result) => result,
        Err(_) => Err(Error::Timeout {
            what: step.summary(),
            waited: deadline_of(step),
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
        step.deadline = Some(Duration::from_millis(5));
        let error = within(&step, std::future::pending::<Result<()>>()).await.unwrap_err();
        insta::assert_snapshot!(error, @"apply `agent.yaml` did not come true within 0.0s: it was not answered");
    }
}
