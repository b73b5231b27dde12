//! A scenario with every verb, condition and invariant, read and printed as its plan.

mod common;

use common::everything::EVERYTHING;
use common::{HEAD, load};
use std::collections::BTreeSet;

use rollcall_model::scenario::keys;
use rollcall_model::{Action, Condition, Plan};

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
    // Which is another way to write an `expect`.
    if EVERYTHING.contains("  - explain:") {
        verbs.insert("explain");
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
