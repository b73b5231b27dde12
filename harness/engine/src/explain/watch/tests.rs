//! Watching an API server that is a function.

use std::ops::ControlFlow;

use rollcall_model::{
    DaemonSetRef,
    explain::{Answer, Cause, Question, Selection},
};
use serde_json::json;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    super::fake_server::{Server, daemon_set, pod, with_an_agent},
    Sight, WatchEnd,
};
use crate::{Onlooker, Result};

/// A watch that is under way.
struct Watched {
    sights: mpsc::UnboundedReceiver<String>,
    end: JoinHandle<Result<WatchEnd>>,
}

fn one() -> Question {
    Question::One(DaemonSetRef::new("agent"))
}

/// Watches, and breaks off after so many sights.
fn watch(server: &Server, question: Question, most: usize) -> Watched {
    let onlooker = Onlooker { client: server.client(), namespace: "default".into() };
    let (sender, sights) = mpsc::unbounded_channel();
    let mut count = 0;
    let end = tokio::spawn(async move {
        let show = |sight: Sight<'_>| {
            count += 1;
            let _ = sender.send(told(&sight));
            if count == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        onlooker.watch(&question, show).await
    });
    Watched { sights, end }
}

/// A sight in short: of each DaemonSet the causes, and what was not looked at.
fn told(sight: &Sight<'_>) -> String {
    let answer = match sight {
        Sight::Changed(answer) => answer,
        Sight::Silent { why, .. } => return format!("silent: {why}"),
        Sight::Answers => return "answers".to_owned(),
    };
    let items = match answer {
        Answer::One(item) => std::slice::from_ref(item),
        Answer::Several(found) => &found.items,
    };
    let one = |item: &rollcall_model::explain::Diagnosis| {
        let findings = item.nodes.iter().flat_map(|node| &node.findings);
        let causes: Vec<Cause> = findings.map(|finding| finding.cause).collect();
        format!("{} {causes:?} {:?}", item.daemon_set, item.not_looked_at)
    };
    items.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl Watched {
    async fn next(&mut self) -> String {
        self.sights.recv().await.expect("the watch has ended")
    }
}

const WELL: &str = "default/agent [] []";

#[tokio::test]
async fn a_change_of_the_diagnosis_is_shown_and_no_other_change() {
    let server = with_an_agent();
    let mut watched = watch(&server, one(), 3);
    assert_eq!(watched.next().await, WELL);
    // It changes nothing of the diagnosis.
    server.set(
        "events",
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"namespace": "default", "name": "e"},
        "involvedObject": {}}),
    );
    server.log("agent-w1", "mkdir /var/x: permission denied\n");
    server.set("pods", pod("agent", false));
    let mut next = watched.next().await;
    if next == "default/agent [CrashLoop] []" {
        // The log has not been read yet.
        next = watched.next().await;
    }
    assert_eq!(next, "default/agent [PermissionDenied] []");
    assert_eq!(server.asked("log pods"), 1, "a log of which nothing changed is read once");
    watched.end.abort();
}

#[tokio::test]
async fn it_ends_when_nobody_wants_to_see_more() {
    let mut watched = watch(&with_an_agent(), one(), 1);
    assert_eq!(watched.next().await, WELL);
    assert_eq!(watched.end.await.unwrap().unwrap(), WatchEnd::Stopped);
}

#[tokio::test]
async fn it_ends_when_the_daemon_set_is_deleted() {
    let server = with_an_agent();
    let mut watched = watch(&server, one(), 9);
    assert_eq!(watched.next().await, WELL);
    server.delete("daemonsets", "default/agent");
    assert_eq!(watched.end.await.unwrap().unwrap(), WatchEnd::Gone);
}

#[tokio::test]
async fn of_several_one_may_come_and_go() {
    let server = with_an_agent();
    let mut watched = watch(&server, Question::Those(Selection::default()), 9);
    assert_eq!(watched.next().await, WELL);
    server.set("daemonsets", daemon_set("other"));
    assert_eq!(watched.next().await, format!("{WELL}; default/other [NotKnown] []"));
    server.delete("daemonsets", "default/other");
    assert_eq!(watched.next().await, WELL);
    server.delete("daemonsets", "default/agent");
    assert_eq!(watched.end.await.unwrap().unwrap(), WatchEnd::Gone);
}

#[tokio::test]
async fn a_server_that_goes_away_is_told_once_and_it_goes_on_when_it_is_back() {
    let server = with_an_agent();
    let mut watched = watch(&server, one(), 9);
    assert_eq!(watched.next().await, WELL);
    server.down();
    let silent = watched.next().await;
    assert!(silent.starts_with("silent: ") && silent.contains("connection refused"), "{silent}");
    // What happens meanwhile is seen afterwards, and so is that it answers where nothing has happened.
    server.set("pods", pod("agent", false));
    server.up();
    assert_eq!(watched.next().await, "answers");
    assert_eq!(watched.next().await, "default/agent [CrashLoop] []");
    server.down();
    assert!(watched.next().await.starts_with("silent: "));
    server.up();
    assert_eq!(watched.next().await, "answers");
    watched.end.abort();
}

#[tokio::test]
async fn what_may_not_be_read_or_watched_is_said_and_the_rest_goes_on() {
    let server = with_an_agent();
    server.forbid("list events");
    server.forbid("list pods everywhere");
    server.forbid("watch controllerrevisions");
    let mut watched = watch(&server, one(), 9);
    let before = "default/agent [] [\"pods of other namespaces, which may hold ports and resources: pods is forbidden: \
        no right to list\", \"events of namespace `default`: events is forbidden: no right to list\"";
    assert_eq!(watched.next().await, format!("{before}]"));
    let after = format!("{before}, \"changes of revisions: controllerrevisions is forbidden: no right to watch\"]");
    assert_eq!(watched.next().await, after);
    server.set("pods", pod("agent", false));
    assert_eq!(watched.next().await, after.replace("[] [", "[CrashLoop] ["));
    assert_eq!(server.asked("list events"), 1, "what is forbidden is not asked for again");
    watched.end.abort();
}

#[tokio::test]
async fn nodes_that_may_not_be_watched_are_an_error() {
    let server = with_an_agent();
    server.forbid("watch nodes");
    let watched = watch(&server, one(), 9);
    insta::assert_snapshot!(crate::error::chain(&watched.end.await.unwrap().unwrap_err()), @r#"could not watch nodes: ApiError: nodes is forbidden: no right to watch: Forbidden (Status { status: Some(Failure), code: 403, message: "nodes is forbidden: no right to watch", metadata: None, reason: "Forbidden", details: None }): nodes is forbidden: no right to watch: Forbidden"#);
}

#[tokio::test]
async fn what_is_not_there_at_the_beginning_is_an_error() {
    let server = with_an_agent();
    server.delete("daemonsets", "default/agent");
    let error = watch(&server, one(), 9).end.await.unwrap().unwrap_err();
    insta::assert_snapshot!(error, @"there is no daemonset `agent` in namespace `default`");
    let error = watch(&server, Question::Those(Selection::default()), 9).end.await.unwrap().unwrap_err();
    insta::assert_snapshot!(error, @"there is no daemonset in any namespace");
    server.down();
    let error = watch(&server, one(), 9).end.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Environment);
}

#[tokio::test]
async fn time_alone_changes_a_diagnosis() {
    let server = with_an_agent();
    let mut careful = daemon_set("agent");
    careful["spec"]["minReadySeconds"] = json!(1);
    server.set("daemonsets", careful);
    let mut young = pod("agent", true);
    young["status"]["conditions"][0]["lastTransitionTime"] = json!(crate::clock::now().to_string());
    server.set("pods", young);
    let mut watched = watch(&server, one(), 9);
    assert_eq!(watched.next().await, "default/agent [MinReadySecondsNotOver] []");
    assert_eq!(watched.next().await, WELL);
    watched.end.abort();
}
