//! Cases of taints and tolerations as a user of the library writes them: with `rstest`, on one cluster that the cases
//! share. Which nodes are expected is a table, and not what the code under test computes.

use std::collections::BTreeSet;

use anyhow::ensure;
use rollcall::{
    Cluster, SharedCluster,
    model::{Condition, DaemonSetRef, NodeSpec, Role, scenario::Cascade},
};
use rollcall_tests::{TestResult, pods::SOON};
use rstest::{Context, rstest};
use serde_json::{Value, json};

/// The nodes are tainted from the start and no case changes them, so cases run side by side.
static CLUSTER: SharedCluster = SharedCluster::new(|| {
    Cluster::builder()
        .node(node("control-plane", Role::ControlPlane, None))
        .node(node("plain", Role::Worker, None))
        .node(node("gpu", Role::Worker, Some("dedicated=gpu:NoSchedule")))
        .node(node("quiet", Role::Worker, Some("maintenance=true:NoExecute")))
        .image("rollcall/agent:1")
});

fn node(name: &str, role: Role, taint: Option<&str>) -> NodeSpec {
    let taints = taint.map(|taint| taint.parse().expect("it is a taint"));
    NodeSpec { name: name.into(), role, labels: Default::default(), taints: taints.into_iter().collect() }
}

#[rstest]
#[case::nothing(json!([]), &["plain"])]
#[case::key_and_value(json!([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]), &["gpu", "plain"])]
#[case::another_value(json!([{"key": "dedicated", "value": "cpu", "effect": "NoSchedule"}]), &["plain"])]
#[case::another_effect(json!([{"key": "dedicated", "value": "gpu", "effect": "NoExecute"}]), &["plain"])]
#[case::any_value(json!([{"key": "maintenance", "operator": "Exists"}]), &["plain", "quiet"])]
#[case::one_effect(json!([{"operator": "Exists", "effect": "NoExecute"}]), &["plain", "quiet"])]
#[case::everything(json!([{"operator": "Exists"}]), &["control-plane", "gpu", "plain", "quiet"])]
#[ignore = "makes a cluster; run with `make cluster`, or with `--include-ignored`"]
fn an_agent_runs_where_its_tolerations_let_it(
    #[context] context: Context,
    #[case] tolerations: Value,
    #[case] expected: &[&str],
) -> TestResult {
    let name = context.description.unwrap_or_default().replace('_', "-");
    let agent = DaemonSetRef::new(name.as_str());
    let cluster = CLUSTER.lease()?;
    cluster.block_on(async {
        cluster.apply(&[daemon_set(&name, tolerations)]).await?;
        cluster.wait(&Condition::Converged { daemon_set: agent.clone(), allow_none: false }, SOON).await?;
        let world = cluster.world();
        let pods = world.daemon_set(&agent).map(|found| world.pods_of(found)).unwrap_or_default();
        let nodes: Vec<&str> = pods.iter().filter_map(|pod| pod.spec.as_ref()?.node_name.as_deref()).collect();
        let different: BTreeSet<&str> = nodes.iter().copied().collect();
        ensure!(different.len() == nodes.len() && different.iter().eq(expected), "its pods are on {nodes:?}");
        cluster.delete_daemon_set(&agent, Cascade::Background, SOON).await?;
        Ok(())
    })
}

fn daemon_set(name: &str, tolerations: Value) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "tolerations": tolerations,
                    "containers": [{"name": "agent", "image": "rollcall/agent:1"}],
                },
            },
        },
    })
}
