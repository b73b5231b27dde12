//! A node under pressure on one real cluster: the real kubelet reports it, the taint follows, daemon pods stay and
//! others go elsewhere or nowhere.

use std::{process::ExitCode, time::Duration};

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::runtime::wait::conditions;
use rollcall::{
    Cluster, ErrorKind, ImageSource,
    model::{
        Condition, DaemonSetRef,
        scenario::{Cascade, Pressure},
        world::view,
    },
};
use rollcall_tests::{
    TestResult,
    pods::{self, SOON},
    refused, repository, says, suite, tests, told, unique_name,
};
use serde_json::json;

const IMAGE: &str = "fluentd:latest";
const NODE: &str = "worker-1";
/// How long a verb may take. A kubelet that could not measure when it started tries again after ten seconds.
const VERB: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    suite::on_one_cluster(
        &unique_name("pressure"),
        || Cluster::builder().workers(1).image_as(IMAGE, ImageSource::Local("rollcall/agent:1".into())),
        tests![
            disk_pressure_keeps_daemon_pods_and_others_away,
            memory_pressure_keeps_daemon_pods_and_others_away,
            pressures_come_and_go_one_by_one,
            what_is_said_twice_is_done_once,
            an_unknown_node_is_a_usage_error,
        ],
    )
}

async fn disk_pressure_keeps_daemon_pods_and_others_away(cluster: &Cluster) -> TestResult {
    keeps_daemon_pods_and_others_away(cluster, Pressure::Disk).await
}

async fn memory_pressure_keeps_daemon_pods_and_others_away(cluster: &Cluster) -> TestResult {
    keeps_daemon_pods_and_others_away(cluster, Pressure::Memory).await
}

async fn keeps_daemon_pods_and_others_away(cluster: &Cluster, pressure: Pressure) -> TestResult {
    let manifest = repository::manifest("manifests/01-log-collector-daemonset.yaml")?;
    cluster.apply(&manifest).await?;
    converged(cluster).await?;
    let before = daemon_pod(cluster)?;

    cluster.node_pressure(NODE, pressure, true, VERB).await?;
    is(cluster, pressure, true).await?;
    cluster.apply(&[ordinary("homeless")]).await?;
    let pod = pods::wait_for(cluster, "homeless", pods::is_unschedulable).await?;
    let conditions = pod.status.and_then(|status| status.conditions).unwrap_or_default();
    let message = conditions.iter().find_map(|one| one.message.clone()).unwrap_or_default();
    says(&message, &["untolerated taint"])?;
    // It is the very same pod as before, and the node is still one of the DaemonSet's.
    converged(cluster).await?;
    let during = daemon_pod(cluster)?;
    ensure!(during.metadata.uid == before.metadata.uid && restarts(&during) == restarts(&before), "it was replaced");

    cluster.node_pressure(NODE, pressure, false, VERB).await?;
    is(cluster, pressure, false).await?;
    pods::wait_for(cluster, "homeless", conditions::is_pod_running()).await?;
    converged(cluster).await?;
    ensure!(daemon_pod(cluster)?.metadata.uid == before.metadata.uid, "it was replaced");
    pods::delete(cluster, &["homeless"]).await?;
    cluster.delete(&manifest, Cascade::Background, SOON).await?;
    Ok(())
}

async fn pressures_come_and_go_one_by_one(cluster: &Cluster) -> TestResult {
    cluster.node_pressure(NODE, Pressure::Pid, true, VERB).await?;
    cluster.node_pressure(NODE, Pressure::Disk, true, VERB).await?;
    is(cluster, Pressure::Disk, true).await?;
    cluster.node_pressure(NODE, Pressure::Pid, true, VERB).await?;
    is(cluster, Pressure::Memory, false).await?;
    cluster.node_pressure(NODE, Pressure::Disk, false, VERB).await?;
    cluster.node_pressure(NODE, Pressure::Pid, true, VERB).await?;
    is(cluster, Pressure::Disk, false).await?;
    is(cluster, Pressure::Pid, true).await?;
    cluster.node_pressure(NODE, Pressure::Pid, false, VERB).await?;
    for pressure in Pressure::ALL {
        is(cluster, pressure, false).await?;
    }
    Ok(())
}

async fn what_is_said_twice_is_done_once(cluster: &Cluster) -> TestResult {
    // Nothing is restarted for it, so it does not take a moment.
    let took = cluster.node_pressure(NODE, Pressure::Memory, false, VERB).await?;
    ensure!(took < Duration::from_secs(2), "it took {took:?}");
    Ok(())
}

async fn an_unknown_node_is_a_usage_error(cluster: &Cluster) -> TestResult {
    let error =
        refused(cluster.node_pressure("worker-2", Pressure::Disk, true, VERB).await, "a node that is not there")?;
    ensure!(error.kind() == ErrorKind::Usage, "{error:?}");
    says(&told(&error), &["has no node `worker-2`", "did you mean `worker-1`?"])
}

/// Asks the API server itself, with no time to get there.
async fn is(cluster: &Cluster, pressure: Pressure, on: bool) -> Result<()> {
    let node: Node = pods::nodes(cluster).get(NODE).await?;
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let found = conditions.into_iter().find(|one| one.type_ == pressure.condition()).map(|one| one.status.clone());
    ensure!(found.as_deref() == Some(if on { "True" } else { "False" }), "{} is {found:?}", pressure.condition());
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    let tainted = taints.into_iter().any(|taint| taint.key == pressure.taint_key() && taint.effect == "NoSchedule");
    ensure!(tainted == on, "the taint `{}` is {}there", pressure.taint_key(), if tainted { "" } else { "not " });
    ensure!(view::is_node_ready(&node), "it is not Ready");
    Ok(())
}

/// A pod that goes by the scheduler and tolerates nothing special.
fn ordinary(name: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": NODE},
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "agent", "image": IMAGE}],
        },
    })
}

async fn converged(cluster: &Cluster) -> Result<()> {
    let condition = Condition::Converged { daemon_set: DaemonSetRef::new("log-collector"), allow_none: false };
    cluster.wait(&condition, SOON).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
    Ok(())
}

fn daemon_pod(cluster: &Cluster) -> Result<Pod> {
    let world = cluster.world();
    let found = world.daemon_set(&DaemonSetRef::new("log-collector")).map(|found| world.pods_of(found));
    let on_node = found.unwrap_or_default().into_iter().find(|pod| view::node_of(pod) == Some(NODE));
    on_node.map(|pod| (**pod).clone()).ok_or_else(|| anyhow::anyhow!("there is no daemon pod on `{NODE}`"))
}

fn restarts(pod: &Pod) -> i32 {
    let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    containers.map(|container| container.restart_count).sum()
}
