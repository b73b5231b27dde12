//! One round: a cluster from nothing, a node more, a node less, and away with it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rollcall::{
    Cluster, ImageSource, VERB_DEADLINE,
    model::{
        Condition, DaemonSetRef, NodeSpec, Role,
        condition::{NodeSelection, PodsCondition},
    },
};

use crate::weight;

/// Every figure of every round.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) nodes_ready: Vec<Duration>,
    pub(crate) daemon_set_ready: Vec<Duration>,
    pub(crate) worker_ready: Vec<Duration>,
    pub(crate) worker_pod_ready: Vec<Duration>,
    pub(crate) worker_removed: Vec<Duration>,
    pub(crate) destroyed: Vec<Duration>,
    pub(crate) control_plane_bytes: Vec<u64>,
    pub(crate) worker_bytes: Vec<u64>,
    pub(crate) harness_bytes: Vec<u64>,
}

const MANIFEST: &str = "manifests/01-log-collector-daemonset.yaml";

pub(crate) async fn measure(figures: &mut Figures) -> Result<()> {
    let manifest = std::fs::read_to_string(MANIFEST)
        .with_context(|| format!("`{MANIFEST}`; start the benchmark in the repository's root"))?;
    let object = serde_yaml::from_str(&manifest)?;
    let daemon_set = DaemonSetRef::new("log-collector");
    let converged = Condition::Converged { daemon_set: daemon_set.clone(), allow_none: false };

    let started = Instant::now();
    let cluster = Cluster::builder()
        .workers(2)
        .image_as("fluentd:latest", ImageSource::Local("rollcall/agent:1".into()))
        .start()
        .await?;
    figures.nodes_ready.push(started.elapsed());
    cluster.apply(&[object]).await?;
    cluster.wait(&converged, VERB_DEADLINE).await?;
    figures.daemon_set_ready.push(started.elapsed());

    let started = Instant::now();
    let node = NodeSpec { name: "worker-3".into(), role: Role::Worker, labels: BTreeMap::new(), taints: Vec::new() };
    cluster.add_node(node, VERB_DEADLINE).await?;
    figures.worker_ready.push(started.elapsed());
    let pod = Condition::Pods(PodsCondition {
        nodes: NodeSelection::Names(vec!["worker-3".into()]),
        count: Some(1),
        ready: Some(true),
        ..PodsCondition::of(daemon_set)
    });
    cluster.wait(&pod, VERB_DEADLINE).await?;
    figures.worker_pod_ready.push(started.elapsed());

    figures.control_plane_bytes.push(weight::node_bytes(cluster.name(), "control-plane")?);
    figures.worker_bytes.push(weight::node_bytes(cluster.name(), "worker-1")?);
    figures.harness_bytes.push(weight::harness_bytes()?);

    figures.worker_removed.push(cluster.remove_node("worker-3", VERB_DEADLINE).await?);
    let started = Instant::now();
    cluster.destroy().await?;
    figures.destroyed.push(started.elapsed());
    Ok(())
}
