//! A condition as an invariant: once it has been true it must stay so.

use k8s_openapi::api::core::v1::Event;
use rollcall_model::condition::{EventsCondition, PodsCondition};
use rollcall_model::invariant::Rule;
use rollcall_model::world::{Fact, Need};
use rollcall_model::{Change, Condition};
use serde_json::json;

use crate::history::{History, ds, pod};

fn pods(count: u32) -> Condition {
    Condition::Pods(PodsCondition { count: Some(count), ready: Some(true), ..PodsCondition::of(ds()) })
}

#[test]
fn a_condition_that_ceases_to_be_true_is_found_at_once() {
    let mut history = History::settled(Rule::Always(pods(3)), json!({}));
    history.set(pod("b", "n2").unready(1).build());
    let at = history.now;
    history.set(pod("b", "n2").ready(2).build());
    assert_eq!(history.so_far().len(), 1);
    let report = history.broke(at, &["n1", "n2", "n3"]);
    assert!(report.starts_with("2 ready pods of daemonset `ds`, and 3 are expected"), "{report}");
}

#[test]
fn the_way_to_its_first_being_true_is_right() {
    History::settled(Rule::Always(pods(3)), json!({})).held();
}

#[test]
fn a_condition_that_never_was_true_is_a_breach_at_the_end() {
    let history = History::settled(Rule::Always(pods(4)), json!({}));
    let at = history.now;
    assert_eq!(history.broke(at, &[]), "it was never true");
}

fn no_event() -> Rule {
    let event = EventsCondition {
        daemon_set: None,
        node: None,
        kind: None,
        name: None,
        reason: Some("BackOff".into()),
        type_: None,
        message: None,
        count: 1,
    };
    Rule::Always(Condition::Not(Box::new(Condition::Events(event))))
}

#[test]
fn an_event_is_a_change_too() {
    let event = |reason: &str| -> Event {
        let event = json!({"metadata": {"name": "e", "namespace": "default"}, "reason": reason, "involvedObject": {}});
        serde_json::from_value(event).expect("an event")
    };
    let mut history = History::settled(no_event(), json!({}));
    history.set(event("Pulled"));
    assert!(history.so_far().is_empty());
    history.set(event("BackOff"));
    assert_eq!(history.so_far().len(), 1, "nothing else has to happen");
    let at = history.now;
    history.broke(at, &[]);
}

#[test]
fn what_is_found_out_is_a_change_too() {
    let text = r#"{"apiVersion": "v1", "kind": "ConfigMap", "name": "settings"}"#;
    let source = format!(
        "apiVersion: rollcall.dev/v1\nkind: Scenario\nmetadata: {{name: a}}\ncluster: {{nodes: [{{name: cp, role: control-plane}}]}}\nsteps: [{{expect: {{object: {text}}}}}]\n"
    );
    let scenario = rollcall_model::Scenario::load("a.yaml", &source, &|_| Err(String::new()))
        .unwrap_or_else(|problems| panic!("{problems}"));
    let rollcall_model::Action::Expect { condition } = &scenario.steps[0].action else { panic!("an expect") };
    let need = condition.needs().remove(0);
    let found = |there: bool| {
        let object = (("default".to_owned(), "settings".to_owned()), json!({"metadata": {"name": "settings"}}).into());
        Change::Learn { need: need.clone(), fact: Fact::Objects(there.then_some(object).into_iter().collect()) }
    };
    assert!(matches!(need, Need::Objects { .. }));
    let mut history = History::settled(Rule::Always(condition.clone()), json!({}));
    history.change(found(true));
    history.change(found(false));
    let at = history.now;
    history.broke(at, &[]);
}
