//! Simulated nodes: objects of the API that kwok keeps alive beside the real nodes, so that thousands cost little.
//!
//! The scheduler, the controllers and the API server are real, and so is all that they decide; only what a kubelet
//! would do is played. What a group is stays in the API server, so that another process finds it again.

mod add;
mod group;
mod node;
mod remove;
mod scale;
mod stages;

use std::sync::Arc;

use k8s_openapi::{
    api::core::v1::Node, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api,
    api::{DynamicObject, ListParams, Patch, PatchParams},
};
pub(super) use node::check;
use rollcall_model::world::view;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{Cluster, VERB_DEADLINE, dns::put, machine::Machine};
use crate::{
    distro::{SIMULATED_LABEL, SIMULATION_PREPARED},
    docker::FileSpec,
    error::{Error, KubernetesContext, Result},
    patience,
};

/// How many requests are on their way at once. More only wait inside an API server that has two cores.
const AT_ONCE: usize = 32;

/// Answered when the kind that kwok is told by what to do can be used.
const STAGES_SERVED: &str = "/apis/kwok.x-k8s.io/v1alpha1/stages";

impl Cluster {
    /// Tells kwok how simulated nodes and their pods behave, and lets it start. The API server answers already.
    pub(super) async fn prepare_simulation(&self, machines: &[Arc<Machine>]) -> Result<()> {
        put::<CustomResourceDefinition>(Api::all(self.client.clone()), stages::KIND_NAME, &stages::kind()).await?;
        self.api_answers(STAGES_SERVED, machines, patience::stretched(VERB_DEADLINE)).await?;
        for stage in stages::healthy() {
            self.put_stage(&stage).await?;
        }
        let word = FileSpec { path: SIMULATION_PREPARED.into(), content: Vec::new(), mode: 0o644 };
        for machine in self.made()?.services_of(machines) {
            self.made()?.docker.upload(&machine.container, std::slice::from_ref(&word)).await?;
        }
        Ok(())
    }

    async fn put_stage(&self, stage: &Value) -> Result<()> {
        let name = stage["metadata"]["name"].as_str().unwrap_or_default();
        self.stages()
            .patch(name, &PatchParams::apply("rollcall").force(), &Patch::Apply(stage))
            .await
            .map(drop)
            .doing("make", || format!("stage `{name}` of kwok"))
    }

    fn stages(&self) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &stages::resource())
    }

    /// Whether there is a simulated node of this name. The API server is asked, because the watches of a cluster that
    /// was just found again may have seen nothing yet; and only for a name that is no real node's, because those can
    /// be worked with while it is away.
    pub(super) async fn is_simulated(&self, node: &str) -> Result<bool> {
        if self.made()?.layout.simulated.is_none() || self.machines.lock().await.contains_key(node) {
            return Ok(false);
        }
        let nodes: Api<Node> = Api::all(self.client.clone());
        let found = nodes.get_metadata_opt(node).await.doing("read", || format!("node `{node}`"))?;
        Ok(found.is_some_and(|found| found.metadata.labels.is_some_and(|labels| labels.contains_key(SIMULATED_LABEL))))
    }

    /// Fails unless the cluster runs kwok.
    fn needs_simulation(&self) -> Result<()> {
        if self.made()?.layout.simulated.is_some() {
            return Ok(());
        }
        Err(Error::usage_hint(
            format!("cluster `{}` was made without the program that keeps simulated nodes", self.name()),
            "make it with `ClusterBuilder::simulated_nodes(true)`, with `simulated` in the scenario's `cluster`, or by \
             `rollcall up --simulated N`",
        ))
    }
}

/// The number at the end of a simulated node's name, where it is one of the group.
fn number_of(group: &str, node: &str) -> Option<u32> {
    node.strip_prefix(group)?.strip_prefix('-')?.parse().ok()
}

/// The names of the nodes of a group that the API server has, with their numbers, lowest first.
async fn members(cluster: &Cluster, group: &str) -> Result<Vec<(u32, String)>> {
    let nodes: Api<Node> = Api::all(cluster.client.clone());
    let selected = ListParams::default().labels(&format!("{SIMULATED_LABEL}={group}"));
    let found = nodes.list_metadata(&selected).await.doing("list", || format!("simulated nodes `{group}`"))?;
    let names = found.items.iter().map(|node| view::name_of(&node.metadata));
    let mut members: Vec<(u32, String)> =
        names.filter_map(|name| Some((number_of(group, name)?, name.to_owned()))).collect();
    members.sort();
    Ok(members)
}

/// Does many requests, a bounded number of them at a time.
async fn bounded<T>(requests: impl IntoIterator<Item = impl Future<Output = Result<T>>>) -> Result<Vec<T>> {
    let permits = Semaphore::new(AT_ONCE);
    let permits = &permits;
    let waiting = requests.into_iter().map(|request| async move {
        // It is never closed.
        let _permit = permits.acquire().await;
        request.await
    });
    futures::future::try_join_all(waiting).await
}

#[cfg(test)]
mod tests {
    use super::number_of;

    #[test]
    fn a_number_is_of_the_group_and_not_of_one_whose_name_begins_alike() {
        assert_eq!(number_of("sim", "sim-12"), Some(12));
        assert_eq!(number_of("sim", "sim-a-1"), None);
        assert_eq!(number_of("sim-a", "sim-a-1"), Some(1));
        assert_eq!(number_of("sim", "simulated-1"), None);
        assert_eq!(number_of("sim", "sim-"), None);
    }
}
