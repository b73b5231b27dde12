//! The real program: what it serves, how it fails on demand, and how it ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(20);

struct Agent {
    child: Child,
    output: BufReader<ChildStdout>,
    port: u16,
}

fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
    command.env_clear().envs([
        ("AGENT_FAULTS_FILE", "/nowhere"),
        ("AGENT_ADDRESS", "127.0.0.1"),
        ("AGENT_PORT", "any"),
    ]);
    command.envs(variables.iter().copied());
    command
}

impl Agent {
    fn start(variables: &[(&str, &str)]) -> Agent {
        let mut child = command(variables).stdout(Stdio::piped()).spawn().expect("the program was built");
        let output = BufReader::new(child.stdout.take().expect("the output was asked for"));
        Agent { child, output, port: 0 }
    }

    fn listening(variables: &[(&str, &str)]) -> Agent {
        let mut agent = Agent::start(variables);
        let line = agent.line("listening on 127.0.0.1:");
        agent.port = line.rsplit(':').next().unwrap().parse().unwrap();
        agent
    }

    /// Reads the log up to a line that begins like this.
    fn line(&mut self, beginning: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert!(length > 0, "no line begins with `{beginning}` in: {seen}");
            if line.starts_with(beginning) {
                return line.trim().to_owned();
            }
            seen += &line;
        }
    }

    fn get(&self, path: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_agent"))
            .args(["get", &format!("http://127.0.0.1:{}{path}", self.port)])
            .output()
            .unwrap()
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.get(path).stdout).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    fn ended(&mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < LIMIT, "the agent did not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < LIMIT, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_tells_what_it_sees() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.log"), "one\ntwo\n").unwrap();
    let log_dir = folder.path().to_str().unwrap();
    let agent = Agent::listening(&[
        ("ROLLCALL_AGENT_VERSION", "2"),
        ("NODE_NAME", "worker-1"),
        ("POD_NAME", "agent-x"),
        ("AGENT_LOG_DIR", log_dir),
        ("AGENT_FAULTS", "on-node=worker-1:not-ready-after=1h,on-node=worker-2:exit-code=1"),
    ]);
    let info = agent.json("/info");
    assert_eq!((&info["version"], &info["node"], &info["pod"]), (&"2".into(), &"worker-1".into(), &"agent-x".into()));
    assert_eq!((&info["logFiles"], &info["logLines"], &info["logBytes"]), (&1.into(), &2.into(), &8.into()));
    assert_eq!(info["logDirWritable"], true);
    assert!(info["proc"]["memTotalKiB"].as_u64().unwrap() > 0, "{info}");
    assert_eq!(info["faults"], serde_json::json!(["on-node=worker-1:not-ready-after=1h"]));
    let metrics = String::from_utf8(agent.get("/metrics").stdout).unwrap();
    assert!(metrics.contains("rollcall_agent_info{version=\"2\",node=\"worker-1\"} 1\n"), "{metrics}");
    assert!(metrics.contains("rollcall_agent_ready 1\n"), "{metrics}");
    let connect = agent.json(&format!("/connect?address=127.0.0.1:{}", agent.port));
    assert_eq!(connect["connected"], true);
    assert_eq!(agent.json("/resolve?name=127.0.0.1")["addresses"], serde_json::json!(["127.0.0.1"]));
    assert_eq!(agent.get("/nothing").status.code(), Some(1));
}

#[test]
fn readiness_ends_by_a_switch_in_the_file_and_comes_back_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults");
    let agent = Agent::listening(&[("AGENT_FAULTS_FILE", file.to_str().unwrap())]);
    let ready = || {
        let port = agent.port.to_string();
        command(&[("AGENT_PORT", port.as_str())]).arg("ready").output().unwrap().status.code()
    };
    assert_eq!(ready(), Some(0));
    std::fs::write(&file, "not-ready-after=0s\n").unwrap();
    until("readiness ends", || ready() == Some(1));
    let output = agent.get("/healthz");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "not ready: fault switch `not-ready-after=0ms`\n");
    std::fs::remove_file(&file).unwrap();
    until("readiness comes back", || ready() == Some(0));
}

#[test]
fn sigterm_ends_it_at_once() {
    let mut agent = Agent::listening(&[]);
    let began = Instant::now();
    agent.signal(Signal::SIGTERM);
    assert_eq!(agent.ended(), Some(0));
    // 50 ms is the aim; the rest is for a busy machine.
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    agent.line("signal SIGTERM ending");
}

#[test]
fn sigterm_can_be_ignored() {
    let mut agent = Agent::listening(&[("AGENT_FAULTS", "ignore-sigterm")]);
    agent.signal(Signal::SIGTERM);
    agent.line("signal SIGTERM ignored");
    assert_eq!(agent.get("/healthz").status.code(), Some(0));
}

#[test]
fn a_crash_has_the_exit_code_it_was_given() {
    let began = Instant::now();
    let mut agent = Agent::listening(&[("AGENT_FAULTS", "crash-after=300ms,exit-code=3")]);
    assert_eq!(agent.ended(), Some(3));
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(Agent::start(&[("AGENT_FAULTS", "exit-code=7")]).ended(), Some(7));
}

#[test]
fn a_slow_start_listens_late() {
    let began = Instant::now();
    let agent = Agent::listening(&[("AGENT_FAULTS", "slow-start=400ms")]);
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_eq!(agent.get("/healthz").status.code(), Some(0));
}

#[test]
fn an_unknown_switch_ends_it_with_the_list() {
    let output = command(&[("AGENT_FAULTS", "explode")]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("there is no switch `explode`") && message.contains("not-ready-after"), "{message}");
}

#[test]
fn files_are_read_and_made_without_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let run = |word: &str, path: &std::path::Path| command(&[]).arg(word).arg(path).output().unwrap();
    assert_eq!(run("cat", &path).status.code(), Some(1));
    assert_eq!(run("touch", &path).status.code(), Some(0));
    std::fs::write(&path, "text").unwrap();
    assert_eq!(run("touch", &path).status.code(), Some(0));
    assert_eq!(run("cat", &path).stdout, b"text");
    let output = command(&[("ROLLCALL_AGENT_VERSION", "9")]).arg("version").output().unwrap();
    assert_eq!(output.stdout, b"9\n");
    assert_eq!(command(&[]).arg("dance").output().unwrap().status.code(), Some(64));
}
