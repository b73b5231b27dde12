//! `rollcall validate` on real clusters: an agent that is as it should be passes every gate, and each fault fails
//! exactly the gate that is for it.

use std::{fs, process::ExitCode};

use anyhow::{Context, ensure};
use rollcall_tests::{Cli, TestResult, docker::docker, lone_tests, says, suite};
use serde_json::Value;

fn main() -> ExitCode {
    let tests = lone_tests![
        what_is_as_it_should_be_passes_every_gate,
        one_that_ignores_sigterm_fails_that_gate_and_no_other,
        one_that_ends_at_once_comes_up_nowhere_and_the_rest_is_skipped,
        a_new_version_that_never_gets_ready_is_told_with_its_cause,
        an_image_that_is_not_there_is_named_with_those_that_are,
    ];
    suite::run(tests.into_iter().map(|(name, run)| suite::trial(name, run)).collect())
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

/// The scorecard of an image with this manifest, and how the command ended.
fn validated(faults: &str, words: &[&str], code: i32) -> anyhow::Result<(Value, String)> {
    let before = things()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("agent.yaml");
    fs::write(&file, manifest(faults))?;
    let evidence = folder.path().join("evidence");
    let run = Cli::new(["validate", "rollcall/agent:2", "-o", "json", "--manifest"]).arg(&file);
    let run = run.arg("--evidence").arg(&evidence).args(words.iter().copied());
    let ended = run.deadline(std::time::Duration::from_secs(600)).run()?.code(code)?;
    let card = serde_json::from_str(&ended.stdout).with_context(|| ended.to_string())?;
    ensure!(things()? == before, "something is left of\n{ended}");
    Ok((card, ended.to_string()))
}

/// The gates that ended so.
fn gates<'a>(card: &'a Value, outcome: &str) -> Vec<&'a str> {
    let gates = card["gates"].as_array().into_iter().flatten();
    gates.filter(|gate| gate["outcome"] == outcome).filter_map(|gate| gate["gate"].as_str()).collect()
}

fn what_is_as_it_should_be_passes_every_gate() -> TestResult {
    let (card, all) = validated("", &["--from", "rollcall/agent:1", "--soak", "3s"], 0)?;
    ensure!(gates(&card, "passed").len() == 12 && card["passes"] == true, "{all}");
    let measures = |name: &str| {
        let gate = card["gates"].as_array().into_iter().flatten().find(|gate| gate["gate"] == name).cloned();
        gate.unwrap_or_default()["measures"].as_array().cloned().unwrap_or_default()
    };
    for (gate, count) in [("comes-up", 3), ("control-plane", 1), ("node-joins", 1), ("stops", 1), ("upgrade", 3)] {
        let found = measures(gate);
        ensure!(found.len() == count && found.iter().all(|measure| measure["ms"].as_u64().is_some()), "{gate}: {all}");
    }
    // A pod of the former version is gone before that of the new one is made.
    ensure!(measures("upgrade").iter().all(|gap| gap["ms"].as_u64() > Some(100)), "{all}");
    Ok(())
}

fn one_that_ignores_sigterm_fails_that_gate_and_no_other() -> TestResult {
    let (card, all) = validated("ignore-sigterm", &[], 5)?;
    ensure!(gates(&card, "failed") == ["stops"] && gates(&card, "environment").is_empty(), "{all}");
    ensure!(gates(&card, "passed").contains(&"node-reboots"), "{all}");
    ensure!(gates(&card, "skipped") == ["upgrade", "rollback", "soak"], "{all}");
    Ok(())
}

fn one_that_ends_at_once_comes_up_nowhere_and_the_rest_is_skipped() -> TestResult {
    let (card, all) = validated("exit-code=0", &["--ready-within", "15s"], 5)?;
    ensure!(gates(&card, "failed") == ["comes-up"], "{all}");
    ensure!(gates(&card, "passed") == ["image", "privilege"], "{all}");
    let failed = card["gates"].as_array().into_iter().flatten().find(|gate| gate["outcome"] == "failed");
    let failed = failed.context("a gate failed")?;
    says(&failed["reasons"].to_string(), &["crash-loop", "exit code 0"])?;
    ensure!(failed["evidence"].as_str().is_some_and(|path| path.contains("evidence")), "{all}");
    let stops = card["gates"].as_array().into_iter().flatten().find(|gate| gate["gate"] == "stops");
    says(&stops.context("every gate is told")?["reasons"].to_string(), &["gate `comes-up` failed"])
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
