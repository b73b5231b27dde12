//! Clusters from their start to their end by the command line: used by hand, interrupted, killed, refused, and nothing
//! left behind.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Node};
use kube::{
    Api, Client, Config,
    api::ListParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use nix::sys::signal::Signal;
use rollcall::{Cluster, model::world::view};
use rollcall_tests::{
    Cli, TestResult,
    docker::{RemoveAtEnd, Traces, assert_nothing_left, traces_of_at_least},
    eventually::eventually,
    lone_tests, repository, suite, unique_name,
    written::Written,
};
use serde_json::Value;

/// How soon containers and volumes of a killed run are gone without anybody doing anything.
const GONE: Duration = Duration::from_secs(10);
/// How soon the containers of a run are there.
const MADE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let tests = lone_tests![
        a_cluster_made_by_hand_is_listed_used_changed_and_removed,
        simulated_nodes_made_by_hand_are_changed_by_other_processes_and_survive_a_restart,
        a_port_that_is_taken_is_an_error_and_leaves_nothing,
        a_missing_node_image_says_what_builds_it,
        an_image_that_is_missing_ends_the_run_before_its_steps,
        an_expectation_that_does_not_hold_ends_with_its_code_and_leaves_nothing,
        a_kept_failure_can_be_looked_at_and_removed,
        two_runs_at_once_both_hold,
        an_interrupted_run_leaves_nothing,
        an_interrupted_start_by_hand_leaves_nothing,
        a_killed_run_takes_its_containers_along,
        a_run_killed_while_it_makes_containers_is_swept_by_the_next_command,
        a_dropped_cluster_leaves_nothing,
    ];
    suite::run(tests.into_iter().map(|(name, run)| suite::trial(name, run)).collect())
}

fn a_cluster_made_by_hand_is_listed_used_changed_and_removed() -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("kubeconfig");
    let name = unique_name("hand");
    let rollcall = |words: &[&str]| Cli::new(words).env("HOME", directory.path());
    let _guard = RemoveAtEnd(name.clone());

    let up = rollcall(&["up", "--name", &name, "--workers", "2", "--kubeconfig"]).arg(&file).run()?.code(0)?;
    up.prints(&[&format!("export KUBECONFIG={}", file.display())])?;
    let mut seen = Traces::of(&name)?;
    ensure!(seen.containers.len() == 3 && seen.networks.len() == 1 && !seen.volumes.is_empty(), "{seen:?}");

    let mode = fs::metadata(&file)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "the kubeconfig has mode {mode:o}");
    let printed = rollcall(&["kubeconfig", &name]).run()?.code(0)?;
    let server = Kubeconfig::from_yaml(&printed.stdout)?.clusters[0].cluster.clone().context("a server")?.server;
    ensure!(server.as_deref().is_some_and(|url| url.starts_with("https://127.0.0.1:")), "{server:?}");

    let nodes = nodes(&file)?;
    ensure!(nodes.len() == 3 && nodes.iter().all(view::is_node_ready), "{nodes:?}");
    let versions: Vec<_> =
        nodes.iter().filter_map(|node| Some(&node.status.as_ref()?.node_info.as_ref()?.kubelet_version)).collect();
    ensure!(versions == [rollcall::DEFAULT_KUBERNETES; 3], "{versions:?}");

    let listed = rollcall(&["ls", "--output", "json"]).run()?.code(0)?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    let ours = listed.as_array().into_iter().flatten().find(|cluster| cluster["name"] == name.as_str());
    let ours = ours.with_context(|| format!("`{name}` is not listed: {listed}"))?;
    ensure!(ours["nodes"].as_array().is_some_and(|nodes| nodes.len() == 3) && ours["keep"] == true, "{ours}");
    rollcall(&["ls"]).run()?.code(0)?.prints(&[&name, "3"])?;

    let taken = rollcall(&["up", "--name", &name]).run()?.code(2)?;
    taken.complains(&[&format!("there is a cluster `{name}` already"), &format!("rollcall down {name}")])?;
    ensure!(Traces::of(&name)? == seen, "the cluster whose name was taken is touched");

    let on = |words: &[&str]| rollcall(words).arg("--cluster").arg(&name);
    on(&["node", "add", "late", "--label", "pool=late", "--taint", "a=b:NoSchedule"]).run()?.code(0)?;
    seen.add(Traces::of(&name)?);
    let late = self::nodes(&file)?.into_iter().find(|node| view::name_of(&node.metadata) == "late");
    let late = late.context("the new node is not there")?;
    ensure!(late.metadata.labels.iter().flatten().any(|(key, value)| key == "pool" && value == "late"), "{late:?}");
    on(&["node", "add", "late"]).run()?.code(2)?.complains(&["has a node `late` already"])?;
    on(&["node", "taint", "lat", "a=b:NoExecute"]).run()?.code(2)?.complains(&["did you mean `late`?"])?;
    // The nodes of a cluster that stays are stopped and started in another way than those of a run.
    on(&["node", "stop", "late"]).run()?.code(0)?;
    on(&["node", "start", "late"]).run()?.code(0)?;
    on(&["node", "remove", "late"]).run()?.code(0)?;
    ensure!(self::nodes(&file)?.len() == 3, "the removed node is left");
    on(&["node", "remove", "control-plane"]).run()?.code(2)?.complains(&["last control-plane node"])?;

    on(&["load", "rollcall/agent:2"]).run()?.code(0)?.prints(&["rollcall/agent:2", "bytes sent"])?;
    on(&["load", "rollcall/agent:2"]).run()?.code(0)?.prints(&["already"])?;
    on(&["load", "rollcall/agent:2", "--as", "fluentd:latest"]).run()?.code(0)?.prints(&["fluentd:latest"])?;

    // A sweep leaves alone what was made to stay.
    rollcall(&["clean"]).run()?.code(0)?;
    ensure!(!Traces::of(&name)?.containers.is_empty(), "`clean` removed it");
    rollcall(&["down", &name]).run()?.code(0)?;
    assert_nothing_left(&name, &seen)?;
    rollcall(&["down", &name]).run()?.code(2)?.complains(&[&format!("there is no cluster `{name}`")])?;
    Ok(())
}

fn simulated_nodes_made_by_hand_are_changed_by_other_processes_and_survive_a_restart() -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("kubeconfig");
    let name = unique_name("sim");
    let rollcall = |words: &[&str]| Cli::new(words).env("HOME", directory.path());
    let on = |words: &[&str]| rollcall(words).arg("--cluster").arg(&name);
    let _guard = RemoveAtEnd(name.clone());
    let up = ["up", "--name", &name, "--workers", "0", "--simulated", "2", "--kubeconfig"];
    rollcall(&up).arg(&file).run()?.code(0)?.complains(&["of 1 node and 2 simulated is up"])?;
    let names = |nodes: &[Node]| nodes.iter().map(|node| view::name_of(&node.metadata).to_owned()).collect::<Vec<_>>();
    ensure!(names(&nodes(&file)?) == ["control-plane", "sim-1", "sim-2"]);

    on(&["node", "taint", "sim-1", "a=b:NoSchedule"]).run()?.code(0)?;
    on(&["node", "stop", "sim-1"]).run()?.code(2)?.complains(&["node `sim-1`", "is simulated", "no container"])?;
    on(&["node", "remove", "sim-2"]).run()?.code(0)?;
    ensure!(names(&nodes(&file)?) == ["control-plane", "sim-1"]);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let cluster = Cluster::find(&name).await?;
        cluster.scale_simulated_nodes("sim", 3, MADE).await
    })?;
    ensure!(names(&nodes(&file)?) == ["control-plane", "sim-1", "sim-2", "sim-3"]);

    let before = holder(&file, "sim-1")?;
    on(&["node", "restart", "control-plane"]).run()?.code(0)?;
    // The leases are those of the kwok before; this one takes them over when they have run out.
    eventually(Duration::from_secs(60), || {
        ensure!(holder(&file, "sim-1")? != before, "the lease is still held by {before:?}");
        let nodes = nodes(&file)?;
        ensure!(nodes.len() == 4 && nodes.iter().all(view::is_node_ready), "{:?}", names(&nodes));
        Ok(())
    })?;
    rollcall(&["down", &name]).run()?.code(0)?;
    Ok(())
}

fn a_port_that_is_taken_is_an_error_and_leaves_nothing() -> TestResult {
    let directory = tempfile::tempdir()?;
    let name = unique_name("port");
    let _guard = RemoveAtEnd(name.clone());
    let taken = TcpListener::bind(("127.0.0.1", 0))?;
    let port = taken.local_addr()?.port().to_string();
    let up = Cli::new(["up", "--name", &name, "--workers", "0", "--port", &port]).env("HOME", directory.path());
    up.run()?.code(3)?.complains(&[&port, "choose another port"])?;
    assert_nothing_left(&name, &Traces::default())
}

fn a_missing_node_image_says_what_builds_it() -> TestResult {
    let name = unique_name("old");
    let up = Cli::new(["up", "--name", &name, "--kubernetes", "1.99"]).run()?.code(3)?;
    up.complains(&["rollcall/node:v1.99", "make image KUBERNETES=1.99"])?;
    assert_nothing_left(&name, &Traces::default())
}

fn an_image_that_is_missing_ends_the_run_before_its_steps() -> TestResult {
    let scenario = written("noimage", "  - {name: 'fluentd:latest', use: 'rollcall/agent:none'}", "");
    let scenario = scenario?;
    let run = scenario.run().run()?.code(3)?;
    ensure!(run.to_string().contains("rollcall/agent:none") && run.to_string().contains("make image"), "{run}");
    assert_nothing_left(&scenario.name, &Traces::default())
}

fn an_expectation_that_does_not_hold_ends_with_its_code_and_leaves_nothing() -> TestResult {
    let scenario = written("red", IMAGES, "  - expect: {status: {daemonSet: log-collector, desired: 7}, within: 1s}")?;
    let mut running = scenario.run().start()?;
    let seen = traces_of_at_least(&scenario.name, 3, MADE)?;
    ensure!(!running.has_ended()?, "it has ended already");
    let run = running.end()?.code(5)?;
    ensure!(run.stdout.contains("desired") && run.stdout.contains('7'), "the reason is not told\n{run}");
    assert_nothing_left(&scenario.name, &seen)
}

fn a_kept_failure_can_be_looked_at_and_removed() -> TestResult {
    let scenario = written("kept", IMAGES, "  - expect: {status: {daemonSet: log-collector, desired: 7}, within: 1s}")?;
    let _guard = RemoveAtEnd(scenario.name.clone());
    let run = scenario.run().arg("--keep").run()?.code(5)?;
    let said = run.to_string();
    ensure!(said.contains("KUBECONFIG=") && said.contains("rollcall down "), "it is not told how to look\n{run}");
    let seen = Traces::of(&scenario.name)?;
    ensure!(seen.containers.len() == 3, "{seen:?}\n{run}");
    let file =
        said.split_once("KUBECONFIG=").and_then(|(_, rest)| rest.split(['`', '\n', ' ']).next()).context("a path")?;
    ensure!(nodes(Path::new(file))?.len() == 3, "it does not answer");
    let cluster = said.split_once("rollcall down ").and_then(|(_, rest)| rest.split(['`', '\n', ' ']).next());
    Cli::new(["down", cluster.context("a name")?]).run()?.code(0)?;
    ensure!(!Path::new(file).exists(), "the kubeconfig is left, and with it a key");
    assert_nothing_left(&scenario.name, &seen)
}

fn two_runs_at_once_both_hold() -> TestResult {
    let scenarios = [written("twin", IMAGES, "")?, written("twin", IMAGES, "")?];
    let running = scenarios.iter().map(|scenario| scenario.run().start()).collect::<Result<Vec<_>>>()?;
    let seen = scenarios.iter().map(|one| traces_of_at_least(&one.name, 3, MADE)).collect::<Result<Vec<_>>>()?;
    let ended = running.into_iter().map(|one| one.end()).collect::<Result<Vec<_>>>()?;
    for ((scenario, seen), ended) in scenarios.iter().zip(&seen).zip(ended) {
        ended.code(0)?;
        assert_nothing_left(&scenario.name, seen)?;
    }
    Ok(())
}

fn an_interrupted_run_leaves_nothing() -> TestResult {
    // From before the network is made until the steps run.
    for milliseconds in [60, 120, 180, 250, 350, 500, 1000, 2500, 8000] {
        interrupted(milliseconds).with_context(|| format!("interrupted after {milliseconds} ms"))?;
    }
    Ok(())
}

fn interrupted(milliseconds: u64) -> TestResult {
    let scenario = written("ctrl-c", IMAGES, HOLD)?;
    let _guard = RemoveAtEnd(scenario.name.clone());
    let mut running = scenario.run().start()?;
    ensure!(running.until(Duration::from_millis(milliseconds))?, "it has ended by itself");
    let seen = Traces::of(&scenario.name)?;
    running.signal(Signal::SIGINT)?;
    let run = running.end()?;
    // Before it listens for signals there is nothing to clean up either.
    if run.status.signal() != Some(Signal::SIGINT as i32) {
        run.code(3)?.complains(&["interrupted"])?;
    }
    assert_nothing_left(&scenario.name, &seen)
}

fn an_interrupted_start_by_hand_leaves_nothing() -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("kubeconfig");
    let moments = [20, 40, 60, 80, 100, 120, 150, 200, 250, 400, 1500];
    let mut seen = Vec::new();
    for milliseconds in moments {
        let name = unique_name("up");
        let mut running = Cli::new(["up", "--name", &name, "--kubeconfig"]).arg(&file).start()?;
        ensure!(running.until(Duration::from_millis(milliseconds))?, "it has ended by itself");
        seen.push((milliseconds, Traces::of(&name)?, RemoveAtEnd(name)));
        running.signal(Signal::SIGTERM)?;
        let up = running.end()?;
        // Before it listens for signals there is nothing to clean up either.
        if up.status.signal() != Some(Signal::SIGTERM as i32) {
            up.code(3)?.complains(&["interrupted"])?;
        }
    }
    // Only now: what the engine was told at the last moment has come to be in the meantime.
    for (milliseconds, seen, cluster) in &seen {
        assert_nothing_left(&cluster.0, seen).with_context(|| format!("interrupted after {milliseconds} ms"))?;
    }
    ensure!(!file.exists(), "a kubeconfig is left");
    Ok(())
}

fn a_killed_run_takes_its_containers_along() -> TestResult {
    let scenario = written("killed", IMAGES, HOLD)?;
    let _guard = RemoveAtEnd(scenario.name.clone());
    let mut running = scenario.run().start()?;
    traces_of_at_least(&scenario.name, 3, MADE)?;
    // Nodes that have joined, with pods.
    ensure!(running.until(Duration::from_secs(8))?, "it has ended by itself");
    let seen = Traces::of(&scenario.name)?;
    ensure!(seen.containers.len() == 3 && !seen.volumes.is_empty(), "{seen:?}");
    running.signal(Signal::SIGKILL)?;
    running.end()?;
    eventually(GONE, || seen.are_gone_but_for_networks())?;
    // The network has nobody who could remove it, until somebody comes by.
    Cli::new(["ls"]).run()?.code(0)?;
    assert_nothing_left(&scenario.name, &seen)
}

fn a_run_killed_while_it_makes_containers_is_swept_by_the_next_command() -> TestResult {
    let scenario = written("early", IMAGES, HOLD)?;
    let _guard = RemoveAtEnd(scenario.name.clone());
    let running = scenario.run().start()?;
    let mut seen = traces_of_at_least(&scenario.name, 1, MADE)?;
    running.signal(Signal::SIGKILL)?;
    running.end()?;
    seen.add(Traces::of(&scenario.name)?);
    // The engine may still be at work on what it was told.
    eventually(GONE, || {
        Cli::new(["clean"]).run()?.code(0)?;
        assert_nothing_left(&scenario.name, &seen)
    })?;
    Ok(())
}

fn a_dropped_cluster_leaves_nothing() -> TestResult {
    let name = unique_name("drop");
    let _guard = RemoveAtEnd(name.clone());
    let runtime = tokio::runtime::Runtime::new()?;
    let cluster = runtime.block_on(Cluster::builder().name(&name).workers(1).start())?;
    let seen = Traces::of(&name)?;
    ensure!(seen.containers.len() == 2, "{seen:?}");
    // Inside of the runtime too, where a destructor may not block on it.
    runtime.block_on(async move { drop(cluster) });
    assert_nothing_left(&name, &seen)
}

const IMAGES: &str = "  - {name: 'fluentd:latest', use: 'rollcall/agent:1'}";
const HOLD: &str = "  - hold: {converged: {daemonSet: log-collector}, for: 60s}";

/// A scenario with the collector and more steps.
fn written(stem: &str, images: &str, steps: &str) -> Result<Written> {
    let manifest = repository::root().join("manifests/01-log-collector-daemonset.yaml");
    let sections = format!(
        "images:
{images}
steps:
  - apply: {{file: '{}'}}
  - expect: {{converged: {{daemonSet: log-collector}}, within: 40s}}
{steps}",
        manifest.display()
    );
    Written::new(stem, &sections)
}

/// The nodes, asked for with a kubeconfig as anybody would.
fn nodes(kubeconfig: &Path) -> Result<Vec<Node>> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let nodes: Api<Node> = Api::all(client(kubeconfig).await?);
        Ok(nodes.list(&ListParams::default()).await?.items)
    })
}

/// Who holds the lease of a node.
fn holder(kubeconfig: &Path, node: &str) -> Result<Option<String>> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let leases: Api<Lease> = Api::namespaced(client(kubeconfig).await?, "kube-node-lease");
        Ok(leases.get(node).await?.spec.and_then(|spec| spec.holder_identity))
    })
}

async fn client(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}
