//! CoreDNS, which answers for names of the cluster: one process of PID 1, on the control-plane node or beside the nodes.
//!
//! A process and not pods: a scenario that taints and drains everything still has names, and no pod of ours stands
//! among the user's.

use std::net::Ipv4Addr;

use super::init::Process;
use crate::{
    distro::{kubeconfig_file, plain},
    docker::FileSpec,
    error::Result,
    pki::Authority,
};

const KUBECONFIG: &str = "/etc/kubernetes/coredns.conf";
const CONFIGURATION: &str = "/etc/coredns/Corefile";

pub(in crate::distro) fn process() -> Process {
    Process::new("coredns", ["-conf", CONFIGURATION, "-quiet"])
}

pub(in crate::distro) fn files(authority: &Authority, api_server: Ipv4Addr) -> Result<Vec<FileSpec>> {
    Ok(vec![
        // In the group `system:masters`, as the other parts of the control plane and for the same reason.
        kubeconfig_file(authority, KUBECONFIG, api_server, "system:coredns", Some("system:masters"))?,
        plain(CONFIGURATION, COREFILE),
    ])
}

/// Names of the cluster and nothing else: a name outside it does not exist.
const COREFILE: &str = ".:53 {
    bind eth0
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig /etc/kubernetes/coredns.conf
        pods insecure
        ttl 5
    }
    cache 5
    loadbalance
}
";
