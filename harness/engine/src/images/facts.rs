//! What an image says of itself, without a container of it.

use rollcall_model::validate::ImageFacts;
use serde::Deserialize;

use super::{ImageSource, archive, image::Config, local, reference::Reference};
use crate::{
    docker::Docker,
    error::{Error, Result},
};

/// The part of a configuration that says how a container of it starts
/// (<https://github.com/opencontainers/image-spec/blob/main/config.md>).
#[derive(Debug, Default, Deserialize)]
struct Start {
    #[serde(default)]
    config: Option<Process>,
}

/// A key may be `null`, as Go writes what is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Process {
    user: Option<String>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    exposed_ports: Option<std::collections::BTreeMap<String, serde::de::IgnoredAny>>,
}

/// Reads an image and says what it is. `name` chooses among several images of one archive.
///
/// # Errors
/// [`Error::Usage`] where the name is none, [`Error::ImageMissing`] where the local engine lacks the image, with near
/// names, and [`Error::Image`] where it is no image, is broken, or is for another platform than this machine's.
pub async fn image_facts(name: &str, source: &ImageSource) -> Result<ImageFacts> {
    let docker = Docker::connect().await?;
    let reference = Reference::parse(name)?;
    if let ImageSource::Local(local) = source {
        self::local(&docker, local).await?;
    }
    let image = source.read(&docker, &reference).await?;
    let failed =
        |message: String| Error::Image { image: reference.familiar(), message: format!("{source}: {message}") };
    let manifest: serde_json::Value = serde_json::from_slice(&image.manifest).unwrap_or_default();
    let digest = manifest["config"]["digest"].as_str().unwrap_or_default();
    let config = image.blobs.iter().find(|blob| blob.digest.as_str() == digest);
    let config = config.ok_or_else(|| failed("its configuration is not there".to_owned()))?;
    let content = archive::read_document(&config.content, "the configuration").map_err(failed)?;
    let bytes = image.blobs.iter().map(|blob| blob.content.size).sum();
    facts(&content, bytes).map_err(failed)
}

fn facts(config: &[u8], bytes: u64) -> std::result::Result<ImageFacts, String> {
    let platform = Config::parse(config)?.platform();
    let start: Start = serde_json::from_slice(config)
        .map_err(|error| format!("the configuration of the image is not valid: {error}"))?;
    let process = start.config.unwrap_or_default();
    let command = process.entrypoint.into_iter().chain(process.cmd).flatten().collect();
    let ports = process.exposed_ports.unwrap_or_default().into_keys().collect();
    Ok(ImageFacts { user: process.user.unwrap_or_default(), command, ports, platform, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_says_how_it_starts() {
        let config = r#"{"os": "linux", "architecture": "amd64", "config": {"User": "65534", "Entrypoint": ["/agent"],
            "Cmd": ["--all"], "ExposedPorts": {"9100/tcp": {}}}}"#;
        let found = facts(config.as_bytes(), 7).unwrap();
        assert_eq!((found.user.as_str(), found.platform.as_str(), found.bytes), ("65534", "linux/amd64", 7));
        assert_eq!((found.command, found.ports), (vec!["/agent".into(), "--all".into()], vec!["9100/tcp".to_owned()]));
    }

    #[test]
    fn what_is_not_said_is_empty() {
        for config in
            [r#"{"config": {"Entrypoint": null, "Cmd": null, "ExposedPorts": null}}"#, r#"{"config": null}"#, "{}"]
        {
            let found = facts(config.as_bytes(), 0).unwrap();
            assert!(found.user.is_empty() && found.command.is_empty() && found.ports.is_empty(), "{config}");
        }
        assert!(facts(b"nothing", 0).unwrap_err().contains("not valid"));
    }
}
