//! Node verbs of the engine on one real cluster: each returns only when its own result holds, and says on failure what
//! is wrong.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Node, policy::v1::PodDisruptionBudget};
use kube::{
    Api,
    api::{DeleteParams, ListParams},
    runtime::{wait::conditions, watcher},
};
use rollcall::{
    Cluster, DrainOptions, Error, ErrorKind, ImageSource,
    model::{Condition, DaemonSetRef, NodeSpec, Role, Taint, TaintEffect, scenario::SimulatedNodes, world::view},
};
use rollcall_tests::{
    TestResult, docker,
    nodes::{becomes_not_ready, is_ready_now, label, taints, worker},
    pods::{self, SOON, agent_on},
    refused, repository, says, suite, tests, told, unique_name,
};
use serde_json::json;

/// The image of the manifests, and of every pod here.
const IMAGE: &str = "fluentd:latest";
/// How long a verb may take.
const VERB: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    suite::on_one_cluster(
        &unique_name("nodes"),
        || Cluster::builder().workers(2).image_as(IMAGE, ImageSource::Local("rollcall/agent:1".into())),
        tests![
            the_control_plane_has_the_label_and_taint_that_kubeadm_gives,
            every_node_has_a_range_of_pod_addresses_of_its_own,
            a_joining_node_has_its_labels_taints_and_pod_range_from_its_first_version_on,
            a_removed_node_is_gone_in_every_part_and_its_name_is_free,
            a_stopped_node_keeps_its_pods_and_has_the_same_ones_when_it_is_back,
            a_restarted_node_has_the_same_pods,
            a_power_failure_leaves_the_disk_and_nothing_else,
            a_node_that_is_stopped_twice_comes_back,
            the_control_plane_comes_back_after_a_power_failure,
            a_paused_node_becomes_not_ready_and_comes_back,
            a_cut_off_node_becomes_not_ready_and_comes_back,
            a_taint_is_there_when_it_was_set_and_gone_when_it_was_removed,
            a_label_is_there_when_it_was_set_and_gone_when_it_was_removed,
            a_cordoned_node_takes_no_pod_and_an_uncordoned_one_does,
            a_drain_evicts_what_is_no_daemon_pod,
            a_drain_that_a_budget_forbids_names_the_pod_and_what_the_api_says,
            an_unknown_node_is_a_usage_error_with_a_suggestion,
            simulated_nodes_need_a_cluster_that_was_made_for_them,
            the_last_control_plane_cannot_be_removed,
            a_node_that_cannot_be_made_is_refused_and_leaves_nothing,
        ],
    )
}

async fn the_control_plane_has_the_label_and_taint_that_kubeadm_gives(cluster: &Cluster) -> TestResult {
    let node = pods::nodes(cluster).get("control-plane").await?;
    let key = "node-role.kubernetes.io/control-plane";
    ensure!(node.metadata.labels.iter().flatten().any(|(label, value)| label == key && value.is_empty()), "{node:?}");
    ensure!(taints(&node) == [format!("{key}:NoSchedule")], "{:?}", taints(&node));
    for worker in ["worker-1", "worker-2"] {
        let node = pods::nodes(cluster).get(worker).await?;
        ensure!(taints(&node).is_empty(), "`{worker}` has {:?}", taints(&node));
    }
    Ok(())
}

async fn every_node_has_a_range_of_pod_addresses_of_its_own(cluster: &Cluster) -> TestResult {
    let nodes = pods::nodes(cluster).list(&ListParams::default()).await?.items;
    let mut ranges: Vec<String> = nodes.iter().filter_map(|node| node.spec.as_ref()?.pod_cidr.clone()).collect();
    ensure!(ranges.iter().all(|range| range.starts_with("10.244.") && range.ends_with(".0/24")), "{ranges:?}");
    ranges.sort();
    ranges.dedup();
    ensure!(nodes.len() == 3 && ranges.len() == 3, "{} nodes, ranges {ranges:?}", nodes.len());
    Ok(())
}

async fn a_joining_node_has_its_labels_taints_and_pod_range_from_its_first_version_on(cluster: &Cluster) -> TestResult {
    let mut spec = worker("joiner");
    spec.labels.insert("pool".into(), "late".into());
    spec.taints.push(Taint { key: "dedicated".into(), value: "gpu".into(), effect: TaintEffect::NoSchedule });
    let only = watcher::Config::default().fields("metadata.name=joiner");
    let mut versions = Box::pin(watcher(pods::nodes(cluster), only));
    // The first listing is empty; from then on nothing is missed.
    while !matches!(versions.try_next().await?.context("a watch does not end")?, watcher::Event::InitDone) {}
    let watched = async {
        let mut seen: Vec<Node> = Vec::new();
        while let Some(event) = versions.next().await {
            if let watcher::Event::Apply(node) = event? {
                let ready = view::is_node_ready(&node);
                seen.push(node);
                if ready {
                    break;
                }
            }
        }
        anyhow::Ok(seen)
    };
    let (added, seen) = tokio::join!(cluster.add_node(spec, VERB), tokio::time::timeout(VERB, watched));
    added?;
    let seen = seen.context("the watch saw no Ready node")??;
    for node in &seen {
        ensure!(label(node, "pool") == Some("late"), "a version without its label: {node:?}");
        ensure!(taints(node).iter().any(|taint| taint == "dedicated=gpu:NoSchedule"), "without its taint: {node:?}");
        ensure!(node.spec.as_ref().is_some_and(|spec| spec.pod_cidr.is_some()), "without a pod range: {node:?}");
    }
    // At return it is Ready, and the taints of a node that is not are gone.
    let node = pods::nodes(cluster).get("joiner").await?;
    ensure!(view::is_node_ready(&node) && taints(&node) == ["dedicated=gpu:NoSchedule"], "{:?}", taints(&node));
    cluster.remove_node("joiner", VERB).await?;
    Ok(())
}

async fn a_removed_node_is_gone_in_every_part_and_its_name_is_free(cluster: &Cluster) -> TestResult {
    cluster.add_node(worker("leaver"), VERB).await?;
    let pod = pods::start(cluster, agent_on("leaver", "passenger", IMAGE)).await?;
    let before = pods::nodes(cluster).get("leaver").await?;
    let seen = docker::Traces::of_node(cluster.name(), "leaver")?;
    ensure!(!seen.volumes.is_empty(), "{seen:?}");

    cluster.remove_node("leaver", VERB).await?;
    seen.are_gone_but_for_networks()?;
    ensure!(pods::nodes(cluster).get_opt("leaver").await?.is_none(), "its Node is left");
    let leases: Api<Lease> = Api::namespaced(cluster.client().clone(), "kube-node-lease");
    ensure!(leases.get_opt("leaver").await?.is_none(), "its Lease is left");
    ensure!(pods::pods(cluster).get_opt("passenger").await?.is_none(), "its pod is left: {pod:?}");
    ensure!(!cluster.world().nodes.contains_key("leaver"), "the watches still have it");
    ensure!(!cluster.node_names().await.contains(&"leaver".to_owned()), "the handle still has it");

    cluster.add_node(worker("leaver"), VERB).await?;
    let after = pods::nodes(cluster).get("leaver").await?;
    ensure!(before.metadata.uid != after.metadata.uid && before.metadata.uid.is_some(), "it is the same object");
    // The new one is of use.
    pods::start(cluster, agent_on("leaver", "passenger", IMAGE)).await?;
    cluster.remove_node("leaver", VERB).await?;
    Ok(())
}

async fn a_stopped_node_keeps_its_pods_and_has_the_same_ones_when_it_is_back(cluster: &Cluster) -> TestResult {
    let before = pods::start(cluster, agent_on("worker-1", "patient", IMAGE)).await?;
    cluster.stop_node("worker-1").await?;
    becomes_not_ready(cluster, "worker-1").await?;
    let meanwhile = pods::pods(cluster).get("patient").await?;
    ensure!(view::node_of(&meanwhile) == Some("worker-1"), "it is bound to {:?}", view::node_of(&meanwhile));
    ensure!(meanwhile.metadata.uid == before.metadata.uid && meanwhile.metadata.deletion_timestamp.is_none());

    cluster.start_node("worker-1", VERB).await?;
    is_ready_now(cluster, "worker-1").await?;
    pods::same_pod_runs_again(cluster, "patient", &before).await?;
    pods::delete(cluster, &["patient"]).await
}

async fn a_restarted_node_has_the_same_pods(cluster: &Cluster) -> TestResult {
    let before = pods::start(cluster, agent_on("worker-2", "survivor", IMAGE)).await?;
    cluster.restart_node("worker-2", VERB).await?;
    is_ready_now(cluster, "worker-2").await?;
    pods::same_pod_runs_again(cluster, "survivor", &before).await?;
    pods::delete(cluster, &["survivor"]).await
}

async fn a_power_failure_leaves_the_disk_and_nothing_else(cluster: &Cluster) -> TestResult {
    let container = format!("rollcall-{}-worker-1", cluster.name());
    let shell = |script: &str| docker::docker(&["exec", &container, "sh", "-c", script]);
    shell(
        "set -e
        touch /var/stays /run/goes /tmp/.goes /dev/shm/goes; mkdir -p /mnt/goes /sys/fs/cgroup/memory/goes/deeper
        mount -t tmpfs none /mnt/goes; mount -t tmpfs none /run; touch /mnt/goes/goes /run/goes
        ip link add goes type bridge; iptables -t raw -N GOES; iptables -t nat -N GOES
        setsid sleep 4242 </dev/null >/dev/null 2>&1 &",
    )?;
    let left = "for path in /var/stays /run/goes /tmp/.goes /dev/shm/goes /mnt/goes/goes /sys/fs/cgroup/memory/goes \
        /sys/class/net/goes; do [ -e $path ] && echo $path; done
        iptables-save | grep GOES; grep -lz 4242 /proc/[0-9]*/cmdline 2>/dev/null; true";
    // The shell that looks has the number in its own arguments.
    let looked = |text: String| text.lines().filter(|line| !line.starts_with("/proc")).map(str::to_owned).collect();
    let before: Vec<String> = looked(shell(left)?);
    ensure!(before.len() == 9, "there is {before:?}");
    ensure!(shell("pgrep -x sleep")?.lines().count() == 1);

    cluster.restart_node("worker-1", VERB).await?;
    let after: Vec<String> = looked(shell(left)?);
    ensure!(after == ["/var/stays"], "there is {after:?}");
    ensure!(shell("pgrep -x sleep || true")?.is_empty(), "a process is left");
    is_ready_now(cluster, "worker-1").await
}

async fn a_node_that_is_stopped_twice_comes_back(cluster: &Cluster) -> TestResult {
    cluster.stop_node("worker-1").await?;
    cluster.stop_node("worker-1").await?;
    cluster.start_node("worker-1", VERB).await?;
    is_ready_now(cluster, "worker-1").await
}

async fn the_control_plane_comes_back_after_a_power_failure(cluster: &Cluster) -> TestResult {
    let before = pods::start(cluster, agent_on("worker-1", "lasting", IMAGE)).await?;
    cluster.restart_node("control-plane", VERB).await?;
    is_ready_now(cluster, "control-plane").await?;
    let after = pods::pods(cluster).get("lasting").await?;
    ensure!(after.metadata.uid == before.metadata.uid, "what etcd keeps is lost");
    // Its image is asked of the inner registry, which keeps it in memory.
    pods::start(cluster, agent_on("control-plane", "newcomer", IMAGE)).await?;
    pods::delete(cluster, &["lasting", "newcomer"]).await
}

async fn a_paused_node_becomes_not_ready_and_comes_back(cluster: &Cluster) -> TestResult {
    cluster.pause_node("worker-1", VERB).await?;
    becomes_not_ready(cluster, "worker-1").await?;
    cluster.resume_node("worker-1", VERB).await?;
    is_ready_now(cluster, "worker-1").await
}

async fn a_cut_off_node_becomes_not_ready_and_comes_back(cluster: &Cluster) -> TestResult {
    cluster.cut_node("worker-2").await?;
    becomes_not_ready(cluster, "worker-2").await?;
    cluster.heal_node("worker-2", VERB).await?;
    is_ready_now(cluster, "worker-2").await?;
    // Nobody noticed a cut as short as this one; healing has to return all the same.
    cluster.cut_node("worker-2").await?;
    cluster.heal_node("worker-2", VERB).await?;
    is_ready_now(cluster, "worker-2").await
}

async fn a_taint_is_there_when_it_was_set_and_gone_when_it_was_removed(cluster: &Cluster) -> TestResult {
    let taint = |value: &str| Taint { key: "dedicated".into(), value: value.into(), effect: TaintEffect::NoSchedule };
    cluster.taint_node("worker-1", &taint("cpu")).await?;
    cluster.taint_node("worker-1", &taint("gpu")).await?;
    let current = taints(&pods::nodes(cluster).get("worker-1").await?);
    ensure!(current == ["dedicated=gpu:NoSchedule"], "a taint replaces one of its key and effect: {current:?}");

    let error = refused(cluster.untaint_node("worker-1", "dedicatd", None).await, "a taint that is not there")?;
    ensure!(error.kind() == ErrorKind::Usage, "{error:?}");
    says(&told(&error), &["node `worker-1` has no taint `dedicatd`", "it has `dedicated:NoSchedule`"])?;
    let effect = Some(TaintEffect::NoExecute);
    let error = refused(cluster.untaint_node("worker-1", "dedicated", effect).await, "an effect that is not there")?;
    says(&told(&error), &["no taint `dedicated:NoExecute`", "it has `dedicated:NoSchedule`"])?;

    cluster.untaint_node("worker-1", "dedicated", Some(TaintEffect::NoSchedule)).await?;
    let current = taints(&pods::nodes(cluster).get("worker-1").await?);
    ensure!(current.is_empty(), "{current:?}");
    let error = refused(cluster.untaint_node("worker-1", "dedicated", None).await, "a taint of a node without any")?;
    says(&told(&error), &["it has none"])
}

async fn a_label_is_there_when_it_was_set_and_gone_when_it_was_removed(cluster: &Cluster) -> TestResult {
    let labels = BTreeMap::from([("tier".to_owned(), "gold".to_owned())]);
    cluster.label_node("worker-1", &labels).await?;
    let node = cluster.world().nodes["worker-1"].clone();
    ensure!(label(&node, "tier") == Some("gold"), "the watches have not seen it at return");
    cluster.unlabel_node("worker-1", &["tier".to_owned()]).await?;
    let node = pods::nodes(cluster).get("worker-1").await?;
    ensure!(label(&node, "tier").is_none(), "it is left");
    let invalid = BTreeMap::from([("tier".to_owned(), "not a value".to_owned())]);
    let error = refused(cluster.label_node("worker-1", &invalid).await, "a label that is none")?;
    says(&told(&error), &["could not label node `worker-1`", "a valid label must"])
}

async fn a_cordoned_node_takes_no_pod_and_an_uncordoned_one_does(cluster: &Cluster) -> TestResult {
    cluster.cordon_node("worker-1").await?;
    let current = taints(&pods::nodes(cluster).get("worker-1").await?);
    ensure!(current == ["node.kubernetes.io/unschedulable:NoSchedule"], "{current:?}");
    // It goes by the scheduler and not past it.
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "homeless"},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": "worker-1"},
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "agent", "image": IMAGE}],
        },
    });
    cluster.apply(&[pod]).await?;
    pods::wait_for(cluster, "homeless", pods::is_unschedulable).await?;
    cluster.uncordon_node("worker-1").await?;
    ensure!(taints(&pods::nodes(cluster).get("worker-1").await?).is_empty(), "it is still tainted");
    pods::wait_for(cluster, "homeless", conditions::is_pod_running()).await?;
    pods::delete(cluster, &["homeless"]).await
}

async fn a_drain_evicts_what_is_no_daemon_pod(cluster: &Cluster) -> TestResult {
    let manifest = repository::manifest("manifests/01-log-collector-daemonset.yaml")?;
    cluster.apply(&manifest).await?;
    let collector = DaemonSetRef::new("log-collector");
    let converged = Condition::Converged { daemon_set: collector.clone(), allow_none: false };
    cluster.wait(&converged, SOON).await?;
    pods::start(cluster, agent_on("worker-2", "evicted-1", IMAGE)).await?;
    pods::start(cluster, agent_on("worker-2", "evicted-2", IMAGE)).await?;
    pods::start(cluster, agent_on("worker-1", "bystander", IMAGE)).await?;
    let daemons = |cluster: &Cluster| -> Vec<Option<String>> {
        let world = cluster.world();
        let pods = world.daemon_set(&collector).map(|found| world.pods_of(found)).unwrap_or_default();
        pods.into_iter().map(|pod| pod.metadata.uid.clone()).collect()
    };
    let before = daemons(cluster);
    ensure!(before.len() == 3, "{before:?}");

    let strict = DrainOptions { ignore_daemon_sets: false, ..DrainOptions::default() };
    let error = refused(cluster.drain_node("worker-2", strict, VERB).await, "a drain that minds daemon pods")?;
    says(&told(&error), &["cannot drain node `worker-2`", "daemon pod `log-collector-"])?;

    cluster.drain_node("worker-2", DrainOptions::default(), VERB).await?;
    for name in ["evicted-1", "evicted-2"] {
        ensure!(pods::pods(cluster).get_opt(name).await?.is_none(), "`{name}` is left");
    }
    ensure!(pods::pods(cluster).get_opt("bystander").await?.is_some(), "the pod of another node is gone");
    ensure!(daemons(cluster) == before, "daemon pods were touched: {before:?}, {:?}", daemons(cluster));
    let node = pods::nodes(cluster).get("worker-2").await?;
    ensure!(node.spec.and_then(|spec| spec.unschedulable) == Some(true), "it is not cordoned");
    cluster.uncordon_node("worker-2").await?;
    pods::delete(cluster, &["bystander"]).await?;
    cluster.delete(&manifest, rollcall::model::scenario::Cascade::Background, SOON).await?;
    Ok(())
}

async fn a_drain_that_a_budget_forbids_names_the_pod_and_what_the_api_says(cluster: &Cluster) -> TestResult {
    pods::start(cluster, agent_on("worker-2", "guarded", IMAGE)).await?;
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "guard"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "guarded"}}},
    });
    cluster.apply(&[budget]).await?;
    let budgets: Api<PodDisruptionBudget> = Api::default_namespaced(cluster.client().clone());
    let counted = |budget: Option<&PodDisruptionBudget>| {
        budget.and_then(|budget| budget.status.as_ref()).is_some_and(|status| status.current_healthy == Some(1))
    };
    let counted = kube::runtime::wait::await_condition(budgets.clone(), "guard", counted);
    tokio::time::timeout(SOON, counted).await.context("the budget does not count its pod")??;

    let deadline = Duration::from_secs(2);
    let error = refused(cluster.drain_node("worker-2", DrainOptions::default(), deadline).await, "a forbidden drain")?;
    ensure!(matches!(error, Error::Timeout { .. }), "{error:?}");
    says(
        &told(&error),
        &["drain of node `worker-2`", "within 2.", "pod `guarded`", "violate the pod's disruption budget"],
    )?;
    ensure!(pods::pods(cluster).get_opt("guarded").await?.is_some(), "it was evicted");
    budgets.delete("guard", &DeleteParams::default()).await?;
    // The budget out of the way, the same drain goes through.
    cluster.drain_node("worker-2", DrainOptions::default(), VERB).await?;
    ensure!(pods::pods(cluster).get_opt("guarded").await?.is_none(), "it is left");
    cluster.uncordon_node("worker-2").await?;
    Ok(())
}

async fn an_unknown_node_is_a_usage_error_with_a_suggestion(cluster: &Cluster) -> TestResult {
    let errors = [
        refused(cluster.remove_node("worker-l", VERB).await, "removing")?,
        refused(cluster.stop_node("worker-l").await, "stopping")?,
        refused(cluster.start_node("worker-l", VERB).await, "starting")?,
        refused(cluster.pause_node("worker-l", VERB).await, "pausing")?,
        refused(cluster.cut_node("worker-l").await, "cutting off")?,
        refused(cluster.cordon_node("worker-l").await, "cordoning")?,
        refused(cluster.untaint_node("worker-l", "a", None).await, "untainting")?,
        refused(cluster.drain_node("worker-l", DrainOptions::default(), VERB).await, "draining")?,
    ];
    for error in errors {
        ensure!(error.kind() == ErrorKind::Usage, "{error:?}");
        says(&told(&error), &["has no node `worker-l`", "did you mean `worker-"])?;
    }
    let error = refused(cluster.stop_node("database").await, "a name that is like none")?;
    says(&told(&error), &["the nodes are control-plane, worker-1, worker-2"])
}

async fn simulated_nodes_need_a_cluster_that_was_made_for_them(cluster: &Cluster) -> TestResult {
    let group = SimulatedNodes {
        name: "sim".into(),
        count: 1,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        allocatable: BTreeMap::new(),
        fault: None,
    };
    for error in [
        refused(cluster.add_simulated_nodes(&group, VERB).await, "a group")?,
        refused(cluster.scale_simulated_nodes("sim", 2, VERB).await, "a group that is not there")?,
    ] {
        ensure!(error.kind() == ErrorKind::Usage, "{error:?}");
        says(&told(&error), &["was made without", "simulated nodes", "simulated_nodes(true)", "--simulated N"])?;
    }
    Ok(())
}

async fn the_last_control_plane_cannot_be_removed(cluster: &Cluster) -> TestResult {
    let error = refused(cluster.remove_node("control-plane", VERB).await, "removing the last control plane")?;
    ensure!(error.kind() == ErrorKind::Usage, "{error:?}");
    says(&told(&error), &["`control-plane` is the last control-plane node"])?;
    is_ready_now(cluster, "control-plane").await
}

async fn a_node_that_cannot_be_made_is_refused_and_leaves_nothing(cluster: &Cluster) -> TestResult {
    let before = docker::Traces::of(cluster.name())?;
    let second = NodeSpec { role: Role::ControlPlane, ..worker("second") };
    for (spec, said) in [
        (worker("worker-1"), "has a node `worker-1` already"),
        (worker("Worker_3"), "node name `Worker_3`"),
        (worker("-"), "node name `-`"),
        (worker(""), "node name ``"),
        (worker(&"n".repeat(41)), "is longer than 40 characters"),
        (second, "one control-plane node"),
    ] {
        let name = spec.name.clone();
        let error = refused(cluster.add_node(spec, VERB).await, &format!("node `{name}`"))?;
        ensure!(error.kind() == ErrorKind::Usage, "{error:?}");
        says(&told(&error), &[said])?;
    }
    ensure!(docker::Traces::of(cluster.name())? == before, "something was made");
    // The one whose name was taken is untouched.
    is_ready_now(cluster, "worker-1").await
}
