//! The steps of a build and the order in which they run: as much at once as the machine has use for.
//!
//! A step writes into a folder of its own that gets its final name only when the step is over, so a
//! folder with that name is a finished result and is not made again. What a broken or cancelled step
//! wrote is removed. It knows nothing about what the steps do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow};

use crate::cancel::Cancel;
use crate::command::{Invocation, remove};
use crate::estimate::{Remembered, State, seconds_left};
use crate::report::Report;

/// What a step mostly waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Processor,
    Network,
}

impl Lane {
    /// How many of its steps run at once. Two compilers keep two cores busy while one of them links;
    /// two downloads only share the same line.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Processor => 2,
            Self::Network => 1,
        }
    }
}

/// Something a step does itself, given the folder it writes into.
pub(crate) type Action = Box<dyn Fn(&Path) -> Result<()> + Send>;

/// One step: an action, commands, another action, in this order.
pub(crate) struct Step {
    pub(crate) name: String,
    /// Its name with the Kubernetes minor where there is one result a minor; its length is kept under it.
    pub(crate) label: String,
    pub(crate) lane: Lane,
    /// Measured on two cores with cold caches.
    pub(crate) seconds: f64,
    pub(crate) after: Vec<String>,
    /// Where its result stays, `None` if it leaves none (it then runs every time).
    pub(crate) result: Option<PathBuf>,
    /// Where it writes while it runs.
    pub(crate) partial: PathBuf,
    pub(crate) before: Option<Action>,
    pub(crate) commands: Vec<Invocation>,
    pub(crate) finish: Option<Action>,
}

impl Step {
    pub(crate) fn is_ready(&self, steps: &[Self], done: &[bool]) -> bool {
        steps.iter().zip(done).all(|(step, done)| *done || !self.after.contains(&step.name))
    }

    #[cfg(test)]
    pub(crate) fn for_test(name: &str, lane: Lane, seconds: f64, after: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            label: name.to_owned(),
            lane,
            seconds,
            after: after.iter().map(|&name| name.to_owned()).collect(),
            result: None,
            partial: PathBuf::new(),
            before: None,
            commands: Vec::new(),
            finish: None,
        }
    }
}

/// What a thread that runs a step tells the schedule.
enum Message {
    Line(usize, String),
    Ended(usize, Result<()>),
}

/// Runs every step that has no result yet.
///
/// # Errors
/// The first failure. The steps that run beside it are ended first, and nothing half made stays.
pub(crate) fn run(
    steps: Vec<Step>,
    logs: &Path,
    cancel: &Cancel,
    remembered: &mut Remembered,
    report: &mut Report,
) -> Result<()> {
    fs::create_dir_all(logs).with_context(|| format!("could not make `{}`", logs.display()))?;
    let (sender, receiver) = mpsc::channel();
    let mut states = vec![State::Waiting; steps.len()];
    let mut started: Vec<Option<Instant>> = vec![None; steps.len()];
    let mut failure: Option<Error> = None;
    for (index, step) in steps.iter().enumerate() {
        if step.result.as_ref().is_some_and(|result| result.exists()) {
            states[index] = State::Done;
        }
    }
    thread::scope(|scope| {
        // The threads take parts of the step; the schedule keeps its names and lengths.
        let mut work: Vec<Option<Work>> = Vec::new();
        let mut steps = steps;
        for step in &mut steps {
            work.push(Some(Work::take(step, logs)));
        }
        loop {
            for index in 0..steps.len() {
                let done: Vec<bool> = states.iter().map(|state| *state == State::Done).collect();
                let busy = (0..steps.len())
                    .filter(|&other| {
                        matches!(states[other], State::Running(_)) && steps[other].lane == steps[index].lane
                    })
                    .count();
                let startable = states[index] == State::Waiting
                    && !cancel.is_set()
                    && steps[index].is_ready(&steps, &done)
                    && busy < steps[index].lane.width();
                if startable && let Some(work) = work[index].take() {
                    states[index] = State::Running(0.0);
                    started[index] = Some(Instant::now());
                    report.step_started(&steps[index].name);
                    let (sender, cancel) = (sender.clone(), cancel.clone());
                    scope.spawn(move || {
                        let line = |line: &str| {
                            // The schedule outlives its threads, see the scope.
                            let _ = sender.send(Message::Line(index, line.to_owned()));
                        };
                        let result = work.run(&cancel, &line);
                        let _ = sender.send(Message::Ended(index, result));
                    });
                }
            }
            if !states.iter().any(|state| matches!(state, State::Running(_))) {
                break;
            }
            match receiver.recv_timeout(Duration::from_millis(200)) {
                Ok(Message::Line(index, line)) => report.step_says(&steps[index].name, &line),
                Ok(Message::Ended(index, result)) => {
                    let seconds = started[index].map_or(0.0, |at| at.elapsed().as_secs_f64());
                    states[index] = State::Done;
                    match result {
                        Ok(()) => {
                            remembered.note(&steps[index].label, seconds);
                            let left = left(&steps, &states, &started, remembered);
                            report.step_done(&steps[index].name, seconds, left);
                        }
                        Err(error) => {
                            report.step_ended(&steps[index].name);
                            // What the others say after this is only that they were ended.
                            if failure.is_none() {
                                failure = Some(
                                    error.context(format!("step `{}` of the image build failed", steps[index].name)),
                                );
                            }
                            cancel.set();
                        }
                    }
                }
                Err(_) => {}
            }
            report.time_left(left(&steps, &states, &started, remembered));
        }
    });
    match failure {
        Some(error) => Err(error),
        None if cancel.is_set() => Err(anyhow!("cancelled")),
        None => Ok(()),
    }
}

fn left(steps: &[Step], states: &[State], started: &[Option<Instant>], remembered: &Remembered) -> f64 {
    let states: Vec<State> = states
        .iter()
        .zip(started)
        .map(|(state, started)| match (state, started) {
            (State::Running(_), Some(at)) => State::Running(at.elapsed().as_secs_f64()),
            (other, _) => *other,
        })
        .collect();
    seconds_left(steps, &states, &|step| remembered.of(step))
}

/// The parts of a step that its thread needs.
struct Work {
    before: Option<Action>,
    commands: Vec<Invocation>,
    finish: Option<Action>,
    result: Option<PathBuf>,
    partial: PathBuf,
    log: PathBuf,
}

impl Work {
    fn take(step: &mut Step, logs: &Path) -> Self {
        Self {
            before: step.before.take(),
            commands: std::mem::take(&mut step.commands),
            finish: step.finish.take(),
            result: step.result.clone(),
            partial: step.partial.clone(),
            log: logs.join(format!("{}.log", step.name)),
        }
    }

    fn run(self, cancel: &Cancel, line: &dyn Fn(&str)) -> Result<()> {
        let outcome = self.attempt(cancel, line);
        remove(&self.partial);
        outcome
    }

    fn attempt(&self, cancel: &Cancel, line: &dyn Fn(&str)) -> Result<()> {
        remove(&self.partial);
        remove(&self.log);
        let partial = &self.partial;
        fs::create_dir_all(partial).with_context(|| format!("could not make `{}`", partial.display()))?;
        if let Some(before) = &self.before {
            before(partial)?;
        }
        for command in &self.commands {
            command.run(&self.log, cancel, line)?;
        }
        if let Some(finish) = &self.finish {
            finish(partial)?;
        }
        if let Some(result) = &self.result {
            fs::rename(partial, result).with_context(|| format!("could not name `{}`", result.display()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(folder: &Path, name: &str, after: &[&str], script: &str) -> Step {
        let partial = folder.join(format!(".{name}.partial"));
        let mut step = Step::for_test(name, Lane::Processor, 1.0, after);
        step.commands = vec![Invocation::new(folder, "sh", &["-c", script]).env("OUT", &partial.to_string_lossy())];
        step.partial = partial;
        step.result = Some(folder.join(name));
        step
    }

    fn build(folder: &Path, steps: Vec<Step>) -> Result<()> {
        let mut remembered = Remembered::read(&folder.join("durations.json"));
        run(steps, &folder.join("logs"), &Cancel::default(), &mut remembered, &mut Report::silent())
    }

    #[test]
    fn steps_run_once_and_after_what_they_need() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let steps = || {
            vec![
                shell(folder.path(), "image", &["kubernetes"], "cat kubernetes/file > $OUT/file; echo image >> ran"),
                shell(folder.path(), "kubernetes", &[], "echo built > $OUT/file; echo kubernetes >> ran"),
            ]
        };
        build(folder.path(), steps()).expect("the build succeeds");
        build(folder.path(), steps()).expect("the second build has nothing to do");
        assert_eq!(fs::read_to_string(folder.path().join("ran")).expect("both ran"), "kubernetes\nimage\n");
        assert_eq!(fs::read_to_string(folder.path().join("image/file")).expect("there is a result"), "built\n");
    }

    #[test]
    fn broken_step_ends_the_others_and_leaves_nothing_half_made() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let steps = vec![
            shell(folder.path(), "kubernetes", &[], "echo half > $OUT/file; sleep 60"),
            shell(folder.path(), "etcd", &[], "echo half > $OUT/file; sleep 0.2; echo 'undefined: x'; false"),
            shell(folder.path(), "image", &["kubernetes", "etcd"], "true"),
        ];
        let since = Instant::now();
        let error = format!("{:#}", build(folder.path(), steps).expect_err("one step is broken"));
        assert!(since.elapsed() < Duration::from_secs(20), "the long step was waited for");
        assert!(error.starts_with("step `etcd` of the image build failed: cd "), "{error}");
        assert!(error.contains("\n  | undefined: x\n(hint: "), "{error}");
        for name in ["kubernetes", "etcd", "image", ".kubernetes.partial", ".etcd.partial"] {
            assert!(!folder.path().join(name).exists(), "{name} is left");
        }
    }
}
