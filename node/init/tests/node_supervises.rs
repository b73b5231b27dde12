//! The real program, not as PID 1 and without touching the machine: power, order, restarts and the stop.

mod support;

use std::io::Write;
use std::time::Duration;

use nix::sys::signal::Signal;
use support::{Node, runs};

/// What the README promises, and as much again for a busy machine.
const PROMPT: Duration = Duration::from_secs(2);

const TWO: &str = r#"{"powerOn": "now", "commands": [["mkdir", "DIR/made"]],
    "files": {"DIR/etc/greeting": {"content": "hello", "mode": "0600"}},
    "processes": [
      {"name": "second", "command": ["sh", "-c", "date +%s%N > DIR/second; exec sleep 100"], "after": ["first"]},
      {"name": "first", "command": ["sh", "-c", "sleep 0.3; date +%s%N > DIR/made/first; exec sleep 100"],
       "ready": {"file": "DIR/made/first"}, "restart": {"initialMs": 50, "maxMs": 100}}]}"#;

fn pid_of(status: &serde_json::Value, index: usize) -> i64 {
    status["processes"][index]["pid"].as_i64().expect("the process runs")
}

#[test]
fn a_process_starts_after_the_one_it_needs_is_ready() {
    let node = Node::start(TWO);
    let status = node.until_state("up");
    assert!(node.path("made").is_dir());
    assert_eq!(node.read("etc/greeting"), "hello");
    assert!(status["processes"][1]["readyAfterMs"].as_u64().unwrap() >= 300);
    node.until("the second process", |_| node.read("second").ends_with('\n'));
    let moment = |name| node.read(name).trim().parse::<u64>().unwrap();
    assert!(moment("second") > moment("made/first"));
    let events = node.read("events");
    let place = |text: &str| events.find(text).unwrap_or_else(|| panic!("{text} is missing in {events}"));
    assert!(place(r#""name":"first","state":"ready""#) < place(r#""name":"second","state":"starting""#));
}

#[test]
fn a_process_that_waits_for_a_file_starts_when_the_file_is_there() {
    let node = Node::start(
        r#"{"powerOn": "now", "processes": [{"name": "first", "command": ["sleep", "100"]},
            {"name": "second", "command": ["sleep", "100"], "after": ["first"], "whenFile": "DIR/word"}]}"#,
    );
    node.until("the first process", |status| status["processes"][0]["state"] == "ready");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(node.status()["processes"][1]["state"], "waiting");
    std::fs::write(node.path("word"), "").unwrap();
    let status = node.until_state("up");
    assert_eq!(status["processes"][1]["state"], "ready");
}

#[test]
fn a_killed_process_is_started_again() {
    let node = Node::start(TWO);
    let before = pid_of(&node.until_state("up"), 1);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(before).unwrap()), Signal::SIGKILL).unwrap();
    let status = node.until("a restart", |status| {
        let process = &status["processes"][1];
        process["restarts"] == 1 && process["state"] == "ready"
    });
    assert_ne!(pid_of(&status, 1), before);
    assert_eq!(status["processes"][1]["lastExit"], "signal 9 (SIGKILL)");
    assert_eq!(status["processes"][0]["restarts"], 0);
}

#[test]
fn the_end_of_the_input_ends_everything() {
    let mut node = Node::start(TWO);
    let status = node.until_state("up");
    node.stdin = None;
    let (exit, took) = node.ended();
    assert_eq!(exit.code(), Some(0));
    assert!(took < PROMPT, "{took:?}");
    assert!(!runs(pid_of(&status, 0)) && !runs(pid_of(&status, 1)));
    assert!(node.read("events").contains(r#""state":"stopping","reason":"standard input was closed""#));
}

#[test]
fn a_signal_ends_even_a_process_that_ignores_it() {
    let mut node = Node::start(
        r#"{"powerOn": "now", "processes": [{"name": "deaf",
            "command": ["sh", "-c", "trap '' TERM; touch DIR/up; while true; do sleep 0.05; done"],
            "ready": {"file": "DIR/up"}}]}"#,
    );
    let status = node.until_state("up");
    node.signal(Signal::SIGTERM);
    let (exit, took) = node.ended();
    assert_eq!(exit.code(), Some(0));
    assert!(took < PROMPT, "{took:?}");
    assert!(!runs(pid_of(&status, 0)));
    assert!(node.read("events").contains("signal 9 (SIGKILL)"));
}

#[test]
fn a_child_has_no_signal_blocked_although_its_parent_has() {
    // No shell in between: some of them unblock signals by themselves.
    let node = Node::start(r#"{"powerOn": "now", "processes": [{"name": "a", "command": ["sleep", "100"]}]}"#);
    let pid = pid_of(&node.until_state("up"), 0);
    let field = |pid: i64, name: &str| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit('\t').next().unwrap().to_owned()
    };
    node.until("the command itself", |_| field(pid, "Name:") == "sleep");
    let parent = i64::from(node.child.id());
    assert_ne!(field(parent, "SigBlk:"), "0000000000000000");
    assert_eq!(field(pid, "SigBlk:"), "0000000000000000");
}

#[test]
fn the_word_stop_asks_every_process_to_end() {
    let mut node = Node::start(
        r#"{"powerOn": "now", "processes": [{"name": "polite",
            "command": ["sh", "-c", "trap 'exit 7' TERM; touch DIR/up; while true; do sleep 0.02; done"],
            "ready": {"file": "DIR/up"}}]}"#,
    );
    node.until_state("up");
    writeln!(node.stdin.as_mut().unwrap(), "stop").unwrap();
    assert_eq!(node.ended().0.code(), Some(0));
    assert!(node.read("events").contains("exit code 7"), "{}", node.read("events"));
}

#[test]
fn nothing_boots_before_the_word() {
    let mut node = Node::start(r#"{"processes": [{"name": "a", "command": ["sleep", "100"]}]}"#);
    let stdin = node.stdin.as_mut().unwrap();
    writeln!(stdin, "outage").unwrap();
    node.until_state("off");
    assert!(!node.read("events").contains("starting"));
    let stdin = node.stdin.as_mut().unwrap();
    write!(stdin, "sta").unwrap();
    writeln!(stdin, "rt").unwrap();
    node.until_state("up");
}

#[test]
fn a_node_nobody_speaks_to_ends() {
    let mut node = Node::start(r#"{"handshakeSeconds": 1, "commands": [["touch", "DIR/booted"]]}"#);
    let (exit, took) = node.ended();
    assert_eq!(exit.code(), Some(0));
    assert!(took >= Duration::from_millis(800), "{took:?}");
    assert!(!node.path("booted").exists());
}

#[test]
fn a_kept_node_does_not_mind_the_end_of_the_input() {
    let mut node = Node::start(r#"{"keep": true, "processes": [{"name": "a", "command": ["sleep", "100"]}]}"#);
    node.stdin = None;
    node.until_state("up");
    std::thread::sleep(Duration::from_millis(200));
    assert!(node.child.try_wait().unwrap().is_none());
    node.signal(Signal::SIGINT);
    assert_eq!(node.ended().0.code(), Some(0));
}

#[test]
fn a_failed_boot_command_is_reported_and_nothing_starts() {
    let node = Node::start(
        r#"{"powerOn": "now", "commands": [["true"], ["sh", "-c", "echo no such route >&2; exit 2"], ["touch", "DIR/late"]],
            "processes": [{"name": "a", "command": ["sleep", "100"]}]}"#,
    );
    let status = node.until_state("failed");
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.ends_with("exit 2` ended with exit code 2: no such route"), "{reason}");
    assert!(!node.path("late").exists());
    assert_eq!(status["processes"][0]["state"], "waiting");
}

#[test]
fn a_command_that_does_not_exist_is_told_by_its_last_line() {
    let node = Node::start(
        r#"{"powerOn": "now", "processes": [{"name": "a", "command": ["no-such-program"], "ready": {"file": "/nowhere"}}]}"#,
    );
    let status = node.until("an exit", |status| !status["processes"][0]["lastExit"].is_null());
    assert_eq!(status["processes"][0]["lastExit"], "exit code 127");
    let line = status["processes"][0]["lastLog"].as_str().unwrap();
    assert!(line.contains("could not run `no-such-program`"), "{line}");
}

#[test]
fn a_process_that_does_not_get_ready_is_killed_and_tried_again() {
    let node = Node::start(
        r#"{"powerOn": "now", "processes": [{"name": "a", "command": ["sleep", "100"], "ready": {"file": "/nowhere"},
            "readyWithinSeconds": 1}]}"#,
    );
    let status = node.until("a second try", |status| status["processes"][0]["restarts"] == 1);
    assert_eq!(status["processes"][0]["lastExit"], "killed: not ready within 1s");
    assert_eq!(status["state"], "booting");
}
