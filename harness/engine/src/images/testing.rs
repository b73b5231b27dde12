//! Small archives and layouts for the tests of this module.

use std::{collections::BTreeMap, io::Write};

use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};

use super::{
    archive::Files,
    digest::Digest,
    image::{Image, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Wanted},
    reference::Reference,
};

pub(super) fn temp_file(content: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

/// Reads as on an amd64 machine.
pub(super) fn read_files(files: &Files, name: &str) -> Result<Image, String> {
    Image::read(files, Wanted { name: &Reference::parse(name).unwrap(), architecture: "amd64" })
}

/// As [`read_files`]. The archive's name is gone afterwards, and the image is still readable.
pub(super) fn read_archive(tar: Tar, name: &str) -> Result<Image, String> {
    read_files(&Files::archive(tar.into_file().reopen().unwrap())?, name)
}

/// A tar archive in the making.
pub(super) struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub(super) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    pub(super) fn file(mut self, name: &str, content: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        self.0.append_data(&mut header, name, content).unwrap();
        self
    }

    pub(super) fn json(self, name: &str, content: &Value) -> Self {
        self.file(name, content.to_string().as_bytes())
    }

    pub(super) fn link(mut self, name: &str, target: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        self.0.append_link(&mut header, name, target).unwrap();
        self
    }

    /// With a name that the library refuses to write.
    pub(super) fn raw(mut self, name: &str, content: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.0.append(&header, content).unwrap();
        self
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    pub(super) fn into_file(self) -> NamedTempFile {
        temp_file(&self.into_bytes())
    }
}

pub(super) fn config(os: &str, architecture: &str, layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| Digest::of(layer).to_string()).collect();
    let config = json!({
        "architecture": architecture, "os": os, "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    config.to_string().into_bytes()
}

/// An archive as Docker 20 writes it.
pub(super) fn legacy(name: &str, architecture: &str, layers: &[&[u8]]) -> Tar {
    let config = config("linux", architecture, layers);
    let config_name = format!("{}.json", Digest::of(&config).hex());
    let mut tar = Tar::new().file(&config_name, &config);
    let mut names = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let layer_name = format!("{number}/layer.tar");
        tar = tar.file(&layer_name, layer);
        names.push(layer_name);
    }
    tar.json("manifest.json", &json!([{"Config": config_name, "RepoTags": [name], "Layers": names}]))
}

/// An OCI layout in the making.
#[derive(Clone, Default)]
pub(super) struct Oci {
    blobs: BTreeMap<String, Vec<u8>>,
    index: Vec<u8>,
}

impl Oci {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a blob and returns its descriptor.
    pub(super) fn blob(&mut self, media_type: &str, content: &[u8]) -> Value {
        let digest = Digest::of(content).to_string();
        self.blobs.insert(digest.clone(), content.to_vec());
        json!({"mediaType": media_type, "digest": digest, "size": content.len()})
    }

    pub(super) fn config(&mut self, os: &str, architecture: &str, layers: &[&[u8]]) -> Value {
        self.blob(OCI_CONFIG, &config(os, architecture, layers))
    }

    pub(super) fn image(&mut self, os: &str, architecture: &str, layers: &[&[u8]]) -> Value {
        let config = self.config(os, architecture, layers);
        let layers: Vec<Value> = layers.iter().map(|layer| self.blob(OCI_LAYER, layer)).collect();
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": layers});
        self.blob(OCI_MANIFEST, manifest.to_string().as_bytes())
    }

    pub(super) fn image_with_platform(&mut self, os: &str, architecture: &str, layers: &[&[u8]]) -> Value {
        let mut image = self.image(os, architecture, layers);
        image["platform"] = json!({"os": os, "architecture": architecture});
        image
    }

    /// An index that is itself a blob.
    pub(super) fn nested(&mut self, manifests: &[Value]) -> Value {
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        self.blob(OCI_INDEX, index.to_string().as_bytes())
    }

    pub(super) fn index(&mut self, manifests: &[Value]) {
        self.index = json!({"schemaVersion": 2, "manifests": manifests}).to_string().into_bytes();
    }

    pub(super) fn content(&self, digest: &str) -> &[u8] {
        &self.blobs[digest]
    }

    pub(super) fn remove(&mut self, digest: &str) {
        self.blobs.remove(digest).unwrap();
    }

    pub(super) fn replace(&mut self, digest: &str, content: &[u8]) {
        self.blobs.insert(digest.to_owned(), content.to_vec()).unwrap();
    }

    fn files(self) -> Vec<(String, Vec<u8>)> {
        let blobs = self.blobs.into_iter();
        let mut files: Vec<_> =
            blobs.map(|(digest, blob)| (format!("blobs/{}", digest.replace(':', "/")), blob)).collect();
        files.push(("oci-layout".into(), br#"{"imageLayoutVersion": "1.0.0"}"#.to_vec()));
        files.push(("index.json".into(), self.index));
        files
    }

    pub(super) fn into_tar(self) -> Tar {
        self.files().into_iter().fold(Tar::new(), |tar, (name, content)| tar.file(&name, &content))
    }

    pub(super) fn into_directory(self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in self.files() {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        directory
    }
}
