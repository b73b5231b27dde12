//! Conditions that ask beside the objects that are always watched: logs, commands, events, other objects, expressions.

mod common;

use std::collections::BTreeMap;

use common::load;
use common::world::{converged, daemon_set, judge, node, pod, pods, revision, text, unready, with};
use k8s_openapi::api::core::v1::Event;
use proptest::prelude::*;
use rollcall_model::condition::{Expression, PodsCondition, RevisionWanted};
use rollcall_model::world::{ExecSeen, Fact, LogSeen};
use rollcall_model::{Action, Change, Condition, Object, World};
use rstest::rstest;
use serde_json::{Value, json};

/// The condition that a scenario file writes like this.
#[track_caller]
fn condition(written: &str) -> Condition {
    let source = common::with_steps(&format!("  - expect: {written}\n"));
    let mut scenario = load(&source).unwrap_or_else(|problems| panic!("{problems}"));
    let Some(Action::Expect { condition }) = scenario.steps.pop().map(|step| step.action) else { panic!("an expect") };
    condition
}

/// The small world, in which the DaemonSet has the name of the scenario's.
fn small() -> World {
    let mut world = World::new();
    let json = |object: Value| object.to_string().replace("\"ds\"", "\"log-collector\"");
    for (kind, objects) in by_kind(&with([])) {
        let objects = objects.into_iter().map(|object| match object {
            Object::Pod(pod) => {
                parsed::<k8s_openapi::api::core::v1::Pod>(&json(serde_json::to_value(pod.as_ref()).expect("JSON")))
            }
            Object::DaemonSet(set) => parsed::<k8s_openapi::api::apps::v1::DaemonSet>(&json(
                serde_json::to_value(set.as_ref()).expect("JSON"),
            )),
            other => other,
        });
        world.apply(Change::Resync { kind, objects: objects.collect() });
    }
    world
}

fn parsed<T: serde::de::DeserializeOwned + Into<Object>>(text: &str) -> Object {
    serde_json::from_str::<T>(text).expect("an object").into()
}

fn by_kind(world: &World) -> Vec<(rollcall_model::Kind, Vec<Object>)> {
    use rollcall_model::Kind;
    vec![
        (Kind::Node, world.nodes.values().cloned().map(Object::Node).collect()),
        (Kind::Pod, world.pods.values().cloned().map(Object::Pod).collect()),
        (Kind::DaemonSet, world.daemon_sets.values().cloned().map(Object::DaemonSet).collect()),
        (Kind::Revision, world.revisions.values().cloned().map(Object::Revision).collect()),
        (Kind::Event, world.events.values().cloned().map(Object::Event).collect()),
    ]
}

/// The world in which this has been found out for the condition.
fn learned(mut world: World, condition: &Condition, fact: Fact) -> World {
    let need = condition.needs().pop().expect("the condition needs something");
    world.apply(Change::Learn { need, fact });
    world
}

fn log(matched: Option<&str>, lines: u64, last: &str) -> LogSeen {
    LogSeen { matched: matched.map(str::to_owned), lines, last: Some(last.to_owned()) }
}

#[test]
fn logs_are_asked_of_every_pod() {
    let condition = condition("{logs: {daemonSet: log-collector, line: started}}");
    insta::assert_snapshot!(text(&judge(&condition, &small())), @"not yet: no log has been read yet");
    let unknown = learned(small(), &condition, Fact::Unknown("the log cannot be read".to_owned()));
    insta::assert_snapshot!(text(&judge(&condition, &unknown)), @"not yet: the log cannot be read");
    let one = Fact::Logs([("uid-a".to_owned(), log(Some("agent started"), 3, "x"))].into());
    insta::assert_snapshot!(text(&judge(&condition, &learned(small(), &condition, one))), @r"
    not yet: the logs of 1 of 2 pods of daemonset `log-collector` do not have `started`
      `w2`: pod `b` has no log
    ");
    let other = Fact::Logs(
        [("uid-a".to_owned(), log(Some("started"), 1, "x")), ("uid-b".to_owned(), log(None, 7, "booting"))].into(),
    );
    insta::assert_snapshot!(text(&judge(&condition, &learned(small(), &condition, other.clone()))), @r"
    not yet: the logs of 1 of 2 pods of daemonset `log-collector` do not have `started`
      `w2`: pod `b`: 7 lines, the last is `booting`
    ");
    let any = crate::condition("{logs: {daemonSet: log-collector, line: started, anyPod: true}}");
    assert!(judge(&any, &learned(small(), &any, other)).is_done());
    let none = Fact::Logs([("uid-a".to_owned(), log(None, 1, "x"))].into());
    assert!(!judge(&any, &learned(small(), &any, none)).is_done(), "no pod has such a line");
    let both = ["uid-a", "uid-b"].map(|uid| (uid.to_owned(), log(Some("started"), 1, "x")));
    assert!(judge(&condition, &learned(small(), &condition, Fact::Logs(both.into()))).is_done());
}

#[test]
fn logs_of_no_pods_say_nothing() {
    for written in [
        "{logs: {daemonSet: log-collector, node: control-plane, line: x}}",
        "{logs: {daemonSet: log-collector, node: control-plane, line: x, anyPod: true}}",
    ] {
        let condition = condition(written);
        let world = learned(small(), &condition, Fact::Logs(BTreeMap::new()));
        let judged = text(&judge(&condition, &world));
        assert_eq!(judged, "not yet: there are no pods of daemonset `log-collector` on `control-plane`");
    }
}

fn ended(exit_code: i32, stdout: &str, stderr: &str) -> ExecSeen {
    ExecSeen::Ended { exit_code, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

#[rstest]
#[case::as_said(ended(3, "root:x\n", "warning: y\n"), "done")]
#[case::exit_code(ended(0, "root:x", "warning: y"), "exit code 0: warning: y")]
#[case::exit_code_with_output_only(ended(1, "nothing", ""), "exit code 1: nothing")]
#[case::exit_code_alone(ended(1, "", ""), "exit code 1")]
#[case::stdout(ended(3, "nobody", "warning: y"), "standard output does not have `root`: `nobody`")]
#[case::stderr(ended(3, "root", "fine"), "standard error does not have a match of `^warn`: `fine`")]
#[case::refused(ExecSeen::Refused("no such container".to_owned()), "no such container")]
fn a_command_ends_as_said_in_every_pod(#[case] seen: ExecSeen, #[case] said: &str) {
    let condition = condition(
        "{exec: {daemonSet: log-collector, command: [id], exitCode: 3, stdout: root, stderr: {matches: '^warn'}}}",
    );
    let good = ended(3, "root", "warning");
    let fact = Fact::Exec([("uid-a".to_owned(), good), ("uid-b".to_owned(), seen)].into());
    let judged = text(&judge(&condition, &learned(small(), &condition, fact)));
    let expected = match said {
        "done" => "done".to_owned(),
        said => format!("not yet: not so in 1 of 2 pods\n  `w2`: pod `b`: {said}"),
    };
    assert_eq!(judged, expected);
}

#[test]
fn a_command_that_has_not_been_run_says_nothing() {
    let condition = condition("{exec: {daemonSet: log-collector, command: ['true']}}");
    insta::assert_snapshot!(text(&judge(&condition, &small())), @"not yet: the command has not been run yet");
    let one = Fact::Exec([("uid-a".to_owned(), ended(0, "", ""))].into());
    insta::assert_snapshot!(text(&judge(&condition, &learned(small(), &condition, one.clone()))), @r"
    not yet: not so in 1 of 2 pods
      `w2`: pod `b`: the command has not been run yet
    ");
    let nowhere = crate::condition("{exec: {daemonSet: log-collector, node: control-plane, command: ['true']}}");
    assert!(!judge(&nowhere, &learned(small(), &nowhere, Fact::Exec(BTreeMap::new()))).is_done(), "none is not all");
}

fn event(name: &str, about: (&str, &str), reason: &str, count: Option<i32>) -> Event {
    let (kind, of) = about;
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": "default"},
        "involvedObject": {"kind": kind, "name": of, "namespace": "default"},
        "reason": reason, "message": format!("because of {reason}"), "type": "Warning", "count": count,
    }))
    .expect("an event")
}

#[rstest]
#[case::reason("{reason: FailedCreate}", true)]
#[case::another_reason("{reason: Killing}", false)]
#[case::of_the_daemon_set_and_its_pods("{daemonSet: log-collector, reason: BackOff}", true)]
#[case::repetitions_count("{reason: BackOff, count: 5}", true)]
#[case::not_so_many("{reason: BackOff, count: 6}", false)]
#[case::several_events_count("{type: Warning, count: 6}", true)]
#[case::kind("{kind: Pod, name: log-collector-x2x4d}", true)]
#[case::kind_and_another_name("{kind: Pod, name: log-collector-aaaaa}", false)]
#[case::message("{message: {matches: 'of Back.ff$'}}", true)]
#[case::another_message("{message: nothing}", false)]
#[case::type_("{type: Normal}", false)]
fn events_are_found_by_what_they_say(#[case] written: &str, #[case] good: bool) {
    let mut world = small();
    for event in [
        event("1", ("DaemonSet", "log-collector"), "FailedCreate", None),
        event("2", ("Pod", "log-collector-x2x4d"), "BackOff", Some(5)),
        event("3", ("Pod", "stranger"), "Failed", None),
    ] {
        world.apply(Change::Set(event.into()));
    }
    let condition = condition(&format!("{{events: {written}}}"));
    let judged = judge(&condition, &world);
    assert_eq!(judged.is_done(), good, "{}", text(&judged));
}

#[test]
fn events_that_are_missing_are_named() {
    let condition = condition("{events: {daemonSet: log-collector, reason: FailedCreate, count: 2}}");
    insta::assert_snapshot!(text(&judge(&condition, &small())));
}

fn config_maps() -> Fact {
    let object = |namespace: &str, name: &str, data: Value| {
        let object = json!({"metadata": {"name": name, "namespace": namespace, "labels": {"of": name}}, "data": data});
        ((namespace.to_owned(), name.to_owned()), object.into())
    };
    Fact::Objects(
        [
            object("default", "settings", json!({"level": "debug", "more": "x"})),
            object("default", "other", json!({"level": "info"})),
            object("logging", "settings", json!({})),
        ]
        .into(),
    )
}

#[rstest]
#[case::there("name: settings", "done")]
#[case::part("name: settings, match: {data: {level: debug}}", "done")]
#[case::wrong_part(
    "name: settings, match: {data: {level: warn}}",
    "not yet: not as said: configmap `settings`: `settings`: `data.level` is \"debug\", not \"warn\""
)]
#[case::missing_part(
    "name: settings, match: {data: {depth: x}}",
    "not yet: not as said: configmap `settings`: `settings`: `data.depth` is not there"
)]
#[case::missing_key_is_null("name: settings, match: {data: {depth: null}}", "done")]
#[case::not_there("name: nothing", "not yet: there is no configmap `nothing`")]
#[case::gone("name: nothing, count: 0", "done")]
#[case::still_there("name: settings, count: 0", "not yet: 1 found, not 0: configmap `settings`")]
#[case::elsewhere(
    "name: settings, namespace: logging, match: {data: {level: debug}}",
    "not yet: not as said: configmap `settings` in namespace `logging`: `settings`: `data.level` is not there"
)]
#[case::counted("match: {data: {level: info}}, count: 1", "done")]
#[case::counted_wrong(
    "match: {data: {level: info}}, count: 2",
    "not yet: 1 found, not 2: objects of kind `ConfigMap`: `settings`: `data.level` is \"debug\", not \"info\"; `settings`: `data.level` is not there"
)]
#[case::all("labels: {of: settings}, namespace: default, match: {data: {level: debug}}", "done")]
#[case::none_is_not_all(
    "labels: {of: nobody}",
    "not yet: there is no object of kind `ConfigMap` with label `of=nobody`"
)]
fn objects_are_found_by_a_part_of_them(#[case] written: &str, #[case] said: &str) {
    let condition = condition(&format!("{{object: {{apiVersion: v1, kind: ConfigMap, {written}}}}}"));
    assert_eq!(text(&judge(&condition, &learned(small(), &condition, config_maps()))), said);
}

#[test]
fn objects_that_have_not_been_listed_are_not_known_to_be_absent() {
    let condition = condition("{object: {apiVersion: v1, kind: ConfigMap, name: settings, count: 0}}");
    insta::assert_snapshot!(text(&judge(&condition, &small())), @"not yet: the objects of kind `ConfigMap` have not been listed yet");
    let unknown = learned(small(), &condition, Fact::Unknown("the API server serves no kind `ConfigMap`".to_owned()));
    insta::assert_snapshot!(text(&judge(&condition, &unknown)), @"not yet: the API server serves no kind `ConfigMap`");
}

fn cel(text: &str) -> Condition {
    Condition::Cel(Expression::compile(text).unwrap_or_else(|error| panic!("{error:?}")))
}

#[rstest]
#[case::all("pods.all(p, p.status.phase == 'Running')", "done")]
#[case::nested("pods.all(p, p.spec.containers.all(c, c.image.startsWith('agent:')))", "done")]
#[case::exists("nodes.exists(n, n.metadata.name == 'w2')", "done")]
#[case::size("size(pods) == 2 && size(daemonSets) == 1 && size(revisions) == 1 && size(events) == 0", "done")]
#[case::has("!nodes.exists(n, has(n.spec.unschedulable))", "done")]
#[case::filter("size(pods.filter(p, p.spec.nodeName == 'w1')) == 1", "done")]
#[case::map("'w1' in pods.map(p, p.spec.nodeName)", "done")]
#[case::matches("pods.all(p, p.metadata.name.matches('^[ab]$'))", "done")]
#[case::constant("true", "done")]
#[case::false_("size(pods) == 3", "not yet: it is false")]
#[case::number("size(pods)", "never: `size(pods)` is Int(2), and must be true or false")]
#[case::text("'yes'", "never: `'yes'` is String(\"yes\"), and must be true or false")]
#[case::no_such_key(
    "pods.all(p, p.status.hostIP == 'x')",
    "never: `pods.all(p, p.status.hostIP == 'x')` cannot be judged: No such key: hostIP (`has(…)` asks whether there is one)"
)]
fn expressions_are_judged(#[case] written: &str, #[case] said: &str) {
    assert_eq!(text(&judge(&cel(written), &small())), said);
}

#[test]
fn an_error_while_judging_names_the_value() {
    insta::assert_snapshot!(text(&judge(&cel("1 / (size(pods) - 2) == 1"), &small())));
    insta::assert_snapshot!(text(&judge(&cel("size(pods) + 'x' == 'y'"), &small())));
}

#[test]
fn an_unknown_variable_is_suggested_a_known_one() {
    let error = |text: &str| Expression::compile(text).expect_err("no expression");
    let near = error("pod.all(p, true)");
    assert_eq!((near.message.as_str(), near.hint.as_deref()), ("unknown variable `pod`", Some("did you mean `pods`?")));
    let far = error("size(deployments) == 1");
    let known = "known here: `daemonSets`, `events`, `nodes`, `pods`, `revisions`";
    assert_eq!((far.message.as_str(), far.hint.as_deref()), ("unknown variable `deployments`", Some(known)));
    let inside = error("pods.all(p, q.status.phase == 'Running')");
    assert_eq!(inside.message, "unknown variable `q`");
}

#[test]
fn what_is_no_expression_is_told_with_its_place() {
    let error = Expression::compile("size(pods) === 2").expect_err("no expression");
    assert!(error.message.starts_with("not a CEL expression: "), "{error:?}");
    assert_eq!(error.at, Some((1, 14)), "{error:?}");
    let long = Expression::compile(&"1 + ".repeat(2000)).expect_err("too long");
    assert_eq!(long.message, "the expression is longer than 4096 bytes");
}

/// What a test thread has, and a thread of the engine.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run).expect("a thread");
    thread.join().expect("nothing panics");
}

#[rstest]
#[case::parentheses("(", "true", ")", 2_000)]
#[case::lists("[", "1", "]", 2_000)]
#[case::negations("!", "true", "", 4_000)]
#[case::minuses("-", "1", "", 4_000)]
#[case::sums("1 + ", "1", "", 1_000)]
#[case::choices("true ? ", "true", " : false", 250)]
#[case::unclosed("(", "true", "", 4_000)]
#[case::macros("pods.all(p, ", "true", ")", 300)]
#[case::fields("pods", ".a", "", 1)]
fn depth_overflows_no_stack(#[case] open: &str, #[case] middle: &str, #[case] close: &str, #[case] depth: usize) {
    let text = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
    on_a_small_stack(move || {
        if let Ok(expression) = Expression::compile(&text) {
            // Dropped on the small stack too.
            let judgement = judge(&Condition::Cel(expression), &World::new());
            drop(judgement);
        }
    });
}

const PIECES: [&str; 40] = [
    "pods", "nodes", "p", ".", "(", ")", "[", "]", "{", "}", ",", ":", "?", "!", "-", "+", "*", "/", "%", "==", "&&",
    "||", "in", "all(", "exists(", "map(", "filter(", "has(", "size(", "'", "\"", "r'", "b\"", "\\", "1", "0x", "1e",
    "1u", "null", "true",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_an_expression_panic(text in "\\PC{0,200}") {
        if let Ok(expression) = Expression::compile(&text) {
            let _ = judge(&Condition::Cel(expression), &with([]));
        }
    }

    #[test]
    fn nothing_like_an_expression_makes_one_panic(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40)) {
        if let Ok(expression) = Expression::compile(&pieces.concat()) {
            let _ = judge(&Condition::Cel(expression), &with([]));
        }
    }
}

#[test]
fn pods_are_found_by_revision() {
    let new = json!({"metadata": {"labels": {"controller-revision-hash": "h2"}}});
    let lost = json!({"metadata": {"labels": {"controller-revision-hash": "gone"}}});
    let world = with([
        revision(2, "h2").into(),
        pod("b", "w2", new).into(),
        node("w3", &[]).into(),
        pod("c", "w3", lost).into(),
    ]);
    let of =
        |revision, count| Condition::Pods(PodsCondition { revision: Some(revision), count: Some(count), ..pods() });
    for (revision, count) in [
        (RevisionWanted::Current, 1),
        (RevisionWanted::Outdated, 2),
        (RevisionWanted::Number(1), 1),
        (RevisionWanted::Number(7), 0),
    ] {
        let judged = judge(&of(revision, count), &world);
        assert!(judged.is_done(), "{revision:?}: {}", text(&judged));
    }
    let all = Condition::Pods(PodsCondition { revision: Some(RevisionWanted::Current), ..pods() });
    insta::assert_snapshot!(text(&judge(&all, &world)), @r"
    not yet: 2 of 3 pods of daemonset `ds` are not as expected
      `w1`: pod `a` is of revision 1
      `w2`: pod `b` matches
      `w3`: pod `c` is of an unknown revision (`gone`)
    ");
}

#[test]
fn pods_are_found_by_what_they_wait_for_and_by_restarts() {
    let waiting = unready(json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}));
    let mut crashing = waiting.clone();
    crashing["status"]["containerStatuses"][0]["restartCount"] = json!(4);
    let world = with([pod("b", "w2", crashing).into(), daemon_set([2, 2, 1, 2, 0], json!({})).into()]);
    let one = |condition: PodsCondition| Condition::Pods(PodsCondition { count: Some(1), ..condition });
    let reason = |reason: &str| PodsCondition { waiting: Some(reason.to_owned()), ..pods() };
    assert!(judge(&one(reason("CrashLoopBackOff")), &world).is_done());
    assert!(!judge(&one(reason("ImagePullBackOff")), &world).is_done());
    assert!(judge(&one(PodsCondition { restarts: Some(4), ..pods() }), &world).is_done());
    insta::assert_snapshot!(text(&judge(&Condition::Pods(PodsCondition { restarts: Some(5), ..pods() }), &world)), @r"
    not yet: 2 of 2 pods of daemonset `ds` are not as expected
      `w1`: pod `a` has 0 restarts
      `w2`: pod `b` has 4 restarts
    ");
    assert!(!judge(&converged(), &world).is_done());
}
