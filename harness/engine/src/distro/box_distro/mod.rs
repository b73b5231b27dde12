//! `box`: upstream Kubernetes on rollcall's own node image.
//!
//! No fork and no patches: certificates and kubeconfigs made beforehand, and flags and configuration files, each with
//! its reason beside it. PID 1 of the image starts the programs in the order written here.

mod control_plane;
pub(super) mod init;
pub(super) mod names;
mod node;
pub(super) mod registry;
pub(super) mod simulation;

use std::net::{IpAddr, Ipv4Addr};

use rollcall_model::Role;

use super::{
    API_PORT, API_SERVICE_ADDRESS, Conduct, Distro, DistroName, KubeletFile, Layout, Member, NodeContainer, NodeLog,
    REGISTRY_PORT,
};
use crate::{
    docker::{FileSpec, PublishedPort, Volume},
    error::Result,
    pki::{Authority, KeyedCertificate},
};

/// The repository of the node image; the tag is the Kubernetes version.
pub const NODE_IMAGE_REPOSITORY: &str = "rollcall/node";

const AUTHORITY_CERTIFICATE: &str = "/etc/kubernetes/pki/ca.crt";
const AUTHORITY_KEY: &str = "/etc/kubernetes/pki/ca.key";

/// The configuration of a node's kubelet: JSON, which YAML readers take.
const KUBELET_CONFIGURATION: &str = "/etc/kubernetes/kubelet.yaml";

const PROCESSES: &str = "pkill -USR1 -x containerd; exec ps -eo pid,ppid,stat,wchan:32,etime,args";

/// How its containers are treated.
pub(super) const CONDUCT: Conduct = Conduct {
    authority: (AUTHORITY_CERTIFICATE, AUTHORITY_KEY),
    own_init: true,
    up_when: &[],
    on_start: &[],
    privileged: false,
    terminal: false,
    kubelet: Some(KubeletFile { path: KUBELET_CONFIGURATION, restart: None }),
    logs: &[
        // What runs, and what it waits for. containerd is asked for the same of itself, which takes it a moment.
        NodeLog::Command { name: "processes.log", command: &["sh", "-c", PROCESSES] },
        // Where PID 1 of a node keeps a log for each of its processes (`node/init/README.md`).
        NodeLog::Folder("/var/log/rollcall"),
        NodeLog::Kubelet { name: "kubelet-stacks.log", path: "debug/pprof/goroutine?debug=2" },
        NodeLog::Command { name: "containerd-stacks.log", command: &["sh", "-c", "cat /tmp/containerd.*.stacks.log"] },
    ],
    serves_names: true,
    node_secrets: false,
};

/// The `box` distro with the secrets of one cluster.
pub(crate) struct BoxDistro {
    image: String,
    authority: Authority,
}

impl BoxDistro {
    pub(super) fn new(image: String, authority: Authority) -> Self {
        Self { image, authority }
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
        // The parts on the control-plane node must reach the API server even while the node is cut off.
        let host = if on_control_plane { Ipv4Addr::LOCALHOST } else { layout.control_plane };
        super::kubeconfig_file(&self.authority, path, host, user, group)
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
    fn name(&self) -> DistroName {
        DistroName::Box
    }

    fn image(&self) -> &str {
        &self.image
    }

    fn authority(&self) -> &Authority {
        &self.authority
    }

    fn node(&self, layout: &Layout, member: &Member) -> Result<NodeContainer> {
        let mut files = node::files(self, layout, member)?;
        let mut processes = node::processes(member);
        let mut ports = Vec::new();
        if member.role == Role::ControlPlane {
            files.extend(control_plane::files(self, layout, member)?);
            processes.splice(0..0, control_plane::processes(layout));
            if layout.simulated.is_some() {
                files.extend(simulation::files(&self.authority, Ipv4Addr::LOCALHOST, layout)?);
                // Asked for a kind that is not there yet, it asks again only seconds later.
                processes.push(simulation::process().after(&["kube-apiserver"]));
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
        volumes.extend(super::kernel_modules());
        Ok(NodeContainer { files, volumes, ports, ..NodeContainer::default() })
    }
}
