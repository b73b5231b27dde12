//! How commands are started: in a session of their own, with an empty signal mask, and their output in a log file.
//!
//! A child inherits the blocked signals of its parent, and between `fork` and `exec` only unsafe code could unblock
//! them; unblocking in PID 1 itself would lose whatever arrives in that moment. So this program starts itself with
//! `--exec`, tidies up in the new process, and then becomes the command. The process ID stays the same.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::SigSet;
use nix::unistd::Pid;

/// As much of a log's end as is searched for its last line.
const TAIL: u64 = 8192;
/// As much of the last line as is passed on.
const LONGEST_LINE: usize = 500;

/// The file that takes a command's output, and where the output of the current start begins.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    begins: u64,
}

impl Log {
    pub(crate) fn new(folder: &Path, name: &str) -> Log {
        Log { path: folder.join(format!("{name}.log")), begins: 0 }
    }

    /// Opens for appending, with a line that says what begins here.
    fn open(&mut self, heading: &str) -> std::io::Result<File> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        writeln!(file, "rollcall-init: {heading}")?;
        self.begins = file.metadata()?.len();
        Ok(file)
    }

    /// The last line with something in it since the current start.
    pub(crate) fn last_line(&self) -> Option<String> {
        let mut file = File::open(&self.path).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(self.begins.max(length.saturating_sub(TAIL)))).ok()?;
        let mut tail = Vec::new();
        file.take(TAIL).read_to_end(&mut tail).ok()?;
        let tail = String::from_utf8_lossy(&tail);
        let line = tail.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
        Some(line.chars().take(LONGEST_LINE).collect())
    }
}

/// Starts a command and leaves it running; its end arrives at `reap::ended`.
///
/// A command that does not exist ends with exit code 127 and says so in its log.
///
/// # Errors
///
/// The log cannot be opened or no process can be made, as a message.
pub(crate) fn start(
    command: &[String],
    environment: &BTreeMap<String, String>,
    log: &mut Log,
    heading: &str,
) -> Result<Pid, String> {
    let output = log
        .open(heading)
        .and_then(|file| Ok((file.try_clone()?, file)))
        .map_err(|error| format!("could not open log `{}`: {error}", log.path.display()))?;
    let child = Command::new("/proc/self/exe")
        .arg("--exec")
        .args(command)
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(output.0)
        .stderr(output.1)
        .spawn()
        .map_err(|error| format!("could not start `{}`: {error}", command.join(" ")))?;
    // Dropping the handle neither waits nor kills: every child is reaped in one place.
    Ok(Pid::from_raw(child.id().cast_signed()))
}

/// The second half of a start, in the new process: returns only when the command cannot be run.
pub(crate) fn become_command(command: &[OsString]) -> String {
    let Some((program, arguments)) = command.split_first() else {
        return "`--exec` needs a command".to_owned();
    };
    // It fails only for the leader of a group, and then there is a group of its own already.
    let _ = nix::unistd::setsid();
    if let Err(error) = SigSet::empty().thread_set_mask() {
        return format!("could not unblock signals: {error}");
    }
    let error = Command::new(program).args(arguments).exec();
    format!("could not run `{}`: {error}", program.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_of_the_current_start_and_not_empty() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::new(folder.path(), "a");
        assert_eq!(log.last_line(), None);
        let mut file = log.open("first start").unwrap();
        assert_eq!(log.last_line(), None);
        write!(file, "one\ntwo  \n\n \n").unwrap();
        assert_eq!(log.last_line().as_deref(), Some("two"));
        log.open("second start").unwrap();
        assert_eq!(log.last_line(), None);
        let text = std::fs::read_to_string(folder.path().join("a.log")).unwrap();
        assert!(text.contains("two") && text.ends_with("rollcall-init: second start\n"), "{text}");
    }

    #[test]
    fn a_long_last_line_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::new(folder.path(), "a");
        let mut file = log.open("start").unwrap();
        writeln!(file, "{}", "é".repeat(20_000)).unwrap();
        assert_eq!(log.last_line().unwrap().chars().count(), LONGEST_LINE);
    }
}
