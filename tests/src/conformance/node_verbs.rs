//! Nodes die, freeze, are cut off and come back.

use anyhow::ensure;
use rollcall::{
    Cluster, DistroName, ErrorKind,
    model::{scenario::Pressure, world::view},
};

use super::{IMAGE, VERB};
use crate::{
    TestResult,
    nodes::{becomes_not_ready, is_ready_now, taints},
    pods::{self, agent_on},
    refused, says, told,
};

pub(super) async fn nodes_a_stopped_one_keeps_its_pods_and_has_them_when_it_is_back(cluster: &Cluster) -> TestResult {
    let before = pods::start(cluster, agent_on("worker-1", "patient", IMAGE)).await?;
    cluster.stop_node("worker-1").await?;
    becomes_not_ready(cluster, "worker-1").await?;
    let meanwhile = pods::pods(cluster).get("patient").await?;
    ensure!(meanwhile.metadata.uid == before.metadata.uid && meanwhile.metadata.deletion_timestamp.is_none());
    cluster.start_node("worker-1", VERB).await?;
    is_ready_now(cluster, "worker-1").await?;
    pods::same_pod_runs_again(cluster, "patient", &before).await?;
    pods::delete(cluster, &["patient"]).await
}

pub(super) async fn nodes_a_restarted_one_has_the_same_pods(cluster: &Cluster) -> TestResult {
    let before = pods::start(cluster, agent_on("worker-2", "survivor", IMAGE)).await?;
    cluster.restart_node("worker-2", VERB).await?;
    is_ready_now(cluster, "worker-2").await?;
    pods::same_pod_runs_again(cluster, "survivor", &before).await?;
    pods::delete(cluster, &["survivor"]).await
}

pub(super) async fn nodes_a_paused_one_becomes_not_ready_and_comes_back(cluster: &Cluster) -> TestResult {
    cluster.pause_node("worker-1", VERB).await?;
    becomes_not_ready(cluster, "worker-1").await?;
    cluster.resume_node("worker-1", VERB).await?;
    is_ready_now(cluster, "worker-1").await
}

pub(super) async fn nodes_a_cut_off_one_becomes_not_ready_and_comes_back(cluster: &Cluster) -> TestResult {
    cluster.cut_node("worker-2").await?;
    becomes_not_ready(cluster, "worker-2").await?;
    cluster.heal_node("worker-2", VERB).await?;
    is_ready_now(cluster, "worker-2").await
}

pub(super) async fn nodes_the_control_plane_comes_back_after_a_power_failure(cluster: &Cluster) -> TestResult {
    let before = pods::start(cluster, agent_on("worker-1", "lasting", IMAGE)).await?;
    cluster.restart_node("control-plane", VERB).await?;
    is_ready_now(cluster, "control-plane").await?;
    let after = pods::pods(cluster).get("lasting").await?;
    ensure!(after.metadata.uid == before.metadata.uid, "what the cluster's store keeps is lost");
    // Its image is asked of the inner registry, which keeps it in memory.
    pods::start(cluster, agent_on("control-plane", "newcomer", IMAGE)).await?;
    pods::delete(cluster, &["lasting", "newcomer"]).await
}

pub(super) async fn nodes_pressure_is_the_kubelets_own_word_or_refused(cluster: &Cluster) -> TestResult {
    let put = cluster.node_pressure("worker-1", Pressure::Disk, true, VERB).await;
    if cluster.distro() == Some(DistroName::K3s) {
        let error = refused(put, "pressure on a kubelet that cannot be told")?;
        ensure!(error.kind() == ErrorKind::Usage, "{error:?}");
        return says(&told(&error), &["node `worker-1`", "distro `k3s`", "run the scenario on distro `box`"]);
    }
    put?;
    let seen = taints(&pods::nodes(cluster).get("worker-1").await?);
    ensure!(seen == ["node.kubernetes.io/disk-pressure:NoSchedule"], "{seen:?}");
    cluster.node_pressure("worker-1", Pressure::Disk, false, VERB).await?;
    let node = pods::nodes(cluster).get("worker-1").await?;
    ensure!(taints(&node).is_empty() && view::is_node_ready(&node), "{:?}", taints(&node));
    Ok(())
}
