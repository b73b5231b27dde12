//! The container beside the nodes of distros that come without an image registry, kwok and a CoreDNS of ours. It is made from rollcall's
//! own node image, and is no node.

use super::{
    Conduct, Layout, NodeContainer, REGISTRY_PORT,
    box_distro::{
        init::{self, SetUp},
        names, registry, simulation,
    },
};
use crate::{
    docker::{PublishedPort, Volume},
    error::Result,
    pki::Authority,
};

/// How that container is made.
pub(crate) fn container(layout: &Layout, authority: &Authority, conduct: Conduct) -> Result<NodeContainer> {
    let mut processes = vec![registry::process(layout)];
    let mut files = Vec::new();
    if conduct.serves_names {
        processes.push(names::process());
        files.extend(names::files(authority, layout.control_plane)?);
    }
    if layout.simulated.is_some() {
        processes.push(simulation::process());
        files.extend(simulation::files(authority, layout.control_plane, layout)?);
    }
    let set_up = SetUp { hostname: "services".into(), commands: vec![init::no_way_out()], ..SetUp::default() };
    files.push(init::document(layout, set_up, processes));
    Ok(NodeContainer {
        files,
        volumes: vec![Volume::Anonymous("/var"), Volume::Tmpfs("/run"), Volume::Tmpfs("/tmp")],
        ports: vec![PublishedPort { container: REGISTRY_PORT, host: layout.registry_port }],
        ..NodeContainer::default()
    })
}
