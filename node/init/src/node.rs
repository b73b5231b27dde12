//! The life of the node: off, booting, up, stopping, and off again after a power failure. One loop that waits for signals, for the harness, and for time.

use std::io::Write;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::unistd::Pid;

use crate::arguments::Settings;
use crate::boot::{self, Commands, Progress};
use crate::config::{Config, PowerOn};
use crate::order;
use crate::outage::Bare;
use crate::power::{Power, Said};
use crate::reap;
use crate::status::{NodeState, Reporter};
use crate::stop::{Next, Stop};
use crate::supervisor::{Supervisor, send};

/// How long the dead are collected before the program ends; the kernel ends what is left of the container.
const LAST_REAP: Duration = Duration::from_millis(500);

/// What the loop is doing.
#[derive(Debug)]
enum Phase {
    /// Waiting for `start`; the moment is that of the missed handshake.
    Off {
        give_up: Option<Duration>,
    },
    Commands,
    Supervising,
    Failed,
    Stopping(Stop),
    /// Everything left was killed, and is collected until this moment.
    Ending {
        until: Duration,
    },
}

/// How one life of the node ended.
#[derive(Debug, PartialEq, Eq)]
enum Life {
    /// The program is to end.
    Over,
    /// The power failed: everything but this program is to end, and the next life begins.
    Dark,
}

struct Node<'a> {
    config: &'a Config,
    settings: &'a Settings,
    signals: &'a SignalFd,
    power: &'a mut Power,
    reporter: Reporter,
    supervisor: Supervisor,
    commands: Commands,
    stages: Vec<Vec<usize>>,
    phase: Phase,
    /// The power failed.
    dark: bool,
    /// When the node was powered on; before that, when the program began.
    zero: Instant,
}

/// Lives until the node is stopped, or was never powered on.
///
/// # Errors
///
/// Without these no node can be kept: not being PID 1 where mounts would change, or signals that cannot be read.
pub(crate) fn run(config: Config, settings: &Settings) -> Result<(), String> {
    if settings.owns_machine && std::process::id() != 1 {
        return Err("not started as PID 1: the mounts of this machine would change\n\
                    (hint: `--no-mounts` supervises without touching the machine)"
            .to_owned());
    }
    let signals = reap::signals().map_err(|error| format!("could not take over signals: {}", error.desc()))?;
    let order =
        order::start_order(&config.processes).map_err(|names| format!("{} wait for each other", names.join(", ")))?;
    let stages = order::stop_stages(&config.processes, &order);
    let bare = if settings.owns_machine { Some(Bare::look()?) } else { None };
    let mut power = Power::default();
    let mut dark = false;
    loop {
        let supervisor = Supervisor::new(&config.processes, order.clone(), &settings.log_dir);
        let node = Node {
            reporter: Reporter::new(&settings.run_dir, supervisor.statuses()),
            commands: Commands::new(config.commands.clone(), &settings.log_dir),
            power: &mut power,
            phase: Phase::Off { give_up: None },
            zero: Instant::now(),
            config: &config,
            settings,
            signals: &signals,
            supervisor,
            stages: stages.clone(),
            dark,
        };
        if node.live()? == Life::Over {
            return Ok(());
        }
        if let Some(bare) = &bare {
            bare.return_to(&signals)?;
        }
        dark = true;
    }
}

impl Node<'_> {
    fn live(mut self) -> Result<Life, String> {
        if std::mem::take(&mut self.dark) {
            // Whoever cut the power is there, and says when it comes back.
            self.reporter.node(self.now(), NodeState::Off, None);
            self.listen();
        } else if self.config.keep || self.config.power_on == PowerOn::Now {
            self.boot();
        } else {
            self.phase = Phase::Off { give_up: Some(Duration::from_secs(self.config.handshake_seconds)) };
            self.reporter.node(self.now(), NodeState::Off, None);
        }
        while !self.dark && !self.advance() {
            self.wait()?;
            if self.dark {
                break;
            }
            if reap::stop_requested(self.signals) {
                self.stop("asked by a signal");
            }
            for (pid, exit) in reap::ended() {
                self.note_end(pid, exit);
            }
        }
        Ok(if self.dark { Life::Dark } else { Life::Over })
    }

    fn now(&self) -> Duration {
        self.zero.elapsed()
    }

    /// Does what is due; true when the program is to end.
    fn advance(&mut self) -> bool {
        let now = self.now();
        match &mut self.phase {
            Phase::Off { give_up } => {
                let missed = give_up.is_some_and(|moment| now >= moment);
                if missed {
                    warn(&format!("nobody said anything within {}s, ending", self.config.handshake_seconds));
                }
                missed
            }
            Phase::Commands => {
                match self.commands.advance(now) {
                    Progress::Running => {}
                    Progress::Failed(reason) => self.fail(reason),
                    Progress::Done => {
                        self.phase = Phase::Supervising;
                        return self.advance();
                    }
                }
                false
            }
            Phase::Supervising => {
                self.supervisor.advance(now, &mut self.reporter);
                if self.reporter.state() == NodeState::Booting && self.supervisor.all_were_ready() {
                    self.reporter.node(now, NodeState::Up, None);
                }
                false
            }
            Phase::Failed => false,
            Phase::Stopping(stop) => match stop.next(now, |index| self.supervisor.is_alive(index)) {
                Next::Wait(_) => false,
                Next::Ask(indices) => {
                    indices.into_iter().for_each(|index| self.supervisor.signal(index, Signal::SIGTERM));
                    self.advance()
                }
                Next::Finish => {
                    self.kill_everything();
                    self.phase = Phase::Ending { until: now + LAST_REAP };
                    self.advance()
                }
            },
            Phase::Ending { until } => now >= *until || !self.supervisor.any_alive(),
        }
    }

    fn wait(&mut self) -> Result<(), String> {
        let now = self.now();
        let wake = match &mut self.phase {
            Phase::Off { give_up } => *give_up,
            Phase::Commands => self.commands.wake(),
            Phase::Supervising => self.supervisor.wake(now),
            Phase::Failed => None,
            Phase::Stopping(stop) => {
                match stop.next(now, |index| self.supervisor.is_alive(index)) {
                    Next::Wait(moment) => Some(moment),
                    // Time went on since `advance`: come back at once; asking twice does no harm.
                    Next::Ask(indices) => {
                        indices.into_iter().for_each(|index| self.supervisor.signal(index, Signal::SIGTERM));
                        Some(now)
                    }
                    Next::Finish => Some(now),
                }
            }
            Phase::Ending { until } => Some(*until),
        };
        // Rounded up to the next millisecond, or the loop would spin through the last one.
        let timeout = wake.map_or(PollTimeout::NONE, |moment| {
            let left = moment.saturating_sub(now) + Duration::from_micros(999);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let stdin = std::io::stdin();
        let listens = !self.config.keep && !self.power.is_closed();
        let mut sources = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if listens {
            sources.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut sources, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(format!("could not wait for events: {}", error.desc())),
        }
        let spoken = sources.get(1).is_some_and(|source| source.any() == Some(true));
        if spoken {
            self.power.read(&stdin);
            self.listen();
        }
        Ok(())
    }

    /// Takes in what was said. What comes after a power failure is for the life after it.
    fn listen(&mut self) {
        while !self.dark
            && let Some(said) = self.power.next()
        {
            self.hear(&said);
        }
    }

    fn hear(&mut self, said: &Said) {
        if let Phase::Off { give_up } = &mut self.phase
            && *said != Said::Closed
        {
            // Any line shows that somebody is there.
            *give_up = None;
        }
        match said {
            Said::Start if matches!(self.phase, Phase::Off { .. }) => self.boot(),
            Said::Start => warn("`start` was said to a node that is on already"),
            Said::Stop => self.stop("asked on standard input"),
            Said::Outage if !self.settings.owns_machine => {
                warn("`outage` was said to a program that does not own its machine");
            }
            Said::Outage => self.dark = !matches!(self.phase, Phase::Stopping(_) | Phase::Ending { .. }),
            Said::Closed => self.stop("standard input was closed"),
            Said::Unknown(line) => {
                warn(&format!("unknown line `{line}` on standard input (hint: `start`, `stop` or `outage`)"))
            }
        }
    }

    fn boot(&mut self) {
        self.zero = Instant::now();
        self.reporter.node(self.now(), NodeState::Booting, None);
        match boot::prepare(self.config, self.settings) {
            Ok(warnings) => {
                for warning in warnings {
                    self.reporter.warning(self.now(), warning);
                }
                self.phase = Phase::Commands;
            }
            Err(reason) => self.fail(reason),
        }
    }

    fn fail(&mut self, reason: String) {
        self.phase = Phase::Failed;
        self.reporter.node(self.now(), NodeState::Failed, Some(reason));
    }

    fn stop(&mut self, reason: &str) {
        if matches!(self.phase, Phase::Stopping(_) | Phase::Ending { .. }) {
            return;
        }
        let now = self.now();
        self.reporter.node(now, NodeState::Stopping, Some(reason.to_owned()));
        self.supervisor.stop(now, &mut self.reporter);
        self.phase = Phase::Stopping(Stop::new(now, self.stages.clone()));
    }

    fn note_end(&mut self, pid: Pid, exit: reap::Exit) {
        match self.commands.ended(pid, exit) {
            Ok(true) => {}
            Ok(false) => self.supervisor.ended(self.now(), pid, exit, &mut self.reporter),
            // A command that ends while the node stops was not what stopped it.
            Err(reason) if matches!(self.phase, Phase::Commands) => self.fail(reason),
            Err(_) => {}
        }
    }

    /// As PID 1 this is everything in the container, pods included. Anywhere else it would be the whole machine.
    fn kill_everything(&self) {
        if std::process::id() == 1 {
            let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        } else {
            self.supervisor.signal_all(Signal::SIGKILL);
            if let Some(pid) = self.commands.pid() {
                send(pid, Signal::SIGKILL);
            }
        }
    }
}

/// For people who read the log of the container; the harness reads the events.
fn warn(message: &str) {
    let _ = writeln!(std::io::stderr(), "rollcall-init: {message}");
}
