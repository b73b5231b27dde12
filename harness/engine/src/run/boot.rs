//! The cluster of a run: made anew, or taken over from the run before.

use rollcall_model::{Action, Event, Plan, PlannedStep, scenario::ClusterSpec};
use tokio::sync::mpsc;

use super::{Ended, Failure, Keep, RunOptions, emit, emit::Emitter, group::Waiting, images};
use crate::{
    attach::{self, Attach},
    clock,
    cluster::{Cluster, Found},
    distro::DistroName,
    error::{Error, Result},
    images::PushOutcome,
    sweep,
};

/// A cluster on which the steps may begin.
pub(super) struct Begun {
    pub(super) cluster: Cluster,
    /// Where the scenario promises to leave it as it found it.
    pub(super) shared: Option<Shared>,
}

/// What is known of a cluster that goes from one run to the next.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    /// What it was made from.
    pub(super) spec: ClusterSpec,
    pub(super) distro: DistroName,
    pub(super) node_image: Option<String>,
    /// Whether it outlives this process.
    pub(super) keeps: bool,
    /// Every image that a run so far asked for. Nodes keep what they pulled.
    pub(super) images: images::Meanings,
    /// What it was like when it was new.
    pub(super) found: Found,
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

/// Refuses what the distro cannot do, before a cluster is made for it.
fn possible(plan: &Plan, distro: DistroName) -> Result<()> {
    let pressure = |step: &&PlannedStep| matches!(step.action, Action::Pressure { .. });
    match plan.flat().into_iter().find(pressure) {
        Some(step) if distro.conduct().kubelet.is_none() => Err(Error::usage_hint(
            format!(
                "step {}, {}, cannot be done on distro `{distro}`, whose kubelets cannot be told of pressure",
                step.index + 1,
                step.summary()
            ),
            "run the scenario on distro `box` or `kind`",
        )),
        _ => Ok(()),
    }
}

/// Makes the cluster. On failure nothing of it is left.
pub(super) async fn start(
    plan: &Plan,
    options: &RunOptions,
    name: &str,
    emitter: &mut Emitter<'_>,
) -> std::result::Result<Begun, Ended> {
    if let Some(attach) = &options.attach {
        return join(attach, plan, options, name, emitter).await;
    }
    if let Err(error) = possible(plan, options.distro).and(free(options).await) {
        return Err(Ended::environment(Failure::from(&error), None));
    }
    let started = clock::instant();
    let nodes: Vec<String> = plan.cluster.nodes.iter().map(|node| node.name.clone()).collect();
    let simulated = plan.cluster.simulated.iter().map(|group| group.count as usize).sum();
    emitter.emit(Event::ClusterStarting { nodes: nodes.clone(), simulated });
    // The builder tells of images from inside of its own future; this brings them out to the sink.
    let (told, mut pushed) = mpsc::unbounded_channel::<PushOutcome>();
    let making = async {
        let builder = Cluster::builder().name(name).distro(options.distro).keep(options.keep != Keep::Never);
        let mut builder = builder.on_image(move |outcome| {
            // The receiver lives until this future has ended.
            let _ = told.send(outcome.clone());
        });
        if let Some(image) = &options.node_image {
            builder = builder.node_image(image);
        }
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
            emitter.emit(Event::ClusterStarted { nodes, simulated, took_ms: emit::milliseconds(started.elapsed()) });
            begin(plan, options, cluster).await
        }
        Some(Err(error)) => Err(Ended::environment(Failure::from(&error), None)),
        None => Err(Ended::interrupted(Some(Failure::interrupted()), None)),
    }
}

/// Joins a cluster that was there before. On failure nothing of the run is left on it.
async fn join(
    attach: &Attach,
    plan: &Plan,
    options: &RunOptions,
    name: &str,
    emitter: &mut Emitter<'_>,
) -> std::result::Result<Begun, Ended> {
    let started = clock::instant();
    let joined = tokio::select! {
        joined = attach::join(attach, plan, name, &options.images) => joined,
        () = options.interrupt.triggered() => return Err(Ended::interrupted(Some(Failure::interrupted()), None)),
    };
    match joined {
        Ok((cluster, namespace)) => {
            emitter.emit(Event::ClusterAttached {
                context: attach.context.clone(),
                namespace,
                nodes: cluster.world().nodes.keys().cloned().collect(),
                took_ms: emit::milliseconds(started.elapsed()),
            });
            // Each run has a namespace of its own, so there is nothing to share.
            Ok(Begun { cluster, shared: None })
        }
        Err(error) => Err(Ended::environment(Failure::from(&error), None)),
    }
}

/// Remembers what a new cluster is like, where the scenario is going to be asked for that.
async fn begin(plan: &Plan, options: &RunOptions, cluster: Cluster) -> std::result::Result<Begun, Ended> {
    if !plan.cluster.shared {
        return Ok(Begun { cluster, shared: None });
    }
    let found = tokio::select! {
        found = cluster.look() => Some(found),
        () = options.interrupt.triggered() => None,
    };
    match found {
        Some(Ok(found)) => {
            let images = images::wanted(plan, &options.images);
            let keeps = options.keep != Keep::Never;
            let (spec, distro, node_image) = (plan.cluster.clone(), options.distro, options.node_image.clone());
            let shared = Shared { spec, distro, node_image, keeps, images, found };
            Ok(Begun { cluster, shared: Some(shared) })
        }
        Some(Err(error)) => Err(Ended::environment(Failure::from(&error), Some(cluster))),
        None => Err(Ended::interrupted(Some(Failure::interrupted()), Some(cluster))),
    }
}

/// Takes over the cluster of the run before, with the images that this plan needs.
pub(super) async fn again(
    waiting: Waiting,
    plan: &Plan,
    options: &RunOptions,
    emitter: &mut Emitter<'_>,
) -> std::result::Result<Begun, Ended> {
    let Waiting { cluster, mut shared } = waiting;
    let nodes = plan.cluster.nodes.iter().map(|node| node.name.clone()).collect();
    emitter.emit(Event::ClusterReused { name: cluster.name().to_owned(), nodes });
    let pushing = async {
        for (image, source) in images::needed(plan, &options.images).await? {
            emitter.emit(image_pushed(&cluster.load_image(&image, &source).await?));
        }
        Ok::<_, Error>(())
    };
    let pushed = tokio::select! {
        result = pushing => Some(result),
        () = options.interrupt.triggered() => None,
    };
    match pushed {
        Some(Ok(())) => {
            shared.images.extend(images::wanted(plan, &options.images));
            Ok(Begun { cluster, shared: Some(shared) })
        }
        Some(Err(error)) => Err(Ended::environment(Failure::from(&error), Some(cluster))),
        None => Err(Ended::interrupted(Some(Failure::interrupted()), Some(cluster))),
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
