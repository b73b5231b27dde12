//! By the command line: a run that fails leaves its evidence and its cluster, which other commands find and change.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, ensure};
use rollcall::DistroName;
use serde_json::Value;

use crate::{
    Cli, TestResult, distros,
    docker::{RemoveAtEnd, Traces, assert_nothing_left},
    written::Written,
};

/// How long a whole run of the slowest distro may take.
const RUN: Duration = Duration::from_secs(300);

pub(super) fn a_failure_is_kept_looked_at_and_removed(distro: DistroName) -> TestResult {
    let scenario = Written::new(
        &format!("kept-{distro}"),
        "steps:\n  - expect: {nodeReady: {nodes: [worker-1], ready: false}, within: 1s}\n",
    )?;
    let evidence = scenario.folder().join("evidence");
    let mut run = scenario.run().args(["--keep", "--distro", distro.as_str()]);
    if let Some(image) = distros::node_image(distro)? {
        run = run.args(["--node-image", &image]);
    }
    let _guard = RemoveAtEnd(scenario.name.clone());
    let run = run.arg("--evidence").arg(&evidence).deadline(RUN).run()?.code(5)?;
    let folder = run.stdout.lines().last().map(Path::new).context("something is printed")?;
    for node in ["control-plane", "worker-1", "worker-2"] {
        let logs = folder.join("nodes").join(node);
        let files = fs::read_dir(&logs).with_context(|| format!("the logs of `{node}`"))?;
        let lengths = files.map(|file| Ok(file?.metadata()?.len())).collect::<std::io::Result<Vec<_>>>()?;
        ensure!(lengths.iter().sum::<u64>() > 1_000, "the logs of `{node}` have {lengths:?} bytes");
    }

    let name = listed(&scenario.name, distro)?;
    let seen = Traces::of(&name)?;
    let on = |words: &[&str]| Cli::new(words).args(["--cluster", &name, "--within", "2m"]).deadline(RUN).run();
    on(&["node", "add", "late", "--label", "pool=late"])?.code(0)?;
    on(&["node", "stop", "late"])?.code(0)?;
    on(&["node", "start", "late"])?.code(0)?;
    on(&["node", "remove", "late"])?.code(0)?;
    Cli::new(["down", &name]).run()?.code(0)?;
    assert_nothing_left(&name, &seen)
}

/// The cluster as `rollcall ls` knows it: its nodes, and nothing that is none.
fn listed(begins: &str, distro: DistroName) -> anyhow::Result<String> {
    let listed: Value = serde_json::from_str(&Cli::new(["ls", "--output", "json"]).run()?.code(0)?.stdout)?;
    let ours = listed.as_array().into_iter().flatten();
    let mut ours = ours.filter(|cluster| cluster["name"].as_str().is_some_and(|name| name.starts_with(begins)));
    let ours = ours.next_back().with_context(|| format!("the cluster is not listed: {listed}"))?;
    ensure!(ours["distro"] == distro.as_str(), "{ours}");
    let nodes: Vec<&str> =
        ours["nodes"].as_array().into_iter().flatten().filter_map(|node| node["name"].as_str()).collect();
    ensure!(nodes == ["control-plane", "worker-1", "worker-2"], "{nodes:?}");
    Ok(ours["name"].as_str().unwrap_or_default().to_owned())
}
