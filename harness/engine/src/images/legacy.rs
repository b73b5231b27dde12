//! Archives of `docker save` before version 25, which `podman save` and others still write: `manifest.json`, a
//! configuration, and a tar for each layer. There is no registry's manifest in them, so one is made here.

use std::io::Read;

use serde::Deserialize;
use serde_json::json;

use super::{
    archive::{Files, Part, read_document},
    digest::Digest,
    image::{Blob, Config, Image, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Result, Wanted},
    reference::Reference,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

/// Reads the image that a `manifest.json` describes.
pub(crate) fn read(files: &Files, manifest: &[u8], wanted: Wanted<'_>) -> Result<Image> {
    let saved: Vec<Saved> = serde_json::from_slice(manifest)
        .map_err(|error| format!("its `manifest.json` is not that of `docker save`: {error}"))?;
    let saved = choose(saved, wanted.name)?;

    let config_part = find(files, "configuration", &saved.config)?;
    let config_content = read_document(&config_part, &saved.config)?;
    let config = Config::parse(&config_content)?;
    config.check_platform(wanted.architecture)?;
    let config_digest = Digest::of(&config_content);

    let layers = saved.layers.unwrap_or_default();
    let diff_ids = config.rootfs.diff_ids.unwrap_or_default();
    if layers.len() != diff_ids.len() {
        return Err(format!(
            "its `manifest.json` has {} layers and its configuration `{}` has {}",
            layers.len(),
            saved.config,
            diff_ids.len()
        ));
    }
    let mut descriptors = Vec::new();
    let mut blobs = vec![Blob { digest: config_digest.clone(), content: config_part }];
    for (name, diff_id) in layers.iter().zip(&diff_ids) {
        let content = find(files, "layer", name)?;
        let (media_type, digest) = layer(&content, name, diff_id)?;
        descriptors.push(json!({"mediaType": media_type, "digest": digest.as_str(), "size": content.size}));
        blobs.push(Blob { digest, content });
    }
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": config_digest.as_str(), "size": config_content.len()},
        "layers": descriptors,
    });
    let manifest = manifest.to_string().into_bytes();
    Ok(Image {
        digest: Digest::of(&manifest),
        manifest,
        media_type: OCI_MANIFEST.into(),
        blobs: Image::without_repeats(blobs),
        index: None,
    })
}

fn choose(mut saved: Vec<Saved>, wanted: &Reference) -> Result<Saved> {
    match saved.len() {
        0 => return Err("there is no image in its `manifest.json`".into()),
        1 => return Ok(saved.remove(0)),
        _ => {}
    }
    let tags = |one: &Saved| one.repo_tags.clone().unwrap_or_default();
    let has_name =
        |one: &Saved| tags(one).iter().any(|tag| Reference::parse(tag).is_ok_and(|reference| reference == *wanted));
    if let Some(position) = saved.iter().position(has_name) {
        return Ok(saved.remove(position));
    }
    let names: Vec<String> = saved.iter().flat_map(tags).map(|tag| format!("`{tag}`")).collect();
    Err(format!(
        "it holds several images and none is called `{}`; there are {}",
        wanted.familiar(),
        if names.is_empty() { "only some without a name".to_owned() } else { names.join(", ") }
    ))
}

fn find(files: &Files, kind: &str, name: &str) -> Result<Part> {
    files.find(name)?.ok_or_else(|| format!("its {kind} `{name}` is not in the {}", files.container()))
}

/// Type and digest of a layer.
fn layer(content: &Part, name: &str, diff_id: &str) -> Result<(String, Digest)> {
    let failed = |error: std::io::Error| format!("its layer `{name}` could not be read: {error}");
    let mut start = Vec::new();
    content.reader().take(4).read_to_end(&mut start).map_err(failed)?;
    let compression = match start.as_slice() {
        [0x1f, 0x8b, ..] => "+gzip",
        [0x28, 0xb5, 0x2f, 0xfd] => "+zstd",
        // A plain layer is what the configuration's digest is of. It is not computed a second time here, because the
        // registry does so and refuses another content.
        _ => {
            let digest = Digest::parse(diff_id)
                .ok_or_else(|| format!("its configuration names a layer `{diff_id}`, which is not a SHA-256 digest"))?;
            return Ok((OCI_LAYER.into(), digest));
        }
    };
    let digest = Digest::of_reader(content.reader()).map_err(failed)?;
    Ok((format!("{OCI_LAYER}{compression}"), digest))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::images::{
        digest::Digest,
        testing::{Tar, config, legacy, read_archive},
    };

    #[test]
    fn a_manifest_is_made_for_an_archive_of_an_old_docker() {
        let image = read_archive(legacy("fluentd:latest", "amd64", &[b"layer one", b"layer two"]), "x").unwrap();
        let manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
        let config = config("linux", "amd64", &[b"layer one", b"layer two"]);
        let layer = |content: &[u8]| {
            json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": Digest::of(content).as_str(),
                "size": content.len(),
            })
        };
        assert_eq!(
            manifest,
            json!({
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {
                    "mediaType": "application/vnd.oci.image.config.v1+json",
                    "digest": Digest::of(&config).as_str(),
                    "size": config.len(),
                },
                "layers": [layer(b"layer one"), layer(b"layer two")],
            })
        );
        assert_eq!(image.digest, Digest::of(&image.manifest));
        for blob in image.blobs {
            assert_eq!(Digest::of_reader(blob.content.reader()).unwrap(), blob.digest);
        }
    }

    #[test]
    fn a_layer_that_is_a_link_to_another_is_pushed_once() {
        let layer: &[u8] = b"layer";
        let tar = Tar::new()
            .file("c.json", &config("linux", "amd64", &[layer, layer]))
            .file("a/layer.tar", layer)
            .link("b/layer.tar", "../a/layer.tar")
            .json("manifest.json", &json!([{"Config": "c.json", "Layers": ["a/layer.tar", "b/layer.tar"]}]));
        let image = read_archive(tar, "x").unwrap();
        assert_eq!(image.blobs.len(), 2);
        let manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
        assert_eq!(manifest["layers"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_compressed_layer_has_its_own_digest_and_type() {
        let compressed = b"\x1f\x8bnot really";
        let tar = Tar::new()
            .file("c.json", &config("linux", "amd64", &[b"what is in it"]))
            .file("a.tar.gz", compressed)
            .json("manifest.json", &json!([{"Config": "c.json", "Layers": ["a.tar.gz"]}]));
        let image = read_archive(tar, "x").unwrap();
        let manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
        assert_eq!(manifest["layers"][0]["digest"], Digest::of(compressed).as_str());
        assert_eq!(manifest["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    }

    #[test]
    fn of_several_images_the_one_with_the_name_is_taken() {
        let saved = json!([
            {"Config": "1.json", "RepoTags": ["one:latest"], "Layers": null},
            {"Config": "2.json", "RepoTags": ["quay.io/a/two:2", "two:latest"], "Layers": ["layer"]},
        ]);
        let tar = || {
            Tar::new()
                .file("1.json", &config("linux", "amd64", &[]))
                .file("2.json", &config("linux", "amd64", &[b"layer"]))
                .file("layer", b"layer")
                .json("manifest.json", &saved)
        };
        assert_eq!(read_archive(tar(), "docker.io/library/one").unwrap().blobs.len(), 1);
        assert_eq!(read_archive(tar(), "two").unwrap().blobs.len(), 2);
        assert_eq!(
            read_archive(tar(), "three").unwrap_err(),
            "it holds several images and none is called `three:latest`; there are `one:latest`, `quay.io/a/two:2`, \
             `two:latest`"
        );
    }

    #[track_caller]
    fn check_bad(tar: Tar, part: &str) {
        let error = read_archive(tar, "x").unwrap_err();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn what_is_wrong_with_an_archive_is_named() {
        check_bad(legacy("x", "s390x", &[]), "it is built for linux/s390x and the nodes are linux/amd64");
        check_bad(Tar::new().file("etc/passwd", b""), "not an image");
        check_bad(Tar::new().file("manifest.json", b"{}"), "not that of `docker save`");
        check_bad(Tar::new().file("manifest.json", b"[]"), "there is no image");
        check_bad(Tar::new().json("manifest.json", &json!([{"Config": "c.json"}])), "configuration `c.json` is not in");
        let check = |config: &[u8], saved: Value, part: &str| {
            check_bad(Tar::new().file("c.json", config).json("manifest.json", &json!([saved])), part);
        };
        let good = config("linux", "amd64", &[b"layer"]);
        check(b"none", json!({"Config": "c.json"}), "configuration of the image is not valid");
        check(b"{}", json!({"Config": "c.json"}), "built for unknown/unknown");
        check(&good, json!({"Config": "c.json"}), "has 0 layers and its configuration `c.json` has 1");
        check(&good, json!({"Config": "c.json", "Layers": ["a"]}), "layer `a` is not in the archive");
        check(&good, json!({"Config": "c.json", "Layers": ["../a"]}), "outside");
    }
}
