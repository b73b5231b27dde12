//! `kind`: kubeadm on images like `kindest/node`, in containers that the `kind` command lists and deletes.
//!
//! What the image expects and holds is kind's own contract, as of v0.33: entry point and mounts
//! (`pkg/cluster/internal/providers/docker/provision.go`), the line that means it takes commands
//! (`providers/common/cgroups.go`), `/kind/version`, `/kind/manifests` (`create/actions/installcni`,
//! `installstorage`), and what kubeadm is told (`internal/kubeadm/config.go`).

mod kubeadm;

use std::collections::BTreeMap;

use rollcall_model::Role;

use super::{
    API_PORT, Conduct, Distro, DistroName, Join, KubeletFile, Layout, Member, NodeContainer, NodeLog, POD_RANGE,
    SERVICE_RANGE, choice::Images, figures, plain, secret,
};
use crate::{
    docker::{PublishedPort, Volume},
    error::Result,
    pki::Authority,
};

/// By these labels the `kind` command knows its clusters and nodes.
const CLUSTER_LABEL: &str = "io.x-k8s.kind.cluster";
const ROLE_LABEL: &str = "io.x-k8s.kind.role";

const AUTHORITY_CERTIFICATE: &str = "/etc/kubernetes/pki/ca.crt";
const AUTHORITY_KEY: &str = "/etc/kubernetes/pki/ca.key";
const ADMIN: &str = "--kubeconfig=/etc/kubernetes/admin.conf";
const CNI_TEMPLATE: &str = "/kind/manifests/default-cni.yaml";
const CNI: &str = "/kind/rollcall-cni.yaml";

/// How its containers are treated.
pub(super) const CONDUCT: Conduct = Conduct {
    authority: (AUTHORITY_CERTIFICATE, AUTHORITY_KEY),
    own_init: false,
    up_when: &["Multi-User System", "detected cgroup v1"],
    // Before kube-proxy has written its rules, packets to a Service would leave by the default route, and who
    // sent them waits for half a minute. So they go to a bridge without ports.
    on_start: &[
        &["ip", "link", "add", "rollcall0", "type", "bridge"],
        &["ip", "link", "set", "rollcall0", "up"],
        &["ip", "route", "replace", SERVICE_RANGE, "dev", "rollcall0"],
    ],
    privileged: true,
    terminal: true,
    // kubeadm has CoreDNS run in pods, of an image that the node image has.
    serves_names: false,
    kubelet: Some(KubeletFile {
        path: "/var/lib/kubelet/config.yaml",
        restart: Some(&["systemctl", "restart", "kubelet"]),
    }),
    logs: &[
        NodeLog::Console("console.log"),
        NodeLog::Command { name: "kubelet.log", command: &["journalctl", "--no-pager", "--unit=kubelet"] },
        NodeLog::Command { name: "containerd.log", command: &["journalctl", "--no-pager", "--unit=containerd"] },
    ],
    node_secrets: false,
};

/// The distro with the secrets of one cluster.
pub(super) struct Kind {
    images: Images,
    authority: Authority,
}

impl Kind {
    pub(super) fn new(images: Images, authority: Authority) -> Self {
        Self { images, authority }
    }

    /// What makes a member of a container that takes commands.
    fn joins(&self, member: &Member) -> Vec<Join> {
        let run = |line: &str| Join::Run(line.split(' ').map(str::to_owned).collect());
        // kubeadm must be told the version, or it looks it up outside; the image says which one it has.
        let with_version =
            format!("sed \"s|{}|$(cat /kind/version)|\" {} > {}", kubeadm::VERSION, kubeadm::TEMPLATE, kubeadm::PATH);
        let mut joins = vec![Join::Run(vec!["sh".into(), "-c".into(), with_version])];
        match member.role {
            Role::ControlPlane => joins.extend([
                // Its checks ask for things of a whole machine, as swap that is off.
                run("kubeadm init --config=/kind/kubeadm.conf --skip-token-print --skip-phases=preflight"),
                Join::Fill {
                    template: CNI_TEMPLATE,
                    to: CNI,
                    replace: ["{{ .PodSubnet }}", "{{.PodSubnet}}"].map(|word| (word, POD_RANGE.to_owned())).into(),
                },
                run(&format!("kubectl {ADMIN} create -f {CNI}")),
                run(&format!("kubectl {ADMIN} create -f /kind/manifests/default-storage.yaml")),
            ]),
            Role::Worker => joins.push(run("kubeadm join --config=/kind/kubeadm.conf --skip-phases=preflight")),
        }
        joins
    }
}

impl Distro for Kind {
    fn name(&self) -> DistroName {
        DistroName::Kind
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
        let token = kubeadm::token(&super::choice::derived_secret(&self.authority, "kubeadm token"));
        let mut files = vec![
            secret(kubeadm::TEMPLATE, kubeadm::documents(layout, member, &token)),
            plain("/etc/containerd/certs.d/_default/hosts.toml", figures::containerd_hosts(layout)),
        ];
        let mut ports = Vec::new();
        let mut environment = Vec::new();
        if member.role == Role::ControlPlane {
            // kubeadm takes an authority that it finds, so a kubeconfig can be made before there is a cluster.
            files.push(plain(AUTHORITY_CERTIFICATE, self.authority.certificate.clone()));
            files.push(secret(AUTHORITY_KEY, self.authority.key.clone()));
            ports.push(PublishedPort { container: API_PORT, host: layout.api_port });
            environment.push("KUBECONFIG=/etc/kubernetes/admin.conf".to_owned());
        }
        Ok(NodeContainer {
            unprivileged: Some(["/bin/bash", "-c", include_str!("unprivileged.sh")].map(str::to_owned).into()),
            environment,
            labels: BTreeMap::from([
                (CLUSTER_LABEL.to_owned(), layout.cluster.clone()),
                (ROLE_LABEL.to_owned(), member.role.as_str().to_owned()),
            ]),
            files,
            volumes: [Volume::Anonymous("/var"), Volume::Tmpfs("/run"), Volume::Tmpfs("/tmp")]
                .into_iter()
                .chain(super::kernel_modules())
                .collect(),
            ports,
            joins: self.joins(member),
            ..NodeContainer::default()
        })
    }
}
