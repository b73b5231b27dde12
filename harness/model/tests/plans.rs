//! A scenario with every verb, condition and invariant, read and printed as its plan.

mod common;

use common::{HEAD, load};
use std::collections::BTreeSet;

use rollcall_model::scenario::keys;
use rollcall_model::{Action, Condition, Plan};

const EVERYTHING: &str = "    - {name: sim, count: 30, simulated: true, labels: {zone: a}, taints: ['rack=1:NoSchedule'], allocatable: {cpu: 4, memory: 16Gi}, fault: slow, delay: 5s}
    - {name: broken, simulated: true, fault: neverReady}
    - {name: crashing, simulated: true, fault: crash}
images:
  - {name: 'fluentd:latest', use: 'rollcall/agent:1'}
invariants:
  - onePodPerNode: {daemonSet: log-collector}
  - {maxUnavailable: {daemonSet: log-collector, budget: 10%}, from: first, until: last}
  - maxSurge: {daemonSet: log-collector, budget: 1}
  - neverOn: {daemonSet: log-collector, nodeSelector: {zone: a}}
  - {noRestarts: {daemonSet: log-collector}, from: first}
  - {atMostTwoRevisions: {daemonSet: agent, namespace: logging}, until: last}
  - available: {daemonSet: log-collector, least: 2}
  - not: {events: {reason: FailedCreate}}
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
  - pressure: {node: worker-1, resource: memory}
  - pressure: {node: worker-1, resource: memory, release: true}
  - scaleSimulatedNodes: {name: sim, count: 50}
  - apply: {object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}}
  - apply: {file: collector.yaml, merge: {spec: {minReadySeconds: 3}}}
  - patch: {daemonSet: log-collector, patch: {spec: {minReadySeconds: 2}}}
  - patch: {object: {apiVersion: v1, kind: Node, name: worker-1}, subresource: status, type: json, patch: [{op: remove, path: /x}]}
  - setImage: {daemonSet: log-collector, container: collector, image: 'rollcall/agent:2'}
  - rolloutRestart: {daemonSet: log-collector}
  - rollback: {daemonSet: log-collector, toRevision: 1}
  - rollback: {daemonSet: agent, namespace: logging}
  - deletePod: {daemonSet: log-collector, node: worker-1}
  - pushImage: {name: 'agent:candidate', use: 'agent:dev'}
  - pullFault: {image: 'agent:candidate', fault: slow, delay: 2s}
  - pullFault: {image: 'agent:candidate', fault: none}
  - exec: {daemonSet: log-collector, node: worker-1, container: collector, command: [cat, /etc/hosts], stdout: localhost}
  - run: kubectl get nodes
  - run: {command: ['false'], exitCode: 1}
  - pause: have a look
  - repeat:
      times: 2
      steps:
        - {name: round, rolloutRestart: {daemonSet: log-collector}}
  - forEach:
      values: {node: [worker-1, worker-2], grace: [1s, 5s]}
      steps:
        - drain: {node: '${node}', gracePeriod: '${grace}'}
  - forEach:
      cases: [{node: worker-1, effect: NoSchedule}, {node: worker-2, effect: NoExecute}]
      steps:
        - taint: {node: '${node}', taint: 'round=${effect}:${effect}'}
  - use: {file: steps/outer.yaml}
  - parallel:
      - [stopNode: worker-2, startNode: worker-2]
      - expect: {rolledOut: {daemonSet: log-collector}}
  - never:
      pods: {daemonSet: log-collector, node: gpu-1, count: 1}
      steps:
        - rolloutRestart: {daemonSet: log-collector}
        - expect: {rolledOut: {daemonSet: log-collector, allowNone: true}}
  - expect:
      all:
        - pods: {daemonSet: log-collector, node: worker-1, count: 1, ready: true, phase: Running, image: 'rollcall/agent:2', revision: current}
        - pods: {daemonSet: log-collector, count: 0, waiting: CrashLoopBackOff, restarts: 3}
        - any:
            - status: {daemonSet: log-collector, desired: 2, misscheduled: 0}
            - not: {nodeReady: {nodes: [worker-1, worker-2], ready: false}}
      within: 1m30s
  - expect: {pods: {daemonSet: agent, namespace: logging, nodeSelector: {disk: ssd}, terminating: false}}
  - expect: {notRestarted: {daemonSet: log-collector, since: first, node: worker-2}}
  - expect: {logs: {daemonSet: log-collector, line: {matches: '^ready'}, anyPod: true}}
  - expect: {exec: {daemonSet: log-collector, command: ['true'], exitCode: 0, stderr: {contains: x}}}
  - expect: {events: {daemonSet: log-collector, reason: SuccessfulCreate, count: 3}}
  - expect: {object: {apiVersion: v1, kind: ConfigMap, name: a, match: {data: {a: b}}}}
  - expect: {cel: \"nodes.all(n, has(n.spec.podCIDR))\"}
  - removeNode: worker-3
  - delete: {daemonSet: agent, namespace: logging, cascade: orphan}
  - delete: {object: {apiVersion: v1, kind: ConfigMap, name: a}}
  - delete: {file: collector.yaml}
  - name: last
    hold: {nodeReady: {all: true}, for: 500ms}
onFailure:
  - run: [kubectl, get, pods, -A]
  - exec: {daemonSet: log-collector, command: [ps]}
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

/// The keys of the conditions of a step, and of those inside of them.
fn conditions(condition: &Condition, into: &mut BTreeSet<&'static str>) {
    let inner: Vec<&Condition> = match condition {
        Condition::All(conditions) | Condition::Any(conditions) => conditions.iter().collect(),
        Condition::Not(condition) | Condition::Patient(condition) => vec![condition],
        _ => Vec::new(),
    };
    into.extend(condition.key());
    inner.into_iter().for_each(|condition| conditions(condition, into));
}

#[test]
fn every_word_of_the_language_is_in_the_scenario_of_this_test() {
    let plan = everything();
    let (mut verbs, mut found, mut invariants) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for step in plan.flat() {
        verbs.insert(step.action.key());
        match &step.action {
            Action::Expect { condition } | Action::Hold { condition, .. } | Action::Never { condition, .. } => {
                conditions(condition, &mut found);
            }
            _ => {}
        }
    }
    for invariant in &plan.invariants {
        invariants.extend(invariant.rule.key());
    }
    assert_eq!(verbs, keys::VERBS.into(), "a verb is missing here, or in the list");
    assert_eq!(found, keys::CONDITIONS.into(), "a condition is missing here, or in the list");
    assert_eq!(invariants, keys::INVARIANTS.into(), "an invariant is missing here, or in the list");
    for expansion in keys::EXPANSIONS {
        assert!(EVERYTHING.contains(&format!("  - {expansion}:")), "`{expansion}` is missing here");
    }
}

#[test]
fn manifests_keep_their_objects_and_octal_modes() {
    let plan = everything();
    let Action::Apply { manifest } = &plan.steps[0].action else { panic!("{:?}", plan.steps[0]) };
    assert_eq!(manifest.documents.len(), 3);
    assert_eq!(manifest.documents[1]["spec"]["template"]["spec"]["volumes"][0]["configMap"]["defaultMode"], 0o644);
    assert_eq!(plan.steps[0].location.to_string(), "24:5");
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
    let plan = everything();
    let deadline = |begins: &str| {
        let step = plan.flat().into_iter().find(|step| step.summary().starts_with(begins));
        step.unwrap_or_else(|| panic!("no step begins with `{begins}`")).deadline.map(|deadline| deadline.as_millis())
    };
    let expected = [
        ("apply", Some(10_000)),
        ("expect daemonset `log-collector` converged", Some(20_000)),
        ("add worker `gpu-1`", Some(30_000)),
        ("stop node", Some(15_000)),
        ("drain `worker-1`", Some(60_000)),
        ("drain `worker-1`, daemon pods", Some(120_000)),
        ("scale", Some(60_000)),
        ("run `kubectl", Some(60_000)),
        ("patch", Some(10_000)),
        ("pause: ", None),
        ("side by side", None),
        ("never", None),
        ("hold", Some(500)),
    ];
    for (begins, milliseconds) in expected {
        assert_eq!(deadline(begins), milliseconds, "{begins}");
    }
}

#[test]
fn what_stands_for_other_steps_is_replaced_by_them() {
    let plan = everything();
    let summaries: Vec<String> = plan.flat().iter().map(|step| step.summary()).collect();
    let begin = |begins: &str| summaries.iter().filter(|summary| summary.starts_with(begins)).count();
    assert_eq!(begin("drain `worker-2`, grace period"), 2, "every combination of the values");
    assert_eq!(begin("taint `worker-2` with `round=NoExecute:NoExecute`"), 1, "every case");
    assert_eq!(begin("restart daemonset"), 4, "one, two repeated, and one inside of `never`");
    assert_eq!(begin("expect daemonset `log-collector` converged"), 2, "one from a file that a file uses");
    let numbers: Vec<usize> = plan.flat().iter().map(|step| step.index).collect();
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
    assert_eq!(plan.on_failure.first().map(|step| step.index), Some(numbers.len()));
}
