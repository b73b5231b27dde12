//! Running a plan: a cluster is made or taken over, the steps are done one after the other, the cluster is removed or
//! handed on.
//!
//! What happens is told as events to the caller's sink; nothing here prints or decides how it looks. A run ends with
//! a verdict and never with an error: what could not be done is the verdict "environment".

mod as_found;
mod boot;
mod clean_up;
mod emit;
mod evidence;
mod failure;
mod group;
mod guard;
mod hold;
mod images;
mod interrupt;
mod name;
mod pause;
mod step;
#[cfg(test)]
pub(crate) mod testing;
mod verbs;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use rollcall_model::{
    Event, Memory, Plan, Stamped, Verdict,
    event::{Cleanup, FORMAT},
};
use tokio::sync::mpsc;

pub use evidence::evidence_folder;
pub use failure::Failure;
pub use group::{Group, group_plans, side_by_side};
pub use interrupt::{Interrupt, Interrupter};
pub use pause::Pauser;

use self::{
    emit::Emitter,
    group::Waiting,
    guard::{Guard, lock},
    step::Steps,
};
use crate::{attach::Attach, clock, cluster::Cluster, distro::DistroName, images::ImageSource};

/// When a run leaves its cluster behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Never.
    #[default]
    Never,
    /// When the verdict is anything but held, so that somebody can look.
    OnFailure,
    /// Whatever the verdict.
    Always,
}

/// What a run is told beside its plan.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// The cluster's name; one is made from the scenario's where none is given.
    pub cluster_name: Option<String>,
    /// Whether the cluster stays. One that did not come up, or whose run was interrupted, never does.
    pub keep: Keep,
    /// Images under the names by which manifests ask for them; they take the place of the plan's own.
    pub images: Vec<(String, ImageSource)>,
    /// What the nodes of the cluster are made of.
    pub distro: DistroName,
    /// Their image, in the place of the one that distro and version choose.
    pub node_image: Option<String>,
    /// The cluster that the run is a guest of, instead of making one.
    pub attach: Option<Attach>,
    /// Who is asked at a `pause`.
    pub pauser: Pauser,
    /// Ends the run early. The cluster is removed all the same.
    pub interrupt: Interrupt,
    /// Where a run that does not hold leaves a folder with what is known of it: tables, objects, events, logs.
    pub evidence: Option<PathBuf>,
}

impl RunOptions {
    /// The defaults, and evidence where [`evidence_folder`] says.
    #[must_use]
    pub fn with_evidence() -> Self {
        Self { evidence: Some(evidence_folder()), ..Self::default() }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RunResult {
    /// The outcome.
    pub verdict: Verdict,
    /// What went wrong outside of the steps, in the start of the cluster or by an interruption. What went wrong in a
    /// step is in its own event.
    pub failure: Option<Failure>,
    /// Whether the run was ended by its [`Interrupt`].
    pub interrupted: bool,
    /// How the removal of the cluster went.
    pub cleanup: Cleanup,
    /// How long the run took, the start and the removal of the cluster included.
    pub took: Duration,
    /// The cluster that was kept.
    pub kept: Option<KeptCluster>,
    /// The folder with the evidence, if the run did not hold while it had a cluster.
    pub evidence: Option<PathBuf>,
}

impl RunResult {
    /// How it ended, what it left behind included: that is in the way of later runs, so a run that held and left
    /// something was no success.
    #[must_use]
    pub fn verdict_with_cleanup(&self) -> Verdict {
        match (&self.verdict, &self.cleanup) {
            (Verdict::Held, Cleanup::Failed { .. }) => Verdict::Environment,
            (verdict, _) => verdict.clone(),
        }
    }
}

/// A cluster that was left behind for somebody to look at.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptCluster {
    /// Its name, as [`Cluster::find`] takes it.
    pub name: String,
    /// A kubeconfig with every right. It holds a private key.
    pub kubeconfig: String,
}

/// Without the kubeconfig, which holds a private key.
impl std::fmt::Debug for KeptCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptCluster").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How far a run came before the cluster was removed.
struct Ended {
    verdict: Verdict,
    failure: Option<Failure>,
    interrupted: bool,
    cluster: Option<Cluster>,
}

impl Ended {
    fn environment(failure: Failure, cluster: Option<Cluster>) -> Self {
        Self { verdict: Verdict::Environment, failure: Some(failure), interrupted: false, cluster }
    }

    fn interrupted(failure: Option<Failure>, cluster: Option<Cluster>) -> Self {
        Self { verdict: Verdict::Environment, failure, interrupted: true, cluster }
    }
}

/// Runs a plan on a cluster of its own.
///
/// The steps end at the first that fails. The cluster is removed however the run ends, unless `options` say to keep
/// it; a removal that fails is told beside the verdict and never changes it.
pub async fn run(plan: &Plan, options: &RunOptions, sink: &mut (dyn FnMut(Stamped) + Send)) -> RunResult {
    run_in(&mut None, plan, options, sink).await
}

/// Runs a plan on the cluster that waits in the slot, or on one of its own where that is of no use. With a slot, a
/// cluster that was left as it was found waits there afterwards.
async fn run_in(
    slot: &mut Option<&mut Option<Waiting>>,
    plan: &Plan,
    options: &RunOptions,
    sink: &mut (dyn FnMut(Stamped) + Send),
) -> RunResult {
    let started = clock::instant();
    let mut emitter = Emitter::new(sink, started).recording(options.evidence.is_some());
    emitter.emit(Event::RunStarted {
        format: FORMAT,
        scenario: plan.name.clone(),
        file: plan.file.clone(),
        steps: plan.flat().into_iter().map(rollcall_model::PlannedStep::summary).collect(),
        invariants: plan.invariants.iter().map(ToString::to_string).collect(),
    });
    let name = options.cluster_name.clone().unwrap_or_else(|| name::invented(&plan.name));
    let (waiting, earlier) = match slot.as_mut().and_then(|slot| slot.take()) {
        Some(waiting) => clean_up::unless_usable(waiting, plan, options).await,
        None => (None, Cleanup::Done),
    };
    let begun = match waiting {
        Some(waiting) => boot::again(waiting, plan, options, &mut emitter).await,
        None => boot::start(plan, options, &name, &mut emitter).await,
    };
    let (ended, shared) = match begun {
        Ok(begun) => (drive(plan, options, begun.cluster, &mut emitter).await, begun.shared),
        Err(ended) => (ended, None),
    };
    let ended = match &shared {
        Some(shared) => as_found::check(ended, &shared.found, &options.interrupt).await,
        None => ended,
    };
    let parent = options.evidence.as_deref();
    let evidence = evidence::collect(parent, &plan.name, &ended, &options.interrupt, &mut emitter).await;
    let keep = match options.keep {
        Keep::Never => false,
        Keep::OnFailure => !ended.verdict.is_held() && !ended.interrupted,
        Keep::Always => !ended.interrupted,
    };
    let (cleanup, kept) = match (ended.cluster, slot, shared) {
        (Some(cluster), Some(slot), Some(shared)) if ended.verdict.is_held() && !keep => {
            **slot = Some(Waiting { cluster, shared });
            (Cleanup::HandedOn, None)
        }
        (Some(cluster), ..) => clean_up::clean_up(cluster, keep).await,
        // One that did not come up has removed itself; one that was interrupted while it came up has not.
        (None, ..) if ended.interrupted && options.attach.is_none() => (clean_up::what_was_begun(name).await, None),
        (None, ..) => (Cleanup::Done, None),
    };
    // What an earlier run left is in the way as well.
    let cleanup = if matches!(cleanup, Cleanup::Failed { .. }) || earlier == Cleanup::Done { cleanup } else { earlier };
    let took = started.elapsed();
    emitter.emit(Event::RunFinished {
        verdict: ended.verdict.clone(),
        took_ms: emit::milliseconds(took),
        cleanup: cleanup.clone(),
    });
    RunResult {
        verdict: ended.verdict,
        failure: ended.failure,
        interrupted: ended.interrupted,
        cleanup,
        took,
        kept,
        evidence,
    }
}

/// Does the steps until one fails.
async fn drive(plan: &Plan, options: &RunOptions, cluster: Cluster, emitter: &mut Emitter<'_>) -> Ended {
    let memory = Arc::new(Mutex::new(Memory::default()));
    let (told, mut gaps) = mpsc::unbounded_channel();
    let guard = Guard::new(&cluster, &plan.invariants, &memory, told);
    let emitter = Mutex::new(emitter);
    let folder = Path::new(&plan.file).parent().unwrap_or(Path::new("")).to_owned();
    let mut steps = Steps {
        cluster: &cluster,
        interrupt: &options.interrupt,
        pauser: &options.pauser,
        folder: &folder,
        emitter: &emitter,
        memory,
        guard: Some(&guard),
        daemon_sets: Mutex::default(),
    };
    let mut verdict = {
        let mut running = steps.run_all(&plan.steps, 0);
        loop {
            tokio::select! {
                verdict = &mut running => break verdict,
                Some(kind) = gaps.recv() => lock(&emitter).emit(Event::WatchGap { kinds: vec![kind] }),
            }
        }
    };
    let mut failure = None;
    let interrupted = !verdict.is_held() && options.interrupt.is_triggered();
    if verdict.is_held() {
        guard.finish();
    }
    if let Some(trip) = guard.tripped() {
        lock(&emitter).emit(trip.event());
        if verdict.is_held() {
            verdict = Verdict::DidNotHold;
            failure = Some(Failure { message: trip.message(), hint: None });
        }
    }
    if interrupted {
        // The step that was under way has said so itself.
        drop(steps);
        return Ended::interrupted(None, Some(cluster));
    }
    if !verdict.is_held() {
        // What has been breached does not keep anybody from looking.
        steps.guard = None;
        for step in &plan.on_failure {
            steps.run(step, 0).await;
        }
    }
    drop(steps);
    drop(guard);
    Ended { verdict, failure, interrupted: false, cluster: Some(cluster) }
}
