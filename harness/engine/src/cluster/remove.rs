//! A node leaves for good: when this returns, its name is free.

use std::time::Duration;

use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{Node, Pod, Secret},
};
use kube::{
    Api,
    api::{DeleteParams, ListParams},
};
use rollcall_model::{Judgement, NodeReport, Report, Role, world::view};

use super::{Cluster, builder};
use crate::{
    clock,
    error::{Error, KubernetesContext, Result, is_not_found},
};

impl Cluster {
    /// Removes a node: container, volumes, Node object, lease and pods are gone when this returns. Says how long it
    /// took.
    ///
    /// # Errors
    /// When there is no such node, or it is the last control plane, or a part of it does not go.
    pub async fn remove_node(&self, node: &str, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        if self.is_simulated(node).await? {
            self.forget_simulated_nodes(&[node.to_owned()].into(), deadline).await?;
            return Ok(started.elapsed());
        }
        let machine = self.machine(node).await?;
        if machine.member.role == Role::ControlPlane {
            return Err(Error::usage_hint(
                format!("`{node}` is the last control-plane node of cluster `{}`", self.name()),
                "destroy the cluster instead, with `rollcall down`",
            ));
        }
        self.forget(node, deadline).await?;
        Ok(started.elapsed())
    }

    /// Removes whatever there is of a node.
    pub(super) async fn forget(&self, node: &str, deadline: Duration) -> Result<()> {
        let container = builder::container_name(self.name(), node);
        let nodes: Api<Node> = Api::all(self.client.clone());
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), "kube-node-lease");
        // The Node object goes while the container is being removed, so that no controller puts a pod there in
        // between; the lease only after it, because a kubelet that still lives would make it anew.
        let at_once = DeleteParams::default();
        let (removed, deleted) =
            tokio::join!(self.made()?.docker.remove_container(&container), absent(nodes.delete(node, &at_once)));
        removed?;
        deleted.doing("delete", || format!("node `{node}`"))?;
        let lease = async { absent(leases.delete(node, &at_once)).await.doing("delete", || format!("lease `{node}`")) };
        tokio::try_join!(lease, self.delete_pods_of_gone_node(node), self.delete_node_secret(node))?;
        self.observer
            .wait(format!("node `{node}` gone"), deadline, |world, _| {
                let pods = world.pods.values().filter(|pod| pod_is_bound_to(pod, node)).count();
                match (world.nodes.contains_key(node), pods) {
                    (false, 0) => Judgement::Done,
                    (there, pods) => Judgement::NotYet(Report {
                        summary: format!("node `{node}` is not gone"),
                        nodes: vec![NodeReport {
                            node: node.to_owned(),
                            what: format!(
                                "its object is {}, {pods} of its pods are left",
                                if there { "there" } else { "gone" }
                            ),
                        }],
                    }),
                }
            })
            .await?;
        self.machines.lock().await.remove(node);
        Ok(())
    }

    /// A k3s server refuses a node that does not know the password of an earlier one of its name.
    async fn delete_node_secret(&self, node: &str) -> Result<()> {
        if !self.made()?.distro.conduct().node_secrets {
            return Ok(());
        }
        let name = format!("{node}.node-password.k3s");
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), "kube-system");
        absent(secrets.delete(&name, &DeleteParams::default())).await.doing("delete", || format!("secret `{name}`"))
    }

    /// No kubelet confirms the end of these pods any more, and Kubernetes itself waits 40 s before it does
    /// (`quarantineTime`, pkg/controller/podgc/gc_controller.go).
    async fn delete_pods_of_gone_node(&self, node: &str) -> Result<()> {
        let everywhere: Api<Pod> = Api::all(self.client.clone());
        let bound = everywhere
            .list(&ListParams::default().fields(&format!("spec.nodeName={node}")))
            .await
            .doing("list", || format!("pods of node `{node}`"))?;
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        let deletions = bound.items.iter().map(|pod| {
            let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
            let name = view::name_of(&pod.metadata).to_owned();
            let now = &now;
            async move { absent(pods.delete(&name, now)).await.doing("delete", || format!("pod `{name}`")) }
        });
        futures::future::try_join_all(deletions).await.map(drop)
    }
}

fn pod_is_bound_to(pod: &Pod, node: &str) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(node)
}

/// A deletion of something that is gone already has succeeded.
pub(super) async fn absent<T>(deletion: impl Future<Output = Result<T, kube::Error>>) -> Result<(), kube::Error> {
    match deletion.await {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => Err(error),
    }
}
