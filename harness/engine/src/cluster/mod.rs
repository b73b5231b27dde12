//! Clusters and their nodes: making, changing, breaking and removing them.
//!
//! The truth about a cluster is in the labels of its containers and in its API server; a [`Cluster`] is a handle.

mod add;
mod ask_again;
mod boot;
mod builder;
mod capabilities;
mod commands;
mod dns;
mod drain;
mod find;
mod found;
mod join;
mod kill;
mod logs;
mod machine;
mod metadata;
mod network_cut;
mod open;
mod power;
mod pressure;
mod processes;
mod pull_fault;
mod registration;
mod remove;
mod rollouts;
mod simulated;
mod workloads;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
    time::Duration,
};

pub use builder::{ClusterBuilder, DEFAULT_KUBERNETES};
pub(crate) use commands::{Wrote, exec_in};
pub use drain::DrainOptions;
pub(crate) use found::Found;
use kube::{Client, Discovery};
use machine::Machine;
use rollcall_model::{Condition, Memory, Report, World, scenario::PullFault};
use tokio::sync::{Mutex, OnceCell};

use crate::{
    attach::{self, Attached, Lens},
    distro::{Distro, DistroName, Layout},
    docker::{Docker, Privileges},
    error::{Error, Result},
    images::{self, ImageSource, PushOutcome},
    observe::{Observer, Wait},
    sweep::{self, Scope},
};

/// How long a verb waits where the caller does not say.
pub const VERB_DEADLINE: Duration = Duration::from_secs(60);

/// A running cluster.
///
/// Unless it was made to be kept, it is removed when this value is dropped, and its containers end by themselves when
/// the process is killed.
#[must_use = "a cluster that is dropped is removed"]
pub struct Cluster {
    name: String,
    home: Home,
    machines: Mutex<BTreeMap<String, Arc<Machine>>>,
    /// Names and numbers of nodes that are joining just now.
    joining: Mutex<BTreeMap<String, u8>>,
    /// What this process has made available, by name.
    images: Mutex<BTreeMap<String, ImageSource>>,
    /// What was applied since the cluster was last as it was found.
    applied: Mutex<BTreeSet<found::ObjectId>>,
    /// What this process has let go wrong with images, by name.
    pull_faults: Mutex<BTreeMap<String, PullFault>>,
    client: Client,
    observer: Observer,
    discovery: OnceCell<Discovery>,
    kubeconfig: String,
    /// Cleared by [`Cluster::destroy`], so that dropping does not remove a second time.
    remove_on_drop: bool,
}

/// Where a cluster comes from.
enum Home {
    /// Rollcall made its containers.
    Made(Box<Made>),
    /// It was there before, and rollcall is a guest.
    Attached(Box<Attached>),
}

/// What makes and removes the containers of a cluster.
struct Made {
    docker: Docker,
    distro: Arc<dyn Distro>,
    layout: Layout,
    /// What the node containers may do; found out with the first.
    privileges: OnceLock<Privileges>,
    /// The container beside the nodes that has the registry and kwok, of distros that have none.
    services: OnceLock<Arc<Machine>>,
}

impl Cluster {
    /// Describes a new cluster.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// The cluster's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its nodes are made of; nothing is known of a cluster that rollcall did not make.
    #[must_use]
    pub fn distro(&self) -> Option<DistroName> {
        self.made().ok().map(|made| made.distro.name())
    }

    /// A kubeconfig with every right, for this machine alone. It holds a private key.
    #[must_use]
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// A Kubernetes client with every right.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What the watches have seen so far.
    #[must_use]
    pub fn world(&self) -> Arc<World> {
        self.observer.world()
    }

    /// What the watches have seen of nodes and of what belongs to the run: of a cluster that rollcall made everything,
    /// and of one where it is a guest nothing of others.
    pub(crate) fn world_of_run(&self) -> Arc<World> {
        let mut world = self.world();
        if self.attached().is_some() {
            Arc::make_mut(&mut world).keep_namespaces(Lens::is_of_run);
        }
        world
    }

    /// The names of the nodes, stopped ones too.
    pub async fn node_names(&self) -> Vec<String> {
        self.machines.lock().await.keys().cloned().collect()
    }

    /// Makes an image available to the cluster under a name, so that manifests that use the name run unmodified.
    ///
    /// # Errors
    /// When there is no such image, or it is none, or the registry refuses it.
    pub async fn load_image(&self, name: &str, source: &ImageSource) -> Result<PushOutcome> {
        let made = self.made()?;
        let outcome = images::push(&made.docker, made.layout.registry_port, name, source).await?;
        self.images.lock().await.insert(name.to_owned(), source.clone());
        Ok(outcome)
    }

    /// Makes every image available again, and its fault, after the registry, which lives in memory, was started anew.
    pub(crate) async fn reload_images(&self) -> Result<()> {
        let images = self.images.lock().await.clone();
        let pushes = images.iter().map(|(name, source)| self.load_image(name, source));
        futures::future::try_join_all(pushes).await?;
        self.reset_pull_faults().await
    }

    /// Waits until a condition is true and says how long that took.
    ///
    /// # Errors
    /// [`Error::Timeout`] or [`Error::Never`] with the last reason.
    pub async fn wait(&self, condition: &Condition, deadline: Duration) -> Result<Duration> {
        self.wait_with(condition, deadline, &Memory::default(), &mut |_| {}).await
    }

    pub(crate) async fn wait_with(
        &self,
        condition: &Condition,
        deadline: Duration,
        memory: &Memory,
        progress: &mut (dyn FnMut(&Report) + Send),
    ) -> Result<Duration> {
        let mut learning = self.observer.learn(&self.client, condition);
        learning.begun().await;
        Wait { what: condition.to_string(), deadline, progress }
            .until(
                &self.observer,
                |world, now| condition.judge(world, now, memory),
                |world, now| condition.next_check(world, now),
            )
            .await
    }

    pub(crate) fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Removes every container, volume and network of the cluster and returns when they are gone.
    ///
    /// # Errors
    /// When the engine could not remove something; the rest is removed all the same.
    pub async fn destroy(mut self) -> Result<()> {
        self.remove_on_drop = false;
        self.observer.stop();
        match &self.home {
            Home::Made(made) => sweep::sweep_with(&made.docker, &Scope::Cluster(self.name.clone())).await.map(drop),
            Home::Attached(attached) => attached.leave().await,
        }
    }

    /// Lets the cluster live on after this handle.
    ///
    /// # Errors
    /// [`Error::Usage`] unless it was made to be kept.
    pub fn keep(mut self) -> Result<()> {
        if !self.made()?.layout.keep {
            return Err(Error::usage("a cluster that ends with its maker cannot be kept"));
        }
        self.remove_on_drop = false;
        Ok(())
    }

    /// The containers of the cluster.
    fn made(&self) -> Result<&Made> {
        match &self.home {
            Home::Made(made) => Ok(made),
            Home::Attached(_) => Err(Error::usage_hint(
                format!(
                    "cluster `{}` was not made by rollcall, which has no hold of its machines and images",
                    self.name
                ),
                "run the scenario on a cluster of its own, without `--context`",
            )),
        }
    }

    /// What a guest has to keep in mind.
    fn attached(&self) -> Option<&Attached> {
        match &self.home {
            Home::Made(_) => None,
            Home::Attached(attached) => Some(attached),
        }
    }

    /// Fails where there is no node of this name, real or simulated.
    async fn known(&self, node: &str) -> Result<()> {
        if self.attached().is_some() {
            return attach::node_of(&self.world(), &self.name, node).map(drop);
        }
        if self.is_simulated(node).await? { Ok(()) } else { self.machine(node).await.map(drop) }
    }

    async fn machine(&self, node: &str) -> Result<Arc<Machine>> {
        self.made()?;
        let names: Vec<String> = {
            let machines = self.machines.lock().await;
            if let Some(machine) = machines.get(node) {
                return Ok(machine.clone());
            }
            machines.keys().cloned().collect()
        };
        // A name that is nobody's is told as that, even where the API server does not answer.
        if self.is_simulated(node).await.unwrap_or(false) {
            return Err(Error::usage_hint(
                format!(
                    "node `{node}` of cluster `{}` is simulated: it has no container and no processes",
                    self.name()
                ),
                "simulated nodes can be removed, tainted, labelled, cordoned and drained; take a real node for the rest",
            ));
        }
        let hint = match rollcall_model::diagnostic::nearest(node, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the nodes are {}", names.join(", ")),
        };
        Err(Error::usage_hint(format!("cluster `{}` has no node `{node}`", self.name()), hint))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.remove_on_drop || matches!(&self.home, Home::Made(made) if made.layout.keep) {
            return;
        }
        let name = self.name.clone();
        let guest = self.attached().map(|attached| (self.kubeconfig.clone(), attached.namespace().to_owned()));
        // A destructor cannot wait on the runtime it may be running on, so it brings its own.
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                if let Some((kubeconfig, namespace)) = guest {
                    return attach::leave(&kubeconfig, &namespace).await.map_err(std::io::Error::other);
                }
                let docker = Docker::connect_afresh().await.map_err(std::io::Error::other)?;
                sweep::sweep_with(&docker, &Scope::Cluster(name)).await.map(drop).map_err(std::io::Error::other)
            })
        });
        match removal.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(cluster = self.name, %error, "could not remove a dropped cluster")
            }
            Err(_) => tracing::warn!(cluster = self.name, "removing a dropped cluster panicked"),
        }
    }
}
