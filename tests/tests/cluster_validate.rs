//! `rollcall validate` on real clusters: an agent that is as it should be passes every gate, and each fault fails
//! exactly the gate that is for it.

use std::{fs, process::ExitCode};

use anyhow::{Context, ensure};
use rollcall_tests::{Cli, TestResult, docker::docker, lone_tests, says, suite};
use serde_json::Value;

fn main() -> ExitCode {
    let before = things();
    let tests = lone_tests![
        what_is_as_it_should_be_passes_every_gate,
        one_that_ignores_sigterm_fails_that_gate_and_no_other,
        one_that_ends_at_once_comes_up_nowhere_and_the_rest_is_skipped,
        one_that_uses_up_its_limits_fails_that_gate_and_no_other,
        one_that_lasts_only_for_a_while_fails_the_soak_and_no_other,
        one_that_fails_on_a_node_that_joins_fails_that_gate_and_no_other,
        one_that_takes_a_port_of_its_node_and_does_not_say_so_cannot_surge,
        one_with_all_that_agents_have_passes,
        what_it_could_do_without_is_told,
        a_new_version_that_never_gets_ready_is_told_with_its_cause,
        an_image_without_its_program_says_that_it_is_not_there,
        an_image_that_is_not_there_is_named_with_those_that_are,
        what_is_no_image_is_refused,
    ];
    let nothing_is_left = suite::trial("nothing_is_left", move || {
        let (before, now) = (before?, things()?);
        ensure!(now == before, "containers, volumes and networks were {before:?} and are {now:?}");
        Ok(())
    });
    suite::run_in_pairs(tests.into_iter().map(|(name, run)| suite::trial(name, run)).collect(), nothing_is_left)
}

/// An agent with faults, and a ConfigMap that it needs.
fn manifest(faults: &str) -> String {
    format!(
        "apiVersion: v1
kind: Namespace
metadata: {{name: agents}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: agents}}
data: {{level: debug}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: agent, namespace: agents}}
spec:
  selector: {{matchLabels: {{app: agent}}}}
  minReadySeconds: 1
  template:
    metadata: {{labels: {{app: agent}}}}
    spec:
      tolerations: [{{key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}}]
      terminationGracePeriodSeconds: 2
      containers:
        - name: agent
          image: rollcall/agent:released
          env:
            - {{name: AGENT_FAULTS, value: '{faults}'}}
            - {{name: LEVEL, valueFrom: {{configMapKeyRef: {{name: settings, key: level}}}}}}
          readinessProbe: {{httpGet: {{path: /healthz, port: 8080}}, periodSeconds: 1}}
"
    )
}

/// Every container, volume and network of the engine.
fn things() -> anyhow::Result<[String; 3]> {
    Ok([
        docker(&["ps", "--all", "--quiet"])?,
        docker(&["volume", "ls", "--quiet"])?,
        docker(&["network", "ls", "--quiet"])?,
    ])
}

/// The scorecard of an agent with these faults, and how the command ended.
fn validated(faults: &str, words: &[&str], code: i32) -> anyhow::Result<(Value, String)> {
    validated_with(&manifest(faults), words, code)
}

/// The scorecard of an image with this manifest, and how the command ended.
fn validated_with(manifest: &str, words: &[&str], code: i32) -> anyhow::Result<(Value, String)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("agent.yaml");
    fs::write(&file, manifest)?;
    let evidence = folder.path().join("evidence");
    let run = Cli::new(["validate", "rollcall/agent:2", "-o", "json", "--manifest"]).arg(&file);
    // These tests run side by side themselves.
    let alone: &[&str] = if words.contains(&"--parallel") { &[] } else { &["--parallel", "1"] };
    let run = run.arg("--evidence").arg(&evidence).args(words.iter().chain(alone).copied());
    let ended = run.deadline(std::time::Duration::from_secs(600)).run()?.code(code)?;
    let card = serde_json::from_str(&ended.stdout).with_context(|| ended.to_string())?;
    Ok((card, ended.to_string()))
}

/// The gates that ended so.
fn gates<'a>(card: &'a Value, outcome: &str) -> Vec<&'a str> {
    let gates = card["gates"].as_array().into_iter().flatten();
    gates.filter(|gate| gate["outcome"] == outcome).filter_map(|gate| gate["gate"].as_str()).collect()
}

/// A gate by its name.
fn gate<'a>(card: &'a Value, name: &str) -> anyhow::Result<&'a Value> {
    let mut gates = card["gates"].as_array().into_iter().flatten();
    gates.find(|gate| gate["gate"] == name).with_context(|| format!("gate {name} is not told"))
}

fn what_is_as_it_should_be_passes_every_gate() -> TestResult {
    let (card, all) = validated("", &["--from", "rollcall/agent:1", "--soak", "3s", "--parallel", "2"], 0)?;
    ensure!(gates(&card, "skipped") == ["mounts", "memory-limit", "least-privilege"], "{all}");
    ensure!(gates(&card, "passed").len() == 14 && card["passes"] == true, "{all}");
    let measures = |name: &str| {
        let found = gate(&card, name).map(|gate| gate["measures"].as_array().cloned());
        found.ok().flatten().unwrap_or_default()
    };
    for (gate, count) in [("control-plane", 1), ("node-joins", 1), ("stops", 1), ("upgrade", 3), ("resources", 4 * 3)] {
        let found = measures(gate);
        ensure!(
            found.len() == count && found.iter().all(|measure| measure["value"].as_u64().is_some()),
            "{gate}: {all}"
        );
    }
    // A pod of the former version is gone before that of the new one is made.
    ensure!(measures("upgrade").iter().all(|gap| gap["value"].as_u64() > Some(100)), "{all}");
    Ok(())
}

fn one_that_ignores_sigterm_fails_that_gate_and_no_other() -> TestResult {
    let (card, all) = validated("ignore-sigterm", &[], 5)?;
    ensure!(gates(&card, "failed") == ["stops"] && gates(&card, "environment").is_empty(), "{all}");
    ensure!(gates(&card, "passed").contains(&"node-reboots"), "{all}");
    let skipped = ["mounts", "memory-limit", "upgrade", "rollback", "soak", "least-privilege"];
    ensure!(gates(&card, "skipped") == skipped, "{all}");
    says(&gate(&card, "stops")?["reasons"].to_string(), &["no container of the agent is killed", "SIGTERM"])?;
    Ok(())
}

fn one_that_ends_at_once_comes_up_nowhere_and_the_rest_is_skipped() -> TestResult {
    let (card, all) = validated("exit-code=0", &["--ready-within", "15s"], 5)?;
    ensure!(gates(&card, "failed") == ["comes-up"], "{all}");
    ensure!(gates(&card, "passed") == ["image", "privilege"], "{all}");
    let failed = gate(&card, "comes-up")?;
    says(&failed["reasons"].to_string(), &["crash-loop", "exit code 0"])?;
    ensure!(failed["evidence"].as_str().is_some_and(|path| path.contains("evidence")), "{all}");
    says(&gate(&card, "stops")?["reasons"].to_string(), &["gate `comes-up` failed"])
}

/// The gates that leave a cluster as they found it and are over soon, with the one that is meant to fail.
fn some<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let gates = ["image", "comes-up", "resources", "stops"];
    gates.into_iter().flat_map(|gate| ["--gate", gate]).chain(more.iter().copied()).collect()
}

fn one_that_uses_up_its_limits_fails_that_gate_and_no_other() -> TestResult {
    let limited = |fault: &str, limit: &str| {
        manifest(fault).replace("env:", &format!("resources: {{limits: {{{limit}}}}}\n          env:"))
    };
    let text = limited("allocate=44Mi", "memory: 48Mi");
    let (card, all) = validated_with(&text, &some(&[]), 5)?;
    ensure!(gates(&card, "failed") == ["resources"] && gates(&card, "passed").len() == 3, "{all}");
    let failed = gate(&card, "resources")?;
    says(&failed["reasons"].to_string(), &["% of its limit", "remedy"])?;
    // What was measured is told all the same, of each of three nodes.
    let measures = failed["measures"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(measures.iter().filter(|measure| measure["what"] == "memory").count() == 3, "{all}");
    let text = limited("burn-cpu=1", "cpu: 200m");
    let (card, all) = validated_with(&text, &some(&[]), 5)?;
    ensure!(gates(&card, "failed") == ["resources"] && gates(&card, "passed").len() == 3, "{all}");
    says(&gate(&card, "resources")?["reasons"].to_string(), &["its CPU limit held it back", "remedy"])
}

fn one_that_lasts_only_for_a_while_fails_the_soak_and_no_other() -> TestResult {
    let words = ["--gate", "image", "--gate", "comes-up", "--gate", "soak", "--soak", "30s"];
    let (card, all) = validated("crash-after=20s", &words, 5)?;
    ensure!(gates(&card, "failed") == ["soak"] && gates(&card, "passed") == ["image", "comes-up"], "{all}");
    Ok(())
}

fn one_that_fails_on_a_node_that_joins_fails_that_gate_and_no_other() -> TestResult {
    let words = some(&["--gate", "node-joins", "--ready-within", "15s"]);
    let name = "env:\n            - {name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}";
    let text = manifest("on-node=joiner:exit-code=3").replace("env:", name);
    let (card, all) = validated_with(&text, &words, 5)?;
    ensure!(gates(&card, "failed") == ["node-joins"] && gates(&card, "passed").len() == 4, "{all}");
    says(&gate(&card, "node-joins")?["reasons"].to_string(), &["crash-loop", "joiner"])
}

fn one_that_takes_a_port_of_its_node_and_does_not_say_so_cannot_surge() -> TestResult {
    let text = manifest("").replace("      tolerations:", "      hostNetwork: true\n      tolerations:");
    let (card, all) = validated_with(&text, &some(&["--gate", "surge", "--rollout-within", "15s"]), 5)?;
    ensure!(gates(&card, "failed") == ["surge"] && gates(&card, "passed").len() == 4, "{all}");
    says(&gate(&card, "surge")?["reasons"].to_string(), &["no fixed ports"])
}

/// A definition and an object of it, a ConfigMap, a port of the node, a folder of its own on the node, one that is only
/// read, and limits.
const EVERYTHING: &str = include_str!("../agents/everything.yaml");

fn one_with_all_that_agents_have_passes() -> TestResult {
    let gates_of_it = ["comes-up", "mounts", "resources", "memory-limit", "stops", "upgrade", "node-pressure"];
    let mut words: Vec<&str> = gates_of_it.into_iter().flat_map(|gate| ["--gate", gate]).collect();
    words.extend(["--from", "rollcall/agent:1"]);
    let (card, all) = validated_with(EVERYTHING, &words, 0)?;
    ensure!(gates(&card, "passed") == gates_of_it, "{all}");
    let measured = |name: &str, what: &str| -> anyhow::Result<usize> {
        let found = gate(&card, name)?["measures"].as_array().cloned().unwrap_or_default();
        Ok(found.iter().filter(|measure| measure["what"] == what && measure["value"].as_u64() > Some(0)).count())
    };
    let wanted =
        [("comes-up", "time to pull", 1), ("resources", "memory", 1), ("upgrade", "without an available pod", 3)];
    for (name, what, count) in wanted {
        ensure!(measured(name, what)? >= count, "{name} has no measure {what}: {all}");
    }
    Ok(())
}

fn what_it_could_do_without_is_told() -> TestResult {
    let text = manifest("").replace("      tolerations:", "      hostPID: true\n      tolerations:");
    let text = text.replace(
        "env:",
        "command: [/agent]\n          securityContext: {capabilities: {add: [SYS_PTRACE], drop: [ALL]}, \
        readOnlyRootFilesystem: true, runAsUser: 65534, runAsNonRoot: true}\n          env:",
    );
    let (card, all) = validated_with(&text, &["--gate", "least-privilege", "--trials"], 0)?;
    let notes = gate(&card, "least-privilege")?["notes"].to_string();
    says(&notes, &["stays ready without hostPID", "stays ready without capability SYS_PTRACE"])?;
    ensure!(gate(&card, "least-privilege")?["notes"].as_array().map(Vec::len) == Some(2), "{all}");
    Ok(())
}

fn a_new_version_that_never_gets_ready_is_told_with_its_cause() -> TestResult {
    let words = ["--ready-within", "10s", "--gate", "comes-up", "--gate", "image"];
    let (card, all) = validated("on-version=2:not-ready-after=0s", &words, 5)?;
    ensure!(gates(&card, "failed") == ["comes-up"] && gates(&card, "passed") == ["image"], "{all}");
    says(&card.to_string(), &["probe-failed"])
}

fn an_image_that_is_not_there_is_named_with_those_that_are() -> TestResult {
    let ended = Cli::new(["validate", "rollcall/agnet:2"]).run()?.code(3)?;
    ended.complains(&["rollcall/agnet:2", "there is `rollcall/agent:"])?;
    Ok(())
}

/// An image of nothing but a configuration, without a manifest.
fn an_image_without_its_program_says_that_it_is_not_there() -> TestResult {
    const IMAGE: &str = "rollcall-tests/without-program:1";
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("empty.tar");
    // Two empty blocks end an archive.
    fs::write(&archive, [0; 1024])?;
    let archive = archive.to_str().context("a path of text")?;
    docker(&["import", "--change", "ENTRYPOINT [\"/nothing\"]", archive, IMAGE])?;
    let evidence = folder.path().join("evidence");
    let words = ["validate", IMAGE, "-o", "json", "--ready-within", "10s", "--gate", "comes-up", "--gate", "stops"];
    let ended = Cli::new(words).arg("--evidence").arg(evidence).deadline(std::time::Duration::from_secs(300)).run();
    docker(&["rmi", IMAGE])?;
    let ended = ended?.code(5)?;
    let card: Value = serde_json::from_str(&ended.stdout).with_context(|| ended.to_string())?;
    ensure!(gates(&card, "failed") == ["comes-up"] && gates(&card, "skipped") == ["stops"], "{ended}");
    says(&gate(&card, "comes-up")?["reasons"].to_string(), &["command-not-found", "/nothing"])
}

fn what_is_no_image_is_refused() -> TestResult {
    let folder = tempfile::tempdir()?;
    let notes = folder.path().join("notes.txt");
    fs::write(&notes, "not an image\n")?;
    let ended = Cli::new(["validate"]).arg(&notes).run()?.code(3)?;
    ended.complains(&["notes.txt"])?;
    Ok(())
}
