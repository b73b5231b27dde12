//! A handle to a cluster that an earlier process made to be kept.

use std::{collections::BTreeMap, sync::Arc};

use rollcall_model::Role;

use super::{Cluster, builder, machine::Machine};
use crate::{
    distro::{API_PORT, AUTHORITY_CERTIFICATE, AUTHORITY_KEY, BoxDistro, Distro, Layout, Member, REGISTRY_PORT},
    docker::{ContainerState, Docker},
    error::{Error, Result},
    labels, sweep,
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
        let certificate = file(AUTHORITY_CERTIFICATE).await?;
        let key = file(AUTHORITY_KEY).await?;
        let distro: Arc<dyn Distro> = Arc::new(BoxDistro::load(label(control_plane, labels::IMAGE), certificate, key)?);
        let layout = Layout {
            cluster: name.to_owned(),
            control_plane: network.address(builder::FIRST_NUMBER),
            keep: true,
            // Only a new control plane is made for a certain number.
            simulated: (label(control_plane, labels::SIMULATED) == "true").then_some(0),
            api_port: docker.published_port(&control_plane.name, API_PORT).await?,
            registry_port: docker.published_port(&control_plane.name, REGISTRY_PORT).await?,
            network,
        };
        let mut machines = BTreeMap::new();
        for container in &containers {
            let member = Member {
                name: label(container, labels::NODE),
                role: if label(container, labels::ROLE) == Role::ControlPlane.as_str() {
                    Role::ControlPlane
                } else {
                    Role::Worker
                },
                number: docker.address_number(&container.name, &layout.network.name).await?,
                // What a node was given when it joined is its own business since.
                labels: BTreeMap::new(),
                taints: Vec::new(),
            };
            machines.insert(member.name.clone(), Arc::new(Machine::new(member, container.name.clone(), true)));
        }
        let mut cluster = Self::open(docker, distro, layout).await?;
        *cluster.machines.get_mut() = machines;
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
