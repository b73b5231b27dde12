//! Node containers: made, attached, killed, frozen, removed.

use std::{collections::HashMap, net::Ipv4Addr, pin::Pin};

use futures::{Stream, StreamExt};
use testcontainers::bollard::{
    self, body_full,
    container::LogOutput,
    models::{
        ContainerCreateBody, ContainerInspectResponse, ContainerSummaryStateEnum, EndpointIpamConfig, EndpointSettings,
        HostConfig, HostConfigCgroupnsModeEnum, Mount, MountType, NetworkingConfig, PortBinding,
    },
    query_parameters::{
        AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder,
        KillContainerOptionsBuilder, ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
        UploadToContainerOptionsBuilder, WaitContainerOptionsBuilder,
    },
};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{Docker, client::is_status};
use crate::error::{Error, Result};

/// A file that is put into a container before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileSpec {
    pub(crate) path: String,
    pub(crate) content: Vec<u8>,
    pub(crate) mode: u32,
}

/// A volume of a container's own that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Volume {
    /// An anonymous volume: removed with the container, whoever removes it.
    Anonymous(&'static str),
    /// Memory.
    Tmpfs(&'static str),
    /// A directory of the host, read-only.
    HostReadOnly(&'static str),
}

/// A container port that the host's loopback reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublishedPort {
    pub(crate) container: u16,
    pub(crate) host: u16,
}

/// Everything that makes a container.
#[derive(Debug, Clone)]
pub(crate) struct ContainerSpec {
    pub(crate) name: String,
    pub(crate) hostname: String,
    pub(crate) image: String,
    /// In the place of the image's own.
    pub(crate) entry_point: Option<Vec<String>>,
    /// What the entry point is given; the image's own where it is none.
    pub(crate) command: Option<Vec<String>>,
    pub(crate) environment: Vec<String>,
    pub(crate) labels: HashMap<String, String>,
    pub(crate) network: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) privileges: Privileges,
    /// Whether PID 1 writes to a terminal, as systemd does.
    pub(crate) terminal: bool,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) ports: Vec<PublishedPort>,
    pub(crate) files: Vec<FileSpec>,
    /// Whether the container hangs on this process: its PID 1 ends when the standard input that this process holds is
    /// closed, and it is removed with its anonymous volumes as soon as it ends.
    pub(crate) lifeline: bool,
}

/// What the kernel lets the processes of a container do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Privileges {
    /// `docker run --privileged`.
    All,
    /// These capabilities beside Docker's own default set, every device, and no masks.
    Some(Vec<String>),
}

/// A container as the engine lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerState {
    pub(crate) name: String,
    pub(crate) labels: HashMap<String, String>,
    /// As Docker says it: `running`, `paused`, `exited`, …
    pub(crate) state: String,
}

/// The standard input of a container. It stays open while this value lives.
pub(crate) type Input = Pin<Box<dyn AsyncWrite + Send>>;

/// The standard streams of a running container.
pub(crate) struct Attached {
    pub(crate) input: Input,
    pub(crate) output: Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>,
}

/// Sends one line to PID 1.
pub(crate) async fn send_line(input: &mut Input, line: &str) -> std::io::Result<()> {
    input.write_all(format!("{line}\n").as_bytes()).await?;
    input.flush().await
}

impl Docker {
    /// Creates the container with its files in place and does not start it.
    ///
    /// The engine goes on creating even when nobody waits any more, so this goes on in a task of its own, and
    /// [`Docker::quiet`] waits for it: whoever cleans up sees every container there will be.
    pub(crate) async fn create_container(&self, spec: ContainerSpec) -> Result<()> {
        let docker = self.clone();
        let creation = async move { docker.create_container_now(&spec).await };
        self.in_flight.finish("a new container", creation).await
    }

    async fn create_container_now(&self, spec: &ContainerSpec) -> Result<()> {
        let mut mounts = Vec::new();
        let mut tmpfs = HashMap::new();
        for volume in &spec.volumes {
            match volume {
                Volume::Anonymous(target) => mounts.push(Mount {
                    target: Some((*target).into()),
                    typ: Some(MountType::VOLUME),
                    ..Default::default()
                }),
                Volume::HostReadOnly(path) => mounts.push(Mount {
                    source: Some((*path).into()),
                    target: Some((*path).into()),
                    typ: Some(MountType::BIND),
                    read_only: Some(true),
                    ..Default::default()
                }),
                Volume::Tmpfs(target) => {
                    tmpfs.insert((*target).to_owned(), "exec".to_owned());
                }
            }
        }
        let bindings = spec.ports.iter().map(|port| {
            let binding = PortBinding { host_ip: Some("127.0.0.1".into()), host_port: Some(port.host.to_string()) };
            (format!("{}/tcp", port.container), Some(vec![binding]))
        });
        let mut security = vec!["seccomp=unconfined".to_owned(), "apparmor=unconfined".to_owned()];
        if self.is_podman().await? {
            // It does not take an empty list for no masks; Docker refuses this word.
            security.push("unmask=ALL".to_owned());
        }
        let host_config = HostConfig {
            auto_remove: Some(spec.lifeline),
            privileged: Some(spec.privileges == Privileges::All),
            cap_add: match &spec.privileges {
                Privileges::All => None,
                Privileges::Some(capabilities) => Some(capabilities.clone()),
            },
            security_opt: Some(security),
            // A kubelet writes to /proc/sys and /sys; the masks of an ordinary container forbid it.
            masked_paths: Some(Vec::new()),
            readonly_paths: Some(Vec::new()),
            // Pods may bring any device of the node, as on a real one.
            device_cgroup_rules: Some(vec!["a *:* rwm".into()]),
            cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
            network_mode: Some(spec.network.clone()),
            mounts: Some(mounts),
            tmpfs: Some(tmpfs),
            port_bindings: Some(bindings.collect()),
            // Docker's own resolver forwards what it does not know; to this address that leads nowhere, so that no
            // name of a test leaves the machine.
            dns: Some(vec!["127.0.0.1".into()]),
            ..Default::default()
        };
        let endpoint = EndpointSettings {
            ipam_config: Some(EndpointIpamConfig {
                ipv4_address: Some(spec.address.to_string()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let body = ContainerCreateBody {
            image: Some(spec.image.clone()),
            hostname: Some(spec.hostname.clone()),
            entrypoint: spec.entry_point.clone(),
            cmd: spec.command.clone(),
            env: Some(spec.environment.clone()),
            tty: Some(spec.terminal),
            labels: Some(spec.labels.clone()),
            exposed_ports: Some(spec.ports.iter().map(|port| format!("{}/tcp", port.container)).collect()),
            open_stdin: Some(spec.lifeline),
            attach_stdin: Some(spec.lifeline),
            stdin_once: Some(spec.lifeline),
            host_config: Some(host_config),
            networking_config: Some(NetworkingConfig {
                endpoints_config: Some(HashMap::from([(spec.network.clone(), endpoint)])),
            }),
            ..Default::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        match self.api.create_container(Some(options), body).await {
            Ok(_) => {}
            Err(error) if is_status(&error, 404) && error.to_string().contains("No such image") => {
                return Err(Error::ImageMissing {
                    image: spec.image.clone(),
                    hint: "build it with `make image`".into(),
                });
            }
            Err(source) => return Err(Error::Engine { action: "create container", object: spec.name.clone(), source }),
        }
        if let Err(error) = self.upload(&spec.name, &spec.files).await {
            // What could not be finished must not stay.
            if let Err(second) = self.remove_container(&spec.name).await {
                tracing::warn!(container = spec.name, error = %second, "could not remove a half made container");
            }
            return Err(error);
        }
        Ok(())
    }

    /// Puts files into a container, started or not.
    pub(crate) async fn upload(&self, container: &str, files: &[FileSpec]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let archive = tar_of(files).map_err(|source| Error::file("pack files for container", container, source))?;
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        self.api
            .upload_to_container(container, Some(options), body_full(archive.into()))
            .await
            .map_err(|source| Error::Engine { action: "put files into container", object: container.into(), source })
    }

    /// Reads one file of a container.
    pub(crate) async fn download(&self, container: &str, path: &str) -> Result<Vec<u8>> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let mut chunks = self.api.download_from_container(container, Some(options));
        let mut archive = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|source| Error::Engine {
                action: "read a file of container",
                object: format!("{container}:{path}"),
                source,
            })?;
            archive.extend_from_slice(&chunk);
        }
        let failed = |source| Error::file("unpack", format!("{container}:{path}"), source);
        let mut archive = tar::Archive::new(archive.as_slice());
        let mut content = Vec::new();
        if let Some(entry) = archive.entries().map_err(failed)?.next() {
            std::io::Read::read_to_end(&mut entry.map_err(failed)?, &mut content).map_err(failed)?;
        }
        Ok(content)
    }

    /// What a container has written since it was first started, the latest where that is more than so many bytes, and
    /// whether there was more.
    pub(crate) async fn output(&self, container: &str, limit: usize) -> Result<(Vec<u8>, bool)> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
        let mut frames = self.api.logs(container, Some(options));
        let mut output = Vec::new();
        let mut truncated = false;
        while let Some(frame) = frames.next().await {
            let frame = frame.map_err(|source| Error::Engine {
                action: "read what was written by container",
                object: container.into(),
                source,
            })?;
            output.extend_from_slice(frame.as_ref());
            if output.len() > 2 * limit {
                output.drain(..output.len() - limit);
                truncated = true;
            }
        }
        if output.len() > limit {
            output.drain(..output.len() - limit);
            truncated = true;
        }
        Ok((output, truncated))
    }

    /// Opens the standard streams, of a container that runs or is about to be started. Whoever drops the result closes
    /// the container's standard input, if it was opened.
    pub(crate) async fn attach(&self, container: &str, with_input: bool) -> Result<Attached> {
        let options =
            AttachContainerOptionsBuilder::default().stdin(with_input).stdout(true).stderr(true).stream(true).build();
        let streams = self.api.attach_container(container, Some(options)).await.map_err(|source| Error::Engine {
            action: "attach to container",
            object: container.into(),
            source,
        })?;
        Ok(Attached { input: streams.input, output: streams.output })
    }

    /// Starts a created or stopped container.
    pub(crate) async fn start_container(&self, container: &str) -> Result<()> {
        self.api.start_container(container, None).await.map_err(|source| Error::Engine {
            action: "start container",
            object: container.into(),
            source,
        })
    }

    /// Kills every process of the container.
    pub(crate) async fn kill_container(&self, container: &str) -> Result<()> {
        let options = KillContainerOptionsBuilder::default().signal("SIGKILL").build();
        self.api.kill_container(container, Some(options)).await.map_err(|source| Error::Engine {
            action: "kill container",
            object: container.into(),
            source,
        })
    }

    /// Freezes every process of the container.
    pub(crate) async fn pause_container(&self, container: &str) -> Result<()> {
        self.api.pause_container(container).await.map_err(|source| Error::Engine {
            action: "pause container",
            object: container.into(),
            source,
        })
    }

    /// Lets a frozen container go on.
    pub(crate) async fn unpause_container(&self, container: &str) -> Result<()> {
        self.api.unpause_container(container).await.map_err(|source| Error::Engine {
            action: "unpause container",
            object: container.into(),
            source,
        })
    }

    /// Removes the container and its anonymous volumes, running or not, and waits until it is gone. One that is gone
    /// already is no error.
    pub(crate) async fn remove_container(&self, container: &str) -> Result<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.api.remove_container(container, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) if is_status(&error, 404) => Ok(()),
            // It is removing itself just now: then its end is what there is to wait for.
            Err(error) if is_status(&error, 409) => {
                let options = WaitContainerOptionsBuilder::default().condition("removed").build();
                let mut end = self.api.wait_container(container, Some(options));
                while end.next().await.is_some_and(|answer| answer.is_ok()) {}
                Ok(())
            }
            Err(source) => Err(Error::Engine { action: "remove container", object: container.into(), source }),
        }
    }

    /// The containers that carry a label (`key` or `key=value`), stopped ones too.
    pub(crate) async fn containers_labelled(&self, label: &str) -> Result<Vec<ContainerState>> {
        let mut filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        if self.is_podman().await? {
            // All but a state that it alone knows, which lasts for the moment between the end and `exited`.
            let states = ["created", "initialized", "running", "paused", "exited", "removing"];
            filters.insert("status".to_owned(), states.map(str::to_owned).into());
        }
        let found = self
            .api
            .list_containers(Some(ListContainersOptionsBuilder::default().all(true).filters(&filters).build()))
            .await
            .map_err(|source| Error::Engine { action: "list containers with label", object: label.into(), source })?;
        Ok(found
            .into_iter()
            .filter_map(|container| {
                let name = container.names?.into_iter().next()?.trim_start_matches('/').to_owned();
                Some(ContainerState {
                    name,
                    labels: container.labels.unwrap_or_default(),
                    state: state_name(container.state),
                })
            })
            .collect())
    }

    async fn inspect(&self, container: &str) -> Result<ContainerInspectResponse> {
        self.api.inspect_container(container, None).await.map_err(|source| Error::Engine {
            action: "inspect container",
            object: container.into(),
            source,
        })
    }

    /// What the processes of a container may do, whether it runs or not.
    pub(crate) async fn privileges(&self, container: &str) -> Result<Privileges> {
        let config = self.inspect(container).await?.host_config.unwrap_or_default();
        Ok(match config.privileged {
            Some(true) => Privileges::All,
            _ => Privileges::Some(config.cap_add.unwrap_or_default()),
        })
    }

    /// The loopback port under which a container port is published, whether the container runs or not.
    pub(crate) async fn published_port(&self, container: &str, port: u16) -> Result<u16> {
        let found = self.inspect(container).await?;
        found
            .host_config
            .and_then(|config| config.port_bindings)
            .and_then(|mut ports| ports.remove(&format!("{port}/tcp")).flatten())
            .and_then(|bindings| bindings.into_iter().find_map(|binding| binding.host_port?.parse().ok()))
            .ok_or_else(|| Error::Boot { node: container.into(), reason: format!("its port {port} is not published") })
    }
}

fn state_name(state: Option<ContainerSummaryStateEnum>) -> String {
    state.map_or_else(|| "unknown".into(), |state| state.to_string())
}

fn tar_of(files: &[FileSpec]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(file.mode);
        header.set_size(file.content.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        builder.append_data(&mut header, file.path.trim_start_matches('/'), file.content.as_slice())?;
    }
    builder.into_inner()
}

/// Whether a container was not frozen because a process of it was busy in the kernel. The freezer of cgroup v1 waits for
/// each to come out of it, and one that waits for a busy disk does not. runc gives up after some 0.3 s, lets all go on again
/// and says this (`libcontainer/cgroups/fs/freezer.go`).
pub(crate) fn was_held_up(error: &bollard::errors::Error) -> bool {
    matches!(error, bollard::errors::Error::DockerResponseServerError { message, .. } if message.contains("unable to freeze"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_freezer_that_was_held_up_is_asked_again() {
        let refused = |message: &str| {
            was_held_up(&bollard::errors::Error::DockerResponseServerError {
                status_code: 500,
                message: message.into(),
            })
        };
        assert!(refused("Cannot pause container 1: OCI runtime pause failed: unable to freeze: unknown"));
        assert!(!refused("Cannot pause container 1: OCI runtime pause failed: cgroups not configured for container"));
        assert!(!refused("Container 1 is already paused"));
    }
}
