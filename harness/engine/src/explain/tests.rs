//! One look at an API server that is a function.

use rollcall_model::explain::{Answer, Question, Selection};

use super::{
    Onlooker,
    fake_server::{Server, daemon_set, pod, with_an_agent},
};
use crate::error::chain;

fn onlooker(server: &Server) -> Onlooker {
    Onlooker { client: server.client(), namespace: "default".into() }
}

fn all() -> Question {
    Question::Those(Selection::default())
}

#[tokio::test]
async fn of_all_daemon_sets_each_kind_is_listed_once() {
    let server = with_an_agent();
    for number in 0..20 {
        let name = format!("agent-{number}");
        server.set("daemonsets", daemon_set(&name));
        server.set("pods", pod(&name, number % 2 == 0));
    }
    let Answer::Several(found) = onlooker(&server).explain(&all()).await.unwrap() else { panic!("one") };
    assert_eq!(found.items.len(), 21);
    for kind in ["nodes", "pods", "daemonsets", "controllerrevisions", "events"] {
        assert_eq!(server.asked(&format!("list {kind}")), 1, "{kind}");
    }
    assert_eq!(server.asked("log pods"), 10, "the logs of those that do not work");
}

#[tokio::test]
async fn of_none_there_is_no_answer() {
    let server = with_an_agent();
    server.delete("daemonsets", "default/agent");
    let error = onlooker(&server).explain(&all()).await.unwrap_err();
    insta::assert_snapshot!(format!("{error}\n{}", error.hint().unwrap_or_default()), @r"
        there is no daemonset in any namespace
        nothing can be in order where there is nothing
        ");
}

#[tokio::test]
async fn without_the_right_to_read_pods_at_all_there_is_no_answer() {
    let server = with_an_agent();
    server.forbid("list pods everywhere");
    insta::assert_snapshot!(chain(&onlooker(&server).explain(&all()).await.unwrap_err()), @r#"could not list pods: ApiError: pods is forbidden: no right to list: Forbidden (Status { status: Some(Failure), code: 403, message: "pods is forbidden: no right to list", metadata: None, reason: "Forbidden", details: None }): pods is forbidden: no right to list: Forbidden"#);
    server.forbid("list pods");
    let of_namespace = Question::Those(Selection { namespace: Some("default".into()), ..Selection::default() });
    insta::assert_snapshot!(chain(&onlooker(&server).explain(&of_namespace).await.unwrap_err()), @r#"could not list pods of namespace `default`: ApiError: pods is forbidden: no right to list: Forbidden (Status { status: Some(Failure), code: 403, message: "pods is forbidden: no right to list", metadata: None, reason: "Forbidden", details: None }): pods is forbidden: no right to list: Forbidden"#);
}

#[tokio::test]
async fn a_server_that_is_away_is_the_environments() {
    let server = with_an_agent();
    server.down();
    let error = onlooker(&server).explain(&all()).await.unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Environment);
    assert!(chain(&error).contains("connection refused"), "{}", chain(&error));
}
