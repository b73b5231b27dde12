//! What a cluster is like when it is there, and a node when it has joined.

use anyhow::ensure;
use kube::api::ListParams;
use rollcall::{
    Cluster,
    model::{Role, world::view},
};

use super::VERB;
use crate::{
    TestResult,
    docker::{Traces, docker},
    nodes::{label, taints, worker},
    pods,
};

/// What `worker-1` is labelled: the first a kubelet may give its node, the second an administrator must.
pub(super) const LABELS: [(&str, &str); 2] = [("node-type", "worker"), ("topology.kubernetes.io/zone", "a")];
/// What `worker-2` is tainted.
pub(super) const TAINT: &str = "dedicated=gpu:NoSchedule";
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

pub(super) async fn boot_every_node_is_ready_with_its_labels_and_taints(cluster: &Cluster) -> TestResult {
    let all = pods::nodes(cluster).list(&ListParams::default()).await?.items;
    let names: Vec<&str> = all.iter().map(|node| view::name_of(&node.metadata)).collect();
    ensure!(names == ["control-plane", "worker-1", "worker-2"], "the nodes are {names:?}");
    ensure!(all.iter().all(view::is_node_ready), "not all are Ready");
    let seen: Vec<Vec<String>> = all.iter().map(taints).collect();
    ensure!(seen == [vec![format!("{CONTROL_PLANE}:NoSchedule")], vec![], vec![TAINT.to_owned()]], "{seen:?}");
    ensure!(label(&all[0], CONTROL_PLANE).is_some() && view::role_of(&all[0]) == Role::ControlPlane);
    ensure!(view::role_of(&all[1]) == Role::Worker && view::role_of(&all[2]) == Role::Worker);
    for (key, value) in LABELS {
        ensure!(label(&all[1], key) == Some(value), "`{key}` of worker-1 is {:?}", label(&all[1], key));
    }
    Ok(())
}

pub(super) async fn boot_every_node_has_a_range_of_pod_addresses_of_its_own(cluster: &Cluster) -> TestResult {
    let all = pods::nodes(cluster).list(&ListParams::default()).await?.items;
    let mut ranges: Vec<String> = all.iter().filter_map(|node| node.spec.as_ref()?.pod_cidr.clone()).collect();
    ensure!(ranges.iter().all(|range| range.starts_with("10.244.") && range.ends_with(".0/24")), "{ranges:?}");
    ranges.sort();
    ranges.dedup();
    ensure!(ranges.len() == 3, "{ranges:?}");
    Ok(())
}

pub(super) async fn boot_ports_are_published_on_loopback_only(cluster: &Cluster) -> TestResult {
    let mut published = 0;
    for container in Traces::of(cluster.name())?.containers {
        let format = "{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}";
        for address in docker(&["inspect", "--format", format, &container])?.split_whitespace() {
            ensure!(address == "127.0.0.1", "a port of `{container}` is published on {address}");
            published += 1;
        }
    }
    ensure!(published == 2, "{published} ports are published, and not those of the API server and the registry");
    Ok(())
}

pub(super) async fn join_a_node_has_its_labels_and_taints(cluster: &Cluster) -> TestResult {
    let mut spec = worker("joiner");
    spec.labels.extend(LABELS.map(|(key, value)| (key.to_owned(), value.to_owned())));
    spec.taints.extend(TAINT.parse());
    cluster.add_node(spec, VERB).await?;
    let node = pods::nodes(cluster).get("joiner").await?;
    ensure!(view::is_node_ready(&node) && taints(&node) == [TAINT], "{:?}", taints(&node));
    for (key, value) in LABELS {
        ensure!(label(&node, key) == Some(value), "`{key}` is {:?}", label(&node, key));
    }
    cluster.remove_node("joiner", VERB).await?;
    Ok(())
}
