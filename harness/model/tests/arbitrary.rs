//! Whatever a file holds, reading it ends in a scenario or in problems, never in a panic.

mod common;

use common::{load, with_steps};
use proptest::prelude::*;
use rollcall_model::{Plan, Taint};

/// Pieces of YAML and of scenarios, so that random files get further than the first character.
const PIECES: [&str; 88] = [
    "apiVersion",
    "kind",
    "metadata",
    "cluster",
    "nodes",
    "steps",
    "expect",
    "converged",
    "pods",
    "daemonSet",
    "name",
    "count",
    "role",
    "taint",
    "addNodes",
    "hold",
    "for",
    "within",
    "all",
    "any",
    "not",
    "since",
    "invariants",
    "maxUnavailable",
    "onePodPerNode",
    "budget",
    "from",
    "until",
    "first",
    "onFailure",
    "run",
    "exec",
    "command",
    "logs",
    "line",
    "matches",
    "events",
    "reason",
    "object",
    "match",
    "cel",
    "size(pods) == 1",
    "pods.all(p, ",
    "parallel",
    "never",
    "repeat",
    "times",
    "forEach",
    "values",
    "cases",
    "use",
    "file",
    "with",
    "steps/settle.yaml",
    "steps/itself.yaml",
    "${node}",
    "${",
    "simulated",
    "allocatable",
    "merge",
    "10%",
    ": ",
    ":\n  ",
    "\n",
    "\n- ",
    "\n  - ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "'",
    "\"",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "? ",
    "| ",
    "> ",
    "---\n",
    "...\n",
    "# ",
    "\t",
    "é",
    "30s",
    "-1",
    "\u{feff}",
];

/// Steps with something of everything.
const RIGHT: &str = "\
\x20 - {name: first, cordon: worker-1}
  - repeat:
      times: 2
      steps:
        - run: echo ${round}
  - forEach: {values: {node: [worker-1, worker-2]}, steps: [{drain: '${node}'}]}
  - use: {file: steps/settle.yaml, with: {daemonSet: log-collector}}
  - parallel: [[{stopNode: worker-1}], {never: {cel: 'size(pods) == 9', steps: [{cordon: worker-2}]}}]
  - expect: {logs: {daemonSet: log-collector, line: {matches: '^a+$'}}}
  - expect: {exec: {daemonSet: log-collector, command: [cat, x], stdout: hello}}
  - expect: {object: {apiVersion: v1, kind: Pod, match: {a: [1, {b: null}]}}}
  - patch: {daemonSet: log-collector, type: json, patch: [{op: remove, path: /a}]}
  - addNodes: {name: more, count: 2, taints: ['a=b:NoExecute']}
  - expect: {pods: {daemonSet: log-collector, node: more-1, count: 1}, within: 5s}
  - hold: {not: {any: [{nodeReady: {all: true}}]}, for: 3s}
invariants:
  - {maxUnavailable: {daemonSet: log-collector, budget: 10%}, from: first}
  - not: {events: {reason: FailedCreate}}
";

fn yaml_like() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..60).prop_map(|pieces| pieces.concat())
}

/// Reads it, and shows whatever came of it.
fn survive(source: &str) {
    match load(source) {
        Ok(scenario) => drop(Plan::new(&scenario).to_string()),
        Err(problems) => {
            assert!(!problems.problems.is_empty());
            assert!(problems.render(true).len() > problems.file.len());
            assert!(!problems.to_string().is_empty());
        }
    }
}

#[test]
fn the_right_file_is_right() {
    load(&with_steps(RIGHT)).unwrap_or_else(|problems| panic!("{problems}"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_string(source in any::<String>()) {
        survive(&source);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survive(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn yaml_like_text(source in yaml_like()) {
        survive(&source);
    }

    #[test]
    fn a_right_file_with_a_part_replaced(start in 0usize..1600, len in 0usize..40, put in yaml_like()) {
        let source = with_steps(RIGHT);
        let at = |index: usize| source.char_indices().nth(index).map_or(source.len(), |(byte, _)| byte);
        let (from, to) = (at(start), at(start + len));
        survive(&format!("{}{put}{}", &source[..from], &source[to..]));
    }

    #[test]
    fn a_taint_that_is_read_is_written_the_same(text in "[a-c/.=:NoExecutSchdlPrf]{0,20}") {
        if let Ok(taint) = text.parse::<Taint>() {
            prop_assert_eq!(taint.to_string().parse::<Taint>(), Ok(taint));
        }
    }

    #[test]
    fn manifests_of_any_text_do_not_panic(text in yaml_like()) {
        let _ = rollcall_model::Manifest::parse("x.yaml", &text).map(|manifest| manifest.daemon_sets());
    }
}
