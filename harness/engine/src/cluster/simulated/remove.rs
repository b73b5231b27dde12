//! Simulated nodes leave: Node objects, leases and pods are gone.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{Node, Pod},
};
use kube::{
    Api,
    api::{DeleteParams, ListParams},
};
use rollcall_model::{Judgement, Report, World, world::view};

use super::bounded;
use crate::{
    clock,
    cluster::{Cluster, remove::absent},
    error::{KubernetesContext, Result},
};

impl Cluster {
    /// Removes whatever there is of these simulated nodes.
    pub(in crate::cluster) async fn forget_simulated_nodes(
        &self,
        names: &BTreeSet<String>,
        deadline: Duration,
    ) -> Result<()> {
        let started = clock::instant();
        let nodes: Api<Node> = Api::all(self.client.clone());
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), "kube-node-lease");
        let (nodes, leases, at_once) = (&nodes, &leases, &DeleteParams::default());
        // The nodes first: kwok renews no lease of a node that is gone, and no controller puts a pod there.
        bounded(names.iter().map(|name| async move {
            absent(nodes.delete(name, at_once)).await.doing("delete", || format!("node `{name}`"))
        }))
        .await?;
        let left = deadline.saturating_sub(started.elapsed());
        self.observer
            .wait("simulated nodes gone", left, |world, _| none_left(nodes_left(world, names), "nodes"))
            .await?;
        bounded(names.iter().map(|name| async move {
            absent(leases.delete(name, at_once)).await.doing("delete", || format!("lease `{name}`"))
        }))
        .await?;
        self.delete_pods_on(names).await?;
        let left = deadline.saturating_sub(started.elapsed());
        self.observer
            .wait("pods of simulated nodes gone", left, |world, _| none_left(pods_left(world, names), "pods"))
            .await
            .map(drop)
    }

    /// Nobody confirms the end of these pods any more.
    async fn delete_pods_on(&self, names: &BTreeSet<String>) -> Result<()> {
        let pods: Api<Pod> = Api::all(self.client.clone());
        let selected = match names.first() {
            Some(only) if names.len() == 1 => ListParams::default().fields(&format!("spec.nodeName={only}")),
            _ => ListParams::default(),
        };
        let found = pods.list(&selected).await.doing("list", || "pods of simulated nodes".to_owned())?;
        let doomed: Vec<Pod> = found.items.into_iter().filter(|pod| is_bound_to(pod, names)).collect();
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        bounded(doomed.iter().map(|pod| async {
            let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
            let name = view::name_of(&pod.metadata);
            absent(pods.delete(name, &now)).await.doing("delete", || format!("pod `{name}`"))
        }))
        .await
        .map(drop)
    }
}

fn nodes_left(world: &World, names: &BTreeSet<String>) -> usize {
    names.iter().filter(|name| world.nodes.contains_key(*name)).count()
}

fn pods_left(world: &World, names: &BTreeSet<String>) -> usize {
    world.pods.values().filter(|pod| is_bound_to(pod, names)).count()
}

fn is_bound_to(pod: &Pod, names: &BTreeSet<String>) -> bool {
    view::node_of(pod).is_some_and(|node| names.contains(node))
}

fn none_left(left: usize, what: &str) -> Judgement {
    match left {
        0 => Judgement::Done,
        left => Judgement::NotYet(Report { summary: format!("{left} of their {what} are left"), nodes: Vec::new() }),
    }
}
