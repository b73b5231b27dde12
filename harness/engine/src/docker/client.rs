//! The connection to the engine, and how its failures are told.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use testcontainers::{
    bollard::{self, models::SystemVersion, query_parameters::ListImagesOptionsBuilder},
    core::client::docker_client_instance,
};
use tokio::sync::OnceCell;

use super::in_flight::InFlight;
use crate::{
    error::{Error, Result},
    patience,
};

/// How long the engine may take for an answer; starting a container is the slowest.
const ANSWER: Duration = Duration::from_secs(120);

/// A connection to the container engine. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Docker {
    pub(super) api: bollard::Docker,
    pub(super) in_flight: InFlight,
    pub(super) version: Arc<OnceCell<SystemVersion>>,
}

/// Of every connection of this process: whoever cleans up need not have the connection that creates.
static IN_FLIGHT: LazyLock<InFlight> = LazyLock::new(InFlight::default);

impl Docker {
    /// Connects and makes sure that an engine answers.
    ///
    /// # Errors
    /// [`Error::NoEngine`] where none answers, [`Error::EnginePermission`] where it refuses this user.
    pub(crate) async fn connect() -> Result<Self> {
        let api = docker_client_instance().await.map_err(|error| Error::NoEngine { source: error.into() })?;
        Self::checked(api).await
    }

    /// A connection that shares nothing with those of other runtimes.
    pub(crate) async fn connect_afresh() -> Result<Self> {
        let api = bollard::Docker::connect_with_defaults().map_err(|error| Error::NoEngine { source: error.into() })?;
        Self::checked(api).await
    }

    async fn checked(api: bollard::Docker) -> Result<Self> {
        here(&std::env::var("DOCKER_HOST").unwrap_or_default())?;
        let api = api.with_timeout(patience::stretched(ANSWER));
        match api.ping().await {
            Ok(_) => Ok(Self { api, in_flight: IN_FLIGHT.clone(), version: Arc::default() }),
            Err(error) if is_permission_denied(&error) => Err(Error::EnginePermission { source: error.into() }),
            Err(error) => Err(Error::NoEngine { source: error.into() }),
        }
    }

    /// Returns when no container is being created any more.
    pub(crate) async fn quiet(&self) {
        self.in_flight.quiet().await;
    }

    /// The digest of the configuration of a local image, `None` where the engine has no such image.
    pub(crate) async fn image_id(&self, image: &str) -> Result<Option<String>> {
        match self.api.inspect_image(image).await {
            Ok(found) => Ok(found.id),
            Err(error) if is_status(&error, 404) => Ok(None),
            Err(source) => Err(Error::Engine { action: "inspect image", object: image.into(), source }),
        }
    }
}

impl Docker {
    /// The tags of a local repository.
    pub(crate) async fn tags_of(&self, repository: &str) -> Result<Vec<String>> {
        let filters = HashMap::from([("reference".to_owned(), vec![repository.to_owned()])]);
        let found = self
            .api
            .list_images(Some(ListImagesOptionsBuilder::default().filters(&filters).build()))
            .await
            .map_err(|source| Error::Engine { action: "list images of", object: repository.into(), source })?;
        let prefix = format!("{repository}:");
        let names = found.into_iter().flat_map(|image| image.repo_tags);
        Ok(names.filter_map(|name| name.strip_prefix(&prefix).map(str::to_owned)).collect())
    }
}

/// Refuses an engine on another machine: nodes publish their ports on loopback alone, and that would be the loopback of
/// that machine.
fn here(docker_host: &str) -> Result<()> {
    let Some((scheme, rest)) = docker_host.split_once("://") else { return Ok(()) };
    if matches!(scheme, "unix" | "npipe") {
        return Ok(());
    }
    let host = rest.split('/').next().unwrap_or_default().rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    if is_loopback {
        return Ok(());
    }
    Err(Error::usage_hint(
        format!(
            "DOCKER_HOST is `{docker_host}`, an engine on another machine, where the ports of nodes are out of reach"
        ),
        "run rollcall on that machine",
    ))
}

/// Whether the engine answered with this HTTP status.
pub(super) fn is_status(error: &bollard::errors::Error, status: u16) -> bool {
    matches!(error, bollard::errors::Error::DockerResponseServerError { status_code, .. } if *status_code == status)
}

/// Whether a cause of the error is that the socket may not be opened.
fn is_permission_denied(error: &bollard::errors::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::PermissionDenied) {
            return true;
        }
        cause = inner.source();
    }
    // The client wraps the socket's error without keeping it as a cause.
    error.to_string().contains("ermission denied")
}

#[cfg(test)]
mod tests {
    use super::here;

    #[test]
    fn an_engine_elsewhere_is_refused_with_what_to_do() {
        for near in
            ["", "unix:///var/run/docker.sock", "tcp://127.0.0.1:2375", "tcp://localhost:2375", "tcp://[::1]:2375"]
        {
            assert!(here(near).is_ok(), "{near}");
        }
        for far in ["tcp://10.0.0.7:2376", "ssh://root@build.example.com", "tcp://[2001:db8::1]:2375"] {
            assert!(here(far).is_err(), "{far}");
        }
        let error = here("ssh://root@build.example.com").unwrap_err();
        insta::assert_snapshot!(error, @"DOCKER_HOST is `ssh://root@build.example.com`, an engine on another machine, where the ports of nodes are out of reach");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"run rollcall on that machine");
    }
}
