//! The container of a node as seen by the process that holds it: its power line (standard input) and what its PID 1
//! reports. The contract is in `node/init/README.md`.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::StreamExt;
use serde::Deserialize;
use testcontainers::bollard::container::LogOutput;
use tokio::sync::{Mutex, watch};

use crate::{
    distro::{Conduct, Join, Member},
    docker::{Attached, Docker, Input, send_line},
    error::{Error, Result},
};

/// How much of what a container said stands in a message about it.
const LAST_LINES: usize = 4;

/// The container of one node.
pub(super) struct Machine {
    pub(super) member: Member,
    pub(super) container: String,
    /// What is done inside before it is a member.
    pub(super) joins: Vec<Join>,
    voice: Voice,
    line: Mutex<Option<Line>>,
    status: watch::Sender<Status>,
    /// Whether it was told to stay off. PID 1 says nothing of that before it is told to start.
    is_off: AtomicBool,
}

/// What the container's output means, and whether its PID 1 listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// Rollcall's own PID 1: it reports by lines of JSON. One with a power line is started and stopped by words on its
    /// standard input, and ends when that closes; the other by the engine.
    Own { power_line: bool },
    /// Anything: it takes commands when it has written one of these texts, or at once where there are none.
    Plain { up_when: &'static [&'static str] },
}

impl Voice {
    /// Of the containers of a distro.
    pub(super) fn of(conduct: &Conduct, keep: bool) -> Self {
        if conduct.own_init { Self::Own { power_line: !keep } } else { Self::Plain { up_when: conduct.up_when } }
    }
}

/// The open standard input, and the task that reads the output.
struct Line {
    input: Input,
    reader: tokio::task::JoinHandle<()>,
}

/// What PID 1 has reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// `off`, `booting`, `up`, `failed`, `stopping`; empty before the first report.
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) processes: BTreeMap<String, ProcessStatus>,
    /// The last lines of a PID 1 that does not report.
    pub(super) last_lines: VecDeque<String>,
    /// The container's output ended.
    pub(super) ended: bool,
}

/// What PID 1 has reported of one process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProcessStatus {
    pub(super) state: String,
    pub(super) restarts: u64,
    pub(super) last_exit: Option<String>,
    pub(super) last_log: Option<String>,
}

/// One line of PID 1's report.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum ReportLine {
    Node { state: String, reason: Option<String> },
    Process { name: String, state: String, restarts: u64, last_exit: Option<String>, last_log: Option<String> },
    Warning { message: String },
}

impl Machine {
    pub(super) fn new(member: Member, container: String, voice: Voice, joins: Vec<Join>) -> Self {
        Self {
            member,
            container,
            joins,
            voice,
            line: Mutex::new(None),
            status: watch::Sender::new(Status::default()),
            is_off: AtomicBool::new(false),
        }
    }

    /// Holds the container's standard input from now on and follows its reports.
    ///
    /// Called before a container starts, it misses none.
    pub(super) async fn attach(&self, docker: &Docker) -> Result<()> {
        let mut line = self.line.lock().await;
        // What an earlier life of the container still had to say must not be taken for this one's.
        if let Some(old) = line.take() {
            old.reader.abort();
        }
        let status = self.status.clone();
        let voice = self.voice;
        status.send_replace(Status::at_first(voice));
        let Attached { input, mut output } = docker.attach(&self.container, self.has_power_line()).await?;
        let reader = tokio::spawn(async move {
            let mut rest = String::new();
            while let Some(Ok(frame)) = output.next().await {
                let (LogOutput::StdOut { message } | LogOutput::StdErr { message } | LogOutput::Console { message }) =
                    frame
                else {
                    continue;
                };
                rest.push_str(&String::from_utf8_lossy(&message));
                while let Some((line, remainder)) = rest.split_once('\n') {
                    status.send_modify(|status| status.take_in(voice, line));
                    rest = remainder.to_owned();
                }
            }
            status.send_modify(|status| status.ended = true);
        });
        *line = Some(Line { input, reader });
        Ok(())
    }

    /// Whether it is started and stopped by words on its standard input.
    pub(super) fn has_power_line(&self) -> bool {
        self.voice == Voice::Own { power_line: true }
    }

    /// Powers the node on. One without a power line does that by itself.
    pub(super) async fn power_on(&self) -> Result<()> {
        self.is_off.store(false, Ordering::Relaxed);
        self.say("start").await
    }

    /// Lets the power of a node fail. It stays off until it is powered on.
    pub(super) async fn outage(&self) -> Result<()> {
        self.is_off.store(true, Ordering::Relaxed);
        self.say("outage").await
    }

    /// Whether it was stopped and not started since.
    pub(super) fn is_off(&self) -> bool {
        self.is_off.load(Ordering::Relaxed)
    }

    async fn say(&self, word: &str) -> Result<()> {
        let mut line = self.line.lock().await;
        let Some(line) = line.as_mut().filter(|_| self.has_power_line()) else { return Ok(()) };
        send_line(&mut line.input, word)
            .await
            .map_err(|source| Error::file("write to the standard input of", &self.container, source))
    }

    pub(super) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Waits until PID 1's report satisfies `done`.
    pub(super) async fn reported(&self, what: &str, deadline: Duration, done: impl Fn(&Status) -> bool) -> Result<()> {
        let mut status = self.status();
        let wait = async {
            loop {
                let seen = status.borrow_and_update().clone();
                if done(&seen) {
                    return Ok(());
                }
                if seen.state == "failed" || seen.ended {
                    return Err(self.boot_error(&seen));
                }
                if status.changed().await.is_err() {
                    return Err(self.boot_error(&seen));
                }
            }
        };
        match tokio::time::timeout(deadline, wait).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout {
                what: format!("{what} on node `{}`", self.member.name),
                waited: deadline,
                last: rollcall_model::Report { summary: self.status.borrow().describe(), nodes: Vec::new() },
            }),
        }
    }

    /// Ends with an error as soon as the node reports that it cannot boot or its container ends; otherwise never.
    pub(super) async fn failure(&self) -> Error {
        let mut status = self.status();
        loop {
            let seen = status.borrow_and_update().clone();
            if seen.state == "failed" || seen.ended {
                return self.boot_error(&seen);
            }
            if status.changed().await.is_err() {
                return self.boot_error(&seen);
            }
        }
    }

    fn boot_error(&self, status: &Status) -> Error {
        Error::Boot { node: self.member.name.clone(), reason: status.describe() }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(line) = self.line.get_mut().take() {
            line.reader.abort();
        }
    }
}

impl Status {
    /// Before anything was said.
    fn at_first(voice: Voice) -> Self {
        let state = if voice == (Voice::Plain { up_when: &[] }) { "up" } else { "" };
        Self { state: state.to_owned(), ..Self::default() }
    }

    fn take_in(&mut self, voice: Voice, line: &str) {
        if let Voice::Plain { up_when } = voice {
            if up_when.iter().any(|text| line.contains(text)) {
                self.state = "up".into();
            }
            if !line.trim().is_empty() {
                if self.last_lines.len() == LAST_LINES {
                    self.last_lines.pop_front();
                }
                self.last_lines.push_back(line.trim().to_owned());
            }
            return;
        }
        match serde_json::from_str(line) {
            Ok(ReportLine::Node { state, reason }) => {
                if state == "off" {
                    // What its processes did before the power failed says nothing of those to come.
                    self.processes.clear();
                }
                self.state = state;
                self.reason = reason;
            }
            Ok(ReportLine::Process { name, state, restarts, last_exit, last_log }) => {
                self.processes.insert(name, ProcessStatus { state, restarts, last_exit, last_log });
            }
            Ok(ReportLine::Warning { message }) => tracing::debug!(message, "a node warns"),
            // Before its configuration is read, PID 1 speaks plain text, and only of what went wrong.
            Err(_) if !line.trim().is_empty() => self.reason = Some(line.trim().to_owned()),
            Err(_) => {}
        }
    }

    /// Whether a process has been ready.
    pub(super) fn is_ready(&self, process: &str) -> bool {
        self.processes.get(process).is_some_and(|process| process.state == "ready")
    }

    /// The state in one line, with what went wrong first.
    pub(super) fn describe(&self) -> String {
        let troubled: Vec<String> = self
            .processes
            .iter()
            .filter(|(_, process)| process.restarts > 0 || process.state == "backoff")
            .map(|(name, process)| {
                let exit = process.last_exit.as_deref().unwrap_or("unknown");
                let log = process.last_log.as_deref().unwrap_or("nothing");
                format!("`{name}` ended {} times, last with {exit}, and said: {log}", process.restarts.max(1))
            })
            .collect();
        if !troubled.is_empty() {
            return troubled.join("; ");
        }
        if let Some(reason) = &self.reason {
            return reason.clone();
        }
        let said = match self.last_lines.iter().map(String::as_str).collect::<Vec<_>>().join(" / ") {
            nothing if nothing.is_empty() => nothing,
            lines => format!("; it said last: {lines}"),
        };
        if self.ended {
            return format!("its container ended{said}");
        }
        let waiting: Vec<String> = self
            .processes
            .iter()
            .filter(|(_, process)| process.state != "ready")
            .map(|(name, process)| format!("`{name}` is {}", process.state))
            .collect();
        match (self.state.as_str(), waiting.is_empty()) {
            ("", _) if said.is_empty() => "its PID 1 has reported nothing yet".into(),
            ("", _) => format!("its PID 1 does not take commands yet{said}"),
            (state, true) => format!("it is {state}{said}"),
            (state, false) => format!("it is {state}: {}", waiting.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Status, Voice};

    const OWN: Voice = Voice::Own { power_line: true };

    #[test]
    fn a_process_that_keeps_ending_is_named_with_its_last_words() {
        let mut status = Status::default();
        status.take_in(OWN, r#"{"event":"node","state":"booting","reason":null,"afterMs":0}"#);
        status.take_in(OWN, r#"{"event":"process","name":"kubelet","state":"backoff","pid":null,"restarts":2,"lastExit":"exit code 1","lastLog":"no such flag","readyAfterMs":null,"afterMs":9}"#,
        );
        assert_eq!(status.describe(), "`kubelet` ended 2 times, last with exit code 1, and said: no such flag");
    }

    #[test]
    fn plain_text_of_pid_1_is_kept_as_the_reason() {
        let mut status = Status::default();
        status.take_in(OWN, "unknown field `keeep`");
        assert_eq!(status.describe(), "unknown field `keeep`");
    }

    #[test]
    fn another_pid_1_is_known_by_what_it_writes() {
        let voice = Voice::Plain { up_when: &["Multi-User System", "detected cgroup v1"] };
        let mut status = Status::at_first(voice);
        assert_eq!(status.describe(), "its PID 1 has reported nothing yet");
        status.take_in(voice, "INFO: setting up");
        assert_eq!(status.describe(), "its PID 1 does not take commands yet; it said last: INFO: setting up");
        status.take_in(voice, "[  OK  ] Reached target multi-user.target - Multi-User System.");
        for line in ["systemd[1]: one", "", "systemd[1]: two", "systemd[1]: three", "systemd[1]: four\r"] {
            status.take_in(voice, line);
        }
        assert_eq!(status.state, "up");
        status.ended = true;
        insta::assert_snapshot!(status.describe(), @"its container ended; it said last: systemd[1]: one / systemd[1]: two / systemd[1]: three / systemd[1]: four");
        assert_eq!(Status::at_first(Voice::Plain { up_when: &[] }).state, "up", "nothing to wait for");
    }
}
