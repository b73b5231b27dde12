//! What the controller decides, as a table: a node, a template, and the answer with its reasons.
//!
//! The rows are written from the behaviour of Kubernetes: its unit tests (`daemon_controller_test.go`, named where a
//! row is one of them), the rules of `NodeShouldRunDaemonPod` and of label selectors, and the tolerations that every
//! daemon pod gets. None is what the code under test says.
//!
//! - **node**: `labels`, `taints` as kubectl writes them, and anything of `spec` and `status`; its name is `n1`.
//! - **pod**: the template's `spec`; `terms` is short for the terms of required node affinity, and a requirement is
//!   `key operator value…`.
//! - **answer**: `run`: a pod is made; `keep`: none is made, and one that is there stays; `none`: one that is there goes.
//! - **against**: the kinds of reasons, each once: `name`, `selector KEY`, `affinity`, `taint KEY`.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Node;
use rollcall_model::{Ineligible, Taint, eligible};
use serde_json::{Value, json};

/// `TestNodeShouldRunDaemonPod`, case by case, and the tests beside it that end in a node's eligibility.
const UPSTREAM: &str = r#"
TestNodeShouldRunDaemonPod: nothing said                 | {} | {} | run |
TestNodeShouldRunDaemonPod: no room for its memory       | {status: {allocatable: {memory: 50M, cpu: 75m}}} | {containers: [{name: c, resources: {requests: {memory: 75M, cpu: 75m}}}]} | run |
TestNodeShouldRunDaemonPod: no room for another pod      | {status: {allocatable: {memory: 200M, cpu: 200m, pods: "0"}}} | {containers: [{name: c, resources: {requests: {memory: 75M, cpu: 75m}}}]} | run |
TestNodeShouldRunDaemonPod: the template names another   | {} | {nodeName: other-node} | none | name
TestNodeShouldRunDaemonPod: a host port that is taken    | {} | {containers: [{name: c, ports: [{containerPort: 666, hostPort: 666}]}]} | run |
TestNodeShouldRunDaemonPod: a host port that is free     | {} | {containers: [{name: c, ports: [{containerPort: 667, hostPort: 667}]}]} | run |
TestNodeShouldRunDaemonPod: a selector that does not fit | {labels: {color: blue}} | {nodeSelector: {type: production}} | none | selector type
TestNodeShouldRunDaemonPod: a selector that fits         | {labels: {type: production}} | {nodeSelector: {type: production}} | run |
TestNodeShouldRunDaemonPod: affinity that does not fit   | {labels: {color: blue}} | {terms: [[type In test]]} | none | affinity
TestNodeShouldRunDaemonPod: affinity that fits           | {labels: {type: test}} | {terms: [[type In test]]} | run |
TestNodeShouldRunDaemonPod: an unschedulable node        | {spec: {unschedulable: true}} | {} | run |
TestNotReadyNodeDaemonDoesLaunchPod                      | {status: {conditions: [{type: Ready, status: "False"}]}} | {} | run |
TestNetworkUnavailableNodeDaemonLaunchesPod              | {status: {conditions: [{type: NetworkUnavailable, status: "True"}]}} | {} | run |
TestNameDaemonSetLaunchesPods                            | {} | {nodeName: n1} | run |
TestBadNameDaemonSetDoesNothing                          | {} | {nodeName: node-0} | none | name
TestNameAndSelectorDaemonSetLaunchesPods                 | {labels: {color: blue}} | {nodeName: n1, nodeSelector: {color: blue}} | run |
TestInconsistentNameSelectorDaemonSetDoesNothing         | {labels: {color: red}} | {nodeName: n1, nodeSelector: {color: blue}} | none | selector color
TestSelectorDaemonDeletesUnselectedPods                  | {} | {nodeSelector: {color: blue}} | none | selector color
TestNodeAffinityDaemonLaunchesPods                       | {labels: {color: blue}} | {terms: [[color In blue]]} | run |
TestNoScheduleTaintedDoesntEvicitRunningIntolerantPod    | {taints: ["dedicated=user1:NoSchedule"]} | {} | keep | taint dedicated
TestNoExecuteTaintedDoesEvicitRunningIntolerantPod       | {taints: ["dedicated=user1:NoExecute"]} | {} | none | taint dedicated
TestTaintedNodeDaemonLaunchesToleratePod                 | {taints: ["dedicated=user1:NoSchedule"]} | {tolerations: [{key: dedicated, value: user1, effect: NoSchedule}]} | run |
TestNotReadyNodeDaemonLaunchesPod                        | {taints: ["node.kubernetes.io/not-ready:NoExecute"], status: {conditions: [{type: Ready, status: "False"}]}} | {} | run |
TestUnreachableNodeDaemonLaunchesPod                     | {taints: ["node.kubernetes.io/unreachable:NoExecute"], status: {conditions: [{type: Ready, status: Unknown}]}} | {} | run |
TestNodeDaemonLaunchesToleratePod                        | {taints: ["dedicated=user1:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"]} | {tolerations: [{key: dedicated, operator: Exists}]} | run |
TestTaintPressureNodeDaemonLaunchesPod                   | {taints: ["node.kubernetes.io/disk-pressure:NoSchedule", "node.kubernetes.io/memory-pressure:NoSchedule", "node.kubernetes.io/pid-pressure:NoSchedule"]} | {} | run |
"#;

/// The tolerations that every daemon pod gets are of one effect each.
const DEFAULT_TOLERATIONS: &str = r#"
disk pressure that evicts                         | {taints: ["node.kubernetes.io/disk-pressure:NoExecute"]} | {} | none | taint node.kubernetes.io/disk-pressure
memory pressure that evicts                       | {taints: ["node.kubernetes.io/memory-pressure:NoExecute"]} | {} | none | taint node.kubernetes.io/memory-pressure
PID pressure that evicts                          | {taints: ["node.kubernetes.io/pid-pressure:NoExecute"]} | {} | none | taint node.kubernetes.io/pid-pressure
a cordon that evicts                              | {taints: ["node.kubernetes.io/unschedulable:NoExecute"]} | {} | none | taint node.kubernetes.io/unschedulable
a network that is unavailable and evicts          | {taints: ["node.kubernetes.io/network-unavailable:NoExecute"]} | {} | none | taint node.kubernetes.io/network-unavailable
the same on the host network                      | {taints: ["node.kubernetes.io/network-unavailable:NoExecute"]} | {hostNetwork: true} | none | taint node.kubernetes.io/network-unavailable
a default toleration does not care for the value  | {taints: ["node.kubernetes.io/unschedulable=x:NoSchedule"]} | {} | run |
not ready, so not to be scheduled on              | {taints: ["node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"]} | {} | keep | taint node.kubernetes.io/not-ready
the host network is no help when it is not ready  | {taints: ["node.kubernetes.io/not-ready:NoSchedule"]} | {hostNetwork: true} | keep | taint node.kubernetes.io/not-ready
nor when it is unreachable                        | {taints: ["node.kubernetes.io/unreachable:NoSchedule"]} | {hostNetwork: true} | keep | taint node.kubernetes.io/unreachable
the host network, said to be none                 | {taints: ["node.kubernetes.io/network-unavailable:NoSchedule"]} | {hostNetwork: false} | keep | taint node.kubernetes.io/network-unavailable
a cordoned node under every pressure              | {spec: {unschedulable: true}, taints: ["node.kubernetes.io/unschedulable:NoSchedule", "node.kubernetes.io/disk-pressure:NoSchedule", "node.kubernetes.io/memory-pressure:NoSchedule", "node.kubernetes.io/pid-pressure:NoSchedule"]} | {} | run |
a key that only begins like one                   | {taints: ["node.kubernetes.io/unschedulable-soon:NoSchedule"]} | {} | keep | taint node.kubernetes.io/unschedulable-soon
the key of old versions                           | {taints: ["node.alpha.kubernetes.io/notReady:NoExecute"]} | {} | none | taint node.alpha.kubernetes.io/notReady
shut down                                         | {taints: ["node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"]} | {tolerations: [{key: node.kubernetes.io/out-of-service, operator: Exists}]} | run |
not initialized by a cloud                        | {taints: ["node.cloudprovider.kubernetes.io/uninitialized=true:NoSchedule"]} | {} | keep | taint node.cloudprovider.kubernetes.io/uninitialized
a control-plane node for those who say so         | {taints: ["node-role.kubernetes.io/control-plane:NoSchedule"]} | {tolerations: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]} | run |
the old name of it                                | {taints: ["node-role.kubernetes.io/control-plane:NoSchedule"]} | {tolerations: [{key: node-role.kubernetes.io/master, operator: Exists}]} | keep | taint node-role.kubernetes.io/control-plane
own toleration of the default's other effect      | {taints: ["node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"]} | {tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoSchedule}]} | run |
own toleration with a time limit                  | {taints: ["node.kubernetes.io/not-ready:NoExecute"]} | {tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 10}]} | run |
"#;

/// Taints and tolerations of the user's own.
const TAINTS: &str = r#"
two taints, one tolerated                         | {taints: ["a:NoSchedule", "b:NoSchedule"]} | {tolerations: [{key: a, operator: Exists}]} | keep | taint b
two taints, both tolerated                        | {taints: ["a:NoSchedule", "b:NoExecute"]} | {tolerations: [{key: a, operator: Exists}, {key: b, operator: Exists}]} | run |
only the one that evicts is tolerated             | {taints: ["a:NoSchedule", "b:NoExecute"]} | {tolerations: [{key: b, operator: Exists}]} | keep | taint a
only the one that does not evict is tolerated     | {taints: ["a:NoSchedule", "b:NoExecute"]} | {tolerations: [{key: a, operator: Exists}]} | none | taint b
one key with both effects, one tolerated          | {taints: ["a=x:NoSchedule", "a=x:NoExecute"]} | {tolerations: [{key: a, value: x, effect: NoExecute}]} | keep | taint a
one key with both effects, no effect named        | {taints: ["a=x:NoSchedule", "a=x:NoExecute"]} | {tolerations: [{key: a, value: x}]} | run |
a preference against it                           | {taints: ["a:PreferNoSchedule", "b:PreferNoSchedule"]} | {} | run |
a preference beside a taint that counts           | {taints: ["a:PreferNoSchedule", "b:NoSchedule"]} | {} | keep | taint b
a toleration of the preference alone              | {taints: ["a:NoSchedule"]} | {tolerations: [{key: a, operator: Exists, effect: PreferNoSchedule}]} | keep | taint a
no value on both sides                            | {taints: ["a:NoSchedule"]} | {tolerations: [{key: a, operator: Equal}]} | run |
an empty value on one side                        | {taints: ["a:NoSchedule"]} | {tolerations: [{key: a, operator: Equal, value: ""}]} | run |
a value where the taint has none                  | {taints: ["a:NoSchedule"]} | {tolerations: [{key: a, value: "true"}]} | keep | taint a
values differ in case                             | {taints: ["a=GPU:NoSchedule"]} | {tolerations: [{key: a, value: gpu}]} | keep | taint a
keys differ in their prefix                       | {taints: ["example.com/a:NoSchedule"]} | {tolerations: [{key: a, operator: Exists}]} | keep | taint example.com/a
every key of one effect, the other is there       | {taints: ["a:NoSchedule"]} | {tolerations: [{operator: Exists, effect: NoExecute}]} | keep | taint a
every key of one effect, both are there           | {taints: ["a:NoSchedule", "b:NoExecute"]} | {tolerations: [{operator: Exists, effect: NoSchedule}]} | none | taint b
everything, in two halves                         | {taints: ["a:NoSchedule", "b:NoExecute"]} | {tolerations: [{operator: Exists, effect: NoSchedule}, {operator: Exists, effect: NoExecute}]} | run |
everything                                        | {taints: ["a:NoSchedule", "b=c:NoExecute", "node.kubernetes.io/unreachable:NoSchedule"]} | {tolerations: [{operator: Exists}]} | run |
the second of two tolerations matches             | {taints: ["a=x:NoExecute"]} | {tolerations: [{key: a, value: w}, {key: a, value: x}]} | run |
a time limit that is over at once                 | {taints: ["a:NoExecute"]} | {tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 0}]} | run |
a time limit below nothing                        | {taints: ["a:NoExecute"]} | {tolerations: [{operator: Exists, effect: NoExecute, tolerationSeconds: -1}]} | run |
"#;

/// Labels: `nodeSelector` and required node affinity.
const LABELS: &str = r#"
every label of the selector is there              | {labels: {a: x, b: w, c: z}} | {nodeSelector: {a: x, b: w}} | run |
one label of the selector differs                 | {labels: {a: x, b: z}} | {nodeSelector: {a: x, b: w}} | none | selector b
both labels of the selector are missing           | {} | {nodeSelector: {a: x, b: w}} | none | selector a, selector b
an empty value is a value                         | {labels: {a: ""}} | {nodeSelector: {a: ""}} | run |
an empty value is not nothing                     | {} | {nodeSelector: {a: ""}} | none | selector a
an empty selector selects all                     | {} | {nodeSelector: {}} | run |
selector and affinity both fit                    | {labels: {a: x, b: w}} | {nodeSelector: {a: x}, terms: [[b In w]]} | run |
the selector fits and affinity does not           | {labels: {a: x}} | {nodeSelector: {a: x}, terms: [[b In w]]} | none | affinity
affinity fits and the selector does not           | {labels: {b: w}} | {nodeSelector: {a: x}, terms: [[b In w]]} | none | selector a
empty values are listed as any other              | {labels: {a: ""}} | {terms: [["a In x ''"]]} | run |
not in a list, being empty                        | {labels: {a: ""}} | {terms: [[a NotIn x w]]} | run |
not in a list that has it last                    | {labels: {a: z}} | {terms: [[a NotIn x w z]]} | none | affinity
an empty label exists                             | {labels: {a: ""}} | {terms: [[a Exists]]} | run |
ten is more than nine                             | {labels: {a: "10"}} | {terms: [[a Gt 9]]} | run |
nine is less than ten                             | {labels: {a: "9"}} | {terms: [[a Lt 10]]} | run |
equal is neither more                             | {labels: {a: "7"}} | {terms: [[a Gt 7]]} | none | affinity
nor less                                          | {labels: {a: "007"}} | {terms: [[a Lt 7]]} | none | affinity
zeros in front are no octal                       | {labels: {a: "010"}} | {terms: [[a Gt 9]]} | run |
the largest number                                | {labels: {a: "9223372036854775807"}} | {terms: [[a Gt 9223372036854775806]]} | run |
a number too large for one                        | {labels: {a: "9223372036854775808"}} | {terms: [[a Gt 0]]} | none | affinity
a fraction                                        | {labels: {a: "1.5"}} | {terms: [[a Gt 1]]} | none | affinity
an empty label is no number                       | {labels: {a: ""}} | {terms: [[a Lt 1]]} | none | affinity
hexadecimal is no number                          | {labels: {a: "0x10"}} | {terms: [[a Gt 1]]} | none | affinity
a limit that is none                              | {labels: {a: "5"}} | {terms: [[a Gt many]]} | none | affinity
a limit that is none, beside a term that fits     | {labels: {a: "5"}} | {terms: [[a Gt many], [a Exists]]} | run |
between two limits                                | {labels: {a: "5"}} | {terms: [[a Gt 1, a Lt 9]]} | run |
outside of two limits                             | {labels: {a: "9"}} | {terms: [[a Gt 1, a Lt 9]]} | none | affinity
a list of nothing                                 | {labels: {a: x}} | {terms: [[a In]]} | none | affinity
not in a list of nothing                          | {labels: {a: x}} | {terms: [[a NotIn]]} | none | affinity
two terms, neither fits                           | {labels: {a: x}} | {terms: [[a In w], [b Exists]]} | none | affinity
two terms, the first fits                         | {labels: {a: x}} | {terms: [[a In x], [b Exists]]} | run |
two terms, half of each fits                      | {labels: {a: x, b: w}} | {terms: [[a In x, c Exists], [b In w, c Exists]]} | none | affinity
two empty terms                                   | {labels: {a: x}} | {terms: [[], []]} | none | affinity
by name, and its label                            | {labels: {a: x}} | {terms: [[name In n1, a In x]]} | run |
by name or by label                               | {labels: {a: w}} | {terms: [[name In n1], [a In x]]} | run |
any but this one                                  | {} | {terms: [[name NotIn n1]]} | none | affinity
the same name with a capital                      | {} | {terms: [[name In N1]]} | none | affinity
two names exclude each other                      | {} | {terms: [[name In n1, name In n2]]} | none | affinity
two others are excluded                           | {} | {terms: [[name NotIn n2, name NotIn n3]]} | run |
a name cannot merely exist                        | {} | {terms: [[name Exists]]} | none | affinity
the same key must be two things                   | {labels: {a: x}} | {terms: [[a In x, a NotIn x]]} | none | affinity
"#;

/// Several things at once: what places a pod decides whether it stays, whatever the taints are.
const TOGETHER: &str = r#"
not selected, and a taint                         | {taints: ["a:NoSchedule"]} | {nodeSelector: {b: x}} | none | selector b, taint a
no affinity, and a taint                          | {taints: ["a:NoSchedule"]} | {terms: [[b Exists]]} | none | affinity, taint a
named otherwise, and a taint that is tolerated    | {taints: ["a:NoSchedule"]} | {nodeName: n2, tolerations: [{operator: Exists}]} | none | name
named, and a taint                                | {taints: ["a:NoSchedule"]} | {nodeName: n1} | keep | taint a
named, and a taint that evicts                    | {taints: ["a:NoExecute"]} | {nodeName: n1} | none | taint a
named, and affinity wants another                 | {} | {nodeName: n1, terms: [[name In n2]]} | none | affinity
named otherwise, not selected, and no affinity    | {labels: {a: z}} | {nodeName: n2, nodeSelector: {a: x}, terms: [[a In w]]} | none | name, selector a, affinity
selected, and a taint                             | {labels: {a: x}, taints: ["b:NoSchedule"]} | {nodeSelector: {a: x}} | keep | taint b
selected, cordoned                                | {labels: {a: x}, taints: ["node.kubernetes.io/unschedulable:NoSchedule"]} | {nodeSelector: {a: x}} | run |
everything tolerated is not everything selected   | {labels: {a: w}} | {nodeSelector: {a: x}, tolerations: [{operator: Exists}]} | none | selector a
another scheduler changes nothing                 | {taints: ["a:NoSchedule"]} | {schedulerName: other, priorityClassName: system-node-critical} | keep | taint a
spreading is the scheduler's                      | {} | {topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]} | run |
an empty node name is none                        | {} | {nodeName: ""} | run |
no labels, no taints, no spec                     | {bare: true} | {} | run |
"#;

fn node(text: &str) -> Node {
    let mut given: Value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
    if given["bare"] == true {
        return serde_json::from_value(json!({"metadata": {"name": "n1"}})).expect("a node");
    }
    let taints = given["taints"].as_array().cloned().unwrap_or_default().into_iter().map(|text| {
        let taint: Taint = text.as_str().expect("text").parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        json!({"key": taint.key, "value": taint.value, "effect": taint.effect.as_str()})
    });
    let taints: Vec<Value> = taints.collect();
    given["spec"]["taints"] = json!(taints);
    let metadata = json!({"name": "n1", "labels": given["labels"]});
    serde_json::from_value(json!({"metadata": metadata, "spec": given["spec"], "status": given["status"]}))
        .unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn daemon_set(text: &str) -> DaemonSet {
    let mut pod: Value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
    if let Some(terms) = pod["terms"].as_array().cloned() {
        let terms: Vec<Value> = terms.iter().map(term).collect();
        pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
            json!({"nodeSelectorTerms": terms});
    }
    pod.as_object_mut().expect("a mapping").remove("terms");
    if pod["containers"].is_null() {
        pod["containers"] = json!([]);
    }
    serde_json::from_value(json!({"spec": {"selector": {}, "template": {"spec": pod}}}))
        .unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn term(requirements: &Value) -> Value {
    let (mut fields, mut expressions) = (Vec::new(), Vec::new());
    for requirement in requirements.as_array().expect("a list of requirements") {
        let mut words = requirement.as_str().expect("text").split(' ');
        let (key, operator) = (words.next().expect("a key"), words.next().expect("an operator"));
        let values: Vec<&str> = words.map(|word| if word == "''" { "" } else { word }).collect();
        match key {
            "name" => fields.push(json!({"key": "metadata.name", "operator": operator, "values": values})),
            _ => expressions.push(json!({"key": key, "operator": operator, "values": values})),
        }
    }
    json!({"matchFields": fields, "matchExpressions": expressions})
}

fn against(reason: &Ineligible) -> String {
    match reason {
        Ineligible::NodeNameMismatch { .. } => "name".to_owned(),
        Ineligible::NodeSelector { key, .. } => format!("selector {key}"),
        Ineligible::Affinity { .. } => "affinity".to_owned(),
        Ineligible::Taint { taint } => format!("taint {}", taint.key),
        other => panic!("the table knows no reason like {other:?}"),
    }
}

/// Judges every row and says which are otherwise.
fn check(table: &str, rows: usize) {
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty()) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [name, node_text, pod_text, answer, reasons] = columns[..] else { panic!("not five columns: {line}") };
        assert!(names.insert(name), "two rows are called `{name}`");
        let found = eligible(&node(node_text), &daemon_set(pod_text));
        let wanted = match answer {
            "run" => (true, true),
            "keep" => (false, true),
            "none" => (false, false),
            other => panic!("`{other}` is no answer: {line}"),
        };
        let wanted_reasons: BTreeSet<String> =
            reasons.split(", ").filter(|reason| !reason.is_empty()).map(str::to_owned).collect();
        assert_eq!(wanted_reasons.is_empty(), wanted.0, "reasons are given exactly where no pod is made: {line}");
        let found_reasons: BTreeSet<String> = found.reasons.iter().map(against).collect();
        if (found.should_run, found.should_continue) != wanted || found_reasons != wanted_reasons {
            wrong.push(format!(
                "{name}: {answer} with {wanted_reasons:?} is expected, and the oracle says {found:?}\n  node {node_text}\n  \
                 pod {pod_text}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows are otherwise:\n{}", wrong.len(), names.len(), wrong.join("\n"));
    assert_eq!(names.len(), rows, "rows were added or lost");
}

#[test]
fn cases_of_the_controllers_own_unit_tests() {
    check(UPSTREAM, 26);
}

#[test]
fn tolerations_that_every_daemon_pod_gets() {
    check(DEFAULT_TOLERATIONS, 20);
}

#[test]
fn taints_and_tolerations_of_the_users_own() {
    check(TAINTS, 21);
}

#[test]
fn selectors_and_affinity() {
    check(LABELS, 41);
}

#[test]
fn several_things_at_once() {
    check(TOGETHER, 14);
}
