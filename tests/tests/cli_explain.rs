//! `rollcall explain` as a program, on saved objects and where it refuses. No cluster, no container.

use std::{fs, os::unix::fs::symlink, path::Path};

use anyhow::{Context, Result, ensure};
use rollcall_tests::{Cli, TestResult, cli};
use rstest::rstest;
use serde_json::{Value, json};

/// Two DaemonSets on two nodes: one that works, and one that a node has no label for.
fn objects() -> Value {
    let node = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "status": {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:09:00Z"}]},
        })
    };
    let daemon_set = |name: &str, template: Value| {
        json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": {"namespace": "logging", "name": name, "uid": name, "generation": 1, "labels": {"app": name}},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
            "status": {"observedGeneration": 1, "currentNumberScheduled": 0, "numberMisscheduled": 0,
                "desiredNumberScheduled": 0, "numberReady": 0},
        })
    };
    let owner =
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "works", "uid": "works", "controller": true});
    let pod = |node: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": "logging", "name": format!("works-{node}"), "labels": {"app": "works"},
                "ownerReferences": [owner]},
            "spec": {"nodeName": node, "containers": [{"name": "agent"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        })
    };
    let unfit = json!({"spec": {"nodeSelector": {"gpu": "true"}, "containers": [{"name": "agent"}]}});
    let works = json!({"spec": {"containers": [{"name": "agent"}]}});
    let items = [node("w1"), node("w2"), daemon_set("works", works), daemon_set("unfit", unfit), pod("w1"), pod("w2")];
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn dump() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("objects.json"), objects().to_string())?;
    Ok(folder)
}

fn explain(dump: &Path, words: &[&str]) -> Cli {
    Cli::new(["explain", "-n", "logging", "--from-dump"]).arg(dump).args(words.iter().copied())
}

#[test]
fn a_dump_is_explained_with_the_exit_code_of_what_was_found() -> TestResult {
    let dump = dump()?;
    let works = explain(dump.path(), &["works"]).run()?.code(0)?;
    works
        .prints(&["daemonset logging/works: ok on 2 of 2 nodes that are meant", "not looked at: events"])?
        .complains(&["as of 2026-01-01T00:09:00Z, the newest moment in the dump"])?;
    let unfit = explain(dump.path(), &["daemonset/unfit"]).run()?.code(5)?;
    unfit.prints(&["no node is meant", "node-selector-mismatch on w1, w2 (proven)"])?;
    let all = explain(dump.path(), &[]).run()?.code(5)?;
    let lines: Vec<&str> = all.stdout.lines().filter(|line| line.starts_with("daemonset ")).collect();
    ensure!(
        lines
            == [
                "daemonset logging/unfit: no node is meant",
                "daemonset logging/works: ok on 2 of 2 nodes that are meant"
            ],
        "{all}"
    );
    explain(dump.path(), &["-l", "app in (works)"]).run()?.code(0)?;
    explain(dump.path(), &["-A", "-l", "app!=unfit"]).run()?.code(0)?;
    Ok(())
}

#[test]
fn programs_get_json_and_yaml_that_say_the_same_and_issues_get_markdown() -> TestResult {
    let dump = dump()?;
    let printed = |words: &[&str]| -> Result<String> { Ok(explain(dump.path(), words).run()?.code(5)?.stdout) };
    let json: Value = serde_json::from_str(&printed(&["unfit", "-o", "json"])?)?;
    ensure!(json["daemonSet"] == "logging/unfit" && json["inOrder"] == false, "{json:#}");
    let yaml: Value = serde_yaml::from_str(&printed(&["unfit", "-o", "yaml"])?)?;
    ensure!(yaml == json, "{yaml:#}");
    let all: Value = serde_json::from_str(&printed(&["-A", "-o", "json"])?)?;
    ensure!(all["items"].as_array().is_some_and(|items| items.len() == 2 && items[0] == json), "{all:#}");
    let markdown = printed(&["unfit", "-o", "markdown"])?;
    ensure!(markdown.starts_with("## daemonset logging/unfit: no node is meant\n\n| Node | State |"), "{markdown}");
    Ok(())
}

#[test]
fn colours_are_for_terminals_alone() -> TestResult {
    let dump = dump()?;
    // It is a pipe, whatever NO_COLOR says.
    let piped = explain(dump.path(), &["unfit"]).env("NO_COLOR", "").run()?;
    ensure!(!piped.stdout.contains('\u{1b}'), "{piped}");
    let forced = explain(dump.path(), &["unfit"]).env("NO_COLOR", "").env("CLICOLOR_FORCE", "1").run()?;
    ensure!(forced.stdout.contains("\u{1b}[1mdaemonset logging/unfit"), "{forced}");
    Ok(())
}

#[rstest]
#[case::name_and_all(&["explain", "a", "-A"], 2, &["cannot be used with '--all-namespaces'"])]
#[case::name_and_labels(&["explain", "a", "-l", "b=c"], 2, &["cannot be used with '--selector"])]
#[case::labels(&["explain", "-l", "a is b"], 2, &["`is` is no operator"])]
#[case::dump_and_context(&["explain", "a", "--from-dump", "docs", "--context", "x"], 2, &["cannot be used with"])]
#[case::dump_and_watch(&["explain", "a", "--from-dump", "docs", "-w"], 2, &["cannot be used with '--watch'"])]
#[case::no_dump(&["explain", "a", "--from-dump", "no/such/dump"], 2, &["there is no dump `no/such/dump`", "kubectl get"])]
#[case::not_a_dump(&["explain", "a", "--from-dump", "docs"], 2, &["the dump `docs` has no nodes"])]
#[case::form(&["explain", "a", "-o", "xml"], 2, &["table, json, yaml, markdown"])]
fn what_makes_no_sense_is_refused(#[case] words: &[&str], #[case] code: i32, #[case] said: &[&str]) -> TestResult {
    Cli::new(words).env("KUBECONFIG", "/nonexistent").run()?.code(code)?.complains(said)?;
    Ok(())
}

#[test]
fn what_is_not_in_a_dump_is_not_in_order() -> TestResult {
    let dump = dump()?;
    explain(dump.path(), &["wroks"]).run()?.code(2)?.complains(&["did you mean `works`?"])?;
    let none = explain(dump.path(), &["-l", "app=other"]).run()?.code(4)?;
    none.complains(&["there is no daemonset with labels `app=other` in namespace `logging`", "app=unfit"])?;
    fs::write(dump.path().join("more.yaml"), "kind: Pod\nspec: [\n")?;
    explain(dump.path(), &["works"]).run()?.code(2)?.complains(&["more.yaml:2:7`", "is broken"])?;
    Ok(())
}

#[test]
fn a_cluster_that_does_not_answer_is_the_environments() -> TestResult {
    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("config");
    // Nothing listens on port 1.
    let cluster = json!({"name": "a", "cluster": {"server": "https://127.0.0.1:1", "insecure-skip-tls-verify": true}});
    let context = json!({"name": "a", "context": {"cluster": "a", "user": "a"}});
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "a", "clusters": [cluster],
        "users": [{"name": "a", "user": {}}], "contexts": [context]});
    fs::write(&kubeconfig, config.to_string())?;
    for words in [&["agent"][..], &["agent", "--watch"], &["-A"]] {
        let explain = Cli::new(["explain", "--kubeconfig"]).arg(&kubeconfig).args(words.iter().copied());
        explain.run()?.code(3)?.complains(&["error: could not ", "refused"])?;
    }
    Ok(())
}

#[test]
fn as_a_plugin_kubectl_finds_it_and_its_usage_says_so() -> TestResult {
    let folder = tempfile::tempdir()?;
    let link = folder.path().join("kubectl-rollcall");
    symlink(cli::binary()?, &link)?;
    let printed = |words: &[&str]| -> Result<String> {
        let output = std::process::Command::new(&link).args(words).env("NO_COLOR", "1").output();
        let output = output.with_context(|| format!("`{}` does not run", link.display()))?;
        Ok(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    };
    let usage = printed(&["explain", "--help"])?;
    ensure!(usage.contains("Usage: kubectl rollcall explain [OPTIONS] [NAME]"), "{usage}");
    let usage = printed(&["--help"])?;
    ensure!(usage.contains("Usage: kubectl rollcall <COMMAND>"), "{usage}");
    let refused = printed(&["explain", "-A", "x"])?;
    ensure!(refused.contains("Usage: kubectl rollcall explain"), "{refused}");
    let dump = dump()?;
    let path = dump.path().to_string_lossy().into_owned();
    let found = printed(&["explain", "-n", "logging", "-l", "app=works", "--from-dump", &path])?;
    ensure!(found.contains("daemonset logging/works: ok on 2 of 2"), "{found}");
    Ok(())
}
