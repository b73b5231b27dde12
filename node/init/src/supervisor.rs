//! Carries out what the state machines of the processes want, and reports every change.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::config::ProcessSpec;
use crate::process::{Machine, State, Want};
use crate::ready::{self, Probe};
use crate::reap::Exit;
use crate::spawn::{self, Log};
use crate::status::{ProcessStatus, Reporter, milliseconds};

/// One process with all that belongs to it.
#[derive(Debug)]
struct Supervised {
    spec: ProcessSpec,
    /// The processes named in `after`, as indices.
    after: Vec<usize>,
    machine: Machine,
    probe: Probe,
    log: Log,
    last_log: Option<String>,
}

impl Supervised {
    fn has_the_word(&self) -> bool {
        self.spec.when_file.as_ref().is_none_or(|path| path.exists())
    }

    fn status(&self) -> ProcessStatus {
        ProcessStatus {
            name: self.spec.name.clone(),
            state: self.machine.state,
            pid: self.machine.pid,
            restarts: self.machine.restarts,
            last_exit: self.machine.last_exit.clone(),
            last_log: self.last_log.clone(),
            ready_after_ms: self.machine.first_ready.map(milliseconds),
        }
    }
}

/// All processes of the node.
#[derive(Debug)]
pub(crate) struct Supervisor {
    processes: Vec<Supervised>,
    /// Indices in the order in which they may start.
    order: Vec<usize>,
}

impl Supervisor {
    pub(crate) fn new(specs: &[ProcessSpec], order: Vec<usize>, log_dir: &Path) -> Supervisor {
        let index_of = |name: &String| specs.iter().position(|spec| spec.name == *name);
        let supervised = |spec: &ProcessSpec| Supervised {
            spec: spec.clone(),
            after: spec.after.iter().filter_map(index_of).collect(),
            machine: Machine::new(spec),
            probe: Probe::default(),
            log: Log::new(log_dir, &spec.name),
            last_log: None,
        };
        Supervisor { processes: specs.iter().map(supervised).collect(), order }
    }

    pub(crate) fn statuses(&self) -> Vec<ProcessStatus> {
        self.processes.iter().map(Supervised::status).collect()
    }

    /// Starts, probes and gives up on whatever is due. In start order, so that what becomes ready here lets those
    /// after it start in the same call.
    pub(crate) fn advance(&mut self, now: Duration, reporter: &mut Reporter) {
        for place in 0..self.order.len() {
            let index = self.order[place];
            let may_start = self.is_its_turn(index) && self.processes[index].has_the_word();
            if self.processes[index].machine.want(now, may_start) == Want::Start {
                self.start(index, now, reporter);
            }
            match self.processes[index].machine.want(now, may_start) {
                Want::Probe => {
                    let process = &mut self.processes[index];
                    if process.probe.look(process.spec.ready.as_ref()) {
                        process.machine.is_ready(now);
                        reporter.process(now, index, process.status());
                    }
                }
                Want::Kill => {
                    self.processes[index].machine.give_up();
                    self.signal(index, Signal::SIGKILL);
                }
                Want::Nothing | Want::Start => {}
            }
        }
    }

    fn start(&mut self, index: usize, now: Duration, reporter: &mut Reporter) {
        let process = &mut self.processes[index];
        let attempt = match process.machine.state {
            State::Backoff => process.machine.restarts + 1,
            _ => 0,
        };
        let heading =
            format!("start of `{}`, restart {attempt}, {}ms after power-on", process.spec.name, milliseconds(now));
        process.probe = Probe::default();
        match spawn::start(&process.spec.command, &process.spec.environment, &mut process.log, &heading) {
            Ok(pid) => process.machine.started(now, pid.as_raw()),
            Err(message) => process.machine.ended(now, message),
        }
        reporter.process(now, index, process.status());
    }

    /// Takes note of an end; an orphan that was never ours is of no interest.
    pub(crate) fn ended(&mut self, now: Duration, pid: Pid, exit: Exit, reporter: &mut Reporter) {
        let ours = |process: &Supervised| process.machine.pid == Some(pid.as_raw());
        if let Some(index) = self.processes.iter().position(ours) {
            let process = &mut self.processes[index];
            process.machine.ended(now, exit.to_string());
            process.last_log = process.log.last_line();
            reporter.process(now, index, process.status());
        }
    }

    /// From here on nothing is started any more.
    pub(crate) fn stop(&mut self, now: Duration, reporter: &mut Reporter) {
        for (index, process) in self.processes.iter_mut().enumerate() {
            process.machine.stop();
            // Those still running report their end when it comes.
            if process.machine.pid.is_none() {
                reporter.process(now, index, process.status());
            }
        }
    }

    pub(crate) fn is_alive(&self, index: usize) -> bool {
        self.processes[index].machine.pid.is_some()
    }

    pub(crate) fn any_alive(&self) -> bool {
        (0..self.processes.len()).any(|index| self.is_alive(index))
    }

    pub(crate) fn all_were_ready(&self) -> bool {
        self.processes.iter().all(|process| process.machine.first_ready.is_some())
    }

    /// Whether everything a process comes after was ready once.
    fn is_its_turn(&self, index: usize) -> bool {
        self.processes[index].after.iter().all(|&earlier| self.processes[earlier].machine.first_ready.is_some())
    }

    /// When something is due by time alone.
    pub(crate) fn wake(&self, now: Duration) -> Option<Duration> {
        // A file that comes into being wakes nobody.
        let looked_for = |(index, process): (usize, &Supervised)| match process.machine.state {
            State::Starting => true,
            State::Waiting => process.spec.when_file.is_some() && self.is_its_turn(index),
            _ => false,
        };
        let probe = self.processes.iter().enumerate().any(looked_for).then_some(now + ready::INTERVAL);
        self.processes.iter().filter_map(|process| process.machine.wake()).chain(probe).min()
    }

    /// To the whole group, so that what the process started is not left over. Shims of containers are in groups of
    /// their own and live through a restart of containerd.
    pub(crate) fn signal(&self, index: usize, signal: Signal) {
        if let Some(pid) = self.processes[index].machine.pid {
            send(Pid::from_raw(pid), signal);
        }
    }

    pub(crate) fn signal_all(&self, signal: Signal) {
        (0..self.processes.len()).for_each(|index| self.signal(index, signal));
    }
}

/// To the group of a process, or to the process alone while it has no group of its own yet.
pub(crate) fn send(leader: Pid, signal: Signal) {
    if killpg(leader, signal).is_err() {
        // It has ended already, and its end is about to be collected.
        let _ = kill(leader, signal);
    }
}
