//! Finding and removing what is left of clusters.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    docker::{ContainerState, Docker},
    error::Result,
    labels::{self, Owner},
};

/// What a sweep removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Names of the clusters something was left of.
    pub clusters: BTreeSet<String>,
    /// How many containers (with their volumes) were removed.
    pub containers: usize,
    /// How many networks were removed.
    pub networks: usize,
}

/// Which clusters a sweep removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of processes that are gone, unless they were meant to stay.
    Dead,
    /// Every cluster of rollcall, those meant to stay and those in use too.
    All,
    /// One cluster, whoever it belongs to.
    Cluster(String),
}

impl Scope {
    fn covers(&self, labels: &std::collections::HashMap<String, String>) -> bool {
        match self {
            Self::All => true,
            Self::Cluster(name) => labels.get(labels::CLUSTER) == Some(name),
            Self::Dead => {
                labels.get(labels::KEEP).is_none_or(|keep| keep != "true")
                    && labels.get(labels::OWNER).and_then(|owner| Owner::parse(owner)).is_some_and(|o| o.is_dead())
            }
        }
    }
}

/// Removes the containers, volumes and networks of the clusters in `scope`.
///
/// # Errors
/// When the engine does not answer or refuses; what could be removed is removed all the same.
pub async fn sweep(scope: &Scope) -> Result<Swept> {
    sweep_with(&Docker::connect().await?, scope).await
}

pub(crate) async fn sweep_with(docker: &Docker, scope: &Scope) -> Result<Swept> {
    docker.quiet().await;
    let mut swept = Swept::default();
    let mut first_error = None;
    let containers = docker.containers_labelled(labels::CLUSTER).await?;
    let doomed: Vec<&ContainerState> = containers.iter().filter(|c| scope.covers(&c.labels)).collect();
    let removed = futures::future::join_all(doomed.iter().map(|c| docker.remove_container(&c.name))).await;
    for (container, result) in doomed.iter().zip(removed) {
        match result {
            Ok(()) => {
                swept.containers += 1;
                swept.clusters.extend(container.labels.get(labels::CLUSTER).cloned());
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    for (network, network_labels) in docker.networks_labelled(labels::CLUSTER).await? {
        if !scope.covers(&network_labels) {
            continue;
        }
        match docker.remove_network(&network).await {
            Ok(()) => {
                swept.networks += 1;
                swept.clusters.extend(network_labels.get(labels::CLUSTER).cloned());
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(swept), Err)
}

/// A cluster as its labels tell it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClusterSummary {
    /// Its name.
    pub name: String,
    /// The distro it is made of.
    pub distro: String,
    /// The node image.
    pub image: String,
    /// Whether it outlives the process that made it.
    pub keep: bool,
    /// Name, role and container state of each node, by name.
    pub nodes: Vec<NodeSummary>,
}

/// A node as its labels tell it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct NodeSummary {
    /// Its name in Kubernetes.
    pub name: String,
    /// `control-plane` or `worker`.
    pub role: String,
    /// The state of its container: `running`, `paused`, `exited`, …
    pub state: String,
}

/// All clusters of rollcall in the local engine, by name.
///
/// # Errors
/// When the engine does not answer.
pub async fn list_clusters() -> Result<Vec<ClusterSummary>> {
    let docker = Docker::connect().await?;
    let mut clusters: BTreeMap<String, ClusterSummary> = BTreeMap::new();
    for container in docker.containers_labelled(labels::CLUSTER).await? {
        let label = |key: &str| container.labels.get(key).cloned().unwrap_or_default();
        let cluster = clusters.entry(label(labels::CLUSTER)).or_insert_with(|| ClusterSummary {
            name: label(labels::CLUSTER),
            distro: label(labels::DISTRO),
            image: label(labels::IMAGE),
            keep: label(labels::KEEP) == "true",
            nodes: Vec::new(),
        });
        // Beside the nodes there may be a container that is none.
        let Some(node) = container.labels.get(labels::NODE) else { continue };
        cluster.nodes.push(NodeSummary { name: node.clone(), role: label(labels::ROLE), state: container.state });
    }
    for cluster in clusters.values_mut() {
        cluster.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(clusters.into_values().collect())
}
