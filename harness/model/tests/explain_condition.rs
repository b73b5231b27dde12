//! The condition `explain`: exactly these causes on exactly these nodes, and the report where it is otherwise.

mod common;

use std::collections::BTreeMap;

use common::world::{judge, node, pod, text, unready, with, without};
use rollcall_model::condition::ExplainCondition;
use rollcall_model::explain::{Cause, Extras, WantedLog};
use rollcall_model::world::{Fact, Need};
use rollcall_model::{Change, Condition, DaemonSetRef, World};
use rstest::rstest;
use serde_json::json;

fn expected(findings: &[(&str, &[Cause])], overall: &[Cause]) -> Condition {
    let findings = findings.iter().map(|(node, causes)| ((*node).to_owned(), causes.to_vec())).collect();
    Condition::Explain(ExplainCondition { daemon_set: DaemonSetRef::new("ds"), findings, overall: overall.to_vec() })
}

/// What the engine has found out beside the world: the logs that were wanted.
fn with_logs(mut world: World, logs: &[(&str, &str)]) -> World {
    let logs = logs.iter().map(|(pod, text)| {
        let log = WantedLog { namespace: "default".into(), pod: (*pod).into(), container: "c".into(), previous: false };
        (log, (*text).to_owned())
    });
    let extras = Extras { logs: logs.collect::<BTreeMap<_, _>>(), ..Extras::default() };
    world.apply(Change::Learn { need: Need::Extras(DaemonSetRef::new("ds")), fact: Fact::Extras(extras) });
    world
}

fn told(condition: &Condition, world: &World) -> String {
    format!("{condition}\n{}", text(&judge(condition, world)))
}

fn no_image() -> World {
    let waiting =
        json!({"waiting": {"reason": "ErrImageNeverPull", "message": "not present with pull policy of Never"}});
    with([pod("b", "w2", unready(waiting)).into()])
}

#[rstest]
#[case::nothing_where_all_works(expected(&[], &[]), with([]))]
#[case::the_cause_where_it_is(expected(&[("w2", &[Cause::ImageNeverPulled])], &[]), no_image())]
#[case::why_a_node_is_not_meant(expected(&[("control-plane", &[Cause::TaintNotTolerated])], &[]), with([]))]
fn it_is_true(#[case] condition: Condition, #[case] world: World) {
    assert_eq!(text(&judge(&condition, &with_logs(world, &[]))), "done");
}

#[test]
fn what_is_found_where_nothing_is_expected_is_named_with_its_node() {
    insta::assert_snapshot!(told(&expected(&[], &[]), &with_logs(no_image(), &[])), @r"
    diagnosis of daemonset `ds`: all in order
    not yet: the findings on 1 node are not as expected
      `w2`: it is unhealthy: found `image-never-pulled` (container `c` may not pull its image, and the node does not have it), expected nothing
    ");
}

#[test]
fn another_cause_than_the_expected_one_is_told_beside_it() {
    let condition = expected(&[("w2", &[Cause::SecretMissing, Cause::ProbeFailed])], &[]);
    insta::assert_snapshot!(told(&condition, &with_logs(no_image(), &[])), @r"
    diagnosis of daemonset `ds`: `secret-missing`, `probe-failed` on `w2`
    not yet: the findings on 1 node are not as expected
      `w2`: found `image-never-pulled` (container `c` may not pull its image, and the node does not have it), expected `secret-missing`, `probe-failed`
    ");
}

#[test]
fn a_cause_that_is_not_found_and_a_node_that_is_not_there_are_told() {
    let condition = expected(&[("w1", &[Cause::CrashLoop]), ("w9", &[Cause::NodeUnreachable])], &[]);
    insta::assert_snapshot!(told(&condition, &with_logs(with([]), &[])), @r"
    diagnosis of daemonset `ds`: `crash-loop` on `w1`; `node-unreachable` on `w9`
    not yet: the findings on 2 nodes are not as expected
      `w1`: found nothing, expected `crash-loop`
      `w9`: it is not there, and `node-unreachable` is expected
    ");
}

#[test]
fn causes_of_the_whole_are_compared_too() {
    let nowhere = ["w1", "w2"].map(|name| node(name, &["closed:NoExecute"]));
    let world = without(without(with(nowhere.map(Into::into)), pod("a", "w1", json!({}))), pod("b", "w2", json!({})));
    let world = with_logs(world, &[]);
    insta::assert_snapshot!(told(&expected(&[], &[]), &world), @r"
    diagnosis of daemonset `ds`: all in order
    not yet: of the whole was found `no-eligible-node` (none of 3 nodes is eligible), expected nothing
    ");
    assert_eq!(text(&judge(&expected(&[], &[Cause::NoEligibleNode]), &world)), "done");
}

#[test]
fn nothing_is_said_before_the_logs_that_could_say_more_were_read() {
    let ended = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let mut broken = pod("b", "w2", unready(ended));
    let status = broken.status.as_mut().and_then(|status| status.container_statuses.as_mut()).unwrap();
    status[0].last_state = serde_json::from_value(json!({"terminated": {"exitCode": 1, "reason": "Error"}})).unwrap();
    let world = with([broken.into()]);
    let condition = expected(&[("w2", &[Cause::CrashLoop])], &[]);
    insta::assert_snapshot!(told(&condition, &world), @r"
    diagnosis of daemonset `ds`: `crash-loop` on `w2`
    not yet: what an explanation needs has not been looked at yet
    ");
    insta::assert_snapshot!(told(&condition, &with_logs(world.clone(), &[])), @r"
    diagnosis of daemonset `ds`: `crash-loop` on `w2`
    not yet: the log of `b/c` has not been read yet
    ");
    let said = |line: &str| {
        let extras = Extras {
            logs: BTreeMap::from([(
                WantedLog { namespace: "default".into(), pod: "b".into(), container: "c".into(), previous: true },
                line.to_owned(),
            )]),
            ..Extras::default()
        };
        let mut world = world.clone();
        world.apply(Change::Learn { need: Need::Extras(DaemonSetRef::new("ds")), fact: Fact::Extras(extras) });
        world
    };
    assert_eq!(text(&judge(&condition, &said(""))), "done", "a log that cannot be read says nothing");
    insta::assert_snapshot!(told(&condition, &said("open /data: permission denied")), @r"
    diagnosis of daemonset `ds`: `crash-loop` on `w2`
    not yet: the findings on 1 node are not as expected
      `w2`: found `permission-denied` (container `c` may not do what it tries to), expected `crash-loop`
    ");
}

#[test]
fn a_daemon_set_that_is_not_there_is_waited_for() {
    let condition = Condition::Explain(ExplainCondition {
        daemon_set: DaemonSetRef::new("other"),
        findings: BTreeMap::new(),
        overall: Vec::new(),
    });
    let mut world = with([]);
    let need = Need::Extras(DaemonSetRef::new("other"));
    world.apply(Change::Learn { need, fact: Fact::Extras(Extras::default()) });
    insta::assert_snapshot!(told(&condition, &world), @r"
    diagnosis of daemonset `other`: all in order
    not yet: there is no daemonset `other`
    ");
}
