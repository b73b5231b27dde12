//! How a node container is made and becomes a member of a cluster.
//!
//! A distro is a pure description: it turns a [`Layout`] and a [`Member`] into a container with its files, and says how
//! that container is to be treated ([`Conduct`]). Making, starting, killing and removing containers is the same for all
//! and is done by [`crate::cluster`].

mod box_distro;
mod choice;
mod figures;
mod k3s;
mod kind;
mod services;

use std::{collections::BTreeMap, net::Ipv4Addr};

pub use box_distro::NODE_IMAGE_REPOSITORY;
pub use choice::DistroName;
pub(crate) use choice::{Images, distro};
use rollcall_model::{Role, Taint};

use crate::{
    docker::{FileSpec, Network, PublishedPort, Volume},
    error::Result,
    kubeconfig,
    pki::Authority,
};

/// The pods' addresses; each node has a /24 of it.
pub(crate) const POD_RANGE: &str = "10.244.0.0/16";
/// The Services' addresses.
pub(crate) const SERVICE_RANGE: &str = "10.96.0.0/16";
/// The `kubernetes` Service: the first address of the range, as the API server takes it.
pub(crate) const API_SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);
/// The DNS Service: the address kubeadm gives it.
pub(crate) const DNS_SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);
/// The API server's port inside the control-plane node.
pub(crate) const API_PORT: u16 = 6443;
/// The image registry's port inside the container that has it.
pub(crate) const REGISTRY_PORT: u16 = 5000;

/// What the `providerID` of every node of `box` begins with, real or simulated.
pub(crate) const PROVIDER: &str = "rollcall://";
/// The addresses of pods on simulated nodes. Nothing answers there, and nothing is sent there: no node has a route.
pub(crate) const SIMULATED_POD_RANGE: &str = "10.245.0.0/16";
/// The label of every simulated node; the value is the name of its group. kwok manages the nodes that have it, and no
/// others.
pub(crate) const SIMULATED_LABEL: &str = "rollcall.dev/simulated";

/// The file beside kwok that lets it start.
pub(crate) const SIMULATION_PREPARED: &str = "/etc/kwok/prepared";

/// One node of a cluster, with everything decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The last octet of its address, and where the harness chooses that, the third of its pods'.
    pub(crate) number: u8,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) taints: Vec<Taint>,
}

impl Member {
    /// The addresses of its pods, where the harness chooses them.
    pub(crate) fn pod_range(&self) -> String {
        format!("10.244.{}.0/24", self.number)
    }

    /// The labels that its kubelet may give it when it registers.
    fn labels_by_kubelet(&self) -> impl Iterator<Item = (&String, &String)> {
        self.labels.iter().filter(|(key, _)| figures::kubelet_may_set(key))
    }

    /// The other labels.
    pub(crate) fn labels_by_administrator(&self) -> impl Iterator<Item = (&String, &String)> {
        self.labels.iter().filter(|(key, _)| !figures::kubelet_may_set(key))
    }
}

/// What all nodes of a cluster share.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) cluster: String,
    pub(crate) network: Network,
    pub(crate) control_plane: Ipv4Addr,
    /// Where the image registry and rollcall's own CoreDNS are: on the control plane, or beside the nodes.
    pub(crate) registry: Ipv4Addr,
    /// Whether the cluster outlives this process.
    pub(crate) keep: bool,
    /// How many simulated nodes the cluster is made with; none where it cannot have any.
    pub(crate) simulated: Option<u32>,
    /// Whether the kernel can mount a container's file system so that nobody waits for the disk when it is unmounted.
    pub(crate) volatile: bool,
    /// The loopback port of the API server.
    pub(crate) api_port: u16,
    /// The loopback port of the image registry.
    pub(crate) registry_port: u16,
}

/// What a distro makes of a member.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeContainer {
    /// What the entry point is given; the image's own where it is none.
    pub(crate) command: Option<Vec<String>>,
    /// The entry point, in the place of the image's own, where the engine cannot give all the privileges that the image
    /// expects.
    pub(crate) unprivileged: Option<Vec<String>>,
    pub(crate) environment: Vec<String>,
    /// Labels beside rollcall's own, by which other programs know it.
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) files: Vec<FileSpec>,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) ports: Vec<PublishedPort>,
    /// What makes a running container a member, in this order.
    pub(crate) joins: Vec<Join>,
}

/// One step on the way from a running container to a member of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Join {
    /// A command inside that must succeed.
    Run(Vec<String>),
    /// A file inside is read, words in it are replaced, and the result is another file inside.
    Fill { template: &'static str, to: &'static str, replace: Vec<(&'static str, String)> },
}

impl std::fmt::Display for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(command) => f.write_str(&command.join(" ")),
            Self::Fill { template, to, .. } => write!(f, "{template} to {to}"),
        }
    }
}

/// How the containers of a distro are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conduct {
    /// Where certificate and key of the authority of a cluster lie in its control-plane node, for commands that come
    /// later.
    pub(crate) authority: (&'static str, &'static str),
    /// Whether PID 1 is rollcall's own: it holds a power line, reports what it does, and has made a Node object
    /// needless to wait for. Others are known by what they write and by their kubelets.
    pub(crate) own_init: bool,
    /// What PID 1 of another writes when it takes commands; of several texts any.
    pub(crate) up_when: &'static [&'static str],
    /// Commands inside, each time when it takes them.
    pub(crate) on_start: &'static [&'static [&'static str]],
    /// Whether the image expects `--privileged`. Engines that cannot give that are asked for what they can.
    pub(crate) privileged: bool,
    /// Whether PID 1 writes to a terminal.
    pub(crate) terminal: bool,
    /// Whether rollcall's own CoreDNS answers for names of the cluster, where the image registry is.
    pub(crate) serves_names: bool,
    /// The kubelet's configuration and how it is read again; none where it cannot be changed on a running node.
    pub(crate) kubelet: Option<KubeletFile>,
    /// Where the node's programs leave what they say.
    pub(crate) logs: &'static [NodeLog],
    /// Whether each node has a secret that stays when its Node object goes.
    pub(crate) node_secrets: bool,
}

/// A place where programs of a node leave what they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeLog {
    /// The `*.log` files of a folder.
    Folder(&'static str),
    /// What the container writes, under this name.
    Console(&'static str),
    /// What a command inside prints, under this name.
    Command { name: &'static str, command: &'static [&'static str] },
    /// What its kubelet answers to this path, asked by the API server, under this name.
    Kubelet { name: &'static str, path: &'static str },
}

/// A kubelet's configuration in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KubeletFile {
    pub(crate) path: &'static str,
    /// The command that starts it anew; none where PID 1 does when it ends.
    pub(crate) restart: Option<&'static [&'static str]>,
}

/// A way to make node containers.
pub(crate) trait Distro: Send + Sync {
    /// The name users choose it by.
    fn name(&self) -> DistroName;

    /// The node image.
    fn image(&self) -> &str;

    /// Who signs what the API server believes.
    fn authority(&self) -> &Authority;

    /// How its containers are treated.
    fn conduct(&self) -> Conduct {
        self.name().conduct()
    }

    /// How the container of a member is made.
    fn node(&self, layout: &Layout, member: &Member) -> Result<NodeContainer>;

    /// The image of the container beside the nodes that has the registry and kwok; none where the control plane has
    /// them.
    fn services_image(&self) -> Option<&str> {
        None
    }

    /// A kubeconfig with every right, for an API server at this address.
    fn admin_kubeconfig(&self, layout: &Layout, server: &str) -> Result<String> {
        let user = self.authority().client("kubernetes-admin", Some("system:masters"))?;
        let context = format!("rollcall-{}", layout.cluster);
        Ok(kubeconfig::document(&context, server, &self.authority().certificate, &user))
    }
}

pub(crate) use services::container as services_container;

/// The host's kernel modules, which kube-proxy loads by name. A host whose kernel has everything built in may have no
/// such folder.
fn kernel_modules() -> Option<Volume> {
    const FOLDER: &str = "/lib/modules";
    std::path::Path::new(FOLDER).exists().then_some(Volume::HostReadOnly(FOLDER))
}

/// A file that only root of the node may read.
fn secret(path: &str, content: String) -> FileSpec {
    FileSpec { path: path.into(), content: content.into_bytes(), mode: 0o600 }
}

/// A file that every program of the node may read.
fn plain(path: &str, content: impl Into<String>) -> FileSpec {
    FileSpec { path: path.into(), content: content.into().into_bytes(), mode: 0o644 }
}

/// A document as its readers take it: JSON, which YAML contains.
fn yaml(document: &serde_json::Value) -> String {
    format!("{document:#}\n")
}

/// A kubeconfig for a part of the cluster, as a file.
fn kubeconfig_file(
    authority: &Authority,
    path: &str,
    host: Ipv4Addr,
    user: &str,
    group: Option<&str>,
) -> Result<FileSpec> {
    let user = authority.client(user, group)?;
    let server = format!("https://{host}:{API_PORT}");
    Ok(secret(path, kubeconfig::document("rollcall", &server, &authority.certificate, &user)))
}
