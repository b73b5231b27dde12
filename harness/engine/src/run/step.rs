//! One step after the other, or side by side: each is done by a verb of the cluster or judged, and told.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::{BoxFuture, join_all};
use rollcall_model::{
    Action, Condition, DaemonSetRef, Event, Judgement, Memory, PlannedStep, Report, Verdict, event::StepOutcome,
    invariant::Fault,
};

use super::{
    Interrupt,
    emit::{Emitter, milliseconds},
    failure,
    guard::{Guard, lock},
    hold::hold,
    pause::Pauser,
    verbs::Verbs,
};
use crate::{
    clock,
    cluster::{Cluster, Wrote},
    error::Error,
    patience,
};

/// The longest output of a command that is told, in bytes.
const MAX_OUTPUT: usize = 16 * 1024;

/// How long the logs may take that say why a step failed.
const DIAGNOSIS_WITHIN: Duration = Duration::from_secs(10);

/// The steps of one run, and what later ones need to know of earlier ones.
pub(super) struct Steps<'a, 'run, 'sink> {
    pub(super) cluster: &'a Cluster,
    pub(super) interrupt: &'a Interrupt,
    pub(super) pauser: &'a Pauser,
    /// Where commands run.
    pub(super) folder: &'a Path,
    pub(super) emitter: &'a Mutex<&'run mut Emitter<'sink>>,
    pub(super) memory: Arc<Mutex<Memory>>,
    /// What ends a step that is under way; nothing does once the run has failed.
    pub(super) guard: Option<&'a Guard>,
    /// Those that were applied: the roll call is theirs.
    pub(super) daemon_sets: Mutex<BTreeSet<DaemonSetRef>>,
}

impl Steps<'_, '_, '_> {
    /// Does steps one after the other until one fails.
    pub(super) fn run_all<'s>(&'s self, steps: &'s [PlannedStep], depth: usize) -> BoxFuture<'s, Verdict> {
        Box::pin(async move {
            for step in steps {
                let verdict = self.run(step, depth).await;
                if !verdict.is_held() {
                    return verdict;
                }
            }
            Verdict::Held
        })
    }

    /// Does a step, or judges it, and tells how that went.
    pub(super) async fn run(&self, step: &PlannedStep, depth: usize) -> Verdict {
        let started = clock::instant();
        let index = step.index;
        self.emit(Event::StepStarted { index, name: step.name.clone(), summary: step.summary(), depth });
        if let Action::Apply { manifest } = &step.action {
            lock(&self.daemon_sets).extend(manifest.daemon_sets().into_iter().map(|(daemon_set, _)| daemon_set));
        }
        let fault = Fault::of(&step.action, &self.cluster.world());
        if let (Some(guard), Some(fault)) = (self.guard, &fault) {
            guard.fault_begins(fault);
        }
        let outcome = match &step.action {
            Action::Parallel { .. } => self.parallel(step, depth).await,
            Action::Never { condition, .. } => self.never(step, condition, depth).await,
            _ => tokio::select! {
                // A run that is interrupted begins nothing more, and what has been breached is why the step fails, even
                // if it would have ended well.
                biased;
                () = self.interrupt.triggered() => failure::interrupted(),
                trip = self.trips() => trip,
                outcome = self.outcome(step) => outcome,
            },
        };
        if let (Some(guard), Some(fault)) = (self.guard, &fault) {
            guard.fault_ends(fault);
        }
        let verdict = match &outcome {
            StepOutcome::Held | StepOutcome::Skipped { .. } => Verdict::Held,
            StepOutcome::Failed { .. } => Verdict::DidNotHold,
            StepOutcome::Environment { .. } => Verdict::Environment,
        };
        let failed = matches!(outcome, StepOutcome::Failed { .. });
        self.emit(Event::StepFinished { index, outcome, took_ms: milliseconds(started.elapsed()) });
        if let (true, Action::Expect { condition } | Action::Hold { condition, .. }) = (failed, &step.action) {
            self.diagnose(index, condition).await;
        }
        let world = self.cluster.world();
        if let Some(name) = step.name.as_ref().filter(|_| verdict.is_held()) {
            lock(&self.memory).remember(name, &world);
            if let Some(guard) = self.guard {
                guard.step_ended(name, &world);
            }
        }
        let daemon_sets: Vec<DaemonSetRef> = lock(&self.daemon_sets).iter().cloned().collect();
        self.emit(Event::RollCall { rows: world.roll_call(&daemon_sets) });
        verdict
    }

    /// Tells why the DaemonSets are not as a condition wanted them.
    async fn diagnose(&self, index: usize, condition: &Condition) {
        let daemon_sets: BTreeSet<&DaemonSetRef> = condition.daemon_sets().into_iter().collect();
        for daemon_set in daemon_sets {
            let asked = self.cluster.explain_what_is_watched(daemon_set);
            let diagnosis = tokio::select! {
                () = self.interrupt.triggered() => return,
                diagnosis = tokio::time::timeout(DIAGNOSIS_WITHIN, asked) => diagnosis,
            };
            match diagnosis {
                Ok(Some(diagnosis)) => self.emit(Event::Diagnosed { index, diagnosis }),
                Ok(None) => {}
                Err(_) => tracing::warn!(%daemon_set, "the logs did not come in time, and nothing is explained"),
            }
        }
    }

    fn emit(&self, event: Event) {
        lock(self.emitter).emit(event);
    }

    /// Ends when something is breached that had to hold.
    async fn trips(&self) -> StepOutcome {
        match self.guard {
            Some(guard) => {
                let trip = guard.trips().await;
                StepOutcome::Failed { message: trip.message(), report: Some(trip.report) }
            }
            None => std::future::pending().await,
        }
    }

    async fn outcome(&self, step: &PlannedStep) -> StepOutcome {
        match &step.action {
            Action::Expect { condition } => self.expect(step, condition).await,
            Action::Hold { condition, duration } => {
                let mut learning = self.cluster.observer().learn(self.cluster.client(), condition);
                learning.begun().await;
                if let Err(error) = self.answered(condition).await {
                    return failure::expectation(condition, error);
                }
                let watched = self.cluster.observer().every_change();
                let memory = lock(&self.memory).clone();
                match hold(watched, condition, &memory, *duration).await {
                    Ok(()) => StepOutcome::Held,
                    Err(broken) => failure::hold(condition, broken.report, broken.held, *duration),
                }
            }
            Action::Pause { message } => match self.pauser.ask(message).await {
                true => StepOutcome::Held,
                false => StepOutcome::Skipped { reason: "nobody is asked; `--interactive` asks".into() },
            },
            _ => match (Verbs { cluster: self.cluster, folder: self.folder }).run(step).await {
                Ok(output) => {
                    let Wrote { mut text, wrong } = output.unwrap_or_default();
                    if !text.trim().is_empty() {
                        text.truncate(text.floor_char_boundary(MAX_OUTPUT));
                        self.emit(Event::StepOutput { index: step.index, text });
                    }
                    match wrong.is_empty() {
                        true => StepOutcome::Held,
                        false => StepOutcome::Failed { message: wrong.join("\n"), report: None },
                    }
                }
                Err(Error::Unmet { message }) => StepOutcome::Failed { message, report: None },
                Err(error) => failure::environment(&error),
            },
        }
    }

    /// Waits until everything is known that a condition asks for: what nobody has looked for yet cannot be held.
    async fn answered(&self, condition: &Condition) -> crate::error::Result<()> {
        let what = format!("what `hold` asks for: {condition}");
        let judge = |world: &rollcall_model::World, _| match condition.unanswered(world) {
            None => Judgement::Done,
            Some(summary) => Judgement::NotYet(Report { summary, nodes: Vec::new() }),
        };
        self.cluster
            .observer()
            .wait(what, patience::stretched(rollcall_model::plan::REQUEST_WITHIN), judge)
            .await
            .map(drop)
    }

    async fn expect(&self, step: &PlannedStep, condition: &Condition) -> StepOutcome {
        let index = step.index;
        let mut progress = |report: &Report| self.emit(Event::StepProgress { index, report: report.clone() });
        let memory = lock(&self.memory).clone();
        let deadline = patience::stretched(step.deadline.unwrap_or(rollcall_model::plan::EXPECT_WITHIN));
        match self.cluster.wait_with(condition, deadline, &memory, &mut progress).await {
            Ok(_) => {
                // What was waited for is not only that it is there, but what it says.
                if let Condition::Events(events) = condition {
                    self.emit(Event::StepOutput { index, text: events.told(&self.cluster.world()).join("\n") });
                }
                StepOutcome::Held
            }
            Err(error) => failure::expectation(condition, error),
        }
    }

    /// Every branch to its end, so that what the cluster is like afterwards does not hang on which was faster.
    async fn parallel(&self, step: &PlannedStep, depth: usize) -> StepOutcome {
        let branches = step.branches.iter().map(|branch| self.run_all(branch, depth + 1));
        inside(&join_all(branches).await)
    }

    async fn never(&self, step: &PlannedStep, condition: &Condition, depth: usize) -> StepOutcome {
        let _watched = self.guard.map(|guard| guard.never(self.cluster, condition));
        let mut verdicts = Vec::new();
        for branch in &step.branches {
            verdicts.push(self.run_all(branch, depth + 1).await);
        }
        match self.guard.and_then(Guard::tripped) {
            Some(trip) => StepOutcome::Failed { message: trip.message(), report: Some(trip.report) },
            None => inside(&verdicts),
        }
    }
}

/// How a step ended that is made of others.
fn inside(verdicts: &[Verdict]) -> StepOutcome {
    let bad = verdicts.iter().filter(|verdict| !verdict.is_held()).count();
    if bad == 0 {
        return StepOutcome::Held;
    }
    let message = match (bad, verdicts.len()) {
        (1, 1) => "a step inside did not hold".to_owned(),
        (bad, all) => format!("{bad} of {all} branches did not hold"),
    };
    // A finding is more than a broken environment.
    if verdicts.contains(&Verdict::DidNotHold) {
        StepOutcome::Failed { message, report: None }
    } else {
        StepOutcome::Environment { message }
    }
}
