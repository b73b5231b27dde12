//! Every gate of `rollcall validate` but the soak, for an agent to which all of them apply, by the release build of the
//! command line.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

const MANIFEST: &str = "tests/agents/everything.yaml";
/// What keeps two of its pods from one node, and so keeps gate `surge` from being tried.
const PORT_OF_NODE: &str = ", hostPort: 9180";
/// Those that are skipped unless they are asked for.
const NOT_TRIED: [&str; 2] = ["soak", "least-privilege"];

pub(crate) fn measure() -> Result<Duration> {
    let manifest = fs::read_to_string(MANIFEST).context(MANIFEST)?;
    ensure!(manifest.contains(PORT_OF_NODE), "`{MANIFEST}` has no `{PORT_OF_NODE}`");
    let folder = std::env::temp_dir().join(format!("rollcall-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let file = folder.join("agent.yaml");
    fs::write(&file, manifest.replace(PORT_OF_NODE, ""))?;
    let program = std::env::current_exe()?.with_file_name("rollcall");
    let started = Instant::now();
    let mut command = Command::new(&program);
    command.args([
        "validate",
        "rollcall/agent:2",
        "--from",
        "rollcall/agent:1",
        "--no-evidence",
        "-o",
        "json",
        "--manifest",
    ]);
    let ended = command.arg(&file).stderr(Stdio::inherit()).output();
    let took = started.elapsed();
    fs::remove_dir_all(&folder)?;
    let ended = ended.with_context(|| format!("{}", program.display()))?;
    let card: Value = serde_json::from_slice(&ended.stdout)
        .with_context(|| format!("no scorecard: {}", String::from_utf8_lossy(&ended.stdout)))?;
    let gates = card["gates"].as_array().into_iter().flatten();
    let other: Vec<&Value> = gates.filter(|gate| gate["outcome"] != "passed").map(|gate| &gate["gate"]).collect();
    ensure!(other == NOT_TRIED, "not every gate was passed: {card:#}");
    Ok(took)
}
