//! Waiting until the DaemonSet controller has seen every node as it is and has nothing left to do.
//!
//! "The counts are right" can be true too early, and so can "nothing changes any more". Two things cannot:
//! - **Every node has been seen.** After all other changes one more node gets a label, and a DaemonSet that wants that
//!   label gets a pod there. The controller sees nodes in the order in which they changed.
//! - **A whole sync found nothing to do.** Each DaemonSet gets a new generation by a field that no pod depends on. A
//!   sync writes `observedGeneration` after its creations and deletions, and only one that began with every earlier
//!   creation and deletion seen (`daemon_controller.go`, `syncDaemonSet`, expectations). So if the pods are the same
//!   before and after such a sync, it looked at everything and left it.
//!
//! The second demands no trigger, so it also covers changes of nodes that make Kubernetes 1.33 and later sync nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::{
    api::{
        apps::v1::DaemonSet,
        core::v1::{Node, Pod},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Resource,
    api::{ListParams, Patch, PatchParams},
    runtime::{WatchStreamExt, watcher},
};
use rollcall::{Cluster, model::world::view};
use serde_json::json;
use tokio::time::Instant;

use super::nodes::is_sick;

/// How many requests are on their way at once.
const AT_ONCE: usize = 16;

/// The label of the node that is changed last; each time another value.
pub const LAST_LABEL: &str = "rollcall.test/changed-last";

/// Everything that placement is made of, as the API server had it.
#[derive(Debug)]
pub struct Snapshot {
    /// Every node.
    pub nodes: Vec<Node>,
    /// Every DaemonSet of the namespace `default`.
    pub daemon_sets: Vec<DaemonSet>,
    /// Every pod of that namespace.
    pub pods: Vec<Pod>,
}

impl Snapshot {
    async fn read(cluster: &Cluster) -> Result<Self> {
        let (nodes, daemon_sets, pods) = apis(cluster);
        // Without a resource version a list is of now, and not of what a cache has seen.
        let all = ListParams::default();
        let (daemon_sets, pods, nodes) = tokio::try_join!(daemon_sets.list(&all), pods.list(&all), nodes.list(&all))?;
        Ok(Self { nodes: nodes.items, daemon_sets: daemon_sets.items, pods: pods.items })
    }

    /// The UIDs of the pods of a DaemonSet, by node.
    pub(super) fn pods_of(&self, daemon_set: &DaemonSet) -> BTreeMap<&str, Vec<&Pod>> {
        let mut by_node: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        let owned = self.pods.iter().filter(|pod| view::is_controlled_by(&pod.metadata, &daemon_set.metadata));
        for pod in owned {
            by_node.entry(view::node_of(pod).unwrap_or("no node")).or_default().push(pod);
        }
        by_node
    }

    /// Why a sync that ran between the two cannot be called one that found nothing to do.
    ///
    /// A node that is not Ready for a moment keeps pods that it would not get, which is no answer of the oracle's about
    /// the node as it was meant. Only of the silent one that is meant.
    fn unsettled(&self, after: &Self, silent: &str) -> Option<String> {
        let sick = after.nodes.iter().find(|node| {
            let mut taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
            view::name_of(&node.metadata) != silent && taints.any(is_sick)
        });
        if let Some(node) = sick {
            return Some(format!("node `{}` is not Ready", view::name_of(&node.metadata)));
        }
        if let Some(pod) = after.pods.iter().find(|pod| view::is_terminating(pod)) {
            return Some(format!("pod `{}` is terminating", view::name_of(&pod.metadata)));
        }
        fn uids(pods: &[Pod]) -> BTreeSet<&str> {
            pods.iter().filter_map(|pod| pod.metadata.uid.as_deref()).collect()
        }
        let (old, new) = (uids(&self.pods), uids(&after.pods));
        if old != new {
            let (gone, made) = (old.difference(&new).count(), new.difference(&old).count());
            return Some(format!("the last sync made {made} pods and took {gone} away"));
        }
        fn placement(node: &Node) -> impl PartialEq {
            (node.metadata.labels.clone(), node.spec.as_ref().and_then(|spec| spec.taints.clone()))
        }
        let known: BTreeMap<&str, &Node> =
            self.nodes.iter().map(|node| (view::name_of(&node.metadata), node)).collect();
        for node in &after.nodes {
            let name = view::name_of(&node.metadata);
            let same = known.get(name).is_some_and(|known| placement(known) == placement(node));
            if !same {
                return Some(format!("labels or taints of node `{name}` changed"));
            }
        }
        (known.len() != after.nodes.len()).then(|| "a node went away".to_owned())
    }
}

fn apis(cluster: &Cluster) -> (Api<Node>, Api<DaemonSet>, Api<Pod>) {
    let client = cluster.client();
    (Api::all(client.clone()), Api::default_namespaced(client.clone()), Api::default_namespaced(client.clone()))
}

/// Waits until the controller has seen everything and left it as it is, and gives what there is then.
///
/// `last` is a node that does not have [`LAST_LABEL`] yet, and `silent` one that nobody keeps alive.
///
/// # Errors
/// When it is not so in time, with what was still going on.
pub async fn settle(cluster: &Cluster, last: &str, silent: &str, deadline: Duration) -> Result<Snapshot> {
    let end = Instant::now() + deadline;
    let (nodes, daemon_sets, pods) = apis(cluster);
    let label = Patch::Merge(json!({"metadata": {"labels": {LAST_LABEL: "true"}}}));
    nodes.patch(last, &PatchParams::default(), &label).await?;
    let on_last = |seen: &BTreeMap<String, Pod>| {
        let there = seen.values().any(|pod| view::node_of(pod) == Some(last));
        if there { None } else { Some(format!("the controller has not seen that node `{last}` changed")) }
    };
    until(pods, watcher::Config::default().labels(&format!("app={SENTINEL}")), end, on_last).await?;

    let mut why = "nothing was looked at".to_owned();
    let mut before = Snapshot::read(cluster).await?;
    while Instant::now() < end {
        let generations = bump(&daemon_sets, &before.daemon_sets).await?;
        let observed = |seen: &BTreeMap<String, DaemonSet>| {
            let late = generations.iter().find(|(name, generation)| {
                let status = seen.get(*name).and_then(|found| found.status.as_ref());
                status.and_then(|status| status.observed_generation) < Some(**generation)
            });
            late.map(|(name, generation)| format!("daemonset `{name}` has not been synced at generation {generation}"))
        };
        until(daemon_sets.clone(), watcher::Config::default(), end, observed).await?;
        let after = Snapshot::read(cluster).await?;
        match before.unsettled(&after, silent) {
            None => return Ok(after),
            Some(reason) => (why, before) = (reason, after),
        }
    }
    bail!("the controller does not come to rest within {deadline:?}: {why}")
}

/// The DaemonSet that wants the node that is changed last.
pub const SENTINEL: &str = "sentinel";

/// Gives each DaemonSet a new generation, and says which.
async fn bump(api: &Api<DaemonSet>, daemon_sets: &[DaemonSet]) -> Result<BTreeMap<String, i64>> {
    ensure!(!daemon_sets.is_empty(), "there are no daemonsets to sync");
    stream::iter(daemon_sets)
        .map(|daemon_set| async move {
            let name = view::name_of(&daemon_set.metadata).to_owned();
            // Another number each time; no pod depends on it, and there are never so many revisions.
            let limit = 10 + daemon_set.metadata.generation.unwrap_or(0);
            let patch = Patch::Merge(json!({"spec": {"revisionHistoryLimit": limit}}));
            let patched = api.patch(&name, &PatchParams::default(), &patch).await;
            let patched = patched.with_context(|| format!("could not change daemonset `{name}`"))?;
            let generation = patched.metadata.generation.context("a daemonset has a generation")?;
            ensure!(Some(generation) > daemon_set.metadata.generation, "daemonset `{name}` has no new generation");
            Ok((name, generation))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Waits until a question to each node has no answer left.
///
/// # Errors
/// When one still has an answer at the deadline; it says which.
pub async fn nodes_are(
    nodes: &Api<Node>,
    deadline: Duration,
    missing: impl Fn(&str, &Node) -> Option<String>,
) -> Result<()> {
    let ask = |seen: &BTreeMap<String, Node>| seen.iter().find_map(|(name, node)| missing(name, node));
    until(nodes.clone(), watcher::Config::default(), Instant::now() + deadline, ask).await
}

/// Watches objects until the question to all of them has no answer left.
async fn until<K>(
    api: Api<K>,
    config: watcher::Config,
    end: Instant,
    missing: impl Fn(&BTreeMap<String, K>) -> Option<String>,
) -> Result<()>
where
    K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    let mut seen: BTreeMap<String, K> = BTreeMap::new();
    let mut why = "nothing has been listed".to_owned();
    let mut listed = false;
    let mut events = Box::pin(watcher(api, config).default_backoff());
    loop {
        let event = match tokio::time::timeout_at(end, events.next()).await {
            Err(_) => return Err(anyhow!("not in time: {why}")),
            Ok(None) => bail!("the watch ended: {why}"),
            // Tried again by the watcher itself; the last reason stands.
            Ok(Some(Err(_))) => continue,
            Ok(Some(Ok(event))) => event,
        };
        let name = |metadata: &ObjectMeta| view::name_of(metadata).to_owned();
        match event {
            watcher::Event::Apply(object) | watcher::Event::InitApply(object) => {
                seen.insert(name(object.meta()), object);
            }
            watcher::Event::Delete(object) => drop(seen.remove(&name(object.meta()))),
            watcher::Event::Init => (listed, seen) = (false, BTreeMap::new()),
            watcher::Event::InitDone => listed = true,
        }
        // Half a list says nothing of what is not there.
        if listed {
            match missing(&seen) {
                None => return Ok(()),
                Some(reason) => why = reason,
            }
        }
    }
}
