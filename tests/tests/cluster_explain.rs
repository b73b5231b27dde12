//! `explain` on one real cluster: each fault of a real kubelet, scheduler or controller has its cause, and only that, and
//! nothing is found on other nodes. When the fault is taken away, everything is in order.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use rollcall::{
    Cluster, ImageSource,
    model::{
        DaemonSetRef,
        explain::{Cause, Diagnosis, NodeState},
        scenario::Cascade,
    },
};
use rollcall_tests::{
    TestResult,
    nodes::becomes_not_ready,
    pods::{self, SOON},
    refused, says, suite, tests, told, unique_name,
};
use serde_json::{Value, json};
use tokio::time::Instant;

const IMAGE: &str = "rollcall/agent:1";
/// Where the faults are.
const NODE: &str = "worker-1";
/// How soon an answer that is not yet the one is asked for again.
const AGAIN: Duration = Duration::from_millis(250);
/// How long a verb may take.
const VERB: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    suite::on_one_cluster(
        &unique_name("explain"),
        || Cluster::builder().workers(2).image_as(IMAGE, ImageSource::Local(IMAGE.into())),
        tests![
            what_works_has_no_finding,
            every_fault_of_a_container_has_its_cause_and_no_other,
            what_the_scheduler_lacks_is_named_with_who_has_it,
            a_node_without_a_pod_says_why,
            a_refusal_of_the_api_server_is_told_until_it_is_taken_back,
            an_update_that_stands_still_says_by_what,
            a_daemon_set_that_is_not_there_is_named_with_the_nearest,
        ],
    )
}

/// An agent on one node.
fn agent(name: &str, container: Value, pod: Value) -> Value {
    let mut agent = json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "nodeSelector": {"kubernetes.io/hostname": NODE},
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "agent", "image": IMAGE}],
                },
            },
        },
    });
    let spec = &mut agent["spec"]["template"]["spec"];
    for (key, value) in container.as_object().into_iter().flatten() {
        spec["containers"][0][key] = value.clone();
    }
    for (key, value) in pod.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    agent
}

fn fault(switch: &str) -> Value {
    json!({"env": [{"name": "AGENT_FAULTS", "value": switch}]})
}

async fn diagnosis(cluster: &Cluster, name: &str) -> Result<Diagnosis> {
    cluster.explain(&DaemonSetRef::new(name)).await.map_err(|error| anyhow::anyhow!(told(&error)))
}

fn causes(found: &Diagnosis, node: &str) -> Vec<Cause> {
    let node = found.nodes.iter().find(|one| one.node == node);
    node.into_iter().flat_map(|node| node.findings.iter().map(|finding| finding.cause)).collect()
}

/// Asks until the node has these causes and no others, and every other node is in order.
async fn comes_to(cluster: &Cluster, name: &str, wanted: &[Cause]) -> Result<Diagnosis> {
    let end = Instant::now() + SOON;
    loop {
        let found = diagnosis(cluster, name).await?;
        let others = found.nodes.iter().filter(|node| node.node != NODE);
        let elsewhere: Vec<&str> =
            others.filter(|node| !node.state.is_in_order()).map(|node| node.node.as_str()).collect();
        if causes(&found, NODE) == wanted && elsewhere.is_empty() && found.findings.is_empty() {
            return Ok(found);
        }
        if Instant::now() > end {
            bail!("`{name}` does not come to {wanted:?}:\n{found}");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn what_works_has_no_finding(cluster: &Cluster) -> TestResult {
    let works = agent("works", json!({}), json!({}));
    cluster.apply(std::slice::from_ref(&works)).await?;
    let found = comes_to(cluster, "works", &[]).await?;
    ensure!(found.in_order, "{found}");
    let state = |name: &str| found.nodes.iter().find(|node| node.node == name).map(|node| node.state);
    ensure!(state(NODE) == Some(NodeState::Ok) && state("worker-2") == Some(NodeState::NotMeant), "{found}");
    cluster.delete(&[works], Cascade::Background, SOON).await?;
    Ok(())
}

async fn every_fault_of_a_container_has_its_cause_and_no_other(cluster: &Cluster) -> TestResult {
    let volume = |source: Value| {
        let mut volume = source;
        volume["name"] = json!("v");
        json!({"volumes": [volume]})
    };
    let mount = || json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]});
    let probe =
        |path: &str| json!({"httpGet": {"path": path, "port": 8080}, "periodSeconds": 1, "failureThreshold": 1});
    let mut greedy = fault("allocate=200Mi");
    greedy["resources"] = json!({"limits": {"memory": "32Mi"}});
    let secret = json!({"env": [{"name": "T", "valueFrom": {"secretKeyRef": {"name": "nope", "key": "k"}}}]});
    let key =
        json!({"env": [{"name": "T", "valueFrom": {"configMapKeyRef": {"name": "kube-root-ca.crt", "key": "nope"}}}]});
    let socket = json!({"hostPath": {"path": "/run/nope.sock", "type": "Socket"}});
    let file = json!({"hostPath": {"path": "/run/containerd", "type": "File"}});
    let faults: Vec<(&str, Value, Value, Cause)> = vec![
        ("image-missing", json!({"image": "rollcall/absent:1"}), json!({}), Cause::ImageNotFound),
        ("image-invalid", json!({"image": "Rollcall/Absent:1"}), json!({}), Cause::ImageNameInvalid),
        (
            "never-pulled",
            json!({"image": "rollcall/absent:2", "imagePullPolicy": "Never"}),
            json!({}),
            Cause::ImageNeverPulled,
        ),
        ("secret-missing", secret, json!({}), Cause::SecretMissing),
        ("key-missing", key, json!({}), Cause::KeyMissing),
        ("settings-missing", mount(), volume(json!({"configMap": {"name": "nope"}})), Cause::ConfigMapMissing),
        ("path-missing", mount(), volume(socket), Cause::HostPathMissing),
        ("path-wrong", mount(), volume(file), Cause::HostPathWrongType),
        ("as-root", json!({"securityContext": {"runAsNonRoot": true}}), json!({}), Cause::WouldRunAsRoot),
        ("no-command", json!({"command": ["/agnet"]}), json!({}), Cause::CommandNotFound),
        ("crashes", fault("exit-code=3"), json!({}), Cause::CrashLoop),
        ("greedy", greedy, json!({}), Cause::OutOfMemory),
        ("not-ready", json!({"readinessProbe": probe("/nothing-here")}), json!({}), Cause::ProbeFailed),
        ("not-alive", json!({"livenessProbe": probe("/nothing-here")}), json!({}), Cause::ProbeFailed),
        ("waits", json!({}), json!({"initContainers": [{"name": "wait", "image": IMAGE}]}), Cause::InitContainerStuck),
    ];
    let objects: Vec<Value> =
        faults.iter().map(|(name, container, pod, _)| agent(name, container.clone(), pod.clone())).collect();
    cluster.apply(&objects).await?;
    for (name, .., cause) in &faults {
        comes_to(cluster, name, &[*cause]).await?;
    }
    cluster.delete(&objects, Cascade::Foreground, VERB).await?;
    Ok(())
}

async fn what_the_scheduler_lacks_is_named_with_who_has_it(cluster: &Cluster) -> TestResult {
    let port = json!({"ports": [{"containerPort": 8080, "hostPort": 9100}]});
    let mut squatter = pods::agent_on(NODE, "squatter", IMAGE);
    squatter["spec"]["containers"][0]["ports"] = port["ports"].clone();
    pods::start(cluster, squatter).await?;
    let objects = [
        agent("clash", port, json!({})),
        agent("large", json!({"resources": {"requests": {"cpu": "640"}}}), json!({})),
    ];
    cluster.apply(&objects).await?;
    let found = comes_to(cluster, "clash", &[Cause::HostPortTaken]).await?;
    says(&found.to_string(), &["host port 9100/TCP of node `worker-1` is taken by pod default/squatter"])?;
    let found = comes_to(cluster, "large", &[Cause::InsufficientResource]).await?;
    says(&found.to_string(), &["and the pod asks for 640000m"])?;
    pods::delete(cluster, &["squatter"]).await?;
    comes_to(cluster, "clash", &[]).await?;
    cluster.delete(&objects, Cascade::Foreground, VERB).await?;
    Ok(())
}

async fn a_node_without_a_pod_says_why(cluster: &Cluster) -> TestResult {
    let everywhere = |selector: Value| {
        let mut agent = agent("choosy", json!({}), json!({}));
        agent["spec"]["template"]["spec"]["nodeSelector"] = selector;
        agent
    };
    let choosy = everywhere(json!({"node-type": "worker"}));
    let labels = |value: &str| [("node-typ".to_owned(), value.to_owned())].into();
    cluster.label_node("worker-2", &[("node-type".to_owned(), "worker".to_owned())].into()).await?;
    cluster.label_node(NODE, &labels("worker")).await?;
    cluster.apply(std::slice::from_ref(&choosy)).await?;
    let found = comes_to(cluster, "choosy", &[Cause::NodeSelectorMismatch]).await?;
    says(&found.to_string(), &["label `node-type` is missing", "it has `node-typ: worker`, which is nearly that"])?;
    cluster.label_node(NODE, &[("node-type".to_owned(), "worker".to_owned())].into()).await?;
    comes_to(cluster, "choosy", &[]).await?;

    cluster.taint_node(NODE, &"maintenance:NoExecute".parse().map_err(anyhow::Error::msg)?).await?;
    comes_to(cluster, "choosy", &[Cause::TaintNotTolerated]).await?;
    cluster.untaint_node(NODE, "maintenance", None).await?;
    comes_to(cluster, "choosy", &[]).await?;

    cluster.stop_node(NODE).await?;
    becomes_not_ready(cluster, NODE).await?;
    let found = comes_to(cluster, "choosy", &[Cause::NodeUnreachable]).await?;
    ensure!(found.nodes.iter().any(|node| node.node == NODE && node.state == NodeState::Unhealthy), "{found}");
    cluster.start_node(NODE, VERB).await?;
    comes_to(cluster, "choosy", &[]).await?;
    cluster.unlabel_node(NODE, &["node-type".to_owned(), "node-typ".to_owned()]).await?;
    cluster.unlabel_node("worker-2", &["node-type".to_owned()]).await?;
    cluster.delete(&[choosy], Cascade::Foreground, VERB).await?;
    Ok(())
}

async fn a_refusal_of_the_api_server_is_told_until_it_is_taken_back(cluster: &Cluster) -> TestResult {
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "small"},
        "spec": {"hard": {"pods": "0"}},
    });
    cluster.apply(std::slice::from_ref(&quota)).await?;
    let refused = agent("refused", json!({}), json!({}));
    cluster.apply(std::slice::from_ref(&refused)).await?;
    let found = comes_to(cluster, "refused", &[Cause::RefusedByQuota]).await?;
    says(&found.to_string(), &["exceeded quota: small"])?;
    cluster.delete(&[quota], Cascade::Background, SOON).await?;
    comes_to(cluster, "refused", &[]).await?;
    cluster.delete(&[refused], Cascade::Foreground, VERB).await?;
    Ok(())
}

async fn an_update_that_stands_still_says_by_what(cluster: &Cluster) -> TestResult {
    let mut careful = agent("careful", json!({}), json!({}));
    careful["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    cluster.apply(std::slice::from_ref(&careful)).await?;
    comes_to(cluster, "careful", &[]).await?;
    careful["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "NEW", "value": "1"}]);
    cluster.apply(std::slice::from_ref(&careful)).await?;
    let found = comes_to(cluster, "careful", &[Cause::UpdateOnDelete]).await?;
    let node = found.nodes.iter().find(|node| node.node == NODE).context("the node")?;
    ensure!(node.state == NodeState::Outdated && !found.in_order, "{found}");
    cluster.delete(&[careful], Cascade::Foreground, VERB).await?;
    Ok(())
}

async fn a_daemon_set_that_is_not_there_is_named_with_the_nearest(cluster: &Cluster) -> TestResult {
    let works = agent("log-collector", json!({}), json!({}));
    cluster.apply(std::slice::from_ref(&works)).await?;
    let error = refused(cluster.explain(&DaemonSetRef::new("log-colector")).await, "a DaemonSet that is not there")?;
    says(
        &told(&error),
        &["there is no daemonset `log-colector` in namespace `default`", "did you mean `log-collector`?"],
    )?;
    let elsewhere = DaemonSetRef { namespace: "kube-system".into(), name: "log-collector".into() };
    let error = refused(cluster.explain(&elsewhere).await, "a DaemonSet of another namespace")?;
    says(&told(&error), &["there is one in namespace `default`"])?;
    cluster.delete(&[works], Cascade::Foreground, VERB).await?;
    Ok(())
}
