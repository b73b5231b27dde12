//! The eligibility oracle against the real DaemonSet controller: some three hundred nodes with random labels, taints
//! and conditions, forty random DaemonSets, and no pair of a node and a DaemonSet on which the two disagree. Then a
//! third of the nodes change, and pods are kept or taken away as the oracle says.
//!
//! Another seed is another test: `ROLLCALL_SEED=7 ROLLCALL_CLUSTERS=required cargo test -p rollcall-tests --test
//! cluster_oracle`. A difference is told with its seed and both objects.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{apps::v1::DaemonSet, core::v1::Node};
use kube::{Api, api::PostParams};
use rollcall::{Cluster, model::scenario::SimulatedNodes};
use rollcall_tests::{
    TestResult, lone_tests,
    oracle::{self, Outcome, Random, daemon_sets, nodes},
    suite, told, unique_name,
};

const NODES: u32 = 300;
const DAEMON_SETS: usize = 40;
/// A node that nobody keeps alive. Each more of them would be given up on ten seconds later.
const SILENT: &str = "silent-1";

/// Generous: two busy cores need some twenty seconds for each of them.
const DEADLINE: Duration = Duration::from_secs(150);

fn main() -> ExitCode {
    let tests = lone_tests![the_oracle_says_what_the_controller_does];
    suite::run(tests.into_iter().map(|(name, run)| suite::trial(name, run)).collect())
}

fn the_oracle_says_what_the_controller_does() -> TestResult {
    let seed = oracle::seed()?;
    say(&format!("{}={seed}", oracle::SEED_VARIABLE));
    let run = async {
        let started = Instant::now();
        let group = SimulatedNodes {
            name: "n".into(),
            count: NODES,
            labels: BTreeMap::new(),
            taints: Vec::new(),
            allocatable: BTreeMap::new(),
            fault: None,
        };
        let cluster = Cluster::builder().name(unique_name("oracle")).image(daemon_sets::IMAGE).simulated(group);
        let cluster = cluster.start().await.map_err(|error| anyhow::anyhow!(told(&error)))?;
        say(&format!("{:>5.1}s a cluster with {NODES} simulated nodes", started.elapsed().as_secs_f64()));
        let ended = agrees(&cluster, Random::new(seed), started).await;
        cluster.destroy().await?;
        ended
    };
    let ended = tokio::runtime::Runtime::new()?.block_on(run);
    ended.with_context(|| format!("found again with {}={seed}", oracle::SEED_VARIABLE))
}

async fn agrees(cluster: &Cluster, mut random: Random, started: Instant) -> Result<()> {
    let phase = |what: &str| say(&format!("{:>5.1}s {what}", started.elapsed().as_secs_f64()));
    let api: Api<Node> = Api::all(cluster.client().clone());
    nodes::make_silent(&api, SILENT).await?;
    let names: Vec<String> = (1..=NODES).map(|number| format!("n-{number}")).collect();
    let mut shapes: BTreeMap<String, nodes::Shape> =
        names.iter().map(|name| (name.clone(), nodes::Shape::random(&mut random))).collect();
    nodes::shape(&api, &shapes, DEADLINE).await?;
    nodes::is_unreachable(&api, SILENT, DEADLINE).await?;
    phase("every node has its labels and taints");

    let named: Vec<String> = names.iter().map(String::as_str).chain([SILENT]).map(str::to_owned).collect();
    let mut objects = daemon_sets::random(&mut random, DAEMON_SETS, &named);
    objects.push(daemon_sets::sentinel());
    let api_of_daemon_sets: Api<DaemonSet> = Api::default_namespaced(cluster.client().clone());
    for object in objects {
        let shown = object.to_string();
        let made: DaemonSet = serde_json::from_value(object)?;
        api_of_daemon_sets
            .create(&PostParams::default(), &made)
            .await
            .with_context(|| format!("could not make {shown}"))?;
    }
    let first = oracle::settle(cluster, &names[0], SILENT, DEADLINE).await?;
    let outcome = oracle::compare(&first, None);
    phase(&format!("{outcome}"));
    ensure!(outcome.differences.is_empty(), "as it was made: {}", outcome.told());
    enough(&outcome)?;
    ensure!(outcome.kept == 0, "a pod was kept before any node had changed: {outcome}");

    let mut changed = BTreeMap::new();
    for (name, shape) in &mut shapes {
        if random.chance(33) {
            shape.change(&mut random);
            changed.insert(name.clone(), shape.clone());
        }
    }
    nodes::shape(&api, &changed, DEADLINE).await?;
    phase(&format!("{} nodes have other labels and taints", changed.len()));
    let second = oracle::settle(cluster, &names[1], SILENT, DEADLINE).await?;
    let outcome = oracle::compare(&second, Some(&first));
    phase(&format!("{outcome}"));
    ensure!(outcome.differences.is_empty(), "after nodes changed: {}", outcome.told());
    enough(&outcome)?;
    ensure!(outcome.kept >= 20, "hardly a pod was to be kept: {outcome}");
    let uids = |snapshot: &oracle::Snapshot| -> std::collections::BTreeSet<String> {
        snapshot.pods.iter().filter_map(|pod| pod.metadata.uid.clone()).collect()
    };
    let (old, new) = (uids(&first), uids(&second));
    let (gone, made) = (old.difference(&new).count(), new.difference(&old).count());
    phase(&format!("{gone} pods went and {made} came"));
    ensure!(gone >= 20 && made >= 20, "hardly a pod had to go or to come: {gone} and {made}");
    Ok(())
}

/// Agreement on nothing is worth nothing: every answer and every reason has been there often.
fn enough(outcome: &Outcome) -> Result<()> {
    ensure!(outcome.pairs >= 12_000, "{outcome}");
    for (what, count) in [
        ("run", outcome.run),
        ("only continue", outcome.only_continue),
        ("neither run nor continue", outcome.neither),
        ("are not named", outcome.reasons.get("nodeName").copied().unwrap_or(0)),
        ("are not selected", outcome.reasons.get("nodeSelector").copied().unwrap_or(0)),
        ("have no affinity", outcome.reasons.get("affinity").copied().unwrap_or(0)),
        ("have a taint", outcome.reasons.get("taint").copied().unwrap_or(0)),
    ] {
        ensure!(count >= 300, "only {count} pairs {what}: {outcome}");
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "whoever reads the log of a failed run needs the seed and where time went")]
fn say(text: &str) {
    eprintln!("{text}");
}
