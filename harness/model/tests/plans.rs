//! A scenario with every verb and every condition, read and printed as its plan.

mod common;

use common::{HEAD, load};
use rollcall_model::{Action, Plan};

const EVERYTHING: &str = "\
images:
  - {name: 'fluentd:latest', use: 'rollcall/agent:1'}
steps:
  - apply: {file: collector.yaml}
  - name: first
    expect: {converged: {daemonSet: log-collector}, within: 20s}
  - addNodes: {name: gpu, count: 2, labels: {node-type: gpu}, taints: ['dedicated=gpu:NoSchedule']}
  - addNodes: {name: worker-3}
  - stopNode: worker-1
  - startNode: worker-1
  - restartNode: {node: worker-1}
  - pauseNode: worker-2
  - resumeNode: worker-2
  - partitionNode: worker-2
  - healNode: worker-2
  - taint: {node: worker-1, taint: 'maintenance=true:NoExecute'}
  - untaint: {node: worker-1, taint: 'maintenance:NoExecute'}
  - untaint: {node: worker-1, taint: maintenance}
  - label: {node: worker-1, labels: {disk: ssd, 'example.com/zone': a}}
  - unlabel: {node: worker-1, keys: [disk, 'example.com/zone']}
  - cordon: worker-1
  - uncordon: {node: worker-1}
  - drain: worker-1
  - drain: {node: worker-1, ignoreDaemonSets: false, gracePeriod: 0s}
    within: 2m
  - setImage: {daemonSet: log-collector, container: collector, image: 'rollcall/agent:2'}
  - expect: {rolledOut: {daemonSet: log-collector, allowNone: true}}
  - deletePod: {daemonSet: log-collector, node: worker-1}
  - expect:
      all:
        - pods: {daemonSet: log-collector, node: worker-1, count: 1, ready: true, phase: Running, image: 'rollcall/agent:2'}
        - any:
            - status: {daemonSet: log-collector, desired: 2, misscheduled: 0}
            - not: {nodeReady: {nodes: [worker-1, worker-2], ready: false}}
      within: 1m30s
  - expect: {pods: {daemonSet: agent, namespace: logging, nodeSelector: {disk: ssd}, terminating: false}}
  - expect: {notRestarted: {daemonSet: log-collector, since: first, node: worker-2}}
  - removeNode: worker-3
  - delete: {daemonSet: agent, namespace: logging, cascade: orphan}
  - delete: {file: collector.yaml}
  - hold: {nodeReady: {all: true}, for: 500ms}
";

fn everything() -> Plan {
    let source = format!(
        "{}{EVERYTHING}",
        HEAD.replace("{name: test}", "{name: everything, description: Every verb once.}")
            .replace("  nodes:", "  kubernetes: '1.37'\n  nodes:")
    );
    Plan::new(&load(&source).unwrap_or_else(|problems| panic!("{problems}")))
}

#[test]
fn every_verb_is_printed_with_its_defaults() {
    insta::assert_snapshot!(everything().to_string());
}

#[test]
fn every_verb_is_in_the_scenario_of_this_test() {
    let keys: std::collections::BTreeSet<&str> = everything().steps.iter().map(|step| step.action.key()).collect();
    assert_eq!(keys.len(), 22, "{keys:?}");
}

#[test]
fn manifests_keep_their_objects_and_octal_modes() {
    let plan = everything();
    let Action::Apply { manifest } = &plan.steps[0].action else { panic!("{:?}", plan.steps[0]) };
    assert_eq!(manifest.documents.len(), 3);
    assert_eq!(manifest.documents[1]["spec"]["template"]["spec"]["volumes"][0]["configMap"]["defaultMode"], 0o644);
    assert_eq!(plan.steps[0].location.to_string(), "12:5");
}

#[test]
fn a_cluster_is_shared_only_where_the_scenario_says_so() {
    assert!(!everything().cluster.shared);
    let source = format!("{}{EVERYTHING}", HEAD.replace("  nodes:", "  shared: true\n  nodes:"));
    let plan = Plan::new(&load(&source).unwrap_or_else(|problems| panic!("{problems}")));
    assert!(plan.cluster.shared);
    assert!(plan.to_string().contains("cluster, shared\n"), "{plan}");
}

#[test]
fn a_list_is_taken_apart() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n";
    let manifest = rollcall_model::Manifest::parse("list.yaml", text).expect("a list is a manifest");
    assert_eq!(manifest.documents.len(), 2);
}

#[test]
fn a_hold_lasts_as_long_as_it_says_and_defaults_go_by_verb() {
    let deadlines: Vec<(usize, u128)> = everything()
        .steps
        .iter()
        .filter(|step| [0, 1, 2, 4, 18, 19, 29].contains(&step.index))
        .map(|step| (step.index, step.deadline.map_or(0, |deadline| deadline.as_millis())))
        .collect();
    let expected = [(0, 10_000), (1, 20_000), (2, 30_000), (4, 15_000), (18, 60_000), (19, 120_000), (29, 500)];
    assert_eq!(deadlines, expected);
}
