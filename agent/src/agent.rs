//! The life of the agent: start, obey the fault switches, serve, and end at SIGTERM.
//!
//! Three threads: this one waits for signals, one carries out faults, one accepts connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{SigSet, Signal};

use crate::environment::Environment;
use crate::faults::Faults;
use crate::load::Load;
use crate::report::Times;
use crate::server;
use crate::stdio::{FAILED, OK, USAGE, complain, say};

/// How exact the spans of the switches are.
const TICK: Duration = Duration::from_millis(50);
/// How often the file is read again.
const REREAD: Duration = Duration::from_secs(1);

/// What the threads share.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) environment: Environment,
    began: Instant,
    began_at: SystemTime,
    faults: Mutex<InForce>,
}

/// The switches and since when they hold: spans count from there, so that a switch set later has its time too.
#[derive(Debug)]
struct InForce {
    faults: Faults,
    since: Instant,
}

impl Agent {
    /// Why the agent is not ready, if it is not.
    pub(crate) fn not_ready(&self) -> Option<String> {
        let in_force = self.faults();
        in_force.faults.not_ready(in_force.since.elapsed())
    }

    pub(crate) fn in_force(&self) -> Vec<String> {
        self.faults().faults.in_force.clone()
    }

    pub(crate) fn times(&self) -> Times {
        let started = self.began_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Times { started_at: started.as_secs(), up: self.began.elapsed() }
    }

    fn faults(&self) -> MutexGuard<'_, InForce> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until a signal or a fault ends it; gives the exit code.
pub(crate) fn run() -> u8 {
    // Before any thread exists, so that all of them inherit it. A blocked signal waits for us even as PID 1, for which
    // the kernel drops signals without a handler.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    if let Err(error) = signals.thread_block() {
        complain(&format!("could not take over signals: {}", error.desc()));
        return FAILED;
    }
    let started = Environment::read().and_then(|environment| Ok((read_faults(&environment)?, environment)));
    let (faults, environment) = match started {
        Ok(started) => started,
        Err(message) => {
            complain(&message);
            return USAGE;
        }
    };
    let Environment { version, node, pod, .. } = &environment;
    say(&format!("start version={version} node={node} pod={pod}"));
    announce(&faults);
    let began = Instant::now();
    let agent = Arc::new(Agent {
        environment,
        began,
        began_at: SystemTime::now(),
        faults: Mutex::new(InForce { faults, since: began }),
    });
    let obedient = Arc::clone(&agent);
    std::thread::spawn(move || obey(&obedient));
    let serving = Arc::clone(&agent);
    std::thread::spawn(move || serve(&serving));
    loop {
        match signals.wait() {
            Ok(signal) if signal == Signal::SIGTERM && agent.faults().faults.ignore_sigterm => {
                say(&format!("signal {signal} ignored"));
            }
            Ok(signal) => {
                say(&format!("signal {signal} ending"));
                return OK;
            }
            Err(error) => complain(&format!("could not wait for signals: {}", error.desc())),
        }
    }
}

/// # Errors
///
/// A switch that is not understood, as a message. A file that is not there has no switches.
fn read_faults(environment: &Environment) -> Result<Faults, String> {
    let file = std::fs::read_to_string(&environment.faults_file).unwrap_or_default();
    let text = format!("{}\n{file}", environment.faults);
    Faults::parse(&text, &environment.node, &environment.version)
}

fn announce(faults: &Faults) {
    for switch in &faults.in_force {
        say(&format!("switch {switch}"));
    }
}

/// Carries the switches out, and looks for new ones.
fn obey(agent: &Agent) {
    let mut load = Load::default();
    let mut read = Instant::now();
    loop {
        let in_force = agent.faults();
        let (exit, memory, threads) =
            (in_force.faults.exit(in_force.since.elapsed()), in_force.faults.allocate, in_force.faults.burn_cpu);
        drop(in_force);
        if let Some(code) = exit {
            say(&format!("fault ending with exit code {code}"));
            std::process::exit(i32::from(code));
        }
        load.adjust(memory, threads);
        std::thread::sleep(TICK);
        if read.elapsed() >= REREAD {
            read = Instant::now();
            match read_faults(&agent.environment) {
                Ok(faults) => replace(agent, faults),
                // Going on as if nothing had been asked would let a scenario pass that tests nothing.
                Err(message) => {
                    complain(&message);
                    std::process::exit(i32::from(USAGE));
                }
            }
        }
    }
}

fn replace(agent: &Agent, faults: Faults) {
    let mut in_force = agent.faults();
    if in_force.faults == faults {
        return;
    }
    if faults.in_force.is_empty() {
        say("switch none");
    }
    announce(&faults);
    *in_force = InForce { faults, since: Instant::now() };
}

/// Not listening yet is what a slow start looks like from outside.
fn serve(agent: &Arc<Agent>) {
    let Some(listen) = &agent.environment.listen else {
        say("not listening");
        return;
    };
    let slow = agent.faults().faults.slow_start;
    std::thread::sleep(slow.unwrap_or_default());
    match server::bind(listen) {
        Ok((listener, address)) => {
            say(&format!("listening on {address}"));
            server::serve(&listener, agent);
        }
        Err(message) => {
            complain(&message);
            std::process::exit(i32::from(FAILED));
        }
    }
}
