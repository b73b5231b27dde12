//! Making and powering on containers: those of nodes, and the one beside them that some distros need.

use std::sync::Arc;

use rollcall_model::Role;

use super::{
    Cluster, Made, builder, capabilities,
    machine::{Machine, Voice},
};
use crate::{
    distro::{Conduct, Join, Member, NodeContainer, services_container},
    docker::{ContainerSpec, Privileges},
    error::{Error, Result},
    labels,
};

/// The name of the container beside the nodes, behind a dot, which no node has in its name.
const SERVICES: &str = "services";

impl Cluster {
    /// Boots the first container, and finds out what this engine lets containers do.
    pub(super) async fn boot_first(&self, member: Member) -> Result<Arc<Machine>> {
        let made = self.made()?;
        let mut attempts = attempts(made.distro.conduct()).into_iter().peekable();
        while let Some(privileges) = attempts.next() {
            match self.boot_with(member.clone(), privileges.clone()).await {
                Ok(machine) => {
                    // Nobody else sets it.
                    let _ = made.privileges.set(privileges);
                    return Ok(machine);
                }
                Err(Error::Engine { object, source, .. })
                    if is_capability_error(&source) && attempts.peek().is_some() =>
                {
                    tracing::debug!(container = object, error = %source, "the engine cannot give all that was asked for");
                    made.docker.remove_container(&object).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::Boot { node: member.name, reason: "no attempt was made to start it".into() })
    }

    /// Makes and powers on the container of a member.
    pub(super) async fn boot(&self, member: Member) -> Result<Arc<Machine>> {
        let made = self.made()?;
        let privileges = match made.privileges.get() {
            Some(privileges) => privileges.clone(),
            None => Privileges::Some(capabilities::wanted()),
        };
        self.boot_with(member, privileges).await
    }

    async fn boot_with(&self, member: Member, privileges: Privileges) -> Result<Arc<Machine>> {
        let made = self.made()?;
        let conduct = made.distro.conduct();
        let voice = Voice::of(&conduct, made.layout.keep);
        let mut container = made.distro.node(&made.layout, &member)?;
        let joins = std::mem::take(&mut container.joins);
        let name = builder::container_name(&made.layout.cluster, &member.name);
        let unprivileged = container.unprivileged.take();
        let mut spec = made.spec(name, &member, container, voice);
        if privileges != Privileges::All {
            spec.entry_point = unprivileged;
        }
        spec.privileges = privileges;
        spec.terminal = conduct.terminal;
        spec.labels.insert(labels::NODE.into(), member.name.clone());
        spec.labels.insert(labels::NUMBER.into(), member.number.to_string());
        spec.labels.insert(labels::ROLE.into(), member.role.as_str().into());
        if made.layout.simulated.is_some() && member.role == Role::ControlPlane {
            spec.labels.insert(labels::SIMULATED.into(), "true".into());
        }
        let machine = made.power_up(member, spec, voice, joins).await?;
        self.machines.lock().await.insert(machine.member.name.clone(), machine.clone());
        Ok(machine)
    }

    /// Makes and powers on the container that has the registry and kwok, where the distro has none of its own.
    pub(super) async fn boot_services(&self) -> Result<()> {
        let made = self.made()?;
        let Some(image) = made.distro.services_image() else { return Ok(()) };
        let container = services_container(&made.layout, made.distro.authority(), made.distro.conduct())?;
        let member = services_member();
        let voice = services_voice(made.layout.keep);
        let mut spec = made.spec(services_name(&made.layout.cluster), &member, container, voice);
        spec.image = image.to_owned();
        spec.labels.insert(labels::ROLE.into(), labels::SERVICES.into());
        let machine = made.power_up(member, spec, voice, Vec::new()).await?;
        // Nobody else sets it.
        let _ = made.services.set(machine);
        Ok(())
    }
}

impl Made {
    /// The containers that have the registry and kwok.
    pub(super) fn services_of<'a>(&'a self, machines: &'a [Arc<Machine>]) -> impl Iterator<Item = &'a Arc<Machine>> {
        let beside = self.services.get();
        let inside =
            machines.iter().filter(move |machine| beside.is_none() && machine.member.role == Role::ControlPlane);
        beside.into_iter().chain(inside)
    }

    /// A container of the node image that may do what any needs.
    fn spec(&self, name: String, member: &Member, container: NodeContainer, voice: Voice) -> ContainerSpec {
        let distro = &self.distro;
        let mut labels =
            labels::of_cluster(&self.layout.cluster, distro.name().as_str(), distro.image(), self.layout.keep);
        labels.extend(container.labels);
        ContainerSpec {
            name,
            hostname: member.name.clone(),
            image: distro.image().to_owned(),
            entry_point: None,
            command: container.command,
            environment: container.environment,
            labels,
            network: self.layout.network.name.clone(),
            address: self.layout.network.address(member.number),
            privileges: Privileges::Some(capabilities::of_any()),
            terminal: false,
            volumes: container.volumes,
            ports: container.ports,
            files: container.files,
            lifeline: voice == Voice::Own { power_line: true },
        }
    }

    async fn power_up(
        &self,
        member: Member,
        spec: ContainerSpec,
        voice: Voice,
        joins: Vec<Join>,
    ) -> Result<Arc<Machine>> {
        let container = spec.name.clone();
        self.docker.create_container(spec).await?;
        let machine = Arc::new(Machine::new(member, container.clone(), voice, joins));
        machine.attach(&self.docker).await?;
        self.docker.start_container(&container).await?;
        machine.power_on().await?;
        Ok(machine)
    }
}

/// How the container beside the nodes is found again.
pub(super) fn found_services(cluster: &str) -> Arc<Machine> {
    Arc::new(Machine::new(services_member(), services_name(cluster), services_voice(true), Vec::new()))
}

fn services_name(cluster: &str) -> String {
    format!("rollcall-{cluster}.{SERVICES}")
}

fn services_voice(keep: bool) -> Voice {
    Voice::Own { power_line: !keep }
}

/// What the container beside the nodes has of a node: a name and an address.
fn services_member() -> Member {
    Member {
        name: SERVICES.into(),
        role: Role::Worker,
        number: builder::SERVICES_NUMBER,
        labels: Default::default(),
        taints: Vec::new(),
    }
}

/// What to ask of the engine, and what next where it refuses.
fn attempts(conduct: Conduct) -> Vec<Privileges> {
    let wanted = capabilities::wanted();
    let fewer = capabilities::without_optional(&wanted);
    let mut attempts = Vec::new();
    if conduct.privileged {
        attempts.push(Privileges::All);
    }
    let all = fewer == wanted;
    attempts.push(Privileges::Some(wanted));
    if !all {
        attempts.push(Privileges::Some(fewer));
    }
    attempts
}

fn is_capability_error(error: &testcontainers::bollard::errors::Error) -> bool {
    let text = error.to_string();
    text.contains("operation not permitted") && text.contains("cap")
}
