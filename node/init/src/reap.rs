//! Signals and children: which signals arrive as readable events, and how ended processes are collected.

use std::fmt;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How a process ended, in the words of the status file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Code(i32),
    Signal(Signal),
}

impl fmt::Display for Exit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(formatter, "exit code {code}"),
            Exit::Signal(signal) => write!(formatter, "signal {} ({signal})", *signal as i32),
        }
    }
}

/// Blocks the signals of interest and makes them readable.
///
/// A blocked signal is kept even for PID 1, which without a handler would never see it.
///
/// # Errors
///
/// The kernel refused; without signals nothing can be supervised.
pub(crate) fn signals() -> Result<SignalFd, Errno> {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD] {
        set.add(signal);
    }
    set.thread_block()?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// Whether a request to stop is among the pending signals; all of them are taken.
///
/// SIGCHLD carries nothing: several may be merged into one, so children are always asked for by `ended`.
pub(crate) fn stop_requested(signals: &SignalFd) -> bool {
    let mut requested = false;
    while let Ok(Some(info)) = signals.read_signal() {
        let stop = [Signal::SIGTERM, Signal::SIGINT].map(|signal| signal as u32);
        requested |= stop.contains(&info.ssi_signo);
    }
    requested
}

/// Every child that has ended, orphans of others (such as those of containerd's shims) included.
pub(crate) fn ended() -> Vec<(Pid, Exit)> {
    let mut ended = Vec::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => ended.push((pid, Exit::Code(code))),
            Ok(WaitStatus::Signaled(pid, signal, _)) => ended.push((pid, Exit::Signal(signal))),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return ended,
            // Interrupted, or a state other than an end: ask again.
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return ended,
        }
    }
}

/// Collects children until there are none, or for so long; whether there are none.
pub(crate) fn collect_all(signals: &SignalFd, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(Errno::ECHILD) => return true,
            Ok(WaitStatus::StillAlive) => {
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return false;
                }
                let mut sources = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
                let _ = poll(&mut sources, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
                // A request to stop is lost in this moment; whoever asks kills after a while.
                stop_requested(signals);
            }
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_is_told_in_words() {
        assert_eq!(Exit::Code(1).to_string(), "exit code 1");
        assert_eq!(Exit::Signal(Signal::SIGKILL).to_string(), "signal 9 (SIGKILL)");
    }
}
