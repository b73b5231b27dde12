//! A guest on a cluster that was there before: it asks first, stays in its namespace, and leaves nothing, however it
//! ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{
    apps::v1::DaemonSet,
    core::v1::{Namespace, Node},
    rbac::v1::ClusterRole,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use nix::sys::signal::Signal;
use rollcall::{Cluster, ImageSource};
use rollcall_tests::{Cli, Keys, TestResult, keys, repository, suite, tests, unique_name, written::Written};
use serde::de::DeserializeOwned;
use serde_json::json;

const SOON: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    suite::on_one_cluster(
        &unique_name("attach"),
        || {
            let image = |number: u8| format!("rollcall/agent:{number}");
            let local = |number: u8| ImageSource::Local(image(number));
            Cluster::builder().workers(2).image_as(image(1), local(1)).image_as(image(2), local(2))
        },
        tests![
            a_guest_leaves_the_cluster_as_it_found_it,
            a_guest_does_not_touch_what_has_the_name_of_its_own,
            a_killed_guest_is_finished_by_clean,
            an_interrupted_guest_leaves_nothing,
            what_a_guest_cannot_do_is_refused_with_a_list,
            what_belongs_to_others_is_not_changed,
            rights_that_are_missing_are_listed_and_nothing_is_made,
            the_documented_rights_are_enough,
        ],
    )
}

/// The agent rolls out, a node is emptied by a taint, another is drained, and the agent is updated.
const VISIT: &str = "
  - expect: {rolledOut: {daemonSet: rolling-agent}, within: 40s}
  - taint: {node: worker-1, taint: 'rollcall-test=yes:NoExecute'}
  - expect: {pods: {daemonSet: rolling-agent, node: worker-1, count: 0}, within: 20s}
  - untaint: {node: worker-1, taint: 'rollcall-test:NoExecute'}
  - label: {node: worker-1, labels: {rollcall-test: visited}}
  - drain: {node: worker-2}
  - setImage: {daemonSet: rolling-agent, container: agent, image: 'rollcall/agent:2'}
  - expect: {rolledOut: {daemonSet: rolling-agent}, within: 40s}
  - expect: {logs: {daemonSet: rolling-agent, line: listening}, within: 10s}
  - expect: {exec: {daemonSet: rolling-agent, command: [/agent, version]}, within: 10s}
";
const ROLLS_OUT: &str = "  - expect: {rolledOut: {daemonSet: rolling-agent}, within: 40s}\n";
/// A change outside of the namespace, and then nothing for long.
const STAY: &str = "
  - cordon: {node: worker-2}
  - label: {node: worker-2, labels: {rollcall-test: here}}
  - hold: {nodeReady: {all: true}, for: 60s}
";

/// A scenario that applies an agent on every node, and more.
fn visit(stem: &str, steps: &str) -> Result<Written> {
    let manifest = repository::root().join("manifests/04-rolling-agent-daemonset.yaml");
    // A name that no registry has, so that only a substitution lets its pods run.
    let manifest = std::fs::read_to_string(manifest)?.replace("image: rollcall/agent:1", "image: example.com/agent:0");
    let sections = format!(
        "images:
  - {{name: 'example.com/agent:0', use: 'rollcall/agent:1'}}
invariants:
  - onePodPerNode: {{daemonSet: rolling-agent}}
steps:
  - apply: {{file: agent.yaml}}
{steps}"
    );
    Written::new(stem, &sections)?.beside("agent.yaml", &manifest)
}

/// The cluster as a guest is to leave it: what nodes carry, and the names of what has no namespace.
#[derive(Debug, PartialEq)]
struct Found {
    nodes: BTreeMap<String, String>,
    namespaces: BTreeSet<String>,
    roles: BTreeSet<String>,
    default: BTreeSet<String>,
}

async fn found(cluster: &Cluster) -> Result<Found> {
    let nodes: Api<Node> = Api::all(cluster.client().clone());
    let nodes = nodes.list(&ListParams::default()).await?.items.into_iter().map(|node| {
        let spec = node.spec.clone().unwrap_or_default();
        let carried = format!("{:?} {:?} {:?}", node.labels(), spec.taints, spec.unschedulable);
        (node.name_any(), carried)
    });
    Ok(Found {
        nodes: nodes.collect(),
        namespaces: names(Api::<Namespace>::all(cluster.client().clone())).await?,
        roles: names(Api::<ClusterRole>::all(cluster.client().clone())).await?,
        default: names(Api::<DaemonSet>::namespaced(cluster.client().clone(), "default")).await?,
    })
}

async fn names<K>(api: Api<K>) -> Result<BTreeSet<String>>
where
    K: kube::Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    Ok(api.list(&ListParams::default()).await?.items.iter().map(ResourceExt::name_any).collect())
}

async fn unchanged(cluster: &Cluster, before: &Found) -> TestResult {
    let after = found(cluster).await?;
    ensure!(after == *before, "it was {before:#?}\nand is {after:#?}");
    Ok(())
}

async fn a_guest_leaves_the_cluster_as_it_found_it(cluster: &Cluster) -> TestResult {
    let before = found(cluster).await?;
    ensure!(before.nodes.len() == 3 && before.namespaces.contains("default"), "{before:?}");
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: rollcall-visitor}\n";
    let steps = format!("  - apply: {{file: role.yaml}}\n{VISIT}");
    let scenario = visit("visit", &steps)?.beside("role.yaml", role)?;
    let ended = Keys::of(cluster)?.on(scenario.run()).run()?;
    ended.code(0)?.prints(&["join context `rollcall-", "of 3 nodes, in namespace `rollcall-", "1 passed"])?;
    unchanged(cluster, &before).await
}

async fn a_guest_does_not_touch_what_has_the_name_of_its_own(cluster: &Cluster) -> TestResult {
    let theirs: DaemonSet = serde_json::from_value(json!({
        "metadata": {"name": "rolling-agent"},
        "spec": {
            "selector": {"matchLabels": {"app": "theirs"}},
            "template": {
                "metadata": {"labels": {"app": "theirs"}},
                "spec": {"containers": [{"name": "agent", "image": "rollcall/agent:1"}]},
            },
        },
    }))?;
    let daemon_sets: Api<DaemonSet> = Api::namespaced(cluster.client().clone(), "default");
    let made = daemon_sets.create(&PostParams::default(), &theirs).await?;
    let steps = "
  - expect: {rolledOut: {daemonSet: rolling-agent}, within: 40s}
  - expect: {pods: {daemonSet: rolling-agent, count: 3}, within: 10s}
  - delete: {daemonSet: rolling-agent}
";
    let scenario = visit("namesake", steps)?;
    Keys::of(cluster)?.on(scenario.run()).run()?.code(0)?;
    let after = daemon_sets.get("rolling-agent").await?;
    ensure!(after.uid() == made.uid() && after.metadata.generation == made.metadata.generation, "{after:?}");
    daemon_sets.delete("rolling-agent", &DeleteParams::background()).await?;
    Ok(())
}

/// Starts a run that stays, and returns when it has changed a node.
async fn staying(cluster: &Cluster, keys: &Keys, scenario: &Written) -> Result<rollcall_tests::cli::Running> {
    let running = keys.on(scenario.run()).start()?;
    let nodes: Api<Node> = Api::all(cluster.client().clone());
    let changed = kube::runtime::wait::await_condition(nodes, "worker-2", |node: Option<&Node>| {
        node.is_some_and(|node| node.labels().contains_key("rollcall-test"))
    });
    tokio::time::timeout(SOON * 2, changed).await.context("no node was changed")??;
    Ok(running)
}

async fn a_killed_guest_is_finished_by_clean(cluster: &Cluster) -> TestResult {
    let before = found(cluster).await?;
    let keys = Keys::of(cluster)?;
    let scenario = visit("killed", STAY)?;
    let running = staying(cluster, &keys, &scenario).await?;
    running.signal(Signal::SIGKILL)?;
    running.end()?;
    ensure!(found(cluster).await? != before, "it left nothing to be undone");

    let cleaned = keys.on(Cli::new(["clean"])).run()?.code(0)?;
    cleaned.prints(&["removed namespace `rollcall-", "and undid 2 changes outside of it"])?;
    unchanged(cluster, &before).await?;
    keys.on(Cli::new(["clean"])).run()?.code(0)?.prints(&["nothing to remove"])?;
    Ok(())
}

async fn an_interrupted_guest_leaves_nothing(cluster: &Cluster) -> TestResult {
    let before = found(cluster).await?;
    let keys = Keys::of(cluster)?;
    let scenario = visit("stopped", STAY)?;
    let running = staying(cluster, &keys, &scenario).await?;
    // Not while it goes on, unless everything is asked for.
    keys.on(Cli::new(["clean"])).run()?.code(0)?.prints(&["nothing to remove"])?;
    running.signal(Signal::SIGINT)?;
    running.end()?.code(3)?;
    unchanged(cluster, &before).await
}

async fn what_a_guest_cannot_do_is_refused_with_a_list(cluster: &Cluster) -> TestResult {
    let before = found(cluster).await?;
    let keys = Keys::of(cluster)?;
    let scenario = visit("machines", &format!("{ROLLS_OUT}  - stopNode: worker-1\n  - addNodes: {{name: more}}\n"))?;
    let ended = keys.on(scenario.run()).run()?.code(3)?;
    ended.prints(&["cannot be done on the cluster of context", "acts on the machine of a node", "makes nodes"])?;
    let elsewhere = visit("nodes", ROLLS_OUT)?;
    let mean = keys.on(elsewhere.run()).arg("--yes-i-mean").arg("prod").run()?.code(3)?;
    mean.prints(&["`--yes-i-mean prod` names another context"])?;
    Cli::new(["run", "--yes-i-mean", "prod", "x.yaml"]).run()?.code(2)?.complains(&["--context"])?;
    unchanged(cluster, &before).await
}

async fn what_belongs_to_others_is_not_changed(cluster: &Cluster) -> TestResult {
    let before = found(cluster).await?;
    let keys = Keys::of(cluster)?;
    let steps = "
  - apply: {file: theirs.yaml}
  - patch:
      object: {apiVersion: v1, kind: ConfigMap, name: settings, namespace: kube-system}
      patch: {data: {level: debug}}
  - expect: {nodeReady: {all: true}}
";
    let theirs = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: view}\n---\n\
        apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: kube-system}\n";
    let scenario = visit("others", steps)?.beside("theirs.yaml", theirs)?;
    let ended = keys.on(scenario.run()).run()?.code(3)?;
    ended.prints(&[
        "would change what belongs to others",
        "clusterrole `view` is there already",
        "configmap `a` is in namespace `kube-system`",
        "configmap `settings` is in namespace `kube-system`",
    ])?;
    unchanged(cluster, &before).await
}

async fn rights_that_are_missing_are_listed_and_nothing_is_made(cluster: &Cluster) -> TestResult {
    let before = found(cluster).await?;
    let keys = Keys::of_somebody(cluster, "reader", "view").await?;
    let ended = keys.on(visit("reader", VISIT)?.run()).run()?.code(3)?;
    ended.prints(&[
        "lacks rights that scenario",
        "list nodes in the whole cluster",
        "create namespaces in the whole cluster",
        "create pods/eviction in the whole cluster",
        "patch daemonsets.apps in a namespace of its own",
    ])?;
    unchanged(cluster, &before).await
}

async fn the_documented_rights_are_enough(cluster: &Cluster) -> TestResult {
    keys::make_role(cluster, &keys::documented_role("manifests/rollcall-guest-clusterrole.yaml")?).await?;
    let before = found(cluster).await?;
    let keys = Keys::of_somebody(cluster, "guest", "rollcall-guest").await?;
    keys.on(visit("guest", VISIT)?.run()).run()?.code(0)?.prints(&["1 passed"])?;
    unchanged(cluster, &before).await
}
