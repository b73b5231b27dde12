//! A handle to a cluster that an earlier process made to be kept.

use std::{collections::BTreeMap, sync::Arc};

use rollcall_model::Role;

use super::{
    Cluster, boot, builder,
    machine::{Machine, Voice},
};
use crate::{
    distro::{self, API_PORT, DistroName, Images, Layout, Member, REGISTRY_PORT},
    docker::{ContainerState, Docker},
    error::{Error, Result},
    labels,
    pki::Authority,
    sweep,
};

impl Cluster {
    /// Finds a kept cluster by its name.
    ///
    /// # Errors
    /// When there is none of that name, or it belongs to a process that is not done with it.
    pub async fn find(name: &str) -> Result<Self> {
        crate::tls::install_provider();
        let docker = Docker::connect().await?;
        let containers = docker.containers_labelled(&format!("{}={name}", labels::CLUSTER)).await?;
        let label = |container: &ContainerState, key: &str| container.labels.get(key).cloned().unwrap_or_default();
        let Some(control_plane) =
            containers.iter().find(|found| label(found, labels::ROLE) == Role::ControlPlane.as_str())
        else {
            return Err(no_cluster(name).await);
        };
        if label(control_plane, labels::KEEP) != "true" {
            return Err(Error::usage_hint(
                format!("cluster `{name}` belongs to a run that is going on"),
                "make one to work with by `rollcall up`",
            ));
        }
        let network = docker.find_network(&format!("rollcall-{name}")).await?.ok_or_else(|| {
            Error::usage_hint(
                format!("the network of cluster `{name}` is gone"),
                format!("remove the rest with `rollcall down {name}`"),
            )
        })?;
        let file = async |path: &str| -> Result<String> {
            Ok(String::from_utf8_lossy(&docker.download(&control_plane.name, path).await?).into_owned())
        };
        let kind: DistroName = label(control_plane, labels::DISTRO).parse().map_err(|message| {
            Error::usage_hint(message, format!("cluster `{name}` was made by another version of rollcall; use that"))
        })?;
        let (certificate, key) = kind.conduct().authority;
        let authority = Authority::load(file(certificate).await?, file(key).await?)?;
        let services = containers.iter().find(|found| label(found, labels::ROLE) == labels::SERVICES);
        let node_image = label(control_plane, labels::IMAGE);
        // Made already, the container beside the nodes is not made again, so its image does not matter.
        let images = Images { services: node_image.clone(), node: node_image };
        let distro = distro::distro(kind, images, authority);
        let has_registry = services.unwrap_or(control_plane);
        let layout = Layout {
            cluster: name.to_owned(),
            control_plane: network.address(builder::FIRST_NUMBER),
            registry: network.address(services.map_or(builder::FIRST_NUMBER, |_| builder::SERVICES_NUMBER)),
            keep: true,
            // Only a new control plane is made for a certain number.
            simulated: (label(control_plane, labels::SIMULATED) == "true").then_some(0),
            volatile: docker.has_volatile_overlays().await?,
            api_port: docker.published_port(&control_plane.name, API_PORT).await?,
            registry_port: docker.published_port(&has_registry.name, REGISTRY_PORT).await?,
            network,
        };
        let privileges = docker.privileges(&control_plane.name).await?;
        let voice = Voice::of(&distro.conduct(), layout.keep);
        let mut machines = BTreeMap::new();
        for container in &containers {
            let Some(node) = container.labels.get(labels::NODE) else { continue };
            let member = Member {
                name: node.clone(),
                role: if label(container, labels::ROLE) == Role::ControlPlane.as_str() {
                    Role::ControlPlane
                } else {
                    Role::Worker
                },
                number: label(container, labels::NUMBER).parse().map_err(|_| Error::Boot {
                    node: node.clone(),
                    reason: format!("its container has no label `{}`, as earlier versions made them", labels::NUMBER),
                })?,
                // What a node was given when it joined is its own business since.
                labels: BTreeMap::new(),
                taints: Vec::new(),
            };
            let machine = Machine::new(member, container.name.clone(), voice, Vec::new());
            machines.insert(machine.member.name.clone(), Arc::new(machine));
        }
        let mut cluster = Self::open(docker, distro, layout).await?;
        *cluster.machines.get_mut() = machines;
        // Nobody else has set them.
        let made = cluster.made()?;
        let _ = made.privileges.set(privileges);
        if services.is_some() {
            let _ = made.services.set(boot::found_services(name));
        }
        Ok(cluster)
    }
}

async fn no_cluster(name: &str) -> Error {
    let names: Vec<String> =
        sweep::list_clusters().await.unwrap_or_default().into_iter().map(|cluster| cluster.name).collect();
    let hint = match rollcall_model::diagnostic::nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "there is none; make one with `rollcall up`".to_owned(),
        None => format!("there are {}", names.join(", ")),
    };
    Error::usage_hint(format!("there is no cluster `{name}`"), hint)
}
