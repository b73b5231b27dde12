//! What kwok is told: the life of a simulated node and of the pods on it, as kwok's `Stage` objects.
//!
//! A stage is played when an object matches its selector: after its delay, its template becomes the object's status.
//! Where several match, those with a weight win over those without; so a fault is a stage with a weight that matches
//! the pods of its group, told by the name of their node, because that is all that a pod has of its node.

use std::time::Duration;

use kube::{api::ApiResource, core::GroupVersionKind};
use rollcall_model::scenario::SimulatedFault;
use serde_json::{Value, json};

/// The name of the definition of [`kind`].
pub(super) const KIND_NAME: &str = "stages.kwok.x-k8s.io";

/// How long a container of a crashing pod runs each time.
const RUN: Duration = Duration::from_secs(1);

/// How long it then waits: a second, doubled each time up to ten. A kubelet begins with ten and ends with 300; a test
/// would rather see the second restart.
const BACK_OFF: &str =
    r#"(.status.containerStatuses[0].restartCount // 0) | [pow(2; .), 10] | min | tostring | . + "s""#;

/// What a pod's status has of the containers that run, once it has started. `READY` is `true` or `false`.
const RUNNING: &str = r#"
{{ $now := Now }}
phase: Running
startTime: {{ or .status.startTime $now | Quote }}
containerStatuses:
{{ range $index, $container := .spec.containers }}
{{ $old := dict }}
{{ if $.status.containerStatuses }}{{ $old = index $.status.containerStatuses $index }}{{ end }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: READY
  started: true
  restartCount: {{ if $old.lastState }}{{ add1 $old.restartCount }}{{ else }}0{{ end }}
  {{ with $old.lastState }}
  lastState: {{ YAML . 2 }}
  {{ end }}
  state:
    running:
      startedAt: {{ if and $old.state $old.state.running }}{{ $old.state.running.startedAt | Quote }}{{ else }}{{ $now | Quote }}{{ end }}
{{ end }}
{{ with .spec.initContainers }}
initContainerStatuses:
{{ range . }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  {{ if eq (or .restartPolicy "") "Always" }}
  started: true
  state: {running: {startedAt: {{ $now | Quote }}}}
  {{ else }}
  state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}
  {{ end }}
{{ end }}
{{ end }}
{{ if not .status.podIP }}
{{ with PodIPsWith .spec.nodeName (or .spec.hostNetwork false) (or .metadata.uid "") (or .metadata.name "") (or .metadata.namespace "") }}
podIP: {{ index . 0 | Quote }}
podIPs:
{{ range . }}
- ip: {{ . | Quote }}
{{ end }}
{{ end }}
{{ end }}
"#;

/// Containers that ended and wait to be started again.
const CRASHED: &str = r#"
{{ $now := Now }}
containerStatuses:
{{ range $index, $container := .spec.containers }}
{{ $old := index $.status.containerStatuses $index }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  started: false
  restartCount: {{ $old.restartCount }}
  lastState:
    terminated:
      exitCode: 1
      reason: Error
      startedAt: {{ $old.state.running.startedAt | Quote }}
      finishedAt: {{ $now | Quote }}
  state:
    waiting:
      reason: CrashLoopBackOff
      message: {{ printf "back-off restarting failed container %s" .name | Quote }}
{{ end }}
"#;

/// The conditions of a pod whose containers are ready.
const READY: &str = r#"
conditions:
- {type: PodReadyToStartContainers, status: "True", lastTransitionTime: {{ Now | Quote }}}
- {type: Initialized, status: "True", lastTransitionTime: {{ Now | Quote }}}
- {type: Ready, status: "True", reason: null, message: null, lastTransitionTime: {{ Now | Quote }}}
- {type: ContainersReady, status: "True", reason: null, message: null, lastTransitionTime: {{ Now | Quote }}}
{{ range .spec.readinessGates }}
- {type: {{ .conditionType | Quote }}, status: "True", lastTransitionTime: {{ Now | Quote }}}
{{ end }}
"#;

/// And of one whose containers are not.
const NOT_READY: &str = r#"
{{ $message := "containers are not ready" }}
conditions:
- {type: PodReadyToStartContainers, status: "True", lastTransitionTime: {{ Now | Quote }}}
- {type: Initialized, status: "True", lastTransitionTime: {{ Now | Quote }}}
- {type: Ready, status: "False", reason: ContainersNotReady, message: {{ $message | Quote }}, lastTransitionTime: {{ Now | Quote }}}
- {type: ContainersReady, status: "False", reason: ContainersNotReady, message: {{ $message | Quote }}, lastTransitionTime: {{ Now | Quote }}}
"#;

/// The conditions of a node that is kept alive, as a kubelet reports them. Its lease says that it still is.
const NODE_READY: &str = r#"
{{ $now := Now }}
conditions:
- {type: MemoryPressure, status: "False", reason: KubeletHasSufficientMemory, message: simulated, lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}
- {type: DiskPressure, status: "False", reason: KubeletHasNoDiskPressure, message: simulated, lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}
- {type: PIDPressure, status: "False", reason: KubeletHasSufficientPID, message: simulated, lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "True", reason: KubeletReady, message: simulated, lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}
"#;

/// The definition of `Stage`. kwok checks what is in one; the API server need not.
pub(super) fn kind() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": KIND_NAME},
        "spec": {
            "group": "kwok.x-k8s.io",
            "names": {"kind": "Stage", "listKind": "StageList", "plural": "stages", "singular": "stage"},
            "scope": "Cluster",
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

pub(super) fn resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("kwok.x-k8s.io", "v1alpha1", "Stage"), "stages")
}

/// The life of every simulated node, and of pods where nothing is wrong.
pub(super) fn healthy() -> Vec<Value> {
    vec![
        Stage::new("Node", "node-ready", NODE_READY).on([condition("NotIn")]).object(),
        // Running pods too: those of a node that was silent for too long are marked as not ready by a controller, and
        // a kubelet that is back sets that right.
        Stage::new("Pod", "pod-ready", running(true))
            .on([alive(), phase(&["Pending", "Running"]), condition("NotIn")])
            .object(),
        // At once, whatever the grace period: there is no process to wait for.
        json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "Stage",
            "metadata": {"name": "pod-delete"},
            "spec": {
                "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
                "selector": {"matchExpressions": [{"key": ".metadata.deletionTimestamp", "operator": "Exists"}]},
                "steps": [{"delete": true}],
            },
        }),
    ]
}

/// The life of pods on the nodes of a group where something is wrong.
pub(super) fn faulty(group: &str, fault: SimulatedFault) -> Vec<Value> {
    // The node's name without its number.
    let here =
        json!({"key": r#".spec.nodeName | split("-") | .[:-1] | join("-")"#, "operator": "In", "values": [group]});
    let stage = |what: &str, status: String| {
        Stage { weight: 1, ..Stage::new("Pod", format!("{group}.{what}"), status) }.on([here.clone(), alive()])
    };
    let state =
        |state: &str| json!({"key": format!(".status.containerStatuses[0].state.{state}"), "operator": "Exists"});
    // What every fault begins with: containers run, and the pod is not ready.
    let start = stage("pod-start", running(false)).on([phase(&["Pending"])]);
    let stages = match fault {
        SimulatedFault::NeverReady => {
            // Nothing is done, and nothing else is.
            vec![start, stage("pod-stay", String::new()).on([phase(&["Running"])])]
        }
        SimulatedFault::Slow(after) => {
            let ready = stage("pod-ready", running(true)).on([phase(&["Running"]), condition("NotIn")]);
            vec![start, ready.after(json!({"durationMilliseconds": milliseconds(after)}))]
        }
        SimulatedFault::Crash => {
            let crash = stage("pod-crash", CRASHED.to_owned()).on([phase(&["Running"]), state("running")]);
            let restart = stage("pod-restart", running(false)).on([phase(&["Running"]), state("waiting")]);
            vec![
                start,
                crash.after(json!({"durationMilliseconds": milliseconds(RUN)})),
                restart.after(json!({"durationFrom": {"expressionFrom": BACK_OFF}})),
            ]
        }
    };
    stages.iter().map(Stage::object).collect()
}

/// A change of an object's status; none where that is empty.
struct Stage {
    kind: &'static str,
    name: String,
    on: Vec<Value>,
    weight: u32,
    delay: Option<Value>,
    status: String,
}

impl Stage {
    fn new(kind: &'static str, name: impl Into<String>, status: impl Into<String>) -> Self {
        Self { kind, name: name.into(), on: Vec::new(), weight: 0, delay: None, status: status.into() }
    }

    fn on(mut self, requirements: impl IntoIterator<Item = Value>) -> Self {
        self.on.extend(requirements);
        self
    }

    fn after(mut self, delay: Value) -> Self {
        self.delay = Some(delay);
        self
    }

    fn object(&self) -> Value {
        let mut spec = json!({
            "resourceRef": {"apiGroup": "v1", "kind": self.kind},
            "selector": {"matchExpressions": self.on},
            "weight": self.weight,
            "steps": [],
        });
        if !self.status.is_empty() {
            spec["steps"] = json!([{"patch": {
                "subresource": "status", "root": "status", "type": "strategic", "template": self.status,
            }}]);
        }
        if let Some(delay) = &self.delay {
            spec["delay"] = delay.clone();
        }
        json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "Stage",
            "metadata": {"name": self.name},
            "spec": spec,
        })
    }
}

fn running(ready: bool) -> String {
    let conditions = if ready { READY } else { NOT_READY };
    format!("{}{conditions}", RUNNING.replace("READY", if ready { "true" } else { "false" }))
}

fn alive() -> Value {
    json!({"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"})
}

fn phase(phases: &[&str]) -> Value {
    json!({"key": ".status.phase", "operator": "In", "values": phases})
}

/// Whether the object says that it is Ready.
fn condition(operator: &str) -> Value {
    json!({
        "key": r#".status.conditions.[] | select(.type == "Ready") | .status"#,
        "operator": operator,
        "values": ["True"],
    })
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, weight, delay and selector of each stage.
    fn shown(stages: &[Value]) -> String {
        let line = |stage: &Value| {
            let spec = &stage["spec"];
            let name = &stage["metadata"]["name"];
            let on = spec["selector"]["matchExpressions"].as_array().unwrap();
            let on: Vec<String> =
                on.iter().map(|one| format!("\n  {} {} {}", one["key"], one["operator"], one["values"])).collect();
            format!("{name} weight {} delay {}{}", spec["weight"], spec["delay"], on.concat())
        };
        stages.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn pods_on_healthy_nodes_become_ready_at_once() {
        insta::assert_snapshot!(shown(&healthy()), @r#"
        "node-ready" weight 0 delay null
          ".status.conditions.[] | select(.type == \"Ready\") | .status" "NotIn" ["True"]
        "pod-ready" weight 0 delay null
          ".metadata.deletionTimestamp" "DoesNotExist" null
          ".status.phase" "In" ["Pending","Running"]
          ".status.conditions.[] | select(.type == \"Ready\") | .status" "NotIn" ["True"]
        "pod-delete" weight null delay null
          ".metadata.deletionTimestamp" "Exists" null
        "#);
    }

    #[test]
    fn a_fault_is_of_its_group_and_wins_over_what_is_healthy() {
        insta::assert_snapshot!(shown(&faulty("sim", SimulatedFault::NeverReady)), @r#"
        "sim.pod-start" weight 1 delay null
          ".spec.nodeName | split(\"-\") | .[:-1] | join(\"-\")" "In" ["sim"]
          ".metadata.deletionTimestamp" "DoesNotExist" null
          ".status.phase" "In" ["Pending"]
        "sim.pod-stay" weight 1 delay null
          ".spec.nodeName | split(\"-\") | .[:-1] | join(\"-\")" "In" ["sim"]
          ".metadata.deletionTimestamp" "DoesNotExist" null
          ".status.phase" "In" ["Running"]
        "#);
        insta::assert_snapshot!(shown(&faulty("sim", SimulatedFault::Slow(Duration::from_secs(5)))), @r#"
        "sim.pod-start" weight 1 delay null
          ".spec.nodeName | split(\"-\") | .[:-1] | join(\"-\")" "In" ["sim"]
          ".metadata.deletionTimestamp" "DoesNotExist" null
          ".status.phase" "In" ["Pending"]
        "sim.pod-ready" weight 1 delay {"durationMilliseconds":5000}
          ".spec.nodeName | split(\"-\") | .[:-1] | join(\"-\")" "In" ["sim"]
          ".metadata.deletionTimestamp" "DoesNotExist" null
          ".status.phase" "In" ["Running"]
          ".status.conditions.[] | select(.type == \"Ready\") | .status" "NotIn" ["True"]
        "#);
        insta::assert_snapshot!(shown(&faulty("sim", SimulatedFault::Crash)), @r#"
        "sim.pod-start" weight 1 delay null
          ".spec.nodeName | split(\"-\") | .[:-1] | join(\"-\")" "In" ["sim"]
          ".metadata.deletionTimestamp" "DoesNotExist" null
          ".status.phase" "In" ["Pending"]
        "sim.pod-crash" weight 1 delay {"durationMilliseconds":1000}
          ".spec.nodeName | split(\"-\") | .[:-1] | join(\"-\")" "In" ["sim"]
          ".metadata.deletionTimestamp" "DoesNotExist" null
          ".status.phase" "In" ["Running"]
          ".status.containerStatuses[0].state.running" "Exists" null
        "sim.pod-restart" weight 1 delay {"durationFrom":{"expressionFrom":"(.status.containerStatuses[0].restartCount // 0) | [pow(2; .), 10] | min | tostring | . + \"s\""}}
          ".spec.nodeName | split(\"-\") | .[:-1] | join(\"-\")" "In" ["sim"]
          ".metadata.deletionTimestamp" "DoesNotExist" null
          ".status.phase" "In" ["Running"]
          ".status.containerStatuses[0].state.waiting" "Exists" null
        "#);
    }

    #[test]
    fn only_pods_without_a_fault_are_ready_at_their_start() {
        let ready = |stage: &Value| {
            stage["spec"]["steps"][0]["patch"]["template"].as_str().unwrap().contains("ready: true\n  started")
        };
        assert!(ready(&healthy()[1]));
        let slow = faulty("sim", SimulatedFault::Slow(Duration::from_secs(5)));
        assert!(!ready(&slow[0]) && ready(&slow[1]));
        assert!(!ready(&faulty("sim", SimulatedFault::NeverReady)[0]));
        assert!(faulty("sim", SimulatedFault::Crash).iter().all(|stage| !ready(stage)));
    }
}
