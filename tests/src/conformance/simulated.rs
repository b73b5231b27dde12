//! Simulated nodes stand beside the real ones of any distro.

use std::collections::BTreeMap;

use anyhow::ensure;
use kube::api::ListParams;
use rollcall::{
    Cluster,
    model::{
        Condition, DaemonSetRef,
        scenario::{Cascade, SimulatedNodes},
        world::view,
    },
};

use super::VERB;
use crate::{
    TestResult,
    pods::{self, SOON},
    repository, told,
};

pub(super) async fn nodes_simulated_ones_stand_beside_real_ones(cluster: &Cluster) -> TestResult {
    let group = SimulatedNodes {
        name: "sim".into(),
        count: 3,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        allocatable: BTreeMap::new(),
        fault: None,
    };
    cluster.add_simulated_nodes(&group, VERB).await?;
    let manifest = repository::manifest("manifests/01-log-collector-daemonset.yaml")?;
    cluster.apply(&manifest).await?;
    let converged = Condition::Converged { daemon_set: DaemonSetRef::new("log-collector"), allow_none: false };
    cluster.wait(&converged, SOON).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
    let found = pods::pods(cluster).list(&ListParams::default().labels("app=log-collector")).await?.items;
    let mut places: Vec<&str> = found.iter().filter_map(view::node_of).collect();
    places.sort_unstable();
    ensure!(places == ["control-plane", "sim-1", "sim-2", "sim-3", "worker-1"], "{places:?}");
    cluster.delete(&manifest, Cascade::Foreground, SOON).await?;
    cluster.scale_simulated_nodes("sim", 0, VERB).await?;
    let left = pods::nodes(cluster).list(&ListParams::default()).await?.items;
    ensure!(left.len() == 3, "{} nodes are left", left.len());
    Ok(())
}
