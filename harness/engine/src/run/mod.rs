//! Running a plan: a cluster is made, the steps are done one after the other, the cluster is removed.
//!
//! What happens is told as events to the caller's sink; nothing here prints or decides how it looks. A run ends with
//! a verdict and never with an error: what could not be done is the verdict "environment".

mod emit;
mod evidence;
mod failure;
mod guard;
mod hold;
mod images;
mod interrupt;
mod name;
mod pause;
mod step;
#[cfg(test)]
mod testing;
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

pub use failure::Failure;
pub use interrupt::{Interrupt, Interrupter};
pub use pause::Pauser;

use self::{
    emit::Emitter,
    guard::{Guard, lock},
    step::Steps,
};
use crate::{
    clock,
    cluster::Cluster,
    error::{Error, Result, chain},
    images::{ImageSource, PushOutcome},
    sweep::{self, Scope},
};

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
    /// Who is asked at a `pause`.
    pub pauser: Pauser,
    /// Ends the run early. The cluster is removed all the same.
    pub interrupt: Interrupt,
    /// Where a run that does not hold leaves a folder with what is known of it: tables, objects, events, logs.
    pub evidence: Option<PathBuf>,
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
    let ended = match free(options).await {
        Err(error) => Ended::environment(Failure::from(&error), None),
        Ok(()) => match start(plan, options, &name, &mut emitter).await {
            Ok(cluster) => drive(plan, options, cluster, &mut emitter).await,
            Err(ended) => ended,
        },
    };
    let parent = options.evidence.as_deref();
    let evidence = evidence::collect(parent, &plan.name, &ended, &options.interrupt, &mut emitter).await;
    let keep = match options.keep {
        Keep::Never => false,
        Keep::OnFailure => !ended.verdict.is_held() && !ended.interrupted,
        Keep::Always => !ended.interrupted,
    };
    let (cleanup, kept) = match ended.cluster {
        Some(cluster) => clean_up(cluster, keep).await,
        // One that did not come up has removed itself; one that was interrupted while it came up has not.
        None if ended.interrupted => (cleanup_of(sweep::sweep(&Scope::Cluster(name)).await.map(drop)), None),
        None => (Cleanup::Done, None),
    };
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

/// Refuses a chosen name that is taken, before anything could be removed by that name.
async fn free(options: &RunOptions) -> Result<()> {
    let Some(name) = &options.cluster_name else { return Ok(()) };
    if sweep::list_clusters().await?.iter().any(|cluster| cluster.name == *name) {
        return Err(Error::usage_hint(
            format!("there is a cluster `{name}` already"),
            format!("choose another name, or remove it with `rollcall down {name}`"),
        ));
    }
    Ok(())
}

/// Makes the cluster. On failure nothing of it is left.
async fn start(
    plan: &Plan,
    options: &RunOptions,
    name: &str,
    emitter: &mut Emitter<'_>,
) -> std::result::Result<Cluster, Ended> {
    let started = clock::instant();
    let nodes: Vec<String> = plan.cluster.nodes.iter().map(|node| node.name.clone()).collect();
    emitter.emit(Event::ClusterStarting { nodes: nodes.clone() });
    // The builder tells of images from inside of its own future; this brings them out to the sink.
    let (told, mut pushed) = mpsc::unbounded_channel::<PushOutcome>();
    let making = async {
        let mut builder = Cluster::builder().name(name).keep(options.keep != Keep::Never).on_image(move |outcome| {
            // The receiver lives until this future has ended.
            let _ = told.send(outcome.clone());
        });
        for node in &plan.cluster.nodes {
            builder = builder.node(node.clone());
        }
        for group in &plan.cluster.simulated {
            builder = builder.simulated(group.clone());
        }
        if let Some(version) = &plan.cluster.kubernetes {
            builder = builder.kubernetes(version);
        }
        for (image, source) in images::needed(plan, &options.images).await? {
            builder = builder.image_as(image, source);
        }
        builder.start().await
    };
    let mut making = Box::pin(making);
    let result = loop {
        tokio::select! {
            result = &mut making => break Some(result),
            Some(outcome) = pushed.recv() => emitter.emit(image_pushed(&outcome)),
            () = options.interrupt.triggered() => break None,
        }
    };
    drop(making);
    while let Ok(outcome) = pushed.try_recv() {
        emitter.emit(image_pushed(&outcome));
    }
    match result {
        Some(Ok(cluster)) => {
            emitter.emit(Event::ClusterStarted { nodes, took_ms: emit::milliseconds(started.elapsed()) });
            Ok(cluster)
        }
        Some(Err(error)) => Err(Ended::environment(Failure::from(&error), None)),
        None => Err(Ended::interrupted(Some(Failure::interrupted()), None)),
    }
}

fn image_pushed(outcome: &PushOutcome) -> Event {
    Event::ImagePushed {
        name: outcome.name.clone(),
        from: outcome.from.clone(),
        bytes: outcome.bytes_sent,
        skipped: outcome.skipped,
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
        // The step that was under way has said so itself, unless there was none.
        drop(steps);
        return Ended::interrupted(Some(Failure::interrupted()), Some(cluster));
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

/// Removes the cluster, or leaves it as a kept one.
async fn clean_up(cluster: Cluster, keep: bool) -> (Cleanup, Option<KeptCluster>) {
    if !keep {
        return (cleanup_of(cluster.destroy().await), None);
    }
    let kept = KeptCluster { name: cluster.name().to_owned(), kubeconfig: cluster.kubeconfig().to_owned() };
    match cluster.keep() {
        Ok(()) => (Cleanup::Kept, Some(kept)),
        Err(error) => (cleanup_of(Err(error)), None),
    }
}

fn cleanup_of(removed: Result<()>) -> Cleanup {
    match removed {
        Ok(()) => Cleanup::Done,
        Err(error) => Cleanup::Failed { message: chain(&error) },
    }
}
