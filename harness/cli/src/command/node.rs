//! `node …`: the verbs of nodes by hand.

use std::time::Duration;

use rollcall::{
    Cluster, DrainOptions, Interrupt,
    model::{NodeSpec, Role, scenario::parse_untaint},
};

use super::which;
use crate::{
    args::{NodeCommand, OnNode},
    error::CliError,
    output,
};

pub(super) async fn node(verb: NodeCommand, interrupt: &Interrupt) -> Result<(), CliError> {
    tokio::select! {
        done = execute(verb) => done,
        () = interrupt.triggered() => Err(CliError::interrupted()),
    }
}

async fn execute(verb: NodeCommand) -> Result<(), CliError> {
    let cluster: Cluster = which::cluster(verb.on().cluster.cluster.clone()).await?;
    let OnNode { node: name, within, .. } = verb.on().clone();
    let (what, result) = match verb {
        NodeCommand::Add { labels, taints, .. } => {
            let labels = labels.into_iter().collect();
            let node = NodeSpec { name: name.clone(), role: Role::Worker, labels, taints };
            ("joined", cluster.add_node(node, within).await)
        }
        NodeCommand::Remove(_) => ("removed", cluster.remove_node(&name, within).await),
        NodeCommand::Stop(_) => ("stopped", cluster.stop_node(&name).await),
        NodeCommand::Start(_) => ("started", cluster.start_node(&name, within).await),
        NodeCommand::Restart(_) => ("restarted", cluster.restart_node(&name, within).await),
        NodeCommand::Pause(_) => ("paused", cluster.pause_node(&name, within).await),
        NodeCommand::Resume(_) => ("resumed", cluster.resume_node(&name, within).await),
        NodeCommand::Cut(_) => ("cut off", cluster.cut_node(&name).await),
        NodeCommand::Heal(_) => ("joined again", cluster.heal_node(&name, within).await),
        NodeCommand::Taint { taint, .. } => ("tainted", cluster.taint_node(&name, &taint).await),
        NodeCommand::Untaint { taint, .. } => ("untainted", untaint(&cluster, &name, &taint).await?),
        NodeCommand::Label { labels, .. } => {
            ("labelled", cluster.label_node(&name, &labels.into_iter().collect()).await)
        }
        NodeCommand::Unlabel { keys, .. } => ("unlabelled", cluster.unlabel_node(&name, &keys).await),
        NodeCommand::Cordon(_) => ("cordoned", cluster.cordon_node(&name).await),
        NodeCommand::Uncordon(_) => ("uncordoned", cluster.uncordon_node(&name).await),
        NodeCommand::Drain(_) => ("drained", cluster.drain_node(&name, DrainOptions::default(), within).await),
    };
    output::line(&format!("node `{name}` {what} ({})", output::seconds(result?)));
    Ok(())
}

async fn untaint(cluster: &Cluster, node: &str, taint: &str) -> Result<rollcall::Result<Duration>, CliError> {
    let (key, effect) = parse_untaint(taint).map_err(|wrong| {
        let error = CliError::usage(wrong.to_string());
        wrong.hint.into_iter().fold(error, CliError::hint)
    })?;
    Ok(cluster.untaint_node(node, &key, effect).await)
}
