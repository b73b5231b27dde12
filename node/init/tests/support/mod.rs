//! Runs the real program with folders of its own, and waits for what its status file says.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// More than any of these tests needs, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// A running node. Dropping it kills it, and the end of its input would end it anyway.
pub(crate) struct Node {
    pub(crate) folder: TempDir,
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
}

impl Node {
    /// `config` may use `DIR` for a folder of this test alone.
    pub(crate) fn start(config: &str) -> Node {
        let folder = tempfile::tempdir().expect("a folder for temporary files exists");
        let path = |name: &str| folder.path().join(name);
        let config = config.replace("DIR", &folder.path().display().to_string());
        std::fs::write(path("init.json"), config).expect("the folder is writable");
        let mut child = Command::new(env!("CARGO_BIN_EXE_rollcall-init"))
            .arg("--no-mounts")
            .args([Path::new("--config"), &path("init.json"), Path::new("--run-dir"), &path("run")])
            .args([Path::new("--log-dir"), &path("log")])
            .stdin(Stdio::piped())
            .stdout(std::fs::File::create(path("events")).expect("the folder is writable"))
            .spawn()
            .expect("the program was built");
        let stdin = child.stdin.take();
        Node { folder, child, stdin }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.read("run/status.json")).unwrap_or_default()
    }

    /// Waits until the status is as wanted.
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let status = self.status();
            if wanted(&status) {
                return status;
            }
            assert!(began.elapsed() < LIMIT, "{what} did not happen, the last status is {status}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn until_state(&self, state: &str) -> Value {
        self.until(state, |status| status["state"] == state)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("the program is running");
    }

    /// Waits for the end and says how long it took.
    pub(crate) fn ended(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                return (status, began.elapsed());
            }
            assert!(began.elapsed() < LIMIT, "the program did not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a process exists and is more than a zombie.
pub(crate) fn runs(pid: i64) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
