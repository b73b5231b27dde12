//! A node leaves for good, and another one may have its name.

use anyhow::ensure;
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Secret};
use kube::{Api, api::ListParams};
use rollcall::{Cluster, model::world::view};

use super::{IMAGE, VERB};
use crate::{
    TestResult,
    docker::Traces,
    nodes::worker,
    pods::{self, agent_on},
};

const NODE: &str = "leaver";

pub(super) async fn removal_leaves_nothing_and_frees_the_name(cluster: &Cluster) -> TestResult {
    let mut uids = Vec::new();
    for _ in 0..2 {
        cluster.add_node(worker(NODE), VERB).await?;
        uids.push(pods::nodes(cluster).get(NODE).await?.metadata.uid);
        pods::start(cluster, agent_on(NODE, "passenger", IMAGE)).await?;
        let seen = Traces::of_node(cluster.name(), NODE)?;
        ensure!(!seen.volumes.is_empty(), "{seen:?}");
        cluster.remove_node(NODE, VERB).await?;
        seen.are_gone_but_for_networks()?;
        nothing_is_left_of_it(cluster).await?;
    }
    ensure!(uids[0].is_some() && uids[0] != uids[1], "it is the same object");
    Ok(())
}

async fn nothing_is_left_of_it(cluster: &Cluster) -> TestResult {
    ensure!(pods::nodes(cluster).get_opt(NODE).await?.is_none(), "its Node is left");
    let leases: Api<Lease> = Api::namespaced(cluster.client().clone(), "kube-node-lease");
    ensure!(leases.get_opt(NODE).await?.is_none(), "its Lease is left");
    // Daemon pods of the distro itself are bound to it too.
    let everywhere: Api<k8s_openapi::api::core::v1::Pod> = Api::all(cluster.client().clone());
    let bound = everywhere.list(&ListParams::default().fields(&format!("spec.nodeName={NODE}"))).await?.items;
    let bound: Vec<&str> = bound.iter().map(|pod| view::name_of(&pod.metadata)).collect();
    ensure!(bound.is_empty(), "pods of it are left: {bound:?}");
    let secrets: Api<Secret> = Api::all(cluster.client().clone());
    let secrets = secrets.list_metadata(&ListParams::default()).await?.items;
    let of_it: Vec<&str> = secrets.iter().map(|secret| view::name_of(&secret.metadata)).collect();
    ensure!(!of_it.iter().any(|name| name.starts_with(NODE)), "a secret of it is left: {of_it:?}");
    ensure!(!cluster.world().nodes.contains_key(NODE), "the watches still have it");
    ensure!(!cluster.node_names().await.contains(&NODE.to_owned()), "the handle still has it");
    Ok(())
}
