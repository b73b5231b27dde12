//! A scenario to begin with and the manifests its tests know.
#![allow(dead_code, reason = "each test target uses a part")]

pub(crate) mod everything;
pub(crate) mod files;
pub(crate) mod world;

use rollcall_model::{Problems, Scenario};

pub(crate) const HEAD: &str = "\
apiVersion: rollcall.dev/v1
kind: Scenario
metadata: {name: test}
cluster:
  nodes:
    - {name: control-plane, role: control-plane}
    - {name: worker, count: 2}
";

pub(crate) const COLLECTOR: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: logging}
data: {a: b}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log-collector}
spec:
  selector: {matchLabels: {app: log-collector}}
  template:
    metadata: {labels: {app: log-collector}}
    spec:
      initContainers: [{name: prepare, image: busybox}]
      containers: [{name: collector, image: 'fluentd:latest'}]
      volumes: [{name: v, configMap: {name: settings, defaultMode: 0644}}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: logging}
spec:
  template: {spec: {containers: [{name: agent, image: agent}]}}
";

/// The head of a file of steps.
const STEPS: &str = "apiVersion: rollcall.dev/v1\nkind: Steps\n";

/// Steps with a parameter that must be given and one that need not.
const SETTLE: &str = "\
# Waits until a DaemonSet has settled.
apiVersion: rollcall.dev/v1
kind: Steps
parameters: {daemonSet: null, within: 20s}
steps:
  - expect: {converged: {daemonSet: '${daemonSet}'}, within: '${within}'}
";

/// Steps with mistakes, which must be shown with this file's lines.
const WRONG: &str = "\
apiVersion: rollcall.dev/v1
kind: Steps
parameter: {node: worker-1}
steps:
  - cordon: worker-9
  - taintt: {node: worker-1}
";

/// Uses a file beside it.
const OUTER: &str = "\
apiVersion: rollcall.dev/v1
kind: Steps
steps:
  - use: {file: settle.yaml, with: {daemonSet: log-collector}}
";

const PARAMETERS: &str = "\
apiVersion: rollcall.dev/v2
kind: Scenario
parameters: {1st: a, list: [a]}
steps: {}
";

/// What stands in for the scenario's folder.
pub(crate) fn files(path: &str) -> Result<String, String> {
    match path {
        "collector.yaml" => Ok(COLLECTOR.to_owned()),
        "broken.yaml" => Ok("a: [1".to_owned()),
        "empty.yaml" => Ok("---\n# nothing\n".to_owned()),
        "nameless.yaml" => Ok("apiVersion: v1\nkind: Pod\n".to_owned()),
        "kindless.yaml" => Ok("apiVersion: v1\nmetadata: {name: x}\n".to_owned()),
        "steps/settle.yaml" => Ok(SETTLE.to_owned()),
        "steps/wrong.yaml" => Ok(WRONG.to_owned()),
        "steps/outer.yaml" => Ok(OUTER.to_owned()),
        "steps/itself.yaml" => Ok(format!("{STEPS}steps:\n  - use: {{file: itself.yaml}}\n")),
        "steps/empty.yaml" => Ok(format!("{STEPS}steps: []\n")),
        "steps/broken.yaml" => Ok(format!("{STEPS}steps: [\n")),
        "steps/parameters.yaml" => Ok(PARAMETERS.to_owned()),
        "scalar.yaml" => Ok("just text\n".to_owned()),
        _ => Err("no such file".to_owned()),
    }
}

pub(crate) fn load(source: &str) -> Result<Scenario, Problems> {
    Scenario::load("scenarios/test.yaml", source, &files)
}

/// The head, and steps of which each is a line or more.
pub(crate) fn with_steps(steps: &str) -> String {
    format!("{HEAD}steps:\n  - apply: {{file: collector.yaml}}\n{steps}")
}

/// An assertion that is right, for scenarios whose error is elsewhere.
pub(crate) const ASSERT: &str = "  - expect: {converged: {daemonSet: log-collector}}\n";
