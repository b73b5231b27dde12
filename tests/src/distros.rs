//! On which images the conformance suite runs, and where it must.

use std::{env, sync::Arc};

use anyhow::{Result, ensure};
use rollcall::{Clusters, DistroName, Needs};

use crate::{docker::docker, gate, suite::Gate};

/// The distros whose tests fail where they cannot run, with blanks between: `k3s kind`.
pub const REQUIRED: &str = "ROLLCALL_DISTROS";

/// The node image: the one that `ROLLCALL_K3S_IMAGE` or the like names, else the one that is published, else the double
/// that this repository builds. None is the one that the distro chooses by itself.
///
/// # Errors
/// When the engine does not answer.
pub fn node_image(distro: DistroName) -> Result<Option<String>> {
    let variable = format!("ROLLCALL_{}_IMAGE", distro.as_str().to_uppercase());
    if let Some(image) = env::var(variable).ok().filter(|image| !image.is_empty()) {
        return Ok(Some(image));
    }
    let Some(published) = published(distro) else { return Ok(None) };
    if !tagged(published)?.is_empty() {
        return Ok(None);
    }
    Ok(tagged(&format!("rollcall/{distro}-double"))?.into_iter().next())
}

fn published(distro: DistroName) -> Option<&'static str> {
    match distro {
        DistroName::Box => None,
        DistroName::K3s => Some("rancher/k3s"),
        DistroName::Kind => Some("kindest/node"),
    }
}

/// The local images of a repository that have a tag, the newest first.
fn tagged(repository: &str) -> Result<Vec<String>> {
    let found = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", repository])?;
    Ok(found.lines().filter(|image| !image.ends_with(":<none>")).map(str::to_owned).collect())
}

/// Opens where the images are there, and says otherwise why not.
#[must_use]
pub fn gate(distro: DistroName) -> Gate {
    Arc::new(move || look(distro).map_err(|error| format!("{error:#}")))
}

fn look(distro: DistroName) -> Result<Option<String>> {
    let required = required()?.contains(&distro);
    let clusters = match Clusters::from_env()? {
        _ if required => Clusters::Required,
        Clusters::Off => Clusters::Off,
        Clusters::Required if distro == DistroName::Box => Clusters::Required,
        Clusters::Required | Clusters::WherePossible => Clusters::WherePossible,
    };
    if clusters == Clusters::Off {
        // Nobody is asked, not even the engine.
        let closed = tokio::runtime::Runtime::new()?.block_on(clusters.closed(&Needs::default()));
        return Ok(closed?);
    }
    let needs = Needs {
        distro,
        // Without an engine there are no images, and that is the better reason.
        node_image: node_image(distro).unwrap_or_default(),
        images: gate::IMAGES.map(String::from).to_vec(),
        ..Needs::default()
    };
    let closed = tokio::runtime::Runtime::new()?.block_on(clusters.closed(&needs));
    closed.map_err(|error| anyhow::anyhow!("distro `{distro}` is required: {}", crate::told(&error)))
}

fn required() -> Result<Vec<DistroName>> {
    let names = env::var(REQUIRED).unwrap_or_default();
    let parsed = names.split_whitespace().map(str::parse).collect::<Result<Vec<DistroName>, String>>();
    ensure!(parsed.is_ok(), "{REQUIRED} is `{names}`: {}", parsed.err().unwrap_or_default());
    Ok(parsed.unwrap_or_default())
}
