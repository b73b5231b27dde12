//! Pods of the probe agent, and commands inside of them.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api,
    api::{AttachParams, DeleteParams},
    runtime::wait::{Condition, await_condition, conditions},
};
use rollcall::{Cluster, model::world::view};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

/// How long something may take that Kubernetes does within a second or two when two cores are free.
pub const SOON: Duration = Duration::from_secs(30);

/// How long a command inside a pod may take.
const COMMAND: Duration = Duration::from_secs(30);

/// How a command inside a pod ended.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Whether it ended with 0.
    pub success: bool,
    /// What it printed, standard error last.
    pub text: String,
}

/// A pod of the agent that is bound to a node, past the scheduler: it tolerates everything and ends at once.
#[must_use]
pub fn agent_on(node: &str, name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "nodeName": node,
            "terminationGracePeriodSeconds": 1,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "agent", "image": image}],
        },
    })
}

/// The pods of the namespace `default`.
#[must_use]
pub fn pods(cluster: &Cluster) -> Api<Pod> {
    Api::default_namespaced(cluster.client().clone())
}

/// The nodes.
#[must_use]
pub fn nodes(cluster: &Cluster) -> Api<Node> {
    Api::all(cluster.client().clone())
}

/// Applies a pod and waits until it runs.
///
/// # Errors
/// When it does not run in time, with its last state.
pub async fn start(cluster: &Cluster, pod: Value) -> Result<Pod> {
    let name = pod["metadata"]["name"].as_str().context("a pod has a name")?.to_owned();
    cluster.apply(&[pod]).await?;
    wait_for(cluster, &name, conditions::is_pod_running()).await
}

/// Waits until a pod is as the condition says.
///
/// # Errors
/// When it does not come true in time, with the pod's last state.
pub async fn wait_for(cluster: &Cluster, name: &str, condition: impl Condition<Pod>) -> Result<Pod> {
    let pods = pods(cluster);
    match tokio::time::timeout(SOON, await_condition(pods.clone(), name, condition)).await {
        Ok(found) => found?.with_context(|| format!("pod `{name}` is there")),
        Err(_) => {
            let last = pods.get_opt(name).await?;
            bail!("pod `{name}` is not as expected after {SOON:?}: {}", serde_json::to_string_pretty(&last)?)
        }
    }
}

/// Deletes pods at once and waits until they are gone.
///
/// # Errors
/// When one does not go.
pub async fn delete(cluster: &Cluster, names: &[&str]) -> Result<()> {
    let pods = pods(cluster);
    for name in names {
        let Some(found) = pods.get_opt(name).await? else { continue };
        let uid = found.metadata.uid.context("a pod has a UID")?;
        pods.delete(name, &DeleteParams::default().grace_period(0)).await?;
        is_gone(cluster, name, &uid).await?;
    }
    Ok(())
}

/// Waits until a pod is gone.
///
/// # Errors
/// When it stays.
pub async fn is_gone(cluster: &Cluster, name: &str, uid: &str) -> Result<()> {
    let gone = await_condition(pods(cluster), name, conditions::is_deleted(uid));
    tokio::time::timeout(SOON, gone).await.with_context(|| format!("pod `{name}` does not go"))??;
    Ok(())
}

/// Waits until a pod that was there before its node went is back: itself, with its containers started anew.
///
/// # Errors
/// When it does not come back, or another one did.
pub async fn same_pod_runs_again(cluster: &Cluster, name: &str, before: &Pod) -> Result<()> {
    let restarts = |pod: &Pod| {
        let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        containers.map(|container| container.restart_count).sum::<i32>()
    };
    // Its last report from before the power failed says `Running` too.
    let restarted = |pod: Option<&Pod>| pod.is_some_and(|pod| restarts(pod) > restarts(before) && view::is_ready(pod));
    let after = wait_for(cluster, name, restarted).await?;
    ensure!(after.metadata.uid == before.metadata.uid, "it is another pod");
    Ok(())
}

/// Whether the scheduler has found no node for a pod.
#[must_use]
pub fn is_unschedulable(pod: Option<&Pod>) -> bool {
    let conditions = pod.and_then(|pod| pod.status.as_ref()?.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|one| one.reason.as_deref() == Some("Unschedulable")))
}

/// Runs a command in the only container of a pod.
///
/// # Errors
/// When it cannot be run, or does not end.
pub async fn exec(cluster: &Cluster, pod: &str, command: &[&str]) -> Result<Answer> {
    let line = format!("`{}` in pod `{pod}`", command.join(" "));
    let run = async {
        let parameters = AttachParams::default().stdin(false).stdout(true).stderr(true);
        let mut process = pods(cluster).exec(pod, command.iter().copied(), &parameters).await?;
        let status = process.take_status().context("a new process has a status")?;
        let mut text = String::new();
        let mut stdout = process.stdout().context("standard output is attached")?;
        let mut stderr = process.stderr().context("standard error is attached")?;
        let mut complaints = String::new();
        let read = async { tokio::try_join!(stdout.read_to_string(&mut text), stderr.read_to_string(&mut complaints)) };
        let (read, status) = tokio::join!(read, status);
        read?;
        text.push_str(&complaints);
        let status = status.context("it ended without a status")?;
        anyhow::Ok(Answer { success: status.status.as_deref() == Some("Success"), text })
    };
    match tokio::time::timeout(COMMAND, run).await {
        Ok(answer) => answer.with_context(|| format!("could not run {line}")),
        Err(_) => bail!("{line} has not ended after {COMMAND:?}"),
    }
}

/// Runs a command of the agent that must succeed, and gives what it printed.
///
/// # Errors
/// When it fails.
pub async fn agent(cluster: &Cluster, pod: &str, words: &[&str]) -> Result<String> {
    let answer = exec(cluster, pod, &[&["/agent"], words].concat()).await?;
    ensure!(answer.success, "`/agent {}` in pod `{pod}` failed: {}", words.join(" "), answer.text);
    Ok(answer.text)
}

/// Nodes and pods as the cluster's watches see them, a line each: evidence for a failure.
#[must_use]
pub fn picture(cluster: &Cluster) -> String {
    let world = cluster.world();
    let mut text = String::new();
    for (name, node) in &world.nodes {
        let ready = if view::is_node_ready(node) { "Ready" } else { "not Ready" };
        let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
        let taints: Vec<String> = taints.map(|taint| format!("{}:{}", taint.key, taint.effect)).collect();
        text.push_str(&format!("node {name}: {ready} {}\n", taints.join(" ")));
    }
    for ((namespace, name), pod) in &world.pods {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("without a phase");
        let ready = if view::is_ready(pod) { "Ready" } else { "not Ready" };
        let node = view::node_of(pod).unwrap_or("no node");
        text.push_str(&format!("pod {namespace}/{name}: on {node}, {phase}, {ready}\n"));
    }
    text
}
