//! Running one outside command: its output in a file, its whole process group ended when asked.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::cancel::Cancel;

/// How long an ended step may take to clean up (mmdebstrap unmounts and removes its folder).
const GRACE: Duration = Duration::from_secs(10);

/// A command line with the environment and folder it runs in.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) dir: PathBuf,
}

impl Invocation {
    pub(crate) fn new(dir: &Path, program: &str, args: &[&str]) -> Self {
        Self {
            program: program.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: Vec::new(),
            dir: dir.to_owned(),
        }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The line that does the same when pasted into a shell.
    pub(crate) fn pasteable(&self) -> String {
        let mut words = vec!["cd".to_owned(), quote(&self.dir.to_string_lossy()), "&&".to_owned()];
        words.extend(self.env.iter().map(|(name, value)| format!("{name}={}", quote(value))));
        words.push(quote(&self.program));
        words.extend(self.args.iter().map(|arg| quote(arg)));
        words.join(" ")
    }

    /// Runs it to its end, or until `cancel`. Output goes to `log`; `tick` gets its last line.
    pub(crate) fn run(&self, log: &Path, cancel: &Cancel, tick: &dyn Fn(&str)) -> Result<()> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("could not open `{}`", log.display()))?;
        let start = output.metadata().map(|metadata| metadata.len()).unwrap_or(0);
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            // A group of its own: Ctrl-C reaches only us, and we end every grandchild by one signal.
            .process_group(0)
            .stdin(Stdio::null())
            .stderr(output.try_clone().context("could not share the log file")?)
            .stdout(output)
            .spawn()
            .map_err(|error| {
                let hint = if error.kind() == std::io::ErrorKind::NotFound {
                    format!(
                        "\n(hint: `{}` is not installed; `scripts/prepare.sh` installs what the build needs)",
                        self.program
                    )
                } else {
                    String::new()
                };
                anyhow!("{}\n  could not be started: {error}{hint}", self.pasteable())
            })?;
        let group = Pid::from_raw(i32::try_from(child.id()).expect("a process id fits in i32"));
        let mut ended_at: Option<Instant> = None;
        let status = loop {
            if let Some(status) = child.try_wait().context("could not wait for a command")? {
                break status;
            }
            match ended_at {
                None if cancel.is_set() => {
                    ended_at = Some(Instant::now());
                    // The group may have gone this instant; then there is nothing left to end.
                    let _ = killpg(group, Signal::SIGTERM);
                }
                Some(since) if since.elapsed() > GRACE => {
                    let _ = killpg(group, Signal::SIGKILL);
                }
                _ => {}
            }
            tick(&tail(log, start, 1));
            thread::sleep(Duration::from_millis(100));
        };
        if ended_at.is_some() {
            let _ = killpg(group, Signal::SIGKILL);
            bail!("cancelled");
        }
        if status.success() {
            return Ok(());
        }
        let output = tail(log, start, 20);
        bail!("{}", failure(&self.pasteable(), &status.to_string(), &output, log))
    }

    /// Runs a short question and gives what it printed, `None` if it failed.
    pub(crate) fn answer(&self) -> Option<String> {
        let output = Command::new(&self.program)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// The text of a failed command: the line to paste, its last output, and what may help.
fn failure(pasteable: &str, status: &str, output: &str, log: &Path) -> String {
    let mut text = format!("{pasteable}\n  ended with {status}");
    if output.is_empty() {
        text.push_str(" and printed nothing");
    }
    for line in output.lines() {
        text.push_str("\n  | ");
        text.push_str(line);
    }
    text.push_str("\n(hint: ");
    text.push_str(hint(output));
    text.push_str(&format!("; the whole output is in `{}`)", log.display()));
    text
}

/// What usually helps against an output like this.
fn hint(output: &str) -> &'static str {
    let lower = output.to_lowercase();
    let known: &[(&[&str], &str)] = &[
        (
            &["no space left on device", "disk quota exceeded"],
            "the disk is full: `docker system df` and `go clean -cache` show and free the largest parts",
        ),
        (
            &["cannot connect to the docker daemon", "permission denied while trying to connect"],
            "the container engine does not answer, `scripts/prepare.sh` starts it",
        ),
        (
            &[
                "dial tcp",
                "i/o timeout",
                "temporary failure resolving",
                "could not resolve",
                "connection refused",
                "tls handshake",
            ],
            "a package server did not answer: set GOPROXY or ROLLCALL_DEBIAN_MIRROR to one that does and run again, finished steps are kept",
        ),
        (&["signal: killed", "out of memory", "cannot allocate memory"], "memory ran out: the linker needs 3 GB"),
        (&["checksum mismatch"], "a package differs from the pinned one: look at GOPROXY before anything else"),
    ];
    known
        .iter()
        .find(|(needles, _)| needles.iter().any(|needle| lower.contains(needle)))
        .map_or("paste the line to see the step alone", |(_, text)| *text)
}

/// The last `lines` lines a command wrote from `start` on.
fn tail(log: &Path, start: u64, lines: usize) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(start.max(length.saturating_sub(8192))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Removes a file or folder if it is there.
pub(crate) fn remove(path: &Path) {
    // Best effort: a leftover is swept by the next build, and must not hide the first failure.
    let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(script: &str) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let invocation = Invocation::new(folder.path(), "sh", &["-c", script]).env("GOOS", "li nux");
        let log = folder.path().join("log");
        let error = invocation.run(&log, &Cancel::default(), &|_| {}).expect_err("the command fails");
        error.to_string().replace(&*folder.path().to_string_lossy(), "DIR")
    }

    #[test]
    fn failed_command_shows_the_line_its_output_and_a_hint() {
        assert_eq!(
            fails("echo compiling; echo 'x.go:1: undefined: y' >&2; exit 3"),
            "cd DIR && GOOS='li nux' sh -c 'echo compiling; echo '\\''x.go:1: undefined: y'\\'' >&2; exit 3'\n  \
             ended with exit status: 3\n  | compiling\n  | x.go:1: undefined: y\n\
             (hint: paste the line to see the step alone; the whole output is in `DIR/log`)"
        );
    }

    #[test]
    fn full_disk_is_named() {
        assert!(fails("echo 'write /x: no space left on device'; exit 1").contains("(hint: the disk is full:"));
    }

    #[test]
    fn program_that_is_not_there_is_named_with_what_installs_it() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let error = Invocation::new(folder.path(), "no-such-program", &[])
            .run(&folder.path().join("log"), &Cancel::default(), &|_| {})
            .expect_err("it cannot start");
        assert!(
            error.to_string().contains("(hint: `no-such-program` is not installed; `scripts/prepare.sh`"),
            "{error}"
        );
    }

    #[test]
    fn cancelled_command_takes_its_children_along() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let cancel = Cancel::default();
        cancel.set();
        let started = Instant::now();
        let error = Invocation::new(folder.path(), "sh", &["-c", "sleep 60 & wait"])
            .run(&folder.path().join("log"), &cancel, &|_| {})
            .expect_err("it was cancelled");
        assert_eq!(error.to_string(), "cancelled");
        assert!(started.elapsed() < GRACE);
    }
}
