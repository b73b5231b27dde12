//! What an administrator does to nodes by the API.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use rollcall::{
    Cluster, DrainOptions,
    model::{Condition, DaemonSetRef, scenario::Cascade},
};

use super::{IMAGE, VERB};
use crate::{
    TestResult,
    nodes::{label, taints},
    pods::{self, SOON, agent_on},
    repository, told,
};

pub(super) async fn nodes_taints_and_labels_come_and_go(cluster: &Cluster) -> TestResult {
    let guest = pods::start(cluster, tolerant_of_nothing("guest")).await?;
    let uid = guest.metadata.uid.context("a pod has a UID")?;
    cluster.taint_node("worker-1", &"maintenance:NoExecute".parse().map_err(anyhow::Error::msg)?).await?;
    ensure!(taints(&pods::nodes(cluster).get("worker-1").await?) == ["maintenance:NoExecute"]);
    pods::is_gone(cluster, "guest", &uid).await?;
    cluster.untaint_node("worker-1", "maintenance", None).await?;
    ensure!(taints(&pods::nodes(cluster).get("worker-1").await?).is_empty(), "the taint is left");

    cluster.label_node("worker-1", &BTreeMap::from([("tier".to_owned(), "gold".to_owned())])).await?;
    ensure!(label(&pods::nodes(cluster).get("worker-1").await?, "tier") == Some("gold"));
    cluster.unlabel_node("worker-1", &["tier".to_owned()]).await?;
    ensure!(label(&pods::nodes(cluster).get("worker-1").await?, "tier").is_none(), "the label is left");
    Ok(())
}

/// By the scheduler, and without a toleration.
fn tolerant_of_nothing(name: &str) -> serde_json::Value {
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": "worker-1"},
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "agent", "image": IMAGE}],
        },
    })
}

pub(super) async fn nodes_a_drained_one_keeps_daemon_pods_only(cluster: &Cluster) -> TestResult {
    let manifest = repository::manifest("manifests/01-log-collector-daemonset.yaml")?;
    cluster.apply(&manifest).await?;
    let converged = Condition::Converged { daemon_set: DaemonSetRef::new("log-collector"), allow_none: false };
    cluster.wait(&converged, SOON).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
    pods::start(cluster, agent_on("worker-1", "evicted", IMAGE)).await?;
    pods::start(cluster, agent_on("worker-2", "bystander", IMAGE)).await?;
    cluster.drain_node("worker-1", DrainOptions::default(), VERB).await?;
    ensure!(pods::pods(cluster).get_opt("evicted").await?.is_none(), "the pod is left");
    ensure!(pods::pods(cluster).get_opt("bystander").await?.is_some(), "the pod of another node is gone");
    cluster.wait(&converged, SOON).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
    let seen = taints(&pods::nodes(cluster).get("worker-1").await?);
    ensure!(seen == ["node.kubernetes.io/unschedulable:NoSchedule"], "{seen:?}");
    cluster.uncordon_node("worker-1").await?;
    ensure!(taints(&pods::nodes(cluster).get("worker-1").await?).is_empty(), "it is still cordoned");
    pods::delete(cluster, &["bystander"]).await?;
    cluster.delete(&manifest, Cascade::Foreground, SOON).await?;
    Ok(())
}
