//! `explain` on one real cluster, with what no scenario can ask for: names that are not there, the rights of whoever
//! asks, and many nodes. Its causes have a scenario each, in `scenarios/troubleshooting`.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use rollcall::{
    Cluster, ImageSource,
    model::{
        Condition, DaemonSetRef,
        condition::ExplainCondition,
        explain::{Cause, Diagnosis, NodeState},
        scenario::{Cascade, SimulatedFault, SimulatedNodes},
    },
};
use rollcall_tests::{
    Cli, Keys, TestResult, gate, keys,
    pods::{self, SOON},
    refused, says, suite, tests, told, unique_name,
};
use serde_json::{Value, json};

const IMAGE: &str = "rollcall/agent:1";
/// Where the faults are.
const NODE: &str = "worker-1";
/// How long a verb may take.
const VERB: Duration = Duration::from_secs(60);
/// How many simulated nodes there are, and on how many more the agent ends again and again.
const MANY: (u32, u32) = (1000, 3);
/// How long as many nodes may take until each has its pod.
const LONG: Duration = Duration::from_secs(180);

fn main() -> ExitCode {
    suite::on_one_cluster_behind(
        Arc::new(gate::closed),
        &unique_name("explain"),
        || Cluster::builder().workers(2).image_as(IMAGE, ImageSource::Local(IMAGE.into())),
        tests![
            what_works_has_no_finding,
            a_daemon_set_that_is_not_there_is_named_with_the_nearest,
            the_documented_rights_are_enough_and_what_is_missing_is_said,
        ],
        vec![suite::trial(
            "three_of_a_thousand_nodes_are_found_in_pages",
            three_of_a_thousand_nodes_are_found_in_pages,
        )],
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

async fn diagnosis(cluster: &Cluster, name: &str) -> Result<Diagnosis> {
    cluster.explain(&DaemonSetRef::new(name)).await.map_err(|error| anyhow::anyhow!(told(&error)))
}

/// Waits until the node has these causes and no others, and every other node is in order.
async fn comes_to(cluster: &Cluster, name: &str, causes: &[Cause]) -> Result<()> {
    let findings = BTreeMap::from([(NODE.to_owned(), causes.to_vec())]);
    let condition = ExplainCondition { daemon_set: DaemonSetRef::new(name), findings, overall: Vec::new() };
    cluster.wait(&Condition::Explain(condition), SOON).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
    Ok(())
}

async fn what_works_has_no_finding(cluster: &Cluster) -> TestResult {
    let works = agent("works", json!({}), json!({}));
    cluster.apply(std::slice::from_ref(&works)).await?;
    comes_to(cluster, "works", &[]).await?;
    let found = diagnosis(cluster, "works").await?;
    ensure!(found.in_order && found.not_looked_at.is_empty(), "{found}");
    let state = |name: &str| found.nodes.iter().find(|node| node.node == name).map(|node| node.state);
    ensure!(state(NODE) == Some(NodeState::Ok) && state("worker-2") == Some(NodeState::NotMeant), "{found}");
    cluster.delete(&[works], Cascade::Background, SOON).await?;
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

/// Each fault rests on something else that is read: an event, a log, a pod of another namespace, a revision.
fn faults() -> [(&'static str, Value, Cause); 4] {
    let socket = json!({"volumes": [{"name": "v", "hostPath": {"path": "/run/nope.sock", "type": "Socket"}}]});
    let mount = json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]});
    let port = json!({"ports": [{"containerPort": 8080, "hostPort": 9100}]});
    let wait = json!({"initContainers": [{"name": "wait", "image": IMAGE}]});
    let mut careful = agent("careful", json!({}), json!({}));
    careful["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    [
        ("mounts", agent("mounts", mount, socket), Cause::HostPathMissing),
        ("waits", agent("waits", json!({}), wait), Cause::InitContainerStuck),
        ("clashes", agent("clashes", port, json!({})), Cause::HostPortTaken),
        ("careful", careful, Cause::UpdateOnDelete),
    ]
}

async fn the_documented_rights_are_enough_and_what_is_missing_is_said(cluster: &Cluster) -> TestResult {
    let mut squatter = pods::agent_on(NODE, "squatter", IMAGE);
    squatter["metadata"]["namespace"] = json!("kube-system");
    squatter["spec"]["containers"][0]["ports"] = json!([{"containerPort": 8080, "hostPort": 9100}]);
    // Before the agents, or one of these would have the port.
    let mut objects = vec![squatter];
    objects.extend(faults().into_iter().map(|(_, object, _)| object));
    cluster.apply(&objects).await?;
    comes_to(cluster, "careful", &[]).await?;
    cluster.set_image(&DaemonSetRef::new("careful"), "agent", "rollcall/agent:2").await?;
    for (name, _, cause) in faults() {
        comes_to(cluster, name, &[cause]).await?;
    }

    let role = keys::documented_role("manifests/rollcall-explain-clusterrole.yaml")?;
    keys::make_role(cluster, &role).await?;
    let everything = Keys::of(cluster)?;
    let documented = Keys::of_somebody(cluster, "explainer", "rollcall-explain").await?;
    for (name, _, cause) in faults() {
        let full = explained(&everything, name)?;
        ensure!(full.not_looked_at.is_empty() && says_of(&full, cause), "{full}");
        let found = explained(&documented, name)?;
        ensure!(found == full, "with the documented rights it is\n{found}\nand with all rights\n{full}");
    }
    // Whatever is taken away is named, and the rest is explained all the same.
    for (right, name, said, cause) in [
        ("events", "mounts", "events of namespace `default`: events is forbidden", Cause::NotKnown),
        ("pods/log", "waits", "the log of a container: pods", Cause::InitContainerStuck),
        (
            "controllerrevisions",
            "mounts",
            "revisions of namespace `default`, by which old pods are told",
            Cause::HostPathMissing,
        ),
    ] {
        let keys = without(cluster, &role, right).await?;
        let found = explained(&keys, name)?;
        ensure!(says_of(&found, cause), "without the right to {right}:\n{found}");
        let [not_looked_at] = found.not_looked_at.as_slice() else { bail!("without the right to {right}:\n{found}") };
        says(not_looked_at, &[said])?;
        let full = explained(&everything, name)?;
        let states = |found: &Diagnosis| found.nodes.iter().map(|node| node.state).collect::<Vec<_>>();
        ensure!(right == "events" || states(&found) == states(&full), "without the right to {right}:\n{found}\n{full}");
    }
    for right in ["nodes", "daemonsets"] {
        let keys = without(cluster, &role, right).await?;
        let ended = keys.on(Cli::new(["explain", "mounts"])).run()?.code(3)?;
        ended.complains(&[right])?;
    }
    cluster.delete(&objects, Cascade::Foreground, VERB).await?;
    Ok(())
}

/// What the command line says with these keys.
fn explained(keys: &Keys, name: &str) -> Result<Diagnosis> {
    let ended = keys.on(Cli::new(["explain", name, "--output", "json"])).run()?.code(5)?;
    serde_json::from_str(&ended.stdout).with_context(|| ended.to_string())
}

fn says_of(found: &Diagnosis, cause: Cause) -> bool {
    let node = found.nodes.iter().find(|node| node.node == NODE);
    node.is_some_and(|node| node.findings.iter().any(|finding| finding.cause == cause))
}

/// Keys of somebody who has the role without one of its resources.
async fn without(cluster: &Cluster, role: &ClusterRole, resource: &str) -> Result<Keys> {
    let name = format!("explainer-without-{}", resource.replace('/', "-"));
    let mut role = role.clone();
    role.metadata.name = Some(name.clone());
    let rules = role.rules.iter_mut().flatten();
    let of = |rule: &mut PolicyRule| {
        let resources = rule.resources.iter_mut().flatten();
        resources.filter(|found| *found == resource).for_each(|found| *found = "nothing".to_owned());
    };
    rules.for_each(of);
    keys::make_role(cluster, &role).await?;
    Keys::of_somebody(cluster, &name, &name).await
}

/// More nodes, and more pods, than come with one answer of the API server.
fn three_of_a_thousand_nodes_are_found_in_pages() -> TestResult {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let group = |name: &str, count: u32, fault: Option<SimulatedFault>| SimulatedNodes {
            name: name.into(),
            count,
            labels: BTreeMap::new(),
            taints: Vec::new(),
            allocatable: BTreeMap::new(),
            fault,
        };
        let cluster = Cluster::builder()
            .name(unique_name("explain-many"))
            .simulated(group("sim", MANY.0, None))
            .simulated(group("sick", MANY.1, Some(SimulatedFault::Crash)))
            .start()
            .await?;
        let mut everywhere = agent("everywhere", json!({}), json!({}));
        everywhere["spec"]["template"]["spec"]["nodeSelector"] = json!({});
        cluster.apply(&[everywhere]).await?;
        let sick = (1..=MANY.1).map(|number| (format!("sick-{number}"), vec![Cause::CrashLoop]));
        let condition = Condition::Explain(ExplainCondition {
            daemon_set: DaemonSetRef::new("everywhere"),
            findings: sick.collect(),
            overall: Vec::new(),
        });
        cluster.wait(&condition, LONG).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
        // What the watches see is what the lists say.
        let found = diagnosis(&cluster, "everywhere").await?;
        let of = |state: NodeState| found.nodes.iter().filter(|node| node.state == state).count();
        let (healthy, sick) = (usize::try_from(MANY.0)?, usize::try_from(MANY.1)?);
        ensure!(found.nodes.len() == healthy + sick + 1 && of(NodeState::NotMeant) == 1, "{found}");
        ensure!(of(NodeState::Ok) == healthy && of(NodeState::Unhealthy) == sick, "{found}");
        cluster.destroy().await?;
        Ok(())
    })
}
