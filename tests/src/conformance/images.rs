//! Images come from the inner registry, and pods of them are in reach.

use anyhow::{Context, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, LogParams};
use rollcall::{
    Cluster,
    model::{Condition, DaemonSetRef, scenario::Cascade, world::view},
};

use super::IMAGE;
use crate::{
    TestResult,
    pods::{self, SOON, agent_on},
    repository, told,
};

pub(super) async fn images_an_unmodified_daemon_set_runs_on_every_node_that_takes_it(cluster: &Cluster) -> TestResult {
    let manifest = repository::manifest("manifests/01-log-collector-daemonset.yaml")?;
    cluster.apply(&manifest).await?;
    let collector = DaemonSetRef::new("log-collector");
    let converged = Condition::Converged { daemon_set: collector, allow_none: false };
    cluster.wait(&converged, SOON).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
    let found = pods::pods(cluster).list(&ListParams::default().labels("app=log-collector")).await?.items;
    let mut places: Vec<&str> = found.iter().filter_map(view::node_of).collect();
    places.sort_unstable();
    // It tolerates the taint of the control plane, and not the one of `worker-2`.
    ensure!(places == ["control-plane", "worker-1"], "{places:?}");
    cluster.delete(&manifest, Cascade::Foreground, SOON).await?;
    Ok(())
}

pub(super) async fn images_one_that_is_not_there_cannot_be_pulled(cluster: &Cluster) -> TestResult {
    cluster.apply(&[agent_on("worker-1", "imageless", "registry.invalid/nothing:1")]).await?;
    let refused = |pod: Option<&Pod>| reason(pod).is_some_and(|why| why == "ErrImagePull" || why == "ImagePullBackOff");
    pods::wait_for(cluster, "imageless", refused).await?;
    pods::delete(cluster, &["imageless"]).await
}

fn reason(pod: Option<&Pod>) -> Option<String> {
    let statuses = pod?.status.as_ref()?.container_statuses.as_ref()?;
    statuses.first()?.state.as_ref()?.waiting.as_ref()?.reason.clone()
}

pub(super) async fn images_pods_are_asked_for_logs_and_run_commands(cluster: &Cluster) -> TestResult {
    pods::start(cluster, agent_on("worker-1", "talker", IMAGE)).await?;
    pods::wait_for(cluster, "talker", |pod: Option<&Pod>| pod.is_some_and(view::is_ready)).await?;
    let log = pods::pods(cluster).logs("talker", &LogParams::default()).await?;
    ensure!(!log.trim().is_empty(), "it has said nothing");
    let said = pods::agent(cluster, "talker", &["version"]).await.context("a command in a pod")?;
    ensure!(said.contains('1'), "{said}");
    pods::delete(cluster, &["talker"]).await
}
