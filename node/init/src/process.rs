//! The life of one supervised process as a pure state machine: when to start, probe, give up, and try again.
//!
//! It starts nothing and reads no clock: time comes in, as the span since the node was powered on.

use std::time::Duration;

use serde::Serialize;

use crate::config::ProcessSpec;

/// A process that was up this long has earned a fresh start of its back-off.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// What a process is doing, in the words of the status file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Something it comes after was never ready yet, or the file it waits for is not there.
    Waiting,
    Starting,
    Ready,
    Backoff,
    Stopped,
}

/// What should be done about a process now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Nothing,
    Start,
    Probe,
    /// It had its time and is not ready: kill it, so that it is tried again.
    Kill,
}

/// Where one process stands.
#[derive(Debug)]
pub(crate) struct Machine {
    ready_within: Option<Duration>,
    probed: bool,
    initial_delay: Duration,
    longest_delay: Duration,
    pub(crate) state: State,
    pub(crate) pid: Option<i32>,
    pub(crate) restarts: u32,
    pub(crate) last_exit: Option<String>,
    /// When it was ready for the first time; what others wait for.
    pub(crate) first_ready: Option<Duration>,
    started: Duration,
    retry: Duration,
    next_delay: Duration,
    given_up: bool,
}

impl Machine {
    pub(crate) fn new(spec: &ProcessSpec) -> Machine {
        let initial_delay = Duration::from_millis(spec.restart.initial_ms);
        Machine {
            ready_within: spec.ready_within_seconds.map(Duration::from_secs),
            probed: spec.ready.is_some(),
            initial_delay,
            longest_delay: Duration::from_millis(spec.restart.max_ms),
            state: State::Waiting,
            pid: None,
            restarts: 0,
            last_exit: None,
            first_ready: None,
            started: Duration::ZERO,
            retry: Duration::ZERO,
            next_delay: initial_delay,
            given_up: false,
        }
    }

    /// `may_start` says whether everything it comes after was ready once.
    pub(crate) fn want(&self, now: Duration, may_start: bool) -> Want {
        match self.state {
            State::Waiting if may_start => Want::Start,
            State::Backoff if now >= self.retry => Want::Start,
            State::Starting if self.given_up => Want::Nothing,
            State::Starting if !self.probed => Want::Probe,
            State::Starting if self.deadline().is_some_and(|deadline| now >= deadline) => Want::Kill,
            State::Starting => Want::Probe,
            State::Waiting | State::Backoff | State::Ready | State::Stopped => Want::Nothing,
        }
    }

    /// When `want` may change its answer by time alone; the end of probing is not a matter of time.
    pub(crate) fn wake(&self) -> Option<Duration> {
        (self.state == State::Backoff).then_some(self.retry)
    }

    /// A start was made; the first is not a restart.
    pub(crate) fn started(&mut self, now: Duration, pid: i32) {
        if self.state == State::Backoff {
            self.restarts += 1;
        }
        self.state = State::Starting;
        self.pid = Some(pid);
        self.started = now;
        self.given_up = false;
    }

    /// The probe succeeded.
    pub(crate) fn is_ready(&mut self, now: Duration) {
        self.state = State::Ready;
        self.first_ready.get_or_insert(now);
    }

    /// It is being killed for not getting ready; its exit follows.
    pub(crate) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// It ended, or could not be started at all.
    pub(crate) fn ended(&mut self, now: Duration, how: String) {
        self.pid = None;
        self.last_exit = Some(match self.ready_within {
            Some(limit) if self.given_up => {
                format!("killed: not ready within {}s", limit.as_secs())
            }
            _ => how,
        });
        if self.state == State::Stopped {
            return;
        }
        if now.saturating_sub(self.started) >= FORGIVEN_AFTER && self.state == State::Ready {
            self.next_delay = self.initial_delay;
        }
        self.state = State::Backoff;
        self.retry = now + self.next_delay;
        self.next_delay = (self.next_delay * 2).min(self.longest_delay);
    }

    /// The node is going down: from here on an end is final.
    pub(crate) fn stop(&mut self) {
        self.state = State::Stopped;
    }

    fn deadline(&self) -> Option<Duration> {
        self.ready_within.map(|limit| self.started + limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(text: &str) -> Machine {
        Machine::new(&serde_json::from_str(text).unwrap())
    }

    fn probed() -> Machine {
        machine(
            r#"{"name": "a", "command": ["a"], "ready": {"file": "/a"}, "readyWithinSeconds": 30,
                "restart": {"initialMs": 200, "maxMs": 1000}}"#,
        )
    }

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    /// Starts and ends the process at once; gives how long it then stays away.
    fn pause_after_failure(machine: &mut Machine, now: Duration) -> Duration {
        machine.started(now, 7);
        machine.ended(now, "exit code 1".to_owned());
        machine.wake().unwrap() - now
    }

    #[test]
    fn it_waits_for_those_it_comes_after() {
        let machine = probed();
        assert_eq!(machine.want(ms(5000), false), Want::Nothing);
        assert_eq!(machine.want(ms(5000), true), Want::Start);
    }

    #[test]
    fn it_is_probed_until_ready_and_then_left_alone() {
        let mut machine = probed();
        machine.started(ms(0), 7);
        assert_eq!(machine.want(ms(20), true), Want::Probe);
        machine.is_ready(ms(40));
        assert_eq!(machine.want(ms(60_000), true), Want::Nothing);
        assert_eq!(machine.first_ready, Some(ms(40)));
    }

    #[test]
    fn the_pause_doubles_up_to_its_limit() {
        let mut machine = probed();
        let pauses: Vec<_> = (0..5).map(|n| pause_after_failure(&mut machine, ms(n * 2000))).collect();
        assert_eq!(pauses, [ms(200), ms(400), ms(800), ms(1000), ms(1000)]);
        assert_eq!(machine.restarts, 4);
    }

    #[test]
    fn a_minute_up_forgives_earlier_failures() {
        let mut machine = probed();
        pause_after_failure(&mut machine, ms(0));
        pause_after_failure(&mut machine, ms(1000));
        machine.started(ms(2000), 7);
        machine.is_ready(ms(2100));
        machine.ended(ms(2000) + FORGIVEN_AFTER, "exit code 1".to_owned());
        assert_eq!(machine.wake(), Some(ms(2000) + FORGIVEN_AFTER + ms(200)));
    }

    #[test]
    fn almost_a_minute_up_does_not_forgive() {
        let mut machine = probed();
        pause_after_failure(&mut machine, ms(0));
        machine.started(ms(2000), 7);
        machine.is_ready(ms(2100));
        let end = ms(2000) + FORGIVEN_AFTER - ms(1);
        machine.ended(end, "exit code 1".to_owned());
        assert_eq!(machine.wake(), Some(end + ms(400)));
    }

    #[test]
    fn it_starts_again_when_the_pause_is_over_and_not_before() {
        let mut machine = probed();
        machine.started(ms(0), 7);
        machine.ended(ms(1000), "signal 9 (SIGKILL)".to_owned());
        assert_eq!(machine.want(ms(1199), true), Want::Nothing);
        assert_eq!(machine.want(ms(1200), true), Want::Start);
        assert_eq!(machine.last_exit.as_deref(), Some("signal 9 (SIGKILL)"));
    }

    #[test]
    fn not_ready_in_time_is_killed_once_and_tried_again() {
        let mut machine = probed();
        machine.started(ms(1000), 7);
        assert_eq!(machine.want(ms(30_999), true), Want::Probe);
        assert_eq!(machine.want(ms(31_000), true), Want::Kill);
        machine.give_up();
        assert_eq!(machine.want(ms(31_001), true), Want::Nothing);
        machine.ended(ms(31_002), "signal 9 (SIGKILL)".to_owned());
        assert_eq!(machine.state, State::Backoff);
        assert_eq!(machine.last_exit.as_deref(), Some("killed: not ready within 30s"));
    }

    #[test]
    fn without_a_limit_it_may_take_for_ever() {
        let mut machine = machine(r#"{"name": "a", "command": ["a"], "ready": {"file": "/a"}}"#);
        machine.started(ms(0), 7);
        assert_eq!(machine.want(Duration::from_secs(86_400), true), Want::Probe);
    }

    #[test]
    fn having_been_ready_once_is_remembered_through_a_restart() {
        let mut machine = probed();
        machine.started(ms(0), 7);
        machine.is_ready(ms(100));
        machine.ended(ms(200), "exit code 0".to_owned());
        machine.started(ms(400), 8);
        machine.is_ready(ms(900));
        assert_eq!(machine.first_ready, Some(ms(100)));
    }

    #[test]
    fn an_end_while_stopping_is_final() {
        let mut machine = probed();
        machine.started(ms(0), 7);
        machine.stop();
        machine.ended(ms(10), "signal 15 (SIGTERM)".to_owned());
        assert_eq!(machine.state, State::Stopped);
        assert_eq!(machine.want(ms(60_000), true), Want::Nothing);
        assert_eq!(machine.pid, None);
    }
}
