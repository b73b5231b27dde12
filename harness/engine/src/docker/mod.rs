//! The container engine: what rollcall needs of Docker's API, and nothing of Kubernetes.
//!
//! The client is that of `testcontainers` (it finds the engine by `DOCKER_HOST`, properties file or socket). Node
//! containers are created with its `bollard` directly, because a node needs what a `ContainerRequest` cannot say: an
//! address of its own, and a standard input that closes when the harness is gone (`StdinOnce`).

mod client;
mod container;
mod exec;
mod folder;
mod image;
mod in_flight;
mod network;
mod version;

pub(crate) use client::Docker;
pub(crate) use container::{
    Attached, ContainerSpec, ContainerState, FileSpec, Input, Privileges, PublishedPort, Volume, send_line, was_held_up,
};
pub(crate) use exec::ExecOutput;
pub(crate) use folder::DownloadedFolder;
pub(crate) use network::Network;
