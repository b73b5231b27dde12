//! Making a cluster: every container at once, because nothing a node needs is made by another.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use futures::future::{join_all, try_join_all};
use rollcall_model::{
    NodeSpec, Role,
    scenario::{SimulatedNodes, names},
};

use super::{Cluster, machine::Machine, registration::SERVICE_ADDRESSES, simulated};
use crate::{
    clock,
    distro::{self, Distro, DistroName, Images, Layout, Member},
    docker::{Docker, Network},
    error::{Error, Result},
    images::{ImageSource, PushOutcome},
    labels, patience,
    pki::Authority,
    sweep::{self, Scope},
};

/// The Kubernetes version of a cluster where none is asked for.
pub const DEFAULT_KUBERNETES: &str = "v1.37.2";

/// How long a cluster may take to come up. Two busy cores need some ten seconds; a deadline that is met is a defect.
const START_DEADLINE: Duration = Duration::from_secs(120);

fn start_deadline() -> Duration {
    patience::stretched(START_DEADLINE)
}

/// The address number of the control-plane node; workers follow.
pub(super) const FIRST_NUMBER: u8 = 10;
/// The address number of the container beside the nodes.
pub(super) const SERVICES_NUMBER: u8 = FIRST_NUMBER - 1;

/// Names of container and cluster together stay below what a host name may have.
const MAX_CLUSTER_NAME: usize = 40;

/// Told of each image that was pushed.
type OnImage = Box<dyn FnMut(&PushOutcome) + Send>;

/// A cluster that is not made yet.
#[must_use = "nothing happens until `start` is called"]
#[derive(Default)]
pub struct ClusterBuilder {
    name: Option<String>,
    nodes: Vec<NodeSpec>,
    images: Vec<(String, ImageSource)>,
    distro: DistroName,
    node_image: Option<String>,
    kubernetes: Option<String>,
    keep: bool,
    simulated_nodes: bool,
    simulated: Vec<SimulatedNodes>,
    api_port: Option<u16>,
    on_image: Option<OnImage>,
}

impl ClusterBuilder {
    /// The name; a new one is invented where none is given.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// One more node. Without any there is one control-plane node.
    pub fn node(mut self, node: NodeSpec) -> Self {
        self.nodes.push(node);
        self
    }

    /// A control-plane node `control-plane` and so many workers `worker-1`, `worker-2`, …
    pub fn workers(mut self, count: usize) -> Self {
        self.nodes = vec![plain_node("control-plane", Role::ControlPlane)];
        self.nodes.extend((1..=count).map(|number| plain_node(&format!("worker-{number}"), Role::Worker)));
        self
    }

    /// An image of the local engine that pods may use under its own name.
    pub fn image(self, image: impl Into<String>) -> Self {
        let image = image.into();
        self.image_as(image.clone(), ImageSource::Local(image))
    }

    /// An image that pods find under another name.
    pub fn image_as(mut self, name: impl Into<String>, source: ImageSource) -> Self {
        self.images.push((name.into(), source));
        self
    }

    /// What the nodes are made of; `box` where nothing is said.
    pub fn distro(mut self, distro: DistroName) -> Self {
        self.distro = distro;
        self
    }

    /// The node image, in the place of the one that distro and version choose.
    pub fn node_image(mut self, image: impl Into<String>) -> Self {
        self.node_image = Some(image.into());
        self
    }

    /// The Kubernetes version: a minor (`1.37`) or a full one (`v1.37.2`).
    pub fn kubernetes(mut self, version: impl Into<String>) -> Self {
        self.kubernetes = Some(version.into());
        self
    }

    /// Lets the cluster outlive this process.
    pub fn keep(mut self, keep: bool) -> Self {
        self.keep = keep;
        self
    }

    /// Whether simulated nodes can be added later. The program that keeps them costs memory and start time, so a
    /// cluster has it only where it is asked for.
    pub fn simulated_nodes(mut self, possible: bool) -> Self {
        self.simulated_nodes = possible;
        self
    }

    /// A group of simulated nodes that is there when the cluster is.
    pub fn simulated(mut self, group: SimulatedNodes) -> Self {
        self.simulated.push(group);
        self
    }

    /// The loopback port of the API server; any free one where none is given.
    pub fn api_port(mut self, port: u16) -> Self {
        self.api_port = Some(port);
        self
    }

    /// Is called for each image when it is there.
    pub fn on_image(mut self, told: impl FnMut(&PushOutcome) + Send + 'static) -> Self {
        self.on_image = Some(Box::new(told));
        self
    }

    /// Makes the cluster and returns when every node is ready for use: registered, Ready, with its labels and taints,
    /// and every image in reach.
    ///
    /// # Errors
    /// When the request makes no sense, the engine or the image is missing, or a node does not come up. Nothing is
    /// left behind then.
    pub async fn start(mut self) -> Result<Cluster> {
        patience::check()?;
        let name = self.name.take().unwrap_or_else(invented_name);
        let members = self.members()?;
        check_name(&name)?;
        crate::tls::install_provider();
        let docker = Docker::connect().await?;
        // What dead runs left could hold an address range or a name.
        if let Err(error) = sweep::sweep_with(&docker, &Scope::Dead).await {
            tracing::warn!(error = crate::error::chain(&error), "could not remove what an earlier run left");
        }
        if !docker.containers_labelled(&format!("{}={name}", labels::CLUSTER)).await?.is_empty() {
            return Err(Error::usage_hint(
                format!("there is a cluster `{name}` already"),
                format!("choose another name, or remove it with `rollcall down {name}`"),
            ));
        }
        let (version, chosen) = (self.kubernetes.as_deref(), self.node_image.as_deref());
        let images = Images::find(&docker, self.distro, version, chosen).await?;
        let distro = distro::distro(self.distro, images, Authority::create()?);
        let cluster_labels = labels::of_cluster(&name, distro.name().as_str(), distro.image(), self.keep);
        let result = async {
            let network = docker.create_network(&format!("rollcall-{name}"), &cluster_labels, seed(&name)).await?;
            self.bring_up(&name, members, docker.clone(), distro, network).await
        }
        .await;
        if result.is_err() {
            // Nothing half made stays; its failure must not hide the first one.
            if let Err(second) = sweep::sweep_with(&docker, &Scope::Cluster(name.clone())).await {
                tracing::warn!(
                    cluster = name,
                    error = crate::error::chain(&second),
                    "could not remove a half made cluster"
                );
            }
        }
        result
    }

    async fn bring_up(
        mut self,
        name: &str,
        members: Vec<Member>,
        docker: Docker,
        distro: Arc<dyn Distro>,
        network: Network,
    ) -> Result<Cluster> {
        let started = clock::instant();
        // The ports are chosen here and not by the engine, which would choose others when the node is restarted.
        let (api_port, registry_port) = (self.api_port.map_or_else(free_port, Ok)?, free_port()?);
        let layout = Layout {
            cluster: name.to_owned(),
            control_plane: network.address(FIRST_NUMBER),
            registry: network.address(distro.services_image().map_or(FIRST_NUMBER, |_| SERVICES_NUMBER)),
            network,
            keep: self.keep,
            simulated: (self.simulated_nodes || !self.simulated.is_empty())
                .then(|| self.simulated.iter().fold(0, |sum: u32, group| sum.saturating_add(group.count))),
            volatile: docker.has_volatile_overlays().await?,
            api_port,
            registry_port,
        };
        // Until every node is ready the caller removes what is half made, so the handle does not.
        let mut cluster = Cluster::open(docker, distro, layout).await?;
        cluster.boot_services().await?;
        let (control_plane, workers): (Vec<Member>, Vec<Member>) =
            members.into_iter().partition(|member| member.role == Role::ControlPlane);
        // The control plane first by a breath: everything waits for its API server.
        for member in control_plane {
            cluster.boot_first(member).await?;
        }
        try_join_all(workers.into_iter().map(|member| cluster.boot(member))).await?;
        let phase = |what: &str| tracing::debug!(cluster = name, elapsed = ?started.elapsed(), what);
        phase("every container runs");
        let machines: Vec<Arc<Machine>> = cluster.machines.lock().await.values().cloned().collect();
        let simulated = std::mem::take(&mut self.simulated);
        let ready = async {
            let images = async {
                self.push_images(&cluster, &machines).await?;
                phase("images are there");
                Ok(())
            };
            let nodes = async {
                cluster.join_first(&machines, start_deadline()).await?;
                phase("nodes have their objects");
                let left = start_deadline().saturating_sub(started.elapsed());
                let usable = try_join_all(machines.iter().map(|machine| cluster.usable(machine, left, None))).await?;
                phase("nodes are ready for use");
                Ok::<_, Error>(usable)
            };
            let names = async {
                if !cluster.made()?.distro.conduct().serves_names {
                    return Ok(());
                }
                cluster.api_answers(SERVICE_ADDRESSES, &machines, start_deadline()).await?;
                phase("Services can be made");
                cluster.serve_names(start_deadline().saturating_sub(started.elapsed())).await?;
                phase("names are served");
                Ok::<_, Error>(())
            };
            let (images, nodes, names) = tokio::join!(images, nodes, names);
            nodes?;
            images?;
            names?;
            if cluster.made()?.layout.simulated.is_some() {
                // After the others: hundreds of nodes that join would only keep the processor from the real ones.
                cluster.prepare_simulation(&machines).await?;
                phase("nodes can be simulated");
            }
            for group in &simulated {
                cluster.add_simulated_nodes(group, start_deadline().saturating_sub(started.elapsed())).await?;
                phase("a group of simulated nodes is ready for use");
            }
            Ok(())
        };
        ready.await?;
        cluster.remove_on_drop = true;
        Ok(cluster)
    }

    async fn push_images(&mut self, cluster: &Cluster, machines: &[Arc<Machine>]) -> Result<()> {
        if self.images.is_empty() {
            return Ok(());
        }
        for machine in cluster.made()?.services_of(machines) {
            machine.reported("the image registry", start_deadline(), |status| status.is_ready("registry")).await?;
        }
        let images = std::mem::take(&mut self.images);
        let pushes = images.iter().map(|(name, source)| cluster.load_image(name, source));
        for outcome in join_all(pushes).await {
            let outcome = outcome?;
            if let Some(told) = &mut self.on_image {
                told(&outcome);
            }
        }
        Ok(())
    }

    /// The nodes with their addresses.
    fn members(&self) -> Result<Vec<Member>> {
        let nodes = if self.nodes.is_empty() {
            vec![plain_node("control-plane", Role::ControlPlane)]
        } else {
            self.nodes.clone()
        };
        let control_planes = nodes.iter().filter(|node| node.role == Role::ControlPlane).count();
        if control_planes != 1 {
            return Err(Error::usage_hint(
                format!("a cluster has one control-plane node, and {control_planes} are asked for"),
                "give one node the role `control-plane`",
            ));
        }
        let mut numbers = FIRST_NUMBER + 1..=254;
        let mut members: Vec<Member> = Vec::new();
        for node in nodes {
            check_node(&node)?;
            if members.iter().any(|member| member.name == node.name) {
                return Err(Error::usage(format!("two nodes are called `{}`", node.name)));
            }
            let number = match node.role {
                Role::ControlPlane => FIRST_NUMBER,
                Role::Worker => numbers.next().ok_or_else(too_many)?,
            };
            members.push(member(node, number, self.distro));
        }
        for (index, group) in self.simulated.iter().enumerate() {
            simulated::check(group, members.iter().map(|member| member.name.as_str()))?;
            if self.simulated[..index].iter().any(|other| other.name == group.name) {
                return Err(Error::usage(format!("two groups of simulated nodes are called `{}`", group.name)));
            }
        }
        Ok(members)
    }
}

/// The name of a node's container.
pub(super) fn container_name(cluster: &str, node: &str) -> String {
    format!("rollcall-{cluster}-{node}")
}

/// A node with its address number, and with the label and taint kubeadm gives a control plane.
pub(super) fn member(node: NodeSpec, number: u8, distro: DistroName) -> Member {
    let mut labels = node.labels;
    let mut taints = node.taints;
    if node.role == Role::ControlPlane {
        if !distro.labels_control_planes() {
            labels.insert(CONTROL_PLANE_LABEL.into(), String::new());
        }
        taints.push(rollcall_model::Taint {
            key: CONTROL_PLANE_LABEL.into(),
            value: String::new(),
            effect: rollcall_model::TaintEffect::NoSchedule,
        });
    }
    Member { name: node.name, role: node.role, number, labels, taints }
}

const CONTROL_PLANE_LABEL: &str = rollcall_model::world::view::CONTROL_PLANE_LABEL;

pub(super) fn check_node(node: &NodeSpec) -> Result<()> {
    names::dns_label(&node.name).map_err(|why| Error::usage(format!("node name `{}` {why}", node.name)))?;
    if node.name.len() > rollcall_model::scenario::MAX_NODE_NAME {
        return Err(Error::usage(format!(
            "node name `{}` is longer than {} characters",
            node.name,
            rollcall_model::scenario::MAX_NODE_NAME
        )));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    names::dns_label(name).map_err(|why| Error::usage(format!("cluster name `{name}` {why}")))?;
    if name.len() > MAX_CLUSTER_NAME {
        return Err(Error::usage(format!("cluster name `{name}` is longer than {MAX_CLUSTER_NAME} characters")));
    }
    Ok(())
}

pub(super) fn too_many() -> Error {
    Error::usage("a cluster has room for 244 nodes")
}

fn plain_node(name: &str, role: Role) -> NodeSpec {
    NodeSpec { name: name.into(), role, labels: BTreeMap::new(), taints: Vec::new() }
}

/// A name that no other run has: of the process and the moment.
fn invented_name() -> String {
    format!("rc-{:08x}", seed(&format!("{}-{:?}", std::process::id(), clock::instant())) & 0xffff_ffff)
}

fn seed(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// A port that is free on loopback now.
fn free_port() -> Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| Error::file("find a free port on", "127.0.0.1", source))
}

#[cfg(test)]
mod tests {
    use super::ClusterBuilder;

    #[test]
    fn a_start_can_be_a_task_of_its_own() {
        fn spawnable(_: impl Send) {}
        spawnable(ClusterBuilder::default().start());
    }
}
