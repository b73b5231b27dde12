//! How a node container is made and becomes a member of a cluster.
//!
//! A distro is a pure description: it turns a [`Layout`] and a [`Member`] into a container with its files. Making,
//! starting, killing and removing containers is the same for all and is done by [`crate::cluster`].

mod box_distro;

use std::{collections::BTreeMap, net::Ipv4Addr};

pub use box_distro::NODE_IMAGE_REPOSITORY;
pub(crate) use box_distro::{AUTHORITY_CERTIFICATE, AUTHORITY_KEY, BoxDistro};
use rollcall_model::{Role, Taint};

use crate::{
    docker::{FileSpec, Network, PublishedPort, Volume},
    error::Result,
};

/// The pods' addresses; each node has the /24 of its number.
pub(crate) const POD_RANGE: &str = "10.244.0.0/16";
/// The Services' addresses.
pub(crate) const SERVICE_RANGE: &str = "10.96.0.0/16";
/// The `kubernetes` Service: the first address of the range, as the API server takes it.
pub(crate) const API_SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);
/// The DNS Service: the address kubeadm gives it.
pub(crate) const DNS_SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);
/// The API server's port inside the control-plane node.
pub(crate) const API_PORT: u16 = 6443;
/// The image registry's port inside the control-plane node.
pub(crate) const REGISTRY_PORT: u16 = 5000;

/// What the `providerID` of every node begins with, real or simulated.
pub(crate) const PROVIDER: &str = "rollcall://";
/// The addresses of pods on simulated nodes. Nothing answers there, and nothing is sent there: no node has a route.
pub(crate) const SIMULATED_POD_RANGE: &str = "10.245.0.0/16";
/// The label of every simulated node; the value is the name of its group. kwok manages the nodes that have it, and no
/// others.
pub(crate) const SIMULATED_LABEL: &str = "rollcall.dev/simulated";

/// The file on the control-plane node that lets kwok start.
pub(crate) const SIMULATION_PREPARED: &str = "/etc/kwok/prepared";

/// The configuration of a node's kubelet: JSON, which YAML readers take.
pub(crate) const KUBELET_CONFIGURATION: &str = "/etc/kubernetes/kubelet.yaml";

/// One node of a cluster, with everything decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The last octet of its address, and the third of its pods'.
    pub(crate) number: u8,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) taints: Vec<Taint>,
}

impl Member {
    /// The addresses of its pods.
    pub(crate) fn pod_range(&self) -> String {
        format!("10.244.{}.0/24", self.number)
    }
}

/// What all nodes of a cluster share.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) cluster: String,
    pub(crate) network: Network,
    pub(crate) control_plane: Ipv4Addr,
    /// Whether the cluster outlives this process.
    pub(crate) keep: bool,
    /// How many simulated nodes the cluster is made with; none where it cannot have any.
    pub(crate) simulated: Option<u32>,
    /// The loopback port of the API server.
    pub(crate) api_port: u16,
    /// The loopback port of the image registry.
    pub(crate) registry_port: u16,
}

/// What a distro makes of a member.
#[derive(Debug, Clone)]
pub(crate) struct NodeContainer {
    pub(crate) files: Vec<FileSpec>,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) ports: Vec<PublishedPort>,
}

/// A way to make node containers.
pub(crate) trait Distro: Send + Sync {
    /// The name users choose it by.
    fn name(&self) -> &'static str;

    /// The node image.
    fn image(&self) -> &str;

    /// How the container of a member is made.
    fn node(&self, layout: &Layout, member: &Member) -> Result<NodeContainer>;

    /// A kubeconfig with every right, for an API server at this address.
    fn admin_kubeconfig(&self, layout: &Layout, server: &str) -> Result<String>;
}
