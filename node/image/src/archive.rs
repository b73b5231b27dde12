//! Image archives as `docker save` writes them and every engine loads.
//!
//! Written here and not by an engine's builder: `docker load` is one command of every engine version,
//! needs no registry and no BuildKit, names the image last, and the very same code makes the pause
//! image for the registry inside. Entries have no owner, time or order of this machine.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::inputs::hex;

/// One entry of a layer that is made here.
pub(crate) enum Entry {
    Folder(String),
    /// Its path, the file it is copied from, and its mode.
    File(String, PathBuf, u32),
    Text(String, String),
    Link(String, String),
}

/// An image: what it is called, its layers from the lowest to the topmost, and how it is started.
pub(crate) struct Image {
    pub(crate) tags: Vec<String>,
    pub(crate) layers: Vec<PathBuf>,
    /// The engine's `Config`: `Env`, `Entrypoint`, `Labels`, …
    pub(crate) config: Value,
}

/// Writes a layer.
pub(crate) fn write_layer(path: &Path, entries: &[Entry]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut builder = Builder::new(BufWriter::with_capacity(1 << 20, File::create(path)?));
        for entry in entries {
            match entry {
                Entry::Folder(name) => {
                    builder.append_data(&mut header(EntryType::Directory, 0o755, 0), name, std::io::empty())?
                }
                Entry::File(name, source, mode) => {
                    let mut file = File::open(source)?;
                    let size = file.metadata()?.len();
                    builder.append_data(&mut header(EntryType::Regular, *mode, size), name, &mut file)?;
                }
                Entry::Text(name, text) => {
                    builder.append_data(
                        &mut header(EntryType::Regular, 0o644, text.len() as u64),
                        name,
                        text.as_bytes(),
                    )?;
                }
                Entry::Link(name, target) => {
                    builder.append_link(&mut header(EntryType::Symlink, 0o777, 0), name, target)?
                }
            }
        }
        builder.into_inner()?.flush()
    };
    write().with_context(|| format!("could not write the layer `{}`", path.display()))
}

/// Writes an archive of images; a layer that several share is in it once.
pub(crate) fn write_archive(path: &Path, images: &[Image]) -> Result<()> {
    let file = File::create(path).with_context(|| format!("could not write `{}`", path.display()))?;
    let mut builder = Builder::new(BufWriter::with_capacity(1 << 20, file));
    let mut written = Vec::new();
    let mut manifest = Vec::new();
    for image in images {
        let mut names = Vec::new();
        let mut diff_ids = Vec::new();
        for layer in &image.layers {
            let digest = digest(layer)?;
            let name = format!("{digest}/layer.tar");
            diff_ids.push(format!("sha256:{digest}"));
            if !written.contains(&name) {
                append_file(&mut builder, &name, layer)?;
                written.push(name.clone());
            }
            names.push(name);
        }
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            // The epoch, so that the same inputs give the same image.
            "created": "1970-01-01T00:00:00Z",
            "config": image.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": image.layers.iter().map(|_| json!({"created_by": "rollcall-image"})).collect::<Vec<_>>(),
        })
        .to_string();
        let config_name = format!("{}.json", hex(&Sha256::digest(config.as_bytes())));
        append_text(&mut builder, &config_name, &config)?;
        manifest.push(json!({"Config": config_name, "RepoTags": image.tags, "Layers": names}));
    }
    append_text(&mut builder, "manifest.json", &Value::from(manifest).to_string())?;
    builder
        .into_inner()
        .and_then(|mut file| file.flush())
        .with_context(|| format!("could not write `{}`", path.display()))
}

/// The architecture as Go and the engines call it.
pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

type Archive = Builder<BufWriter<File>>;

fn append_file(builder: &mut Archive, name: &str, source: &Path) -> Result<()> {
    let append = |builder: &mut Archive| -> std::io::Result<()> {
        let mut file = File::open(source)?;
        let size = file.metadata()?.len();
        builder.append_data(&mut header(EntryType::Regular, 0o644, size), name, &mut file)
    };
    append(builder).with_context(|| format!("could not put `{}` into an image archive", source.display()))
}

fn append_text(builder: &mut Archive, name: &str, text: &str) -> Result<()> {
    builder
        .append_data(&mut header(EntryType::Regular, 0o644, text.len() as u64), name, text.as_bytes())
        .with_context(|| format!("could not put `{name}` into an image archive"))
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

fn digest(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path).with_context(|| format!("could not open `{}`", path.display()))?;
    std::io::copy(&mut file, &mut hasher).with_context(|| format!("could not read `{}`", path.display()))?;
    Ok(hex(&hasher.finalize()))
}

/// Every file directly in a folder, as entries below `to`, sorted by name.
pub(crate) fn programs(from: &Path, to: &str) -> Result<Vec<Entry>> {
    let listing = fs::read_dir(from).with_context(|| format!("could not list `{}`", from.display()))?;
    let mut paths = Vec::new();
    for entry in listing {
        paths.push(entry.with_context(|| format!("could not list `{}`", from.display()))?.path());
    }
    paths.sort();
    Ok(paths
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            Some(Entry::File(format!("{to}/{name}"), path, 0o755))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_content_gives_the_same_archive() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let write = |name: &str| {
            let layer = folder.path().join(format!("{name}.layer"));
            let entries = [
                Entry::Folder("etc".into()),
                Entry::Text("etc/a".into(), "1".into()),
                Entry::Link("etc/b".into(), "a".into()),
            ];
            write_layer(&layer, &entries).expect("a layer can be written");
            let path = folder.path().join(name);
            let image = Image { tags: vec!["x:1".into()], layers: vec![layer.clone(), layer], config: json!({}) };
            write_archive(&path, &[image]).expect("an archive can be written");
            fs::read(path).expect("it is there")
        };
        assert_eq!(write("one"), write("two"));
    }

    #[test]
    fn manifest_names_the_tag_the_config_and_each_layer() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let layer = folder.path().join("layer");
        write_layer(&layer, &[Entry::Text("a".into(), "1".into())]).expect("a layer can be written");
        let path = folder.path().join("image.tar");
        let image = Image { tags: vec!["x:1".into()], layers: vec![layer], config: json!({"Entrypoint": ["/a"]}) };
        write_archive(&path, &[image]).expect("an archive can be written");
        let mut names = Vec::new();
        let mut manifest = Value::Null;
        let mut archive = tar::Archive::new(File::open(&path).expect("it is there"));
        for entry in archive.entries().expect("it is an archive") {
            let entry = entry.expect("it is whole");
            names.push(entry.path().expect("a path").to_string_lossy().into_owned());
            if names.last().is_some_and(|name| name == "manifest.json") {
                manifest = serde_json::from_reader(entry).expect("it is JSON");
            }
        }
        assert_eq!(manifest[0]["RepoTags"], json!(["x:1"]));
        assert!(names.iter().any(|name| manifest[0]["Config"] == json!(name)));
        assert_eq!(manifest[0]["Layers"], json!([names[0]]));
    }
}
