//! What a scenario that fails leaves behind: reports for programs, and one folder with everything a person looks for.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};
use rollcall_tests::{
    TestResult,
    docker::{Traces, assert_nothing_left},
    lone_tests, says, suite,
    written::Written,
};
use serde_json::Value;

fn main() -> ExitCode {
    let tests = lone_tests![a_failure_leaves_reports_and_a_folder_without_secrets, evidence_can_be_switched_off];
    suite::run(tests.into_iter().map(|(name, run)| suite::trial(name, run)).collect())
}

/// What the Secret holds, in clear and as the API server has it.
const SECRETS: [&str; 2] = ["hunter2-is-not-to-be-written", "aHVudGVyMi1pcy1ub3QtdG8tYmUtd3JpdHRlbg=="];
/// What the ConfigMap holds.
const SETTING: &str = "a-setting-is-not-to-be-written";

const MANIFEST: &str = "
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: hunter2-is-not-to-be-written}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {setting: a-setting-is-not-to-be-written}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: crashing}
spec:
  selector: {matchLabels: {app: crashing}}
  template:
    metadata: {labels: {app: crashing}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: agent
          image: rollcall/agent:1
          env:
            - {name: AGENT_FAULTS, value: crash-after=8s}
            - {name: TOKEN, valueFrom: {secretKeyRef: {name: token, key: token}}}
            - {name: SETTING, valueFrom: {configMapKeyRef: {name: settings, key: setting}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: imageless}
spec:
  selector: {matchLabels: {app: imageless}}
  template:
    metadata: {labels: {app: imageless}}
    spec:
      containers: [{name: agent, image: 'registry.invalid/nothing:1'}]
";

/// One agent crashes and is in its second life, the other is on a node that answers nobody, and an image is missing.
const STEPS: &str = "
  - apply: {file: agents.yaml}
  - name: settled
    expect: {pods: {daemonSet: crashing, count: 2, ready: true}, within: 40s}
  - name: crashed
    expect: {not: {notRestarted: {daemonSet: crashing, node: worker-1, since: settled}}, within: 40s}
  - pauseNode: worker-2
  - expect: {converged: {daemonSet: imageless}, within: 1s}
  - expect: {nodeReady: {all: true}, within: 1s}
";

fn a_failure_leaves_reports_and_a_folder_without_secrets() -> TestResult {
    let scenario = written("evidence", MANIFEST, STEPS)?;
    let [xml, json, evidence] = ["new/r.xml", "new/r.json", "evidence"].map(|name| scenario.folder().join(name));
    let run = scenario.run().arg("--report").arg(&xml).arg("--report").arg(&json).arg("--evidence").arg(&evidence);
    let run = run.run()?.code(5)?;
    assert_nothing_left(&scenario.name, &Traces::default())?;

    let folder = PathBuf::from(run.stdout.lines().last().context("something is printed")?);
    ensure!(folder.parent() == Some(&evidence) && folder.is_dir(), "the last line is not the folder\n{run}");
    the_folder_is_complete(&folder).with_context(|| run.to_string())?;
    nothing_secret_is_in(&folder)?;
    junit_is_right(&scenario.name, &fs::read_to_string(&xml)?)?;
    json_is_right(&scenario.name, &folder, &serde_json::from_str(&fs::read_to_string(&json)?)?)
}

fn the_folder_is_complete(folder: &Path) -> TestResult {
    let read = |name: &str| fs::read_to_string(folder.join(name)).with_context(|| format!("`{name}`"));
    let pods: Value = serde_json::from_str(&read("objects/pods.json")?)?;
    let pod = |daemon_set: &str, node: &str| -> Result<String> {
        let found =
            pods["items"].as_array().into_iter().flatten().find(|pod| {
                pod["metadata"]["ownerReferences"][0]["name"] == daemon_set && pod["spec"]["nodeName"] == node
            });
        let name = found.and_then(|pod| pod["metadata"]["name"].as_str());
        Ok(name.with_context(|| format!("`{daemon_set}` has no pod on `{node}` in objects/pods.json"))?.to_owned())
    };
    let (failing, crashed, frozen) =
        (pod("imageless", "worker-1")?, pod("crashing", "worker-1")?, pod("crashing", "worker-2")?);

    let nodes = read("nodes.txt")?;
    let line = |text: &str, name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    says(&nodes, &["NODE", "TAINTS", "node-role.kubernetes.io/control-plane:NoSchedule", "default/imageless"])?;
    says(&line(&nodes, &failing), &["worker-1", "Pending", "registry.invalid/nothing:1"])?;
    says(&line(&nodes, &crashed), &["worker-1", " 1 "])?;
    says(&read("events.txt")?, &[&format!("Pod default/{failing}"), "Failed to pull image"])?;
    says(&read("failure.txt")?, &["did not hold", "05 expect daemonset `imageless` converged", &failing])?;
    says(&read("recording.jsonl")?, &["runStarted", "clusterStarted", "stepFinished", &failing])?;
    for kind in ["nodes", "daemonsets", "controllerrevisions", "events"] {
        let list: Value = serde_json::from_str(&read(&format!("objects/{kind}.json"))?)?;
        ensure!(list["items"].as_array().is_some_and(|items| items.len() >= 2), "objects/{kind}.json is {list}");
    }
    says(&read("objects/configmaps.json")?, &["settings", "kube-root-ca.crt"])?;
    says(&read("objects/services.json")?, &["kubernetes"])?;
    for node in ["control-plane", "worker-1", "worker-2"] {
        ensure!(!read(&format!("nodes/{node}/kubelet.log"))?.is_empty(), "the kubelet of `{node}` said nothing");
    }
    // Of a frozen node it is said why there is none.
    for (node, said) in [("worker-1", "containerd --config"), ("worker-2", "paused")] {
        says(&read(&format!("nodes/{node}/processes.log"))?, &[said])?;
    }
    for program in ["containerd", "kubelet"] {
        says(&read(&format!("nodes/worker-1/{program}-stacks.log"))?, &["goroutine "])?;
    }
    says(&read("nodes/control-plane/kube-apiserver.log")?, &["\n"])?;
    for life in ["log", "previous.log"] {
        says(&read(&format!("pods/default_{crashed}_agent.{life}"))?, &["start version=1"])?;
    }
    // What there cannot be is named with its reason, and nothing else is missing.
    let missing = read("missing.txt")?;
    says(&line(&missing, &format!("default_{failing}_agent.log")), &["not been started", "ErrImagePull"])
        .or_else(|_| says(&line(&missing, &format!("default_{failing}_agent.log")), &["ImagePullBackOff"]))?;
    says(&line(&missing, &format!("default_{frozen}_agent.log")), &["no answer within 8s"])?;
    let unexpected: Vec<&str> =
        missing.lines().filter(|line| !line.contains("imageless-") && !line.contains(&frozen)).collect();
    ensure!(unexpected.is_empty(), "{unexpected:#?}");
    Ok(())
}

/// Every file is its owner's alone, and none has a key or what a Secret or a ConfigMap holds.
fn nothing_secret_is_in(folder: &Path) -> TestResult {
    let mode = |path: &Path| Ok::<u32, std::io::Error>(path.metadata()?.permissions().mode() & 0o777);
    ensure!(mode(folder)? == 0o700, "the folder has mode {:o}", mode(folder)?);
    let mut files = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            ensure!(mode(&path)? == 0o600, "`{}` has mode {:o}", path.display(), mode(&path)?);
            let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            for secret in ["PRIVATE KEY", SECRETS[0], SECRETS[1], SETTING] {
                ensure!(!text.contains(secret), "`{}` holds `{secret}`", path.display());
            }
        }
    }
    ensure!(files > 20, "only {files} files were looked at");
    Ok(())
}

fn junit_is_right(scenario: &str, text: &str) -> TestResult {
    let document = roxmltree::Document::parse(text)?;
    let root = document.root_element();
    ensure!(root.has_tag_name("testsuites") && root.attribute("name") == Some("rollcall"), "{text}");
    let suite = root.first_element_child().context("a suite")?;
    ensure!(suite.attribute("name") == Some(scenario), "{text}");
    for (attribute, count) in [("tests", "6"), ("failures", "1"), ("errors", "0"), ("skipped", "1")] {
        ensure!(root.attribute(attribute) == Some(count) && suite.attribute(attribute) == Some(count), "{text}");
    }
    let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
    let names: Vec<_> = cases.iter().filter_map(|case| case.attribute("name")).collect();
    ensure!(names.len() == 6 && names[..3] == ["01 apply `agents.yaml`", "settled", "crashed"], "{names:?}");
    let with = |tag: &str| cases.iter().filter(|case| case.children().any(|node| node.has_tag_name(tag))).count();
    ensure!((with("failure"), with("error"), with("skipped")) == (1, 0, 1), "{text}");
    let failure = cases[4].first_element_child().context("the fifth step failed")?;
    says(failure.attribute("message").unwrap_or_default(), &["daemonset `imageless` did not converge"])?;
    says(failure.text().unwrap_or_default(), &["`worker-1`", "registry.invalid/nothing:1", "evidence: "])
}

fn json_is_right(scenario: &str, folder: &Path, report: &Value) -> TestResult {
    ensure!((&report["kind"], &report["format"]) == (&"RollcallReport".into(), &1.into()), "{report:#}");
    let totals = serde_json::json!({"scenarios": 1, "held": 0, "didNotHold": 1, "environment": 0, "skipped": 0});
    ensure!(report["totals"] == totals, "{report:#}");
    let found = &report["scenarios"][0];
    ensure!((&found["name"], &found["verdict"]) == (&scenario.into(), &"didNotHold".into()), "{report:#}");
    ensure!(found["evidence"] == folder.to_string_lossy().as_ref(), "{report:#}");
    let outcomes: Vec<&str> =
        found["steps"].as_array().into_iter().flatten().filter_map(|step| step["outcome"].as_str()).collect();
    ensure!(outcomes == ["held", "held", "held", "held", "didNotHold", "notReached"], "{outcomes:?}");
    // The time until it was true, and not that of the whole run.
    let took = found["steps"][4]["tookMs"].as_u64().unwrap_or_default();
    ensure!((1000..3000).contains(&took), "the step took {took} ms");
    ensure!(found["cluster"]["tookMs"].as_u64().is_some_and(|took| took > 500), "{report:#}");
    ensure!(found["cleanup"]["outcome"] == "done", "{report:#}");
    Ok(())
}

fn evidence_can_be_switched_off() -> TestResult {
    let steps = "
  - apply: {file: agents.yaml}
  - expect: {status: {daemonSet: crashing, desired: 7}, within: 1s}
";
    let scenario = written("noevidence", MANIFEST, steps)?;
    let json = scenario.folder().join("r.json");
    let run = scenario.run().arg("--report").arg(&json).arg("--no-evidence").run()?.code(5)?;
    ensure!(run.stdout.ends_with("\n0 passed, 1 failed\n"), "{run}");
    let report: Value = serde_json::from_str(&fs::read_to_string(&json)?)?;
    ensure!(report["scenarios"][0]["evidence"].is_null(), "{report:#}");
    Ok(())
}

fn written(stem: &str, manifest: &str, steps: &str) -> Result<Written> {
    Written::new(stem, &format!("steps:{steps}"))?.beside("agents.yaml", manifest)
}
