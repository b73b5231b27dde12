//! What is tried: the image, the former one, and the manifest.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rollcall::{
    ImageSource, image_facts,
    model::{
        Manifest,
        validate::{Candidate, ImageFacts, minimal_daemon_set},
    },
};

use crate::{args::Validate, error::CliError, image_flag};

/// Files that make a folder a kustomization (<https://kubectl.docs.kubernetes.io/references/kustomize/glossary/#kustomization>).
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// The name of an image that came without one.
const NAMELESS: &str = "candidate:dev";

/// What is tried.
pub(super) struct Agent {
    pub(super) candidate: Candidate,
    pub(super) facts: ImageFacts,
    /// What is pushed under which name.
    pub(super) images: Vec<(String, ImageSource)>,
}

/// Finds everything that flags name, before anything runs.
pub(super) async fn find(flags: &Validate) -> Result<Agent, CliError> {
    let source = image_flag::source(&flags.image);
    let name = match (&flags.image_name, &source) {
        (Some(name), _) => name.clone(),
        (None, ImageSource::Local(local)) => local.clone(),
        (None, _) if flags.manifests.is_empty() => NAMELESS.to_owned(),
        (None, _) => {
            return Err(CliError::usage(format!(
                "`{}` is a file, and the manifest asks for an image by name",
                flags.image
            ))
            .hint("say by which name, with `--image-name NAME`"));
        }
    };
    let facts = image_facts(&name, &source).await?;
    let (manifests, inline) = if flags.manifests.is_empty() {
        let made = Manifest::inline(vec![minimal_daemon_set(&name, &facts)]).map_err(CliError::usage)?;
        (vec![made], true)
    } else {
        let folder = flags.manifests.iter().any(|path| kustomization(path).is_some());
        (manifests(&flags.manifests)?, folder)
    };
    let mut candidate = Candidate::find(manifests, &name, flags.daemon_set.as_deref())
        .map_err(|error| CliError::usage(error.to_string()).hint(error.hint()))?;
    if inline {
        candidate = candidate.inlined();
    }
    candidate.load = flags.loads.iter().map(|path| manifest(path)).collect::<Result<_, _>>()?;
    let mut images = vec![(candidate.image.clone(), source)];
    if let Some(from) = &flags.from {
        let former = image_flag::source(from);
        // A name of its own, because an archive need not have one.
        image_facts(&name, &former).await?;
        candidate = candidate.with_previous();
        images.extend(candidate.previous.clone().map(|name| (name, former)));
    }
    for (name, source) in &images {
        if let ImageSource::Local(local) = source {
            candidate = candidate.using(name, local);
        }
    }
    Ok(Agent { candidate, facts, images })
}

/// The folder of a kustomization that was named by it, or by its file, which `kubectl kustomize` does not take.
fn kustomization(path: &Path) -> Option<&Path> {
    if path.file_name().is_some_and(|name| KUSTOMIZATIONS.iter().any(|file| name == *file)) {
        let folder = path.parent().unwrap_or(Path::new(""));
        return Some(if folder == Path::new("") { Path::new(".") } else { folder });
    }
    KUSTOMIZATIONS.iter().any(|name| path.join(name).is_file()).then_some(path)
}

fn manifests(paths: &[PathBuf]) -> Result<Vec<Manifest>, CliError> {
    let mut found = Vec::new();
    for path in paths {
        if let Some(folder) = kustomization(path) {
            found.push(parse(&folder.display().to_string(), &kustomized(folder)?)?);
            continue;
        }
        let files = if path.is_dir() { files_of(path)? } else { vec![path.clone()] };
        if files.is_empty() {
            return Err(CliError::usage(format!("there is no manifest in `{}`", path.display()))
                .hint("a manifest is a `.yaml`, `.yml` or `.json` file"));
        }
        for file in files {
            found.push(manifest(&file)?);
        }
    }
    Ok(found)
}

fn manifest(file: &Path) -> Result<Manifest, CliError> {
    let name = file.display().to_string();
    let text =
        fs::read_to_string(file).map_err(|error| CliError::usage(format!("cannot read manifest `{name}`: {error}")))?;
    parse(&name, &text)
}

fn parse(path: &str, text: &str) -> Result<Manifest, CliError> {
    Manifest::parse(path, text).map_err(|why| CliError::usage(format!("manifest `{path}` {why}")))
}

/// The files of a folder in the order of their names, as `kubectl apply -f` takes them.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unreadable = |error| CliError::usage(format!("cannot read `{}`: {error}", folder.display()));
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_file() && ["yaml", "yml", "json"].contains(&ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What `kubectl kustomize` makes of a folder.
fn kustomized(folder: &Path) -> Result<String, CliError> {
    let ran = Command::new("kubectl").arg("kustomize").arg(folder).output();
    let ran = ran.map_err(|error| {
        CliError::environment(format!("could not run `kubectl kustomize {}`: {error}", folder.display()))
            .hint("install kubectl, or give the manifest as files")
    })?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        return Err(CliError::usage(format!("`kubectl kustomize {}` failed: {}", folder.display(), said.trim_end())));
    }
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::plain;

    const DAEMON_SET: &str = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a}\n";

    #[test]
    fn a_folder_is_its_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yml", "notes.txt"] {
            fs::write(folder.path().join(name), DAEMON_SET).unwrap();
        }
        let found = manifests(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = found.iter().map(|manifest| manifest.path.rsplit('/').next().unwrap_or_default()).collect();
        assert_eq!(names, ["a.yml", "b.yaml"]);
    }

    #[test]
    fn a_kustomization_is_its_folder_whichever_of_both_is_named() {
        assert_eq!(kustomization(Path::new("deploy/kustomization.yaml")), Some(Path::new("deploy")));
        assert_eq!(kustomization(Path::new("Kustomization")), Some(Path::new(".")));
        assert_eq!(kustomization(Path::new("deploy/agent.yaml")), None);
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(kustomization(folder.path()), None);
        fs::write(folder.path().join("kustomization.yml"), "").unwrap();
        assert_eq!(kustomization(folder.path()), Some(folder.path()));
    }

    #[test]
    fn what_is_no_manifest_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| plain(&manifests(&[path.to_owned()]).unwrap_err().render());
        assert!(said(folder.path()).contains("there is no manifest in"));
        assert!(said(&folder.path().join("none.yaml")).contains("cannot read manifest"));
        let broken = folder.path().join("broken.yaml");
        fs::write(&broken, "a: [").unwrap();
        assert!(said(&broken).contains("broken.yaml` is not valid YAML"), "{}", said(&broken));
    }
}
