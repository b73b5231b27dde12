//! Draining a node as kubectl does it: cordon, then evict what is not a daemon pod, respecting disruption budgets.

use std::time::Duration;

use futures::future::try_join_all;
use k8s_openapi::api::{core::v1::Pod, policy::v1::Eviction};
use kube::{
    Api,
    api::{DeleteParams, ListParams, PostParams},
};
use rollcall_model::{Judgement, NodeReport, Report, world::view};

use super::{Cluster, remove::absent};
use crate::{
    clock,
    error::{Error, KubernetesContext, Result},
};

/// How soon an eviction that a PodDisruptionBudget refused is asked for again: kubectl waits 5 s; a test that drains
/// wants to know sooner, and the API server serves nobody else. There is nothing to watch: a budget may change by
/// anything.
const EVICT_AGAIN: Duration = Duration::from_millis(250);

/// How a drain treats pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainOptions {
    /// Whether daemon pods are left alone. Without it a drain fails where there is one, as kubectl's does.
    pub ignore_daemon_sets: bool,
    /// How long a pod gets to end, instead of its own grace period.
    pub grace_period: Option<Duration>,
}

impl Default for DrainOptions {
    fn default() -> Self {
        Self { ignore_daemon_sets: true, grace_period: None }
    }
}

impl Cluster {
    /// Cordons a node and evicts its pods. Returns when they are gone.
    ///
    /// # Errors
    /// When there is no such node, a daemon pod is there and not ignored, or a pod does not go in time; the message
    /// names it and what the API server said of its eviction.
    pub async fn drain_node(&self, node: &str, options: DrainOptions, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        self.cordon_node(node).await?;
        let pods: Api<Pod> = Api::all(self.client.clone());
        let bound = pods
            .list(&ListParams::default().fields(&format!("spec.nodeName={node}")))
            .await
            .doing("list", || format!("pods of node `{node}`"))?;
        let (daemons, others): (Vec<Pod>, Vec<Pod>) =
            bound.items.into_iter().filter(|pod| !view::is_mirror(pod)).partition(is_daemon);
        if let Some(daemon) = daemons.first().filter(|_| !options.ignore_daemon_sets) {
            return Err(Error::usage_hint(
                format!("cannot drain node `{node}`: daemon pod `{}` would come back", view::name_of(&daemon.metadata)),
                "leave daemon pods alone with `ignoreDaemonSets: true`",
            ));
        }
        let left = deadline.saturating_sub(started.elapsed());
        let refusal = std::sync::Mutex::new(None);
        let evictions = try_join_all(others.iter().map(|pod| self.evict(pod, options, &refusal)));
        if let Ok(result) = tokio::time::timeout(left, evictions).await {
            result?;
        } else {
            let summary = refusal.into_inner().ok().flatten().unwrap_or_else(|| "no eviction was answered".to_owned());
            return Err(Error::Timeout {
                what: format!("drain of node `{node}`"),
                waited: started.elapsed(),
                last: Report { summary, nodes: Vec::new() },
            });
        }
        let left = deadline.saturating_sub(started.elapsed());
        self.pods_gone(format!("drain of node `{node}`"), &others, left).await?;
        Ok(started.elapsed())
    }

    async fn evict(&self, pod: &Pod, options: DrainOptions, refusal: &std::sync::Mutex<Option<String>>) -> Result<()> {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
        let name = view::name_of(&pod.metadata);
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        // `Api::evict` sends its delete options under a name that the API server does not know.
        let eviction = Eviction {
            metadata: kube::api::ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some(namespace.to_owned()),
                ..Default::default()
            },
            delete_options: Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::DeleteOptions {
                grace_period_seconds: options.grace_period.and_then(|grace| i64::try_from(grace.as_secs()).ok()),
                ..Default::default()
            }),
        };
        let at_once = PostParams::default();
        loop {
            let answer = pods.create_subresource::<_, serde_json::Value>("eviction", name, &at_once, &eviction);
            match absent(answer).await {
                // 429: a PodDisruptionBudget does not allow it now.
                Err(kube::Error::Api(status)) if status.code == 429 => {
                    if let Ok(mut refusal) = refusal.lock() {
                        *refusal = Some(format!("the eviction of pod `{name}` is refused: {}", status.message));
                    }
                    tokio::time::sleep(EVICT_AGAIN).await;
                }
                other => return other.doing("evict", || format!("pod `{namespace}/{name}`")),
            }
        }
    }

    /// Deletes the pods of a DaemonSet on a node and returns when they are gone.
    ///
    /// # Errors
    /// When there is none, or it does not go in time.
    pub async fn delete_daemon_pods(
        &self,
        daemon_set: &rollcall_model::DaemonSetRef,
        node: &str,
        deadline: Duration,
    ) -> Result<Duration> {
        let started = clock::instant();
        let world = self.world();
        let doomed: Vec<_> = world
            .daemon_set(daemon_set)
            .map(|found| world.pods_of(found))
            .unwrap_or_default()
            .into_iter()
            .filter(|pod| view::node_of(pod) == Some(node))
            .cloned()
            .collect();
        if doomed.is_empty() {
            return Err(Error::usage(format!("daemonset `{daemon_set}` has no pod on node `{node}`")));
        }
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &daemon_set.namespace);
        for pod in &doomed {
            let name = view::name_of(&pod.metadata);
            absent(pods.delete(name, &DeleteParams::default())).await.doing("delete", || format!("pod `{name}`"))?;
        }
        let what = format!("end of the pods of daemonset `{daemon_set}` on node `{node}`");
        let left = deadline.saturating_sub(started.elapsed());
        self.pods_gone(what, doomed.iter().map(|pod| &**pod), left).await?;
        Ok(started.elapsed())
    }
}

impl Cluster {
    /// Returns when the objects of these very pods are gone; others of the same name do not matter.
    async fn pods_gone<'a>(
        &self,
        what: String,
        pods: impl IntoIterator<Item = &'a Pod>,
        deadline: Duration,
    ) -> Result<()> {
        let uids: Vec<&str> = pods.into_iter().filter_map(|pod| pod.metadata.uid.as_deref()).collect();
        let is_one = |pod: &Pod| pod.metadata.uid.as_deref().is_some_and(|uid| uids.contains(&uid));
        self.observer
            .wait(what, deadline, |world, _| {
                let left = world.pods.values().filter(|pod| is_one(pod));
                let nodes: Vec<NodeReport> = left
                    .map(|pod| NodeReport {
                        node: view::node_of(pod).unwrap_or_default().to_owned(),
                        what: format!("pod `{}` is still ending", view::name_of(&pod.metadata)),
                    })
                    .collect();
                if nodes.is_empty() {
                    return Judgement::Done;
                }
                let summary = nodes.iter().map(|node| node.what.clone()).collect::<Vec<_>>().join(", ");
                Judgement::NotYet(Report { summary, nodes })
            })
            .await
            .map(drop)
    }
}

fn is_daemon(pod: &Pod) -> bool {
    let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
    owners.iter().any(|owner| owner.kind == "DaemonSet" && owner.controller == Some(true))
}
