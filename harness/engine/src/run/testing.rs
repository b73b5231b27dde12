//! Plans and objects for the tests of the runner.

use k8s_openapi::api::core::v1::Node;
use rollcall_model::{NodeSpec, Object, Plan, Role, Scenario};
use serde_json::{Value, json};

const SCENARIO: &str = "
apiVersion: rollcall.dev/v1
kind: Scenario
metadata: {name: test}
cluster:
  nodes:
    - {name: control-plane, role: control-plane}
    - {name: worker-1}
steps:
  - apply: {file: agent.yaml}
  - setImage: {daemonSet: log-collector, container: collector, image: 'rollcall/agent:2'}
  - expect: {converged: {daemonSet: log-collector}}
";

const MANIFEST: &str = "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log-collector}
spec:
  selector: {matchLabels: {app: log-collector}}
  template:
    metadata: {labels: {app: log-collector}}
    spec:
      initContainers: [{name: init, image: 'busybox:1'}]
      containers: [{name: collector, image: 'fluentd:latest'}]
";

/// A small plan, with more sections of the scenario file.
pub(super) fn plan(sections: &str) -> Plan {
    let source = format!("{SCENARIO}{sections}");
    let scenario = Scenario::load("test.yaml", &source, &|_| Ok(MANIFEST.to_owned()));
    Plan::new(&scenario.unwrap_or_else(|problems| panic!("{problems}")))
}

/// A plan with these nodes, which applies the collector and then does these steps.
pub(crate) fn plan_of(cluster: &str, steps: &str) -> Plan {
    let source = format!(
        "apiVersion: rollcall.dev/v1\nkind: Scenario\nmetadata: {{name: test}}\n{cluster}steps:\n  - apply: {{file: agent.yaml}}\n{steps}"
    );
    let scenario = Scenario::load("test.yaml", &source, &|_| Ok(MANIFEST.to_owned()));
    Plan::new(&scenario.unwrap_or_else(|problems| panic!("{problems}")))
}

/// A worker with nothing special.
pub(super) fn alone(name: &str) -> NodeSpec {
    NodeSpec { name: name.into(), role: Role::Worker, labels: Default::default(), taints: Vec::new() }
}

/// A node with this `Ready` condition.
pub(super) fn node(name: &str, ready: Value) -> Object {
    let node: Node = serde_json::from_value(json!({
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }))
    .expect("it is a node");
    node.into()
}
