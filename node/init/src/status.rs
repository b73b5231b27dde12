//! What the node says about itself: one JSON line on standard output for every change, and the whole in a file.
//!
//! The harness reads both; their shape is written down in this package's `README.md`.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::process::State;

/// What the whole node is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NodeState {
    Off,
    Booting,
    /// Every process was ready once.
    Up,
    /// The boot ended early; the node stays so that it can be looked into.
    Failed,
    Stopping,
}

/// One process as others see it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProcessStatus {
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) pid: Option<i32>,
    pub(crate) restarts: u32,
    pub(crate) last_exit: Option<String>,
    pub(crate) last_log: Option<String>,
    pub(crate) ready_after_ms: Option<u64>,
}

/// The content of the status file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot<'a> {
    state: NodeState,
    reason: Option<&'a str>,
    warnings: &'a [String],
    uptime_ms: u64,
    processes: &'a [ProcessStatus],
}

/// One line of standard output.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase", rename_all_fields = "camelCase")]
enum Event<'a> {
    Node {
        state: NodeState,
        reason: Option<&'a str>,
        after_ms: u64,
    },
    Process {
        #[serde(flatten)]
        status: &'a ProcessStatus,
        after_ms: u64,
    },
    Warning {
        message: &'a str,
        after_ms: u64,
    },
}

/// Keeps the status and tells every change to it.
#[derive(Debug)]
pub(crate) struct Reporter {
    file: PathBuf,
    state: NodeState,
    reason: Option<String>,
    warnings: Vec<String>,
    processes: Vec<ProcessStatus>,
}

impl Reporter {
    pub(crate) fn new(run_dir: &Path, processes: Vec<ProcessStatus>) -> Reporter {
        let file = run_dir.join("status.json");
        Reporter { file, state: NodeState::Off, reason: None, warnings: Vec::new(), processes }
    }

    pub(crate) fn state(&self) -> NodeState {
        self.state
    }

    pub(crate) fn node(&mut self, now: Duration, state: NodeState, reason: Option<String>) {
        self.state = state;
        self.reason = reason;
        tell(&Event::Node { state, reason: self.reason.as_deref(), after_ms: milliseconds(now) });
        self.write(now);
    }

    pub(crate) fn process(&mut self, now: Duration, index: usize, status: ProcessStatus) {
        tell(&Event::Process { status: &status, after_ms: milliseconds(now) });
        self.processes[index] = status;
        self.write(now);
    }

    /// For what went wrong without stopping the node.
    pub(crate) fn warning(&mut self, now: Duration, message: String) {
        tell(&Event::Warning { message: &message, after_ms: milliseconds(now) });
        self.warnings.push(message);
        self.write(now);
    }

    fn json(&self, now: Duration) -> String {
        let snapshot = Snapshot {
            state: self.state,
            reason: self.reason.as_deref(),
            warnings: &self.warnings,
            uptime_ms: milliseconds(now),
            processes: &self.processes,
        };
        serde_json::to_string(&snapshot).expect("a status has only strings, numbers and lists of them")
    }

    /// By a rename, so that no reader sees half a status. Losing one is not worth ending a node for, and the line on
    /// standard output has told the change already.
    fn write(&self, now: Duration) {
        let draft = self.file.with_extension("json.new");
        let _ = std::fs::create_dir_all(self.file.parent().unwrap_or(Path::new("/")))
            .and_then(|()| std::fs::write(&draft, self.json(now)))
            .and_then(|()| std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o644)))
            .and_then(|()| std::fs::rename(&draft, &self.file));
    }
}

pub(crate) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A closed or full standard output must not stop the node, so the result is of no interest.
fn tell(event: &Event<'_>) {
    let line = serde_json::to_string(event).expect("an event has only strings and numbers");
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn containerd() -> ProcessStatus {
        ProcessStatus {
            name: "containerd".to_owned(),
            state: State::Backoff,
            pid: None,
            restarts: 2,
            last_exit: Some("exit code 1".to_owned()),
            last_log: Some("no such file".to_owned()),
            ready_after_ms: Some(180),
        }
    }

    #[test]
    fn the_status_file_has_the_promised_shape() {
        let folder = tempfile::tempdir().unwrap();
        let mut reporter = Reporter::new(&folder.path().join("rollcall"), vec![containerd()]);
        reporter.warning(Duration::from_millis(5), "odd".to_owned());
        reporter.node(Duration::from_millis(7), NodeState::Failed, Some("because".to_owned()));
        let text = std::fs::read_to_string(folder.path().join("rollcall/status.json")).unwrap();
        let expected = json!({
            "state": "failed", "reason": "because", "warnings": ["odd"], "uptimeMs": 7,
            "processes": [{
                "name": "containerd", "state": "backoff", "pid": null, "restarts": 2, "lastExit": "exit code 1",
                "lastLog": "no such file", "readyAfterMs": 180,
            }],
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn no_draft_of_the_status_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut reporter = Reporter::new(folder.path(), vec![]);
        reporter.node(Duration::ZERO, NodeState::Up, None);
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["status.json"]);
    }

    #[test]
    fn an_event_is_flat_and_says_what_it_is_about() {
        let event = Event::Process { status: &containerd(), after_ms: 200 };
        let value = serde_json::to_value(&event).unwrap();
        assert_eq!(value["event"], "process");
        assert_eq!(value["name"], "containerd");
        assert_eq!(value["afterMs"], 200);
        let event = Event::Node { state: NodeState::Off, reason: None, after_ms: 0 };
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            json!({"event": "node", "state": "off", "reason": null, "afterMs": 0})
        );
    }
}
