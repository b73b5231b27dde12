//! OCI layouts: `index.json` and blobs under their digests. The manifest is taken over byte for byte, so the image
//! keeps its digest.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use super::{
    archive::{Files, Part, read_document},
    digest::Digest,
    image::{
        Blob, Config, DOCKER_CONFIG, DOCKER_INDEX, DOCKER_MANIFEST, Image, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Result,
        Wanted, platform,
    },
    reference::Reference,
};

/// An index in an index is what buildkit writes; more is a mistake or an attack.
const DEEPEST_INDEX: usize = 4;
/// Where containerd and Docker note the full name of an image.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// Where others note it, often the tag alone.
const OCI_NAME: &str = "org.opencontainers.image.ref.name";
/// Marks what buildkit puts beside an image and is none.
const NOT_AN_IMAGE: &str = "vnd.docker.reference.type";

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    size: u64,
    platform: Option<Platform>,
    annotations: Option<HashMap<String, String>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

#[derive(Debug, Deserialize)]
struct Index {
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    media_type: String,
    config: Descriptor,
    layers: Option<Vec<Descriptor>>,
}

impl Descriptor {
    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }

    fn name(&self) -> Option<&str> {
        self.annotation(CONTAINERD_NAME).or_else(|| self.annotation(OCI_NAME))
    }

    fn has_name(&self, wanted: &Reference) -> bool {
        self.name().is_some_and(|name| {
            wanted.tag.as_deref() == Some(name) || Reference::parse(name).is_ok_and(|name| name == *wanted)
        })
    }

    fn is_index(&self) -> bool {
        matches!(self.media_type.as_str(), OCI_INDEX | DOCKER_INDEX)
    }
}

/// Reads the image that an `index.json` leads to.
pub(crate) fn read(files: &Files, index: &[u8], wanted: Wanted<'_>) -> Result<Image> {
    let index: Index =
        serde_json::from_slice(index).map_err(|error| format!("its `index.json` is not a valid index: {error}"))?;
    let mut descriptor = choose(files, named(images(index), wanted.name)?, wanted.architecture)?;
    let mut outermost = None;
    for _ in 0..DEEPEST_INDEX {
        let (digest, content) = manifest_content(files, &descriptor)?;
        if !descriptor.is_index() {
            return read_manifest(files, &descriptor, digest, content, outermost, wanted.architecture);
        }
        let index: Index =
            serde_json::from_slice(&content).map_err(|error| format!("its index `{digest}` is not valid: {error}"))?;
        descriptor = choose(files, images(index), wanted.architecture)?;
        outermost.get_or_insert(digest);
    }
    Err(format!("its index holds an index, and so on more than {DEEPEST_INDEX} times"))
}

fn images(index: Index) -> Vec<Descriptor> {
    let all = index.manifests.unwrap_or_default().into_iter();
    all.filter(|descriptor| descriptor.annotation(NOT_AN_IMAGE).is_none()).collect()
}

/// Leaves those that have the name, if there are several names.
fn named(descriptors: Vec<Descriptor>, wanted: &Reference) -> Result<Vec<Descriptor>> {
    let digests: BTreeSet<&str> = descriptors.iter().map(|descriptor| descriptor.digest.as_str()).collect();
    let names: BTreeSet<&str> = descriptors.iter().filter_map(Descriptor::name).collect();
    if digests.len() < 2 || names.len() < 2 {
        return Ok(descriptors);
    }
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let found: Vec<Descriptor> = descriptors.into_iter().filter(|descriptor| descriptor.has_name(wanted)).collect();
    if found.is_empty() {
        return Err(format!(
            "it holds several images and none is called `{}`; there are {}",
            wanted.familiar(),
            names.join(", ")
        ));
    }
    Ok(found)
}

/// The one for the platform of the nodes.
fn choose(files: &Files, mut descriptors: Vec<Descriptor>, architecture: &str) -> Result<Descriptor> {
    match descriptors.len() {
        0 => return Err("there is no image in its index".into()),
        // Its configuration is looked at later, so a wrong platform does not pass.
        1 => return Ok(descriptors.remove(0)),
        _ => {}
    }
    let ours = platform("linux", architecture);
    let mut missing = None;
    let mut others = BTreeSet::new();
    for descriptor in descriptors {
        let has = find(files, &descriptor.digest)?.is_some();
        let found = match &descriptor.platform {
            Some(found) => platform(&found.os, &found.architecture),
            // An index in between tells no platform of its own: its first image for the nodes will do.
            None if has && descriptor.is_index() => ours.clone(),
            None if has => platform_by_config(files, &descriptor)?,
            None => platform("", ""),
        };
        if found != ours {
            others.insert(found);
        } else if has {
            return Ok(descriptor);
        } else {
            missing.get_or_insert(descriptor.digest);
        }
    }
    match missing {
        Some(digest) => Err(format!("its image for {ours} (`{digest}`) is not in the {}", files.container())),
        None => Err(format!(
            "there is no image for {ours} in it, only for {}",
            others.into_iter().collect::<Vec<_>>().join(", ")
        )),
    }
}

fn platform_by_config(files: &Files, descriptor: &Descriptor) -> Result<String> {
    let (digest, content) = manifest_content(files, descriptor)?;
    let manifest = parse_manifest(&digest, &content)?;
    let (_, config) = config_of(files, &manifest)?;
    Ok(config.platform())
}

fn parse_manifest(digest: &Digest, content: &[u8]) -> Result<Manifest> {
    serde_json::from_slice(content).map_err(|error| format!("`{digest}` in it is not a valid image manifest: {error}"))
}

fn config_of(files: &Files, manifest: &Manifest) -> Result<(Blob, Config)> {
    if !matches!(manifest.config.media_type.as_str(), OCI_CONFIG | DOCKER_CONFIG) {
        return Err(format!(
            "it is an artifact of another kind and not an image: its configuration has the type `{}`",
            manifest.config.media_type
        ));
    }
    let blob = blob(files, "configuration", &manifest.config)?;
    let content = read_document(&blob.content, blob.digest.as_str())?;
    check_digest(&blob.digest, &content)?;
    Ok((blob, Config::parse(&content)?))
}

fn read_manifest(
    files: &Files,
    descriptor: &Descriptor,
    digest: Digest,
    content: Vec<u8>,
    index: Option<Digest>,
    architecture: &str,
) -> Result<Image> {
    let manifest = parse_manifest(&digest, &content)?;
    // Both are optional somewhere; where both are there, the document speaks for itself.
    let media_type =
        [&manifest.media_type, &descriptor.media_type].into_iter().find(|media_type| !media_type.is_empty());
    let media_type = media_type.map_or(OCI_MANIFEST, String::as_str).to_owned();
    if !matches!(media_type.as_str(), OCI_MANIFEST | DOCKER_MANIFEST) {
        return Err(format!("its manifest `{digest}` has the type `{media_type}`, which is not that of an image"));
    }
    let (config_blob, config) = config_of(files, &manifest)?;
    config.check_platform(architecture)?;
    let mut blobs = vec![config_blob];
    for layer in manifest.layers.unwrap_or_default() {
        blobs.push(blob(files, "layer", &layer)?);
    }
    Ok(Image { manifest: content, media_type, digest, blobs: Image::without_repeats(blobs), index })
}

fn manifest_content(files: &Files, descriptor: &Descriptor) -> Result<(Digest, Vec<u8>)> {
    let blob = blob(files, "manifest", descriptor)?;
    let content = read_document(&blob.content, blob.digest.as_str())?;
    check_digest(&blob.digest, &content)?;
    Ok((blob.digest, content))
}

fn blob(files: &Files, kind: &str, descriptor: &Descriptor) -> Result<Blob> {
    let name = &descriptor.digest;
    let Some(content) = find(files, name)? else {
        return Err(format!("its {kind} `{name}` is not in the {}", files.container()));
    };
    if descriptor.size != content.size {
        return Err(format!("its {kind} `{name}` has {} bytes and should have {}", content.size, descriptor.size));
    }
    let digest = Digest::parse(name).ok_or_else(|| not_a_digest(name))?;
    Ok(Blob { digest, content })
}

fn find(files: &Files, digest: &str) -> Result<Option<Part>> {
    let parsed = Digest::parse(digest).ok_or_else(|| not_a_digest(digest))?;
    files.find(&format!("blobs/sha256/{}", parsed.hex()))
}

fn not_a_digest(text: &str) -> String {
    format!("it names a blob `{text}`, which is not a SHA-256 digest")
}

fn check_digest(digest: &Digest, content: &[u8]) -> Result<()> {
    let real = Digest::of(content);
    if real == *digest {
        return Ok(());
    }
    Err(format!("its blob `{digest}` is damaged: the digest of the content is `{real}`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::images::{
        archive::Files,
        digest::Digest,
        image::{DOCKER_MANIFEST, Image, OCI_MANIFEST},
        testing::{Oci, Tar, read_archive, read_files},
    };

    fn digest_of(descriptor: &serde_json::Value) -> &str {
        descriptor["digest"].as_str().unwrap()
    }

    fn read(oci: Oci, name: &str) -> Result<Image, String> {
        read_archive(oci.into_tar(), name)
    }

    #[test]
    fn the_manifest_of_a_layout_is_taken_as_it_is_from_archive_and_directory() {
        let mut oci = Oci::new();
        let descriptor = oci.image("linux", "amd64", &[b"layer one", b"layer two", b"layer one"]);
        let digest = digest_of(&descriptor).to_owned();
        oci.index(&[descriptor]);
        let directory = oci.clone().into_directory();
        let from_directory = read_files(&Files::directory(directory.path()).unwrap(), "x").unwrap();
        let from_archive = read(oci, "x").unwrap();
        for image in [from_archive, from_directory] {
            assert_eq!(image.digest.as_str(), digest);
            assert_eq!(Digest::of(&image.manifest), image.digest);
            assert_eq!(image.media_type, OCI_MANIFEST);
            assert_eq!(image.index, None);
            // The configuration and two layers: the third is the first again.
            assert_eq!(image.blobs.len(), 3);
            for blob in image.blobs {
                assert_eq!(Digest::of_reader(blob.content.reader()).unwrap(), blob.digest);
            }
        }
    }

    #[test]
    fn of_several_platforms_that_of_the_nodes_is_taken() {
        let mut oci = Oci::new();
        let platforms = [("linux", "arm64"), ("windows", "amd64"), ("linux", "amd64")];
        let images =
            platforms.map(|(os, architecture)| oci.image_with_platform(os, architecture, &[architecture.as_bytes()]));
        let wanted = digest_of(&images[2]).to_owned();
        let index = oci.nested(&images);
        let index_digest = digest_of(&index).to_owned();
        oci.index(&[index]);
        let image = read(oci, "x").unwrap();
        assert_eq!(image.digest.as_str(), wanted);
        assert_eq!(image.index.unwrap().as_str(), index_digest);
    }

    #[test]
    fn a_platform_that_the_index_does_not_tell_is_read_from_the_configuration() {
        let mut oci = Oci::new();
        let images = [oci.image("linux", "arm64", &[b"a"]), oci.image("linux", "amd64", &[b"b"])];
        let wanted = digest_of(&images[1]).to_owned();
        oci.index(&images);
        assert_eq!(read(oci, "x").unwrap().digest.as_str(), wanted);
    }

    #[test]
    fn an_attestation_beside_an_image_is_not_an_image() {
        let mut oci = Oci::new();
        let image = oci.image_with_platform("linux", "arm64", &[b"a"]);
        let mut attestation = oci.image_with_platform("unknown", "unknown", &[b"{}"]);
        attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
        let index = oci.nested(&[attestation, image]);
        oci.index(&[index]);
        // Taken for an image, it would stand in the list of platforms.
        assert_eq!(read(oci, "x").unwrap_err(), "it is built for linux/arm64 and the nodes are linux/amd64");
    }

    #[test]
    fn no_image_for_the_nodes_is_an_error_with_what_there_is() {
        let mut oci = Oci::new();
        let images =
            [oci.image_with_platform("linux", "arm64", &[b"a"]), oci.image_with_platform("linux", "s390x", &[b"b"])];
        oci.index(&images);
        let error = read(oci, "x").unwrap_err();
        assert_eq!(error, "there is no image for linux/amd64 in it, only for linux/arm64, linux/s390x");
    }

    #[test]
    fn one_image_of_a_wrong_platform_is_an_error_with_both() {
        for (os, architecture) in [("linux", "arm64"), ("windows", "amd64")] {
            let mut oci = Oci::new();
            let image = oci.image(os, architecture, &[b"a"]);
            oci.index(&[image]);
            let error = read(oci, "x").unwrap_err();
            assert_eq!(error, format!("it is built for {os}/{architecture} and the nodes are linux/amd64"));
        }
    }

    #[test]
    fn an_image_that_the_engine_holds_for_another_platform_only_is_told() {
        let mut oci = Oci::new();
        let ours = oci.image_with_platform("linux", "amd64", &[b"a"]);
        let other = oci.image_with_platform("linux", "arm64", &[b"b"]);
        oci.remove(digest_of(&ours));
        let index = oci.nested(&[ours, other]);
        oci.index(&[index]);
        let error = read(oci, "x").unwrap_err();
        assert!(error.contains("linux/amd64") && error.contains("is not in the archive"), "{error}");
    }

    #[test]
    fn of_several_names_the_wanted_one_is_taken() {
        let mut oci = Oci::new();
        let mut images = [oci.image("linux", "amd64", &[b"a"]), oci.image("linux", "amd64", &[b"b"])];
        images[0]["annotations"] = json!({"io.containerd.image.name": "docker.io/library/one:latest"});
        images[1]["annotations"] = json!({"org.opencontainers.image.ref.name": "v2"});
        let digests = [digest_of(&images[0]).to_owned(), digest_of(&images[1]).to_owned()];
        oci.index(&images);
        assert_eq!(read(oci.clone(), "one").unwrap().digest.as_str(), digests[0]);
        assert_eq!(read(oci.clone(), "two:v2").unwrap().digest.as_str(), digests[1]);
        let error = read(oci, "three").unwrap_err();
        assert!(error.contains("`three:latest`") && error.contains("`v2`"), "{error}");
    }

    #[test]
    fn what_is_damaged_or_missing_is_named() {
        let mut oci = Oci::new();
        let image = oci.image("linux", "amd64", &[b"the layer"]);
        oci.index(std::slice::from_ref(&image));
        let layer = Digest::of(b"the layer");

        let mut without = oci.clone();
        without.remove(layer.as_str());
        let error = read(without, "x").unwrap_err();
        assert_eq!(error, format!("its layer `{layer}` is not in the archive"));

        let mut short = oci.clone();
        short.replace(layer.as_str(), b"the");
        let error = read(short, "x").unwrap_err();
        assert_eq!(error, format!("its layer `{layer}` has 3 bytes and should have 9"));

        let mut damaged = oci.clone();
        let manifest = damaged.content(digest_of(&image)).to_vec();
        damaged.replace(digest_of(&image), &vec![b' '; manifest.len()]);
        let error = read(damaged, "x").unwrap_err();
        assert!(error.contains("is damaged"), "{error}");

        let mut evil = oci;
        evil.index(&[json!({"mediaType": OCI_MANIFEST, "size": 1, "digest": "sha256:../../../etc/passwd"})]);
        let error = read(evil, "x").unwrap_err();
        assert!(error.contains("not a SHA-256 digest"), "{error}");
    }

    #[test]
    fn an_artifact_that_is_not_an_image_is_told() {
        let mut oci = Oci::new();
        let config = oci.blob("application/vnd.cncf.helm.config.v1+json", b"{}");
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": []});
        let manifest = oci.blob(OCI_MANIFEST, manifest.to_string().as_bytes());
        oci.index(&[manifest]);
        let error = read(oci, "x").unwrap_err();
        assert!(error.contains("helm") && error.contains("not an image"), "{error}");
    }

    #[test]
    fn an_index_that_leads_nowhere_is_told() {
        let mut oci = Oci::new();
        oci.index(&[]);
        assert_eq!(read(oci, "x").unwrap_err(), "there is no image in its index");
        let error = read_archive(Tar::new().file("index.json", b"7"), "x").unwrap_err();
        assert!(error.contains("`index.json` is not a valid index"), "{error}");
        let mut oci = Oci::new();
        let mut deep = oci.nested(&[]);
        for _ in 0..6 {
            deep = oci.nested(&[deep]);
        }
        oci.index(&[deep]);
        let error = read(oci, "x").unwrap_err();
        assert!(error.contains("more than 4 times"), "{error}");
    }

    #[test]
    fn a_docker_manifest_keeps_its_type() {
        let mut oci = Oci::new();
        let config = oci.config("linux", "amd64", &[]);
        let manifest = json!({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config});
        let manifest = oci.blob(DOCKER_MANIFEST, manifest.to_string().as_bytes());
        oci.index(&[manifest]);
        assert_eq!(read(oci, "x").unwrap().media_type, DOCKER_MANIFEST);
    }
}
