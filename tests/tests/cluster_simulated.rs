//! Simulated nodes beside real ones on one real cluster: they join, leave, and their pods do what a kubelet would
//! report, the faults of a group included.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{Node, Pod},
};
use kube::{Api, api::ListParams};
use rollcall::{
    Cluster, DrainOptions, ErrorKind, ImageSource,
    model::{
        Condition, DaemonSetRef, NodeSpec, Role, Taint, TaintEffect,
        condition::{NodeSelection, PodsCondition},
        scenario::{Cascade, SimulatedFault, SimulatedNodes},
        world::view,
    },
};
use rollcall_tests::{
    TestResult,
    pods::{self, SOON, agent_on},
    refused, says, suite, tests, told, unique_name,
};
use serde_json::{Value, json};

const IMAGE: &str = "rollcall/agent:1";
/// How long a verb may take.
const VERB: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    suite::on_one_cluster(
        &unique_name("simulated"),
        || {
            Cluster::builder()
                .workers(1)
                .image_as(IMAGE, ImageSource::Local(IMAGE.into()))
                .simulated(SimulatedNodes { count: 3, ..group("sim") })
        },
        tests![
            nodes_given_at_the_start_are_ready_beside_the_real_ones,
            a_group_has_its_labels_taints_and_allocatable_from_the_start,
            a_daemon_set_is_ready_on_real_and_simulated_nodes_alike,
            pods_of_a_group_that_is_never_ready_run_and_are_not_ready,
            pods_of_a_slow_group_become_ready_after_their_time,
            containers_of_a_crashing_group_end_again_and_again,
            a_deleted_pod_of_a_simulated_node_goes_at_once,
            a_group_grows_as_it_was_described_and_shrinks_to_nothing,
            a_removed_simulated_node_is_gone_in_every_part,
            a_simulated_node_can_be_tainted_labelled_cordoned_and_drained,
            nodes_stay_ready_when_nothing_happens,
            pods_of_nodes_that_were_silent_for_too_long_are_ready_again,
            what_needs_a_container_says_that_there_is_none,
            groups_that_cannot_be_are_refused_and_leave_nothing,
            two_hundred_nodes_have_their_daemon_pods_ready_soon,
        ],
    )
}

async fn nodes_given_at_the_start_are_ready_beside_the_real_ones(cluster: &Cluster) -> TestResult {
    let nodes = pods::nodes(cluster).list(&ListParams::default()).await?.items;
    let names: BTreeSet<&str> = nodes.iter().map(|node| view::name_of(&node.metadata)).collect();
    ensure!(names == ["control-plane", "sim-1", "sim-2", "sim-3", "worker-1"].into(), "{names:?}");
    for node in &nodes {
        ensure!(view::is_node_ready(node), "{node:?}");
        let simulated = label(node, "rollcall.dev/simulated");
        let name = view::name_of(&node.metadata);
        ensure!(simulated == name.starts_with("sim-").then_some("sim"), "`{name}` is marked {simulated:?}");
    }
    ensure!(taints(&node(cluster, "sim-1").await?).is_empty());
    // A real node's lease is its kubelet's, whatever kwok does.
    let leases: Api<Lease> = Api::namespaced(cluster.client().clone(), "kube-node-lease");
    let holder = leases.get("worker-1").await?.spec.and_then(|spec| spec.holder_identity);
    ensure!(holder.as_deref() == Some("worker-1"), "{holder:?}");
    Ok(())
}

async fn a_group_has_its_labels_taints_and_allocatable_from_the_start(cluster: &Cluster) -> TestResult {
    let described = SimulatedNodes {
        count: 2,
        labels: BTreeMap::from([("pool".into(), "small".into())]),
        taints: vec![Taint { key: "dedicated".into(), value: "gpu".into(), effect: TaintEffect::NoSchedule }],
        allocatable: BTreeMap::from([("cpu".into(), "2".into()), ("example.com/gpu".into(), "4".into())]),
        ..group("gpu")
    };
    cluster.add_simulated_nodes(&described, VERB).await?;
    for name in ["gpu-1", "gpu-2"] {
        let node = node(cluster, name).await?;
        ensure!(view::is_node_ready(&node) && taints(&node) == ["dedicated=gpu:NoSchedule"], "{:?}", taints(&node));
        for (key, value) in [
            ("pool", "small"),
            ("kubernetes.io/hostname", name),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", "amd64"),
            ("rollcall.dev/simulated", "gpu"),
        ] {
            ensure!(label(&node, key) == Some(value), "`{name}` has {key}={:?}", label(&node, key));
        }
        let status = node.status.context("a node has a status")?;
        for offered in [status.allocatable, status.capacity] {
            let offered = offered.unwrap_or_default();
            let quantity = |resource: &str| offered.get(resource).map(|quantity| quantity.0.clone());
            for (resource, wanted) in [("cpu", "2"), ("example.com/gpu", "4"), ("memory", "256Gi"), ("pods", "110")] {
                ensure!(quantity(resource).as_deref() == Some(wanted), "{resource} is {:?}", quantity(resource));
            }
        }
    }
    // Found again from the API alone, and with what it was described as, whatever became of its nodes.
    cluster.unlabel_node("gpu-1", &["pool".into()]).await?;
    cluster.scale_simulated_nodes("gpu", 3, VERB).await?;
    let third = node(cluster, "gpu-3").await?;
    ensure!(label(&third, "pool") == Some("small") && taints(&third) == ["dedicated=gpu:NoSchedule"]);
    remove_group(cluster, "gpu").await
}

async fn a_daemon_set_is_ready_on_real_and_simulated_nodes_alike(cluster: &Cluster) -> TestResult {
    apply(cluster, "everywhere", json!({})).await?;
    converged(cluster, "everywhere").await?;
    let pods = daemon_pods(cluster, "everywhere");
    let on: BTreeSet<&str> = pods.iter().filter_map(|pod| view::node_of(pod)).collect();
    ensure!(on == ["sim-1", "sim-2", "sim-3", "worker-1"].into(), "{on:?}");
    for pod in pods.iter().filter(|pod| view::node_of(pod) != Some("worker-1")) {
        let status = pod.status.as_ref().context("a pod has a status")?;
        ensure!(status.pod_ip.as_deref().is_some_and(|ip| ip.starts_with("10.245.")), "{:?}", status.pod_ip);
        let containers = status.container_statuses.as_deref().unwrap_or_default();
        ensure!(containers.iter().all(|one| one.ready && one.restart_count == 0) && !containers.is_empty());
    }
    // A new revision passes over all of them.
    cluster.apply(&[daemon_set("everywhere", json!({}), "2")]).await?;
    rolled_out(cluster, "everywhere").await?;
    delete(cluster, "everywhere").await
}

async fn pods_of_a_group_that_is_never_ready_run_and_are_not_ready(cluster: &Cluster) -> TestResult {
    let sick = SimulatedNodes { count: 2, fault: Some(SimulatedFault::NeverReady), ..group("sick") };
    cluster.add_simulated_nodes(&sick, VERB).await?;
    apply(cluster, "never", json!({})).await?;
    for name in ["sick-1", "sick-2"] {
        let pod = daemon_pod(cluster, "never", name, |pod| phase(pod) == "Running").await?;
        ensure!(!view::is_ready(&pod), "it is ready");
        let containers = pod.status.and_then(|status| status.container_statuses).unwrap_or_default();
        ensure!(containers.iter().all(|one| !one.ready && one.state.as_ref().is_some_and(|s| s.running.is_some())));
    }
    // The others are well, and these stay as they are.
    for name in ["sim-1", "sim-2", "sim-3", "worker-1"] {
        daemon_pod(cluster, "never", name, view::is_ready).await?;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(daemon_pods(cluster, "never").iter().all(|pod| view::is_ready(pod) != is_on(pod, "sick-")));
    delete(cluster, "never").await?;
    remove_group(cluster, "sick").await
}

async fn pods_of_a_slow_group_become_ready_after_their_time(cluster: &Cluster) -> TestResult {
    const SLOW: Duration = Duration::from_secs(3);
    let slow = SimulatedNodes { count: 1, fault: Some(SimulatedFault::Slow(SLOW)), ..group("slow") };
    cluster.add_simulated_nodes(&slow, VERB).await?;
    apply(cluster, "slow", json!({})).await?;
    let running = daemon_pod(cluster, "slow", "slow-1", |pod| phase(pod) == "Running").await?;
    ensure!(!view::is_ready(&running), "it is ready when it starts");
    let ready = daemon_pod(cluster, "slow", "slow-1", view::is_ready).await?;
    let status = ready.status.context("a pod has a status")?;
    let started = status.start_time.context("it has started")?.0;
    let conditions = status.conditions.unwrap_or_default();
    let since = conditions.iter().find(|one| one.type_ == "Ready").and_then(|one| one.last_transition_time.clone());
    let took = since.context("a condition has a time")?.0.duration_since(started);
    // Both are in whole seconds.
    ensure!((2..=10).contains(&took.as_secs()), "it took {took}");
    let containers = status.container_statuses.unwrap_or_default();
    ensure!(containers.iter().all(|one| one.ready && one.restart_count == 0), "{containers:?}");
    delete(cluster, "slow").await?;
    remove_group(cluster, "slow").await
}

async fn containers_of_a_crashing_group_end_again_and_again(cluster: &Cluster) -> TestResult {
    let crash = SimulatedNodes { count: 1, fault: Some(SimulatedFault::Crash), ..group("crash") };
    cluster.add_simulated_nodes(&crash, VERB).await?;
    apply(cluster, "crash", json!({})).await?;
    for restarts in 0..=2 {
        let backing_off = |pod: &Pod| {
            let waiting = container(pod).and_then(|one| one.state.as_ref()?.waiting.as_ref()?.reason.clone());
            waiting.as_deref() == Some("CrashLoopBackOff")
                && container(pod).is_some_and(|one| one.restart_count == restarts)
        };
        let pod = daemon_pod(cluster, "crash", "crash-1", backing_off).await?;
        let last = container(&pod).and_then(|one| one.last_state.as_ref()?.terminated.clone());
        ensure!(last.as_ref().is_some_and(|last| last.exit_code == 1), "{last:?}");
        ensure!(!view::is_ready(&pod) && phase(&pod) == "Running", "{:?}", pod.status);
        let again = |pod: &Pod| {
            container(pod).is_some_and(|one| {
                one.restart_count == restarts + 1 && one.state.as_ref().is_some_and(|state| state.running.is_some())
            })
        };
        let pod = daemon_pod(cluster, "crash", "crash-1", again).await?;
        ensure!(!view::is_ready(&pod), "it is ready between two crashes");
    }
    delete(cluster, "crash").await?;
    remove_group(cluster, "crash").await
}

async fn a_deleted_pod_of_a_simulated_node_goes_at_once(cluster: &Cluster) -> TestResult {
    let mut pod = agent_on("sim-1", "doomed", IMAGE);
    pod["spec"]["terminationGracePeriodSeconds"] = json!(600);
    let before = pods::start(cluster, pod).await?;
    pods::pods(cluster).delete("doomed", &Default::default()).await?;
    let uid = before.metadata.uid.context("a pod has a UID")?;
    let gone = kube::runtime::wait::conditions::is_deleted(&uid);
    let wait = kube::runtime::wait::await_condition(pods::pods(cluster), "doomed", gone);
    tokio::time::timeout(SOON, wait).await.context("it does not go")??;
    Ok(())
}

async fn a_group_grows_as_it_was_described_and_shrinks_to_nothing(cluster: &Cluster) -> TestResult {
    cluster.add_simulated_nodes(&SimulatedNodes { count: 2, ..group("crowd") }, VERB).await?;
    apply(cluster, "grow", json!({})).await?;
    cluster.scale_simulated_nodes("crowd", 12, VERB).await?;
    ensure!(members(cluster, "crowd").await? == (1..=12).map(|n| format!("crowd-{n}")).collect());
    converged(cluster, "grow").await?;
    ensure!(daemon_pods(cluster, "grow").len() == 12 + 3 + 1);

    cluster.scale_simulated_nodes("crowd", 5, VERB).await?;
    ensure!(members(cluster, "crowd").await? == (1..=5).map(|n| format!("crowd-{n}")).collect(), "the highest leave");
    nothing_left_of(cluster, (6..=12).map(|n| format!("crowd-{n}")).collect()).await?;
    converged(cluster, "grow").await?;
    // Nothing to do is done.
    cluster.scale_simulated_nodes("crowd", 5, VERB).await?;

    cluster.scale_simulated_nodes("crowd", 0, VERB).await?;
    nothing_left_of(cluster, (1..=12).map(|n| format!("crowd-{n}")).collect()).await?;
    cluster.scale_simulated_nodes("crowd", 1, VERB).await?;
    ensure!(members(cluster, "crowd").await? == ["crowd-1".to_owned()].into());
    converged(cluster, "grow").await?;
    delete(cluster, "grow").await?;
    remove_group(cluster, "crowd").await
}

async fn a_removed_simulated_node_is_gone_in_every_part(cluster: &Cluster) -> TestResult {
    cluster.add_simulated_nodes(&SimulatedNodes { count: 3, ..group("leaver") }, VERB).await?;
    pods::start(cluster, agent_on("leaver-2", "passenger", IMAGE)).await?;
    cluster.remove_node("leaver-2", VERB).await?;
    nothing_left_of(cluster, ["leaver-2".to_owned()].into()).await?;
    ensure!(members(cluster, "leaver").await? == ["leaver-1".to_owned(), "leaver-3".to_owned()].into());
    // Its number is not given again while a higher one is there.
    cluster.scale_simulated_nodes("leaver", 3, VERB).await?;
    ensure!(members(cluster, "leaver").await?.contains("leaver-4"));
    remove_group(cluster, "leaver").await
}

async fn a_simulated_node_can_be_tainted_labelled_cordoned_and_drained(cluster: &Cluster) -> TestResult {
    let taint = Taint { key: "maintenance".into(), value: "true".into(), effect: TaintEffect::NoExecute };
    apply(cluster, "flee", json!({})).await?;
    converged(cluster, "flee").await?;
    cluster.taint_node("sim-2", &taint).await?;
    let none = |cluster: &Cluster| !daemon_pods(cluster, "flee").iter().any(|pod| is_on(pod, "sim-2"));
    let condition = Condition::Pods(PodsCondition {
        nodes: NodeSelection::Names(vec!["sim-2".into()]),
        count: Some(0),
        ..PodsCondition::of(DaemonSetRef::new("flee"))
    });
    cluster.wait(&condition, SOON).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
    ensure!(none(cluster), "its pod is left");
    cluster.untaint_node("sim-2", "maintenance", None).await?;
    converged(cluster, "flee").await?;
    ensure!(!none(cluster), "its pod is not back");

    cluster.label_node("sim-2", &BTreeMap::from([("tier".into(), "gold".into())])).await?;
    ensure!(label(&node(cluster, "sim-2").await?, "tier") == Some("gold"));
    cluster.unlabel_node("sim-2", &["tier".into()]).await?;

    pods::start(cluster, agent_on("sim-2", "evicted", IMAGE)).await?;
    cluster.drain_node("sim-2", DrainOptions::default(), VERB).await?;
    ensure!(pods::pods(cluster).get_opt("evicted").await?.is_none(), "it is left");
    ensure!(!none(cluster), "the daemon pod was drained too");
    cluster.uncordon_node("sim-2").await?;
    delete(cluster, "flee").await
}

async fn nodes_stay_ready_when_nothing_happens(cluster: &Cluster) -> TestResult {
    // Longer than a node may be silent.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let all = Condition::NodeReady { nodes: NodeSelection::All, ready: true };
    cluster.wait(&all, Duration::from_millis(1)).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
    Ok(())
}

async fn pods_of_nodes_that_were_silent_for_too_long_are_ready_again(cluster: &Cluster) -> TestResult {
    apply(cluster, "silence", json!({})).await?;
    converged(cluster, "silence").await?;
    // What a controller does to the pods of a silent node, at the moment at which the node is back.
    let doomed = daemon_pods(cluster, "silence").into_iter().find(|pod| is_on(pod, "sim-1")).context("it has a pod")?;
    let name = view::name_of(&doomed.metadata).to_owned();
    let silent = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
    let patch = kube::api::Patch::Strategic(silent);
    let marked = pods::pods(cluster).patch_status(&name, &Default::default(), &patch).await?;
    ensure!(!view::is_ready(&marked), "{marked:?}");
    daemon_pod(cluster, "silence", "sim-1", view::is_ready).await?;
    delete(cluster, "silence").await
}

async fn what_needs_a_container_says_that_there_is_none(cluster: &Cluster) -> TestResult {
    for error in [
        refused(cluster.stop_node("sim-1").await, "a stop")?,
        refused(cluster.start_node("sim-1", VERB).await, "a start")?,
        refused(cluster.pause_node("sim-1", VERB).await, "a pause")?,
        refused(cluster.cut_node("sim-1").await, "a cut")?,
    ] {
        ensure!(error.kind() == ErrorKind::Usage, "{error:?}");
        says(&told(&error), &["node `sim-1` of cluster", "is simulated", "no container", "can be removed, tainted"])?;
    }
    Ok(())
}

async fn groups_that_cannot_be_are_refused_and_leave_nothing(cluster: &Cluster) -> TestResult {
    let before = pods::nodes(cluster).list_metadata(&ListParams::default()).await?.items.len();
    for (group, said) in [
        (group("sim"), "has simulated nodes `sim` already"),
        (group("worker"), "would have a node `worker-1`, and there is a real one"),
        (group("Crowd"), "may hold only lower case letters"),
        (SimulatedNodes { count: 0, ..group("crowd") }, "are none at all"),
        (
            SimulatedNodes { allocatable: BTreeMap::from([("cpu".into(), "many".into())]), ..group("odd") },
            "could not make simulated node `odd-1`",
        ),
    ] {
        let name = group.name.clone();
        let error = refused(cluster.add_simulated_nodes(&group, VERB).await, &format!("group `{name}`"))?;
        says(&told(&error), &[said])?;
    }
    // What the API server refused can be made once it is right.
    cluster.add_simulated_nodes(&SimulatedNodes { count: 1, ..group("odd") }, VERB).await?;
    remove_group(cluster, "odd").await?;
    let error = refused(cluster.scale_simulated_nodes("sin", 4, VERB).await, "an unknown group")?;
    says(&told(&error), &["has no simulated nodes `sin`", "did you mean `sim`?"])?;
    let after = pods::nodes(cluster).list_metadata(&ListParams::default()).await?.items.len();
    ensure!(before == after, "there were {before} nodes and are {after}");
    // Nor can a real node take the name of a simulated one.
    let real = NodeSpec { name: "sim-1".into(), role: Role::Worker, labels: BTreeMap::new(), taints: Vec::new() };
    let error = refused(cluster.add_node(real, VERB).await, "a real node of that name")?;
    says(&told(&error), &["has a node `sim-1` already"])
}

async fn two_hundred_nodes_have_their_daemon_pods_ready_soon(cluster: &Cluster) -> TestResult {
    let started = std::time::Instant::now();
    cluster.add_simulated_nodes(&SimulatedNodes { count: 200, ..group("many") }, VERB).await?;
    let joined = started.elapsed();
    let started = std::time::Instant::now();
    apply(cluster, "many", json!({})).await?;
    converged(cluster, "many").await?;
    let ready = started.elapsed();
    let nodes = daemon_pods(cluster, "many").len();
    ensure!(nodes == 204, "{nodes} pods");
    // Generous: the machine may have other things to do.
    ensure!(joined < SOON && ready < SOON, "joined in {joined:?}, ready in {ready:?}");
    delete(cluster, "many").await?;
    let started = std::time::Instant::now();
    remove_group(cluster, "many").await?;
    ensure!(started.elapsed() < SOON, "removed in {:?}", started.elapsed());
    Ok(())
}

fn group(name: &str) -> SimulatedNodes {
    SimulatedNodes {
        name: name.into(),
        count: 1,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        allocatable: BTreeMap::new(),
        fault: None,
    }
}

fn daemon_set(name: &str, node_selector: Value, version: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "updateStrategy": {"rollingUpdate": {"maxUnavailable": "50%"}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {"version": version}},
                "spec": {
                    "nodeSelector": node_selector,
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "agent", "image": IMAGE}],
                },
            },
        },
    })
}

async fn apply(cluster: &Cluster, name: &str, node_selector: Value) -> Result<()> {
    cluster.apply(&[daemon_set(name, node_selector, "1")]).await?;
    Ok(())
}

async fn delete(cluster: &Cluster, name: &str) -> Result<()> {
    cluster.delete_daemon_set(&DaemonSetRef::new(name), Cascade::Background, VERB).await?;
    Ok(())
}

async fn converged(cluster: &Cluster, name: &str) -> Result<()> {
    let condition = Condition::Converged { daemon_set: DaemonSetRef::new(name), allow_none: false };
    cluster.wait(&condition, VERB).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
    Ok(())
}

async fn rolled_out(cluster: &Cluster, name: &str) -> Result<()> {
    let condition = Condition::RolledOut { daemon_set: DaemonSetRef::new(name), allow_none: false };
    cluster.wait(&condition, VERB).await.map_err(|error| anyhow::anyhow!(told(&error)))?;
    Ok(())
}

fn daemon_pods(cluster: &Cluster, name: &str) -> Vec<std::sync::Arc<Pod>> {
    let world = cluster.world();
    let found = world.daemon_set(&DaemonSetRef::new(name));
    found.map(|found| world.pods_of(found)).unwrap_or_default().into_iter().cloned().collect()
}

/// Waits until the daemon pod of a node is as the question says.
async fn daemon_pod(cluster: &Cluster, name: &str, node: &str, is: impl Fn(&Pod) -> bool) -> Result<Pod> {
    use futures::StreamExt;
    let selected = kube::runtime::watcher::Config::default().fields(&format!("spec.nodeName={node}"));
    let watched = kube::runtime::watcher(pods::pods(cluster), selected.labels(&format!("app={name}")));
    let mut seen = Box::pin(kube::runtime::WatchStreamExt::applied_objects(watched));
    let wait = async {
        while let Some(pod) = seen.next().await {
            let pod = pod?;
            if is(&pod) {
                return Ok(pod);
            }
        }
        anyhow::bail!("the watch ended")
    };
    tokio::time::timeout(SOON, wait).await.with_context(|| format!("the pod of `{name}` on `{node}` is not so"))?
}

async fn remove_group(cluster: &Cluster, name: &str) -> Result<()> {
    let names = members(cluster, name).await?;
    cluster.scale_simulated_nodes(name, 0, VERB).await?;
    nothing_left_of(cluster, names).await
}

/// Asks the API server itself.
async fn nothing_left_of(cluster: &Cluster, names: BTreeSet<String>) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(cluster.client().clone(), "kube-node-lease");
    let all = ListParams::default();
    let nodes = pods::nodes(cluster).list_metadata(&all).await?.items;
    let leases = leases.list_metadata(&all).await?.items;
    for metadata in nodes.iter().map(|one| &one.metadata).chain(leases.iter().map(|one| &one.metadata)) {
        ensure!(!names.contains(view::name_of(metadata)), "`{}` has a Node or a lease", view::name_of(metadata));
    }
    let pods: Api<Pod> = Api::all(cluster.client().clone());
    for pod in pods.list(&all).await?.items {
        ensure!(!view::node_of(&pod).is_some_and(|node| names.contains(node)), "a pod is left: {pod:?}");
    }
    let world = cluster.world();
    ensure!(!names.iter().any(|name| world.nodes.contains_key(name)), "the watches still have one");
    Ok(())
}

async fn members(cluster: &Cluster, group: &str) -> Result<BTreeSet<String>> {
    let selected = ListParams::default().labels(&format!("rollcall.dev/simulated={group}"));
    let nodes = pods::nodes(cluster).list_metadata(&selected).await?.items;
    Ok(nodes.iter().map(|node| view::name_of(&node.metadata).to_owned()).collect())
}

async fn node(cluster: &Cluster, name: &str) -> Result<Node> {
    Ok(pods::nodes(cluster).get(name).await?)
}

fn label<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.metadata.labels.as_ref()?.get(key).map(String::as_str)
}

fn taints(node: &Node) -> Vec<String> {
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints
        .map(|taint| format!("{}={}:{}", taint.key, taint.value.as_deref().unwrap_or_default(), taint.effect))
        .collect()
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

fn container(pod: &Pod) -> Option<&k8s_openapi::api::core::v1::ContainerStatus> {
    pod.status.as_ref()?.container_statuses.as_ref()?.first()
}

fn is_on(pod: &Pod, prefix: &str) -> bool {
    view::node_of(pod).is_some_and(|node| node.starts_with(prefix))
}
