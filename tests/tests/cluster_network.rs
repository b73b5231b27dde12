//! The network of a cluster as its pods see it: names, Services, each other, and nothing outside.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{
    Api,
    runtime::{WatchStreamExt, watcher},
};
use rollcall::{
    Cluster, ImageSource,
    model::{Condition, DaemonSetRef, world::view},
};
use rollcall_tests::{
    TestResult,
    pods::{self, SOON},
    repository, says, suite, tests, unique_name,
};
use serde_json::{Value, json};

const NODES: [&str; 3] = ["control-plane", "worker-1", "worker-2"];

fn main() -> ExitCode {
    suite::on_one_cluster(
        &unique_name("net"),
        || Cluster::builder().workers(2).image_as("fluentd:latest", ImageSource::Local("rollcall/agent:1".into())),
        tests![
            a_pod_on_each_node_resolves_and_reaches_the_api_server,
            pods_of_all_nodes_reach_each_other,
            a_service_is_reached_by_its_name_from_each_node,
            no_name_and_no_address_outside_is_reached,
            a_read_only_host_path_cannot_be_written_to,
        ],
    )
}

/// The collector's pod of each node, with its name.
async fn collectors(cluster: &Cluster) -> Result<Vec<(&'static str, String, String)>> {
    cluster.apply(&repository::manifest("manifests/01-log-collector-daemonset.yaml")?).await?;
    let collector = DaemonSetRef::new("log-collector");
    cluster.wait(&Condition::Converged { daemon_set: collector.clone(), allow_none: false }, SOON).await?;
    let world = cluster.world();
    let pods = world.daemon_set(&collector).map(|found| world.pods_of(found)).context("it has been applied")?;
    NODES
        .into_iter()
        .map(|node| {
            let pod =
                pods.iter().find(|pod| view::node_of(pod) == Some(node)).with_context(|| format!("none on {node}"))?;
            let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone()).context("it has no address")?;
            Ok((node, view::name_of(&pod.metadata).to_owned(), address))
        })
        .collect()
}

async fn a_pod_on_each_node_resolves_and_reaches_the_api_server(cluster: &Cluster) -> TestResult {
    for (node, pod, _) in collectors(cluster).await? {
        for name in ["kubernetes.default.svc.cluster.local", "kubernetes.default"] {
            let answer = pods::agent(cluster, &pod, &["resolve", name]).await.context(node)?;
            says(&answer, &["10.96.0.1"])?;
        }
        for address in ["10.96.0.1:443", "kubernetes.default.svc.cluster.local:443"] {
            pods::agent(cluster, &pod, &["connect", address]).await.context(node)?;
        }
    }
    Ok(())
}

async fn pods_of_all_nodes_reach_each_other(cluster: &Cluster) -> TestResult {
    let all = collectors(cluster).await?;
    for (from, pod, _) in &all {
        for (to, _, address) in &all {
            let url = format!("http://{address}:8080/info");
            let answer = pods::agent(cluster, pod, &["get", &url]).await;
            let info: Value = serde_json::from_str(&answer.with_context(|| format!("from {from} to {to}"))?)?;
            ensure!(info["version"] == "1", "{info}");
        }
    }
    Ok(())
}

async fn a_service_is_reached_by_its_name_from_each_node(cluster: &Cluster) -> TestResult {
    let all = collectors(cluster).await?;
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "collectors"},
        "spec": {"selector": {"app": "log-collector"}, "ports": [{"port": 80, "targetPort": 8080}]},
    });
    cluster.apply(&[service]).await?;
    let slices: Api<EndpointSlice> = Api::default_namespaced(cluster.client().clone());
    let of_service = watcher::Config::default().labels("kubernetes.io/service-name=collectors");
    let mut changes = Box::pin(watcher(slices, of_service).applied_objects());
    let three = async {
        while let Some(slice) = changes.next().await {
            if slice?.endpoints.iter().flatten().count() == 3 {
                break;
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(SOON, three).await.context("the Service does not get three endpoints")??;
    for (node, pod, _) in &all {
        // kube-proxy of each node needs a moment; the agent is asked through a name that is known at once.
        let url = "http://collectors.default.svc.cluster.local/info";
        let mut answer = pods::exec(cluster, pod, &["/agent", "get", url]).await?;
        for _ in 0..10 {
            if answer.success {
                break;
            }
            answer = pods::exec(cluster, pod, &["/agent", "get", url]).await?;
        }
        ensure!(answer.success, "from {node}: {}", answer.text);
        says(&answer.text, &["\"version\":\"1\""])?;
    }
    Ok(())
}

async fn no_name_and_no_address_outside_is_reached(cluster: &Cluster) -> TestResult {
    for (node, pod, _) in collectors(cluster).await? {
        for words in [
            ["resolve", "example.invalid"],
            ["resolve", "registry-1.docker.io"],
            ["connect", "example.com:443"],
            // Addresses for documentation: nobody is there, and nothing must say so from outside.
            ["connect", "192.0.2.1:443"],
            ["connect", "1.1.1.1:53"],
        ] {
            let line = words.join(" ");
            let started = std::time::Instant::now();
            let answer = pods::exec(cluster, &pod, &["/agent", words[0], words[1]]).await?;
            ensure!(!answer.success, "`{line}` on {node} works: {}", answer.text);
            ensure!(started.elapsed() < SOON / 2, "`{line}` on {node} takes {:?}", started.elapsed());
        }
    }
    Ok(())
}

async fn a_read_only_host_path_cannot_be_written_to(cluster: &Cluster) -> TestResult {
    let (_, pod, _) = collectors(cluster).await?.swap_remove(1);
    let answer = pods::exec(cluster, &pod, &["/agent", "touch", "/var/log/rollcall-test"]).await?;
    ensure!(!answer.success, "it can be written to: {}", answer.text);
    says(&answer.text, &["could not create `/var/log/rollcall-test`", "Read-only file system"])?;
    // It is the node's own and can be read.
    let logs = pods::agent(cluster, &pod, &["get", "http://127.0.0.1:8080/info"]).await?;
    let info: Value = serde_json::from_str(&logs)?;
    ensure!(info["logFiles"].as_u64().is_some_and(|files| files > 0), "it reads no log: {info}");
    ensure!(info["logDirWritable"] == false, "{info}");
    Ok(())
}
