//! An image ready to be pushed, whatever form it came in.

use std::collections::HashSet;

use serde::Deserialize;

use super::{
    archive::{Files, Part},
    digest::Digest,
    layout, legacy,
    reference::Reference,
};

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// What is wrong with an image; the caller knows which.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// A manifest and the places of all that it names.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) manifest: Vec<u8>,
    pub(crate) media_type: String,
    /// Of the manifest.
    pub(crate) digest: Digest,
    /// Configuration and layers, each once.
    pub(crate) blobs: Vec<Blob>,
    /// The index of several platforms that this image was chosen from.
    pub(crate) index: Option<Digest>,
}

/// A configuration or a layer.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) content: Part,
}

/// Which of several images in one archive is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) name: &'a Reference,
    pub(crate) architecture: &'a str,
}

/// The part of a configuration that matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(default)]
    pub(crate) rootfs: RootFs,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct RootFs {
    /// `null` for an image without layers, as Go writes it.
    pub(crate) diff_ids: Option<Vec<String>>,
}

impl Config {
    pub(crate) fn parse(content: &[u8]) -> Result<Self> {
        serde_json::from_slice(content).map_err(|error| format!("the configuration of the image is not valid: {error}"))
    }

    pub(crate) fn platform(&self) -> String {
        platform(&self.os, &self.architecture)
    }

    /// Refuses an image that the nodes could not run.
    pub(crate) fn check_platform(&self, architecture: &str) -> Result<()> {
        if self.os == "linux" && self.architecture == architecture {
            return Ok(());
        }
        Err(format!("it is built for {} and the nodes are {}", self.platform(), platform("linux", architecture)))
    }
}

pub(crate) fn platform(os: &str, architecture: &str) -> String {
    let or_unknown = |part: &str| if part.is_empty() { "unknown" } else { part }.to_owned();
    format!("{}/{}", or_unknown(os), or_unknown(architecture))
}

impl Image {
    /// Finds out in what form the files hold an image, and reads it.
    pub(crate) fn read(files: &Files, wanted: Wanted<'_>) -> Result<Self> {
        // Docker writes both since version 25; the OCI one has the real manifest.
        if let Some(index) = files.document("index.json")? {
            return layout::read(files, &index, wanted);
        }
        if let Some(manifest) = files.document("manifest.json")? {
            return legacy::read(files, &manifest, wanted);
        }
        Err(format!(
            "it is not an image: there is no `index.json` of an OCI layout and no `manifest.json` of `docker save` in \
             the {} (`docker export` writes a file system, `docker save` an image)",
            files.container()
        ))
    }

    /// Leaves of each blob the first: an image may have one layer twice.
    pub(crate) fn without_repeats(blobs: Vec<Blob>) -> Vec<Blob> {
        let mut seen = HashSet::new();
        blobs.into_iter().filter(|blob| seen.insert(blob.digest.clone())).collect()
    }
}

/// The architecture of this machine, and so of the nodes, as images name it.
pub(crate) fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "loongarch64" => "loong64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        // arm, riscv64 and s390x are called the same.
        same => same,
    }
}
