//! Every problem a scenario file can have, as the user sees it. The snapshots are the texts.

mod common;

use common::{ASSERT, HEAD, load, with_steps};
use rstest::{Context, rstest};

fn problems(source: &str) -> String {
    load(source).expect_err("the source has a problem").to_string()
}

fn check(name: &str, source: &str) {
    insta::with_settings!({description => source.to_owned(), omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(name, problems(source));
    });
}

/// Problems of the file as such.
#[rstest]
#[case::empty("")]
#[case::only_a_comment("# nothing yet\n")]
#[case::null_document("null\n")]
#[case::two_documents("a: b\n---\nc: d\n")]
#[case::tab("metadata:\n\tname: x\n")]
#[case::unclosed("metadata: {name: x\n")]
#[case::not_a_mapping("- a\n- b\n")]
#[case::text("hello\n")]
#[case::unknown_alias("metadata: *nope\n")]
#[case::unknown_tag("metadata: !thing {}\n")]
#[case::number_as_key("1: x\n")]
#[case::list_as_key("? [a, b]\n: x\n")]
#[case::bad_escape("metadata: {name: \"\\q\"}\n")]
fn file(#[context] context: Context, #[case] source: &str) {
    check(&format!("file_{}", context.description.unwrap_or_default()), source);
}

/// Problems of the top of a scenario.
#[rstest]
#[case::nothing_there("apiVersion: rollcall.dev/v1\n")]
#[case::wrong_version(
    "apiVersion: rollcall.dev/v2\nkind: Scenari\nmetadata: {name: a}\ncluster: {nodes: []}\nsteps: []\n"
)]
#[case::typo_and_duplicate("apiversion: x\nkind: Scenario\nkind: Scenario\nmetadata: {name: a, nmae: b}\n")]
#[case::bad_metadata("metadata: {name: Not_A_Label, description: 5, labels: {a b: c, d: 'e f', g: true}}\n")]
#[case::invariants_and_nulls("invariants: []\nmetadata:\ncluster:\nimages:\nsteps:\n")]
#[case::bad_cluster("cluster: {nodes: {}, kubernetes: 1.37}\n")]
#[case::bad_shared("cluster: {nodes: [], shared: yes please, share: true}\n")]
#[case::bad_kubernetes_version("cluster: {nodes: [], kubernetes: '2.0'}\n")]
#[case::bad_nodes(
    "cluster:\n  nodes:\n  - {name: a, role: control-plan, count: 0}\n  - {name: a-very-long-name-for-a-node-of-forty-chars, count: 2}\n  - {role: worker}\n  - {name: b, taints: ['x', 'a=b:NoExecut', ':NoSchedule', 'k=v v:NoExecute', 5], simulated: true}\n  - {name: 7}\n  - worker\n"
)]
#[case::bad_images("images:\n- {name: 'a:1'}\n- {name: 'a b', use: c}\n- {name: c, use: d, as: e}\n- x\n")]
fn top(#[context] context: Context, #[case] source: &str) {
    check(&format!("top_{}", context.description.unwrap_or_default()), source);
}

/// Problems of the steps, and names that mean nothing.
#[rstest]
#[case::no_steps(format!("{HEAD}steps: []\n"))]
#[case::no_assertion(with_steps("  - cordon: worker-1\n"))]
#[case::unknown_verb(with_steps(
    "  - taintt: {node: worker-1, taint: 'a:NoExecute'}\n  - dance: {}\n  - rollback: {}\n"
))]
#[case::no_verb(with_steps("  - {name: x}\n  - {}\n  - cordon\n  - 5\n"))]
#[case::two_verbs(with_steps("  - cordon: worker-1\n    uncordon: worker-1\n"))]
#[case::within_beside_expect(with_steps("  - expect: {converged: {daemonSet: log-collector}}\n    within: 3s\n"))]
#[case::durations(with_steps(
    "  - {cordon: worker-1, within: 0s}\n  - {cordon: worker-1, within: 30}\n  - {cordon: worker-1, within: -5s}\n  - {cordon: worker-1, within: 25h}\n  - {cordon: worker-1, within: soon}\n  - {cordon: worker-1, within: [1s]}\n"
))]
#[case::unknown_node(with_steps(&format!("  - cordon: worker1\n  - stopNode: {{node: elsewhere}}\n  - removeNode: []\n{ASSERT}")))]
#[case::removed_node(with_steps(&format!(
    "  - removeNode: worker-1\n  - cordon: worker-1\n  - removeNode: worker-1\n  - expect: {{pods: {{daemonSet: log-collector, node: worker-1, count: 0}}}}\n{ASSERT}"
)))]
#[case::node_twice(with_steps(&format!("  - addNodes: {{name: worker-2}}\n{ASSERT}")))]
#[case::last_control_plane(with_steps(&format!("  - removeNode: control-plane\n{ASSERT}")))]
#[case::no_control_plane(
    "apiVersion: rollcall.dev/v1\nkind: Scenario\nmetadata: {name: a}\ncluster: {nodes: [{name: w}]}\nsteps: [{expect: {nodeReady: {all: true}}}]\n".to_owned()
)]
#[case::unknown_daemon_set(with_steps(
    "  - expect: {converged: {daemonSet: log-colector}}\n  - expect: {converged: {daemonSet: agent}}\n  - expect: {converged: {daemonSet: something-else}}\n"
))]
#[case::daemon_set_before_apply(format!("{HEAD}steps:\n  - expect: {{converged: {{daemonSet: log-collector}}}}\n  - apply: {{file: collector.yaml}}\n"))]
#[case::unknown_container(with_steps(&format!(
    "  - setImage: {{daemonSet: log-collector, container: colector, image: x}}\n  - setImage: {{daemonSet: log-collector, container: z, image: x}}\n{ASSERT}"
)))]
#[case::manifests(with_steps(&format!(
    "  - apply: {{file: missing.yaml}}\n  - apply: {{file: broken.yaml}}\n  - apply: {{file: empty.yaml}}\n  - apply: {{file: nameless.yaml}}\n  - apply: {{file: kindless.yaml}}\n  - apply: {{file: scalar.yaml}}\n  - apply: {{file: ''}}\n{ASSERT}"
)))]
#[case::taints(with_steps(&format!(
    "  - taint: {{node: worker-1, taint: 'maintenance'}}\n  - taint: {{node: worker-1, taint: 'a=b:noexecute'}}\n  - untaint: {{node: worker-1, taint: 'a=b:NoExecute'}}\n  - untaint: {{node: worker-1, taint: 'a=b'}}\n  - taint: {{node: worker-1}}\n{ASSERT}"
)))]
#[case::labels(with_steps(&format!(
    "  - label: {{node: worker-1, labels: {{}}}}\n  - label: {{node: worker-1, labels: {{-a: b, ok: yes}}}}\n  - unlabel: {{node: worker-1, keys: []}}\n  - unlabel: {{node: worker-1, keys: [a, 'b/']}}\n{ASSERT}"
)))]
#[case::drain_and_delete(with_steps(&format!(
    "  - drain: {{node: worker-1, gracePeriod: 1500ms, ignoreDaemonSets: maybe}}\n  - delete: {{}}\n  - delete: {{daemonSet: log-collector, file: collector.yaml}}\n  - delete: {{file: collector.yaml, namespace: x}}\n  - delete: {{daemonSet: log-collector, cascade: backgruond}}\n{ASSERT}"
)))]
#[case::since(with_steps(
    "  - {name: rolled, cordon: worker-1}\n  - {name: rolled, uncordon: worker-1}\n  - expect: {notRestarted: {daemonSet: log-collector, since: roled}}\n  - expect: {notRestarted: {daemonSet: log-collector, since: later}}\n  - {name: later, cordon: worker-1}\n"
))]
#[case::conditions(with_steps(
    "  - expect: {}\n  - expect: {convergd: {daemonSet: log-collector}}\n  - expect: {logs: {}}\n  - expect: {converged: {daemonSet: log-collector}, rolledOut: {daemonSet: log-collector}}\n  - expect: {all: []}\n  - expect: {not: {}}\n  - hold: {converged: {daemonSet: log-collector}}\n  - expect: converged\n"
))]
#[case::condition_fields(with_steps(
    "  - expect: {pods: {daemonSet: log-collector}}\n  - expect: {pods: {daemonSet: log-collector, count: -1, phase: Runing, ready: maybe}}\n  - expect: {pods: {daemonSet: log-collector, count: 1, node: worker-1, nodes: [worker-2]}}\n  - expect: {status: {daemonSet: log-collector}}\n  - expect: {status: {daemonSet: log-collector, desired: '2'}}\n  - expect: {nodeReady: {}}\n  - expect: {nodeReady: {all: false}}\n  - expect: {nodeReady: {nodes: []}}\n  - expect: {converged: {namespace: default}}\n"
))]
#[case::images_twice(format!("{HEAD}images: [{{name: a, use: b}}, {{name: a, use: c}}]\nsteps: [{{expect: {{nodeReady: {{all: true}}}}}}]\n"))]
fn steps(#[context] context: Context, #[case] source: String) {
    check(&format!("steps_{}", context.description.unwrap_or_default()), &source);
}

/// Problems of verbs that change nodes, objects and images, and that run commands.
#[rstest]
#[case::patch(with_steps(&format!(
    "  - patch: {{daemonSet: log-collector}}\n  - patch: {{patch: {{}}}}\n  - patch: {{daemonSet: log-collector, type: strategi, patch: {{}}}}\n  - patch: {{daemonSet: log-collector, type: json, patch: {{spec: {{}}}}}}\n  - patch: {{daemonSet: log-collector, patch: [1]}}\n  - patch: {{object: {{apiVersion: v1, kind: Node}}, namespace: x, patch: {{}}}}\n  - patch: {{object: worker-1, patch: {{}}}}\n{ASSERT}"
)))]
#[case::rollouts(with_steps(&format!(
    "  - rolloutRestart: log-collector\n  - rolloutRestart: {{daemonSet: log-colector}}\n  - rollback: {{daemonSet: log-collector, toRevision: 0}}\n  - rollback: {{daemonSet: log-collector, to: 1}}\n{ASSERT}"
)))]
#[case::exec(with_steps(&format!(
    "  - exec: {{daemonSet: log-collector, command: cat /etc/hosts}}\n  - exec: {{daemonSet: log-collector, command: []}}\n  - exec: {{daemonSet: log-collector, command: [sleep, 5]}}\n  - exec: {{daemonSet: log-collector}}\n  - exec: {{daemonSet: log-collector, command: [a], exitCode: 256, stdout: {{match: a}}, stderr: {{matches: '(a'}}}}\n  - exec: {{daemonSet: log-collector, command: [a], container: 'A B', node: worker-1, nodeSelector: {{}}}}\n{ASSERT}"
)))]
#[case::run(with_steps(&format!(
    "  - run: ''\n  - run: []\n  - run: [a, 1]\n  - run: 5\n  - run: {{exitCode: 1}}\n  - run: {{command: a, exitcode: 1}}\n{ASSERT}"
)))]
#[case::images(with_steps(&format!(
    "  - pushImage: {{use: a}}\n  - pushImage: {{name: a b}}\n  - pushImage: a\n  - pullFault: {{image: a}}\n  - pullFault: {{image: a, fault: absnt}}\n  - pullFault: {{image: a, fault: absent, delay: 3s}}\n  - pullFault: {{fault: none}}\n{ASSERT}"
)))]
#[case::pressure(with_steps(&format!(
    "  - pressure: {{node: worker-1}}\n  - pressure: {{node: worker-1, resource: disc}}\n  - pressure: {{node: worker-7, resource: disk, release: 1}}\n{ASSERT}"
)))]
#[case::apply(with_steps(&format!(
    "  - apply: {{}}\n  - apply: {{file: collector.yaml, object: {{}}}}\n  - apply: {{object: {{kind: Pod}}}}\n  - apply: {{objects: {{}}}}\n  - apply: {{objects: []}}\n  - apply: {{object: {{apiVersion: v1, kind: Pod, metadata: {{name: a}}}}, merge: {{spec: {{}}}}}}\n  - apply: {{file: collector.yaml, merge: [a]}}\n{ASSERT}"
)))]
#[case::delete_object(with_steps(&format!(
    "  - delete: {{object: {{kind: Pod, name: a}}}}\n  - delete: {{object: {{apiVersion: v1, kind: Pod, name: a}}, namespace: x}}\n  - delete: {{object: {{apiVersion: apps/v1, kind: DaemonSet, name: log-colector}}}}\n{ASSERT}"
)))]
#[case::explain_unknown_cause(with_steps(&format!("  - explain: {{daemonSet: log-collector, findings: {{worker-1: image-not-fund}}}}\n{ASSERT}")))]
#[case::explain_unknown_node(with_steps(&format!("  - explain: {{daemonSet: log-collector, findings: {{worker-l: crash-loop}}}}\n{ASSERT}")))]
#[case::explain_no_daemon_set(with_steps(&format!("  - explain: {{findings: {{worker-1: crash-loop}}}}\n{ASSERT}")))]
#[case::explain_wrong_types(with_steps(&format!("  - explain: {{daemonSet: log-collector, findings: [crash-loop], overall: {{}}}}\n{ASSERT}")))]
#[case::explain_empty_list(with_steps(&format!("  - explain: {{daemonSet: log-collector, findings: {{worker-1: []}}, whole: crash-loop}}\n{ASSERT}")))]
#[case::explain_within_beside(with_steps(&format!("  - {{explain: {{daemonSet: log-collector}}, within: 5s}}\n{ASSERT}")))]
fn verbs(#[context] context: Context, #[case] source: String) {
    check(&format!("verbs_{}", context.description.unwrap_or_default()), &source);
}

/// Problems of steps that hold others or stand for others.
#[rstest]
#[case::never(with_steps(&format!(
    "  - never: {{nodeReady: {{all: true}}}}\n  - never: {{steps: [{{cordon: worker-1}}]}}\n  - never: {{nodeReady: {{all: true}}, steps: []}}\n  - never: {{nodeReady: {{all: true}}, steps: [{{cordon: worker-9}}]}}\n    within: 3s\n  - never: {{nodeReady: {{all: true}}, steps: {{cordon: worker-1}}}}\n{ASSERT}"
)))]
#[case::never_inside(with_steps(&format!(
    "  - never: {{nodeReady: {{all: true}}, steps: [{{cordon: worker-9}}, {{cordn: worker-1}}]}}\n{ASSERT}"
)))]
#[case::parallel(with_steps(&format!(
    "  - parallel: [{{cordon: worker-1}}]\n  - parallel: {{cordon: worker-1}}\n  - parallel: [[], {{cordon: worker-1}}]\n  - parallel: [{{cordon: worker-1}}, {{uncordn: worker-2}}]\n  - {{parallel: [{{cordon: worker-1}}, {{cordon: worker-2}}], within: 5s}}\n{ASSERT}"
)))]
#[case::pause(with_steps(&format!("  - pause:\n  - pause: ''\n  - pause: {{msg: a}}\n  - {{pause: a, within: 5s}}\n{ASSERT}")))]
#[case::repeat(with_steps(&format!(
    "  - repeat: {{steps: [{{cordon: worker-1}}]}}\n  - repeat: {{times: 1001, steps: [{{cordon: worker-1}}]}}\n  - repeat: {{times: 2}}\n  - repeat: {{times: 2, steps: []}}\n  - repeat: {{times: 2, steps: [{{label: {{node: worker-1, labels: {{round: '${{rund}}'}}}}}}]}}\n  - repeat: {{times: 2, steps: [{{cordon: worker-9}}]}}\n  - repeat: {{times: 2, steps: [{{cordon: worker-1}}]}}\n    within: 5s\n{ASSERT}"
)))]
#[case::for_each(with_steps(&format!(
    "  - forEach: {{steps: [{{cordon: worker-1}}]}}\n  - forEach: {{values: {{node: []}}, cases: [], steps: [{{cordon: worker-1}}]}}\n  - forEach: {{values: {{}}, steps: [{{cordon: worker-1}}]}}\n  - forEach: {{values: {{node: []}}, steps: [{{cordon: worker-1}}]}}\n  - forEach: {{values: {{'my node': [a]}}, steps: [{{cordon: worker-1}}]}}\n  - forEach: {{values: {{node: worker-1}}, steps: [{{cordon: worker-1}}]}}\n  - forEach: {{cases: [{{node: [a]}}], steps: [{{cordon: worker-1}}]}}\n  - forEach: {{cases: [], steps: [{{cordon: worker-1}}]}}\n{ASSERT}"
)))]
#[case::near_miss_of_a_value(with_steps(&format!(
    "  - forEach:\n      values: {{node: [worker-1, worker-2]}}\n      steps:\n        - cordon: '${{nod}}'\n        - uncordon: '${{node}}'\n        - run: 'echo ${{HOME}}'\n{ASSERT}"
)))]
#[case::too_many_runs(with_steps(&format!(
    "  - forEach: {{values: {{a: [{list}], b: [{list}]}}, steps: [{{cordon: worker-1}}]}}\n{ASSERT}",
    list = (0..32).map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
)))]
#[case::too_many_steps(with_steps(&format!(
    "  - repeat:\n      times: 1000\n      steps:\n        - repeat:\n            times: 1000\n            steps:\n              - cordon: worker-1\n{ASSERT}"
)))]
#[case::wrong_in_every_run(with_steps(&format!(
    "  - forEach: {{values: {{node: [worker-7, worker-8]}}, steps: [{{cordon: '${{node}}'}}]}}\n{ASSERT}"
)))]
fn control(#[context] context: Context, #[case] source: String) {
    check(&format!("control_{}", context.description.unwrap_or_default()), &source);
}

/// Problems of files of steps.
#[rstest]
#[case::missing(with_steps(&format!("  - use: {{file: nowhere.yaml}}\n  - use: {{}}\n  - use: steps/settle.yaml\n{ASSERT}")))]
#[case::parameters(with_steps(&format!(
    "  - use: {{file: steps/settle.yaml}}\n  - use: {{file: steps/settle.yaml, with: {{daemonset: log-collector}}}}\n  - use: {{file: steps/settle.yaml, with: {{daemonSet: log-colector}}}}\n  - use: {{file: steps/settle.yaml, with: [a]}}\n{ASSERT}"
)))]
#[case::wrong_inside(with_steps(&format!("  - use: {{file: steps/wrong.yaml}}\n{ASSERT}")))]
#[case::recursion(with_steps(&format!("  - use: {{file: steps/itself.yaml}}\n{ASSERT}")))]
#[case::empty(with_steps(&format!("  - use: {{file: steps/empty.yaml}}\n{ASSERT}")))]
#[case::broken(with_steps(&format!("  - use: {{file: steps/broken.yaml}}\n{ASSERT}")))]
#[case::head(with_steps(&format!("  - use: {{file: steps/parameters.yaml}}\n{ASSERT}")))]
#[case::beside(with_steps(&format!("  - {{use: {{file: steps/settle.yaml, with: {{daemonSet: log-collector}}}}, name: x}}\n{ASSERT}")))]
fn used(#[context] context: Context, #[case] source: String) {
    check(&format!("used_{}", context.description.unwrap_or_default()), &source);
}

/// Problems of conditions that ask for more than what is watched.
#[rstest]
#[case::logs(with_steps(
    "  - expect: {logs: {daemonSet: log-collector}}\n  - expect: {logs: {daemonSet: log-collector, line: ''}}\n  - expect: {logs: {daemonSet: log-collector, line: {matches: '[a'}}}\n  - expect: {logs: {daemonSet: log-collector, line: {contains: a, matches: b}}}\n  - expect: {logs: {line: a, anyPod: maybe, nodes: [worker-7]}}\n"
))]
#[case::exec(with_steps("  - expect: {exec: {daemonSet: log-collector, command: 'ls', exitCode: -1}}\n"))]
#[case::events(with_steps(
    "  - expect: {events: {}}\n  - expect: {events: {namespace: logging}}\n  - expect: {events: {reason: a, type: Warn, count: 0}}\n  - expect: {events: {daemonset: log-collector}}\n"
))]
#[case::object(with_steps(
    "  - expect: {object: {kind: Pod}}\n  - expect: {object: {apiVersion: v1, kind: Pod, match: a, count: -1}}\n  - expect: {object: {apiVersion: v1, kind: Pod, namespace: A, labels: [a]}}\n"
))]
#[case::cel(with_steps(
    "  - expect: {cel: 'size(pods) === 2'}\n  - expect: {cel: 'pod.all(p, true)'}\n  - expect: {cel: 'size(deployments) == 1'}\n  - expect: {cel: ''}\n  - expect: {cel: true}\n  - expect: {cel: \"pods.all(p, p.status.phase == 'Running'\"}\n"
))]
#[case::pods(with_steps(
    "  - expect: {pods: {daemonSet: log-collector, revision: newest, restarts: -1, waiting: ''}}\n  - expect: {pods: {daemonSet: log-collector, revision: 0}}\n"
))]
fn conditions(#[context] context: Context, #[case] source: String) {
    check(&format!("conditions_{}", context.description.unwrap_or_default()), &source);
}

fn with_invariants(invariants: &str) -> String {
    with_steps(&format!(
        "  - {{name: first, cordon: worker-1}}\n  - {{name: last, uncordon: worker-1}}\n{ASSERT}invariants:\n{invariants}"
    ))
}

/// Problems of invariants.
#[rstest]
#[case::none(with_invariants("  - {}\n  - onePodPerNode\n  - {from: first}\n"))]
#[case::unknown(with_invariants(
    "  - onePodPernode: {daemonSet: log-collector}\n  - maxUnavailable: {daemonSet: log-colector}\n"
))]
#[case::two(with_invariants(
    "  - {onePodPerNode: {daemonSet: log-collector}, noRestarts: {daemonSet: log-collector}}\n"
))]
#[case::budgets(with_invariants(
    "  - maxUnavailable: {daemonSet: log-collector, budget: -1}\n  - maxUnavailable: {daemonSet: log-collector, budget: 10 %}\n  - maxSurge: {daemonSet: log-collector, budget: '101%'}\n  - maxSurge: {budget: 1}\n"
))]
#[case::nodes(with_invariants(
    "  - neverOn: {daemonSet: log-collector}\n  - neverOn: {daemonSet: log-collector, nodes: [worker-7]}\n  - neverOn: {daemonSet: log-collector, all: true}\n"
))]
#[case::available(with_invariants(
    "  - available: {daemonSet: log-collector}\n  - available: {daemonSet: log-collector, least: 0}\n"
))]
#[case::order(with_invariants(
    "  - {onePodPerNode: {daemonSet: log-collector}, from: last, until: first}\n  - {onePodPerNode: {daemonSet: log-collector}, from: first, until: first}\n  - {onePodPerNode: {daemonSet: log-collector}, from: frist}\n  - {onePodPerNode: {daemonSet: log-collector}, until: 5}\n"
))]
#[case::conditions(with_invariants("  - cel: 'size(pod) == 1'\n  - not: {}\n  - all: []\n"))]
fn invariants(#[context] context: Context, #[case] source: String) {
    check(&format!("invariants_{}", context.description.unwrap_or_default()), &source);
}

#[rstest]
#[case::wrong_verbs(with_steps(&format!("{ASSERT}onFailure:\n  - cordon: worker-1\n  - expect: {{nodeReady: {{all: true}}}}\n  - run: [kubectl, get, pods]\n")))]
#[case::not_a_list(with_steps(&format!("{ASSERT}onFailure: {{run: a}}\n")))]
fn on_failure(#[context] context: Context, #[case] source: String) {
    check(&format!("on_failure_{}", context.description.unwrap_or_default()), &source);
}

fn with_nodes(nodes: &str, steps: &str) -> String {
    format!("{HEAD}{nodes}steps:\n  - apply: {{file: collector.yaml}}\n{steps}{ASSERT}")
}

/// Problems of simulated nodes.
#[rstest]
#[case::faults(with_nodes(
    "    - {name: a, simulated: true, fault: slow}\n    - {name: b, simulated: true, delay: 3s}\n    - {name: c, simulated: true, fault: crash, delay: 3s}\n    - {name: d, simulated: true, fault: neverready}\n    - {name: e, simulated: yes please}\n",
    ""
))]
#[case::quantities(with_nodes(
    "    - {name: a, simulated: true, allocatable: {cpu: lots}}\n    - {name: b, simulated: true, allocatable: {cpu: -1}}\n    - {name: c, simulated: true, allocatable: {'c p u': 1}}\n    - {name: d, simulated: true, allocatable: 4}\n    - {name: e, simulated: true, count: 10001}\n",
    ""
))]
#[case::names(with_nodes(
    "    - {name: worker, count: 5, simulated: true}\n    - {name: sim, simulated: true}\n    - {name: sim, simulated: true}\n    - {name: a-name-that-leaves-no-room-for-a-number, simulated: true}\n",
    ""
))]
#[case::only_for_simulated(with_nodes(
    "    - {name: real, allocatable: {cpu: 1}, fault: crash, delay: 1s}\n    - {name: a, simulated: true, role: worker}\n",
    ""
))]
#[case::containers(with_nodes(
    "    - {name: sim, count: 3, simulated: true}\n",
    "  - stopNode: sim-1\n  - pressure: {node: sim-2, resource: disk}\n  - partitionNode: sim-4\n  - cordon: sim-3\n  - cordon: sim-01\n"
))]
#[case::scale(with_nodes(
    "    - {name: sim, count: 3, simulated: true}\n",
    "  - scaleSimulatedNodes: {name: sin, count: 5}\n  - scaleSimulatedNodes: {name: others, count: 5}\n  - scaleSimulatedNodes: {name: sim, count: 10001}\n  - scaleSimulatedNodes: {name: sim}\n  - cordon: sim-5\n  - scaleSimulatedNodes: {name: sim, count: 5}\n  - cordon: sim-5\n  - addNodes: {name: extra, simulated: true}\n"
))]
fn simulated(#[context] context: Context, #[case] source: String) {
    check(&format!("simulated_{}", context.description.unwrap_or_default()), &source);
}

#[test]
fn a_file_over_the_limit_is_refused_unread() {
    let problems = load(&"#".repeat(1024 * 1024 + 1)).expect_err("too large");
    insta::assert_snapshot!("file_too_large", problems.to_string());
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut source = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        source.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 9].join(", ")));
    }
    let problems = load(&source).expect_err("a bomb");
    assert_eq!(problems.problems.len(), 1, "{problems}");
}

#[test]
fn deep_nesting_is_refused() {
    let problems = load(&"[".repeat(10_000)).expect_err("too deep");
    assert_eq!(problems.problems.len(), 1, "{problems}");
}

#[test]
fn problems_are_in_the_order_of_the_file_and_colours_are_optional() {
    let source = with_steps("  - cordon: worker1\n  - taintt: {}\n  - expect: {convergd: {}}\n");
    let problems = load(&source).expect_err("problems");
    let lines: Vec<usize> = problems.problems.iter().filter_map(|problem| Some(problem.location?.line)).collect();
    assert!(lines.is_sorted() && lines.len() == 3, "{lines:?}");
    assert!(problems.render(true).contains('\u{1b}'));
    assert!(!problems.render(false).contains('\u{1b}'));
}

#[test]
fn a_byte_order_mark_and_carriage_returns_do_not_shift_positions() {
    let source = format!("\u{feff}{}", with_steps("  - cordon: worker1\n")).replace('\n', "\r\n");
    let problems = load(&source).expect_err("an unknown node");
    let place = problems
        .problems
        .iter()
        .find(|problem| problem.message.contains("worker1"))
        .and_then(|problem| problem.location);
    assert_eq!(place.map(|span| (span.line, span.column, span.len)), Some((10, 13, 7)), "{problems}");
}

#[test]
fn a_byte_order_mark_is_not_shown() {
    let problems = load("\u{feff}apiversion: x\n").expect_err("a typo");
    assert!(!problems.to_string().contains('\u{feff}'));
    assert_eq!(problems.problems[0].location.map(|span| (span.line, span.column)), Some((1, 1)));
}
