//! Nodes as tests describe and judge them.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Node;
use rollcall::{
    Cluster,
    model::{Condition, NodeSpec, Role, condition::NodeSelection, world::view},
};

use crate::{
    pods::{self, SOON},
    told,
};

/// A worker with nothing special.
#[must_use]
pub fn worker(name: &str) -> NodeSpec {
    NodeSpec { name: name.into(), role: Role::Worker, labels: Default::default(), taints: Vec::new() }
}

/// The taints of a node as they are written in commands.
#[must_use]
pub fn taints(node: &Node) -> Vec<String> {
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    let text = |taint: &k8s_openapi::api::core::v1::Taint| match taint.value.as_deref() {
        Some(value) if !value.is_empty() => format!("{}={value}:{}", taint.key, taint.effect),
        _ => format!("{}:{}", taint.key, taint.effect),
    };
    taints.map(text).collect()
}

/// The value of a label.
#[must_use]
pub fn label<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.metadata.labels.as_ref()?.get(key).map(String::as_str)
}

/// Waits until Kubernetes has noticed that a node is away.
///
/// # Errors
/// When it does not.
pub async fn becomes_not_ready(cluster: &Cluster, node: &str) -> Result<()> {
    let nodes = NodeSelection::Names(vec![node.to_owned()]);
    let waited = cluster.wait(&Condition::NodeReady { nodes, ready: false }, SOON).await;
    waited.map(drop).map_err(|error| anyhow::anyhow!(told(&error)))
}

/// Asks the API server itself, with no time to get there.
///
/// # Errors
/// When it is not Ready, or still tainted for that.
pub async fn is_ready_now(cluster: &Cluster, node: &str) -> Result<()> {
    let found = pods::nodes(cluster).get(node).await?;
    ensure!(view::is_node_ready(&found), "node `{node}` is not Ready: {:?}", found.status);
    ensure!(!taints(&found).iter().any(|taint| taint.contains("unreachable") || taint.contains("not-ready")));
    Ok(())
}
