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
