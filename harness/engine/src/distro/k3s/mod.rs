//! `k3s`: server and agents from images like `rancher/k3s`.
//!
//! Everything is said by files before the first start, as k3s documents it, so no command need be run inside:
//! - `/etc/rancher/k3s/config.yaml`, whose keys are flags (docs.k3s.io, "Configuration Options")
//! - `/etc/rancher/k3s/registries.yaml` ("Private Registry Configuration")
//! - authorities below `/var/lib/rancher/k3s/server/tls` (`k3s certificate`, "Using Custom CA Certificates")
//! - a drop-in for the kubelet ("Kubelet Configuration Files", from 1.32 on)

mod config;

use rollcall_model::Role;

use super::{
    API_PORT, Conduct, Distro, DistroName, Layout, Member, NodeContainer, NodeLog, choice::Images, figures, plain,
    secret, yaml,
};
use crate::{
    docker::{PublishedPort, Volume},
    error::Result,
    pki::Authority,
};

/// Where a server keeps what it signs with.
const TLS: &str = "/var/lib/rancher/k3s/server/tls";

/// How its containers are treated.
pub(super) const CONDUCT: Conduct = Conduct {
    authority: ("/var/lib/rancher/k3s/server/tls/server-ca.crt", "/var/lib/rancher/k3s/server/tls/server-ca.key"),
    own_init: false,
    up_when: &[],
    on_start: &[],
    privileged: true,
    terminal: false,
    // The image does not have the images of its own system pods, so it is made to need none.
    serves_names: true,
    // The kubelet is a part of the one process that is the node.
    kubelet: None,
    logs: &[
        // One process for all of Kubernetes, which writes to the container's output.
        NodeLog::Console("k3s.log"),
        NodeLog::Command {
            name: "containerd.log",
            command: &["cat", "/var/lib/rancher/k3s/agent/containerd/containerd.log"],
        },
    ],
    node_secrets: true,
};

/// The distro with the secrets of one cluster.
pub(super) struct K3s {
    images: Images,
    authority: Authority,
}

impl K3s {
    pub(super) fn new(images: Images, authority: Authority) -> Self {
        Self { images, authority }
    }
}

impl Distro for K3s {
    fn name(&self) -> DistroName {
        DistroName::K3s
    }

    fn image(&self) -> &str {
        &self.images.node
    }

    fn authority(&self) -> &Authority {
        &self.authority
    }

    fn services_image(&self) -> Option<&str> {
        Some(&self.images.services)
    }

    fn node(&self, layout: &Layout, member: &Member) -> Result<NodeContainer> {
        let is_server = member.role == Role::ControlPlane;
        let token = super::choice::derived_secret(&self.authority, "k3s token");
        let mut files = vec![
            secret("/etc/rancher/k3s/config.yaml", yaml(&config::flags(layout, member, &token))),
            plain("/etc/rancher/k3s/registries.yaml", yaml(&config::registries(layout))),
            // Read after the defaults that k3s writes as `00-…`, so what is here holds.
            plain("/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/90-rollcall.conf", yaml(&figures::kubelet())),
        ];
        let mut ports = Vec::new();
        if is_server {
            // One authority for servers and clients, so that a kubeconfig can be made before there is a cluster.
            for name in ["server-ca", "client-ca"] {
                files.push(plain(&format!("{TLS}/{name}.crt"), self.authority.certificate.clone()));
                files.push(secret(&format!("{TLS}/{name}.key"), self.authority.key.clone()));
            }
            ports.push(PublishedPort { container: API_PORT, host: layout.api_port });
        }
        let command = if is_server { "server" } else { "agent" };
        Ok(NodeContainer {
            command: Some(vec![command.to_owned()]),
            files,
            // The image declares its own; these are for what must not lie on the container's overlay.
            volumes: [
                Volume::Anonymous("/var/lib/rancher/k3s"),
                Volume::Anonymous("/var/lib/kubelet"),
                Volume::Anonymous("/var/lib/cni"),
                Volume::Anonymous("/var/log"),
                Volume::Tmpfs("/run"),
                Volume::Tmpfs("/var/run"),
            ]
            .into_iter()
            .chain(super::kernel_modules())
            .collect(),
            ports,
            ..NodeContainer::default()
        })
    }
}
