//! Dumps in folders that go with the test.

use std::{fs, path::Path};

use rollcall_model::{
    DaemonSetRef,
    explain::{Answer, Cause, Diagnosis, Question, Selection},
};
use serde_json::{Value, json};

use super::{
    super::fake_server::{daemon_set, node, pod, revision},
    Dump,
};
use crate::error::Error;

fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// A dump with an agent in a crash loop, as `kubectl get … -A -o json` gives it, and what a test adds.
fn dump(files: &[(&str, &str)]) -> tempfile::TempDir {
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"namespace": "default", "name": "e"},
        "involvedObject": {}, "lastTimestamp": "2026-01-01T00:09:00Z"});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"token": "hunter2"}});
    let mut other = pod("other", true);
    other["metadata"]["namespace"] = json!("kube-system");
    let objects = list(&[node(), daemon_set("agent"), pod("agent", false), other, revision("agent"), event, secret]);
    with(&[&[("objects.json", objects.to_string().as_str())], files].concat())
}

fn with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn one() -> Question {
    Question::One(DaemonSetRef::new("agent"))
}

fn explained(path: &Path) -> Diagnosis {
    match Dump::read(path).and_then(|dump| dump.explain(&one())) {
        Ok(Answer::One(found)) => found,
        other => panic!("{other:?}"),
    }
}

fn cause(path: &Path) -> Cause {
    explained(path).nodes[0].findings[0].cause
}

/// Message and hint, without where the test's folder is.
fn refused(path: &Path, question: &Question) -> String {
    let error: Error = Dump::read(path).and_then(|dump| dump.explain(question)).unwrap_err();
    let text = format!("{}\n{}", crate::error::chain(&error), error.hint().unwrap_or_default());
    text.replace(&path.display().to_string(), "DUMP")
}

#[test]
fn logs_of_either_layout_are_looked_at() {
    let found = explained(dump(&[]).path());
    assert_eq!(found.nodes[0].findings[0].cause, Cause::CrashLoop);
    assert_eq!(found.not_looked_at, ["the log of a container: the dump does not have it"]);
    let line = "mkdir /x: permission denied\n";
    for file in ["logs/default/agent-w1/a.previous.log", "pods/default_agent-w1_a.previous.log"] {
        let dump = dump(&[(file, line), ("logs/default/agent-w1/a.log", "starting\n")]);
        let found = explained(dump.path());
        assert_eq!(found.nodes[0].findings[0].cause, Cause::PermissionDenied, "{file}");
        assert_eq!(found.not_looked_at, Vec::<String>::new());
    }
}

#[test]
fn one_file_is_a_dump_too_whatever_its_name_is() {
    let dump = dump(&[]);
    let file = dump.path().join("saved");
    fs::rename(dump.path().join("objects.json"), &file).unwrap();
    assert_eq!(cause(&file), Cause::CrashLoop);
}

#[test]
fn yaml_of_many_documents_says_the_same() {
    let documents = [node(), daemon_set("agent"), pod("agent", false), revision("agent")];
    let text: Vec<String> = documents.iter().map(|object| serde_yaml::to_string(object).unwrap()).collect();
    assert_eq!(cause(with(&[("deep/er/all.yaml", &text.join("---\n"))]).path()), Cause::CrashLoop);
}

#[test]
fn what_is_not_in_the_dump_is_said() {
    let objects = list(&[node(), daemon_set("agent"), pod("agent", true)]).to_string();
    let found = explained(with(&[("a.json", &objects)]).path());
    insta::assert_snapshot!(found.not_looked_at.join("\n"), @r"
        pods of other namespaces, which may hold ports and resources: the dump has none
        events of namespace `default`: the dump has none
        revisions, by which old pods are told: the dump has none of this daemonset
        ");
}

#[test]
fn a_dump_without_what_every_diagnosis_rests_on_is_none() {
    let lacks = |items: &[Value]| refused(with(&[("a.json", &list(items).to_string())]).path(), &one());
    insta::assert_snapshot!(lacks(&[daemon_set("agent"), pod("agent", true)]), @r"
        the dump `DUMP` has no nodes
        save what a diagnosis rests on: `kubectl get nodes,pods,daemonsets,controllerrevisions,events,poddisruptionbudgets -A -o json > objects.json`
        ");
    insta::assert_snapshot!(lacks(&[node(), pod("agent", true)]).lines().next().unwrap(), @"the dump `DUMP` has no daemonsets");
    insta::assert_snapshot!(lacks(&[node(), daemon_set("agent")]).lines().next().unwrap(), @"the dump `DUMP` has no pods of daemonset `default/agent`, which counts 1");
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(refused(folder.path(), &one()).lines().next().unwrap(), @"the dump `DUMP` has no nodes");
}

#[test]
fn a_daemon_set_that_is_not_in_it_is_told_with_what_is() {
    let dump = dump(&[]);
    let other = Question::One(DaemonSetRef::new("agnet"));
    insta::assert_snapshot!(refused(dump.path(), &other), @r"
        there is no daemonset `agnet` in namespace `default`
        did you mean `agent`?
        ");
    let none = Question::Those(Selection { namespace: None, labels: "app=none".parse().unwrap() });
    insta::assert_snapshot!(refused(dump.path(), &none), @r"
        there is no daemonset with labels `app=none` in any namespace
        `agent` is there, and has `app=agent`
        ");
}

#[test]
fn of_all_in_it_each_is_explained() {
    let second = list(&[daemon_set("second"), pod("second", true), revision("second")]).to_string();
    let dump = dump(&[("second.json", &second)]);
    let answer = Dump::read(dump.path()).unwrap().explain(&Question::Those(Selection::default())).unwrap();
    let Answer::Several(found) = answer else { panic!("one") };
    let states: Vec<(&str, bool)> = found.items.iter().map(|item| (item.daemon_set.as_str(), item.in_order)).collect();
    assert_eq!(states, [("default/agent", false), ("default/second", true)]);
}

#[test]
fn a_broken_file_is_told_with_its_place() {
    let dump = dump(&[("more/pods.json", "{\n  \"kind\": \"Pod\" 5\n}")]);
    insta::assert_snapshot!(refused(dump.path(), &one()), @r"
        `DUMP/more/pods.json:2:17` is broken: expected `,` or `}`
        save it again, or take the file out of the dump
        ");
    let dump = self::dump(&[("more.yaml", "kind: Node\n---\nkind: [\n")]);
    insta::assert_snapshot!(refused(dump.path(), &one()).lines().next().unwrap(), @"`DUMP/more.yaml:3:7` is broken: unclosed bracket '['");
    let dump = with(&[]);
    fs::write(dump.path().join("a.json"), b"\xff\xfe\0").unwrap();
    insta::assert_snapshot!(refused(dump.path(), &one()), @"could not read `DUMP/a.json`: it is not UTF-8");
}

#[test]
fn objects_of_two_clusters_are_not_mixed() {
    let mut other = node();
    other["metadata"]["uid"] = json!("of another cluster");
    let dump = dump(&[("other.json", &other.to_string())]);
    insta::assert_snapshot!(refused(dump.path(), &one()), @r"
        the dump has two objects `w1` of nodes, in `DUMP/objects.json` and `DUMP/other.json`, with different UIDs
        two clusters or two moments are mixed in it: name the folder of one
        ");
}

#[test]
fn of_an_object_that_is_there_twice_the_later_state_counts() {
    let version = |version: &str, is_ready| {
        let mut pod = pod("agent", is_ready);
        pod["metadata"]["resourceVersion"] = json!(version);
        pod.to_string()
    };
    for (a, b) in [(("9", false), ("10", true)), (("10", true), ("9", false))] {
        let (a, b) = (version(a.0, a.1), version(b.0, b.1));
        let found = explained(dump(&[("z.json", &a), ("zz.json", &b)]).path());
        assert!(found.in_order, "{found}");
    }
}

#[test]
fn the_moment_of_a_dump_is_the_newest_of_anything_in_it() {
    assert_eq!(Dump::read(dump(&[]).path()).unwrap().moment.to_string(), "2026-01-01T00:09:00Z");
    let recording = "{\"at\":\"2026-01-01T00:09:30Z\",\"elapsed_ms\":1,\"event\":{}}\n";
    let dump = dump(&[("recording.jsonl", recording)]);
    // It is no recording of rollcall.
    assert_eq!(Dump::read(dump.path()).unwrap().moment.to_string(), "2026-01-01T00:09:00Z");
    // Without any stamp it is when the files were written.
    let unstamped = with(&[("a.json", &list(&[node(), daemon_set("agent")]).to_string())]);
    assert!(Dump::read(unstamped.path()).unwrap().moment.as_second() > 1_700_000_000);
}

#[test]
fn what_the_evidence_of_a_run_lacks_is_no_absence() {
    let missing = "objects, pods: the API server had not listed them yet\n";
    insta::assert_snapshot!(refused(dump(&[("missing.txt", missing)]).path(), &one()).lines().next().unwrap(), @"the dump `DUMP` has no pods: the API server had not listed them yet");
    let missing = "pods/default_agent-w1_a.previous.log: no answer within 8s\n";
    let found = explained(dump(&[("missing.txt", missing)]).path());
    assert_eq!(found.not_looked_at, ["the log of a container: no answer within 8s"]);
}
