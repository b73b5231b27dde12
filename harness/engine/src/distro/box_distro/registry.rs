//! The image registry that every node asks for every name: one process of PID 1, on the control-plane node or beside
//! the nodes.

use super::init::{Process, Ready};
use crate::distro::{Layout, REGISTRY_PORT};

/// The sandbox image of every pod. It is there from the start; see `node/README.md`.
pub(in crate::distro) const PAUSE_IMAGE: &str = "registry.k8s.io/pause:3.10";

pub(in crate::distro) fn process(layout: &Layout) -> Process {
    Process::new(
        "registry",
        [
            format!("--listen={}:{REGISTRY_PORT}", std::net::Ipv4Addr::UNSPECIFIED),
            // The harness comes by the published port, so from the network's gateway; nodes and pods do not.
            format!("--control-from={}", layout.network.address(1)),
            // `PAUSE_IMAGE`.
            "--preload=/usr/local/share/rollcall/pause.tar".to_owned(),
        ],
    )
    .ready(Ready::Tcp(format!("127.0.0.1:{REGISTRY_PORT}")))
}
