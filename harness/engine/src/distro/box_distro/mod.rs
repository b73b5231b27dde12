//! `box`: upstream Kubernetes on rollcall's own node image.
//!
//! No fork and no patches: certificates and kubeconfigs made beforehand, and flags and configuration files, each with
//! its reason beside it. PID 1 of the image starts the programs in the order written here.

mod control_plane;
mod init;
mod node;
mod simulation;

use std::net::{IpAddr, Ipv4Addr};

use rollcall_model::Role;

use super::{API_PORT, API_SERVICE_ADDRESS, Distro, Layout, Member, NodeContainer, REGISTRY_PORT};
use crate::{
    docker::{FileSpec, PublishedPort, Volume},
    error::Result,
    kubeconfig,
    pki::{Authority, KeyedCertificate},
};

/// The repository of the node image; the tag is the Kubernetes version.
pub const NODE_IMAGE_REPOSITORY: &str = "rollcall/node";

const KERNEL_MODULES: &str = "/lib/modules";

/// Where the authority of a cluster lies in its control-plane node, for commands that add nodes later.
pub(crate) const AUTHORITY_CERTIFICATE: &str = "/etc/kubernetes/pki/ca.crt";
pub(crate) const AUTHORITY_KEY: &str = "/etc/kubernetes/pki/ca.key";

/// The `box` distro with the secrets of one cluster.
pub(crate) struct BoxDistro {
    image: String,
    authority: Authority,
}

impl BoxDistro {
    /// For a new cluster.
    pub(crate) fn create(image: String) -> Result<Self> {
        Ok(Self { image, authority: Authority::create()? })
    }

    /// For a cluster that another process made.
    pub(crate) fn load(image: String, certificate: String, key: String) -> Result<Self> {
        Ok(Self { image, authority: Authority::load(certificate, key)? })
    }

    /// A kubeconfig for a part of the cluster, as a file.
    fn kubeconfig_file(
        &self,
        path: &str,
        layout: &Layout,
        on_control_plane: bool,
        user: &str,
        group: Option<&str>,
    ) -> Result<FileSpec> {
        let user = self.authority.client(user, group)?;
        // The parts on the control-plane node must reach the API server even while the node is cut off.
        let host = if on_control_plane { Ipv4Addr::LOCALHOST } else { layout.control_plane };
        let server = format!("https://{host}:{API_PORT}");
        Ok(secret(path, kubeconfig::document("rollcall", &server, &self.authority.certificate, &user)))
    }

    fn server_certificate(&self, layout: &Layout, member: &Member) -> Result<KeyedCertificate> {
        // The names kubeadm writes, and loopback, where the host reaches the published port.
        let names = [
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "localhost",
            &member.name,
        ];
        self.authority.server(
            "kube-apiserver",
            &names.map(str::to_owned),
            &[IpAddr::V4(API_SERVICE_ADDRESS), IpAddr::V4(layout.control_plane), IpAddr::V4(Ipv4Addr::LOCALHOST)],
        )
    }
}

impl Distro for BoxDistro {
    fn name(&self) -> &'static str {
        "box"
    }

    fn image(&self) -> &str {
        &self.image
    }

    fn node(&self, layout: &Layout, member: &Member) -> Result<NodeContainer> {
        let mut files = node::files(self, layout, member)?;
        let mut processes = node::processes(member);
        let mut ports = Vec::new();
        if member.role == Role::ControlPlane {
            files.extend(control_plane::files(self, layout, member)?);
            processes.splice(0..0, control_plane::processes(layout));
            if layout.simulated.is_some() {
                files.extend(simulation::files(self, layout)?);
                processes.push(simulation::process());
            }
            ports.push(PublishedPort { container: API_PORT, host: layout.api_port });
            ports.push(PublishedPort { container: REGISTRY_PORT, host: layout.registry_port });
        }
        files.push(init::config(layout, member, processes));
        let mut volumes = vec![
            // containerd and the kubelet mount overlays and propagate mounts: neither works on the container's
            // own overlay. All of /var, so that logs and state survive a reboot of the node as on a disk.
            Volume::Anonymous("/var"),
            Volume::Tmpfs("/run"),
            Volume::Tmpfs("/tmp"),
        ];
        // kube-proxy loads modules by name. A host whose kernel has everything built in may have no such folder.
        if std::path::Path::new(KERNEL_MODULES).exists() {
            volumes.push(Volume::HostReadOnly(KERNEL_MODULES));
        }
        Ok(NodeContainer { files, volumes, ports })
    }

    fn admin_kubeconfig(&self, layout: &Layout, server: &str) -> Result<String> {
        let user = self.authority.client("kubernetes-admin", Some("system:masters"))?;
        let context = format!("rollcall-{}", layout.cluster);
        Ok(kubeconfig::document(&context, server, &self.authority.certificate, &user))
    }
}

/// A file that only root of the node may read.
fn secret(path: &str, content: String) -> FileSpec {
    FileSpec { path: path.into(), content: content.into_bytes(), mode: 0o600 }
}

/// A file that every program of the node may read.
fn plain(path: &str, content: impl Into<String>) -> FileSpec {
    FileSpec { path: path.into(), content: content.into().into_bytes(), mode: 0o644 }
}
