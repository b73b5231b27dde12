//! The files of this repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The directory of the workspace.
///
/// # Panics
/// Never: this crate is one directory below it.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is one directory below the root")
}

/// The text of a file, by its path from the root.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()))
}

/// Every file below a directory of the repository, as paths from the root, sorted. What is built or hidden is left
/// out.
///
/// # Panics
/// When a directory cannot be read.
#[must_use]
pub fn files(below: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(&root().join(below), &mut found);
    found.sort();
    found
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(directory).unwrap_or_else(|error| panic!("cannot read `{}`: {error}", directory.display()));
    for entry in entries {
        let path = entry.expect("entries of a readable directory can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                walk(&path, found);
            }
        } else {
            found.push(path.strip_prefix(root()).expect("what is below the root begins with it").to_owned());
        }
    }
}

/// The scenario files.
#[must_use]
pub fn scenarios() -> Vec<PathBuf> {
    // Beside them lie files of steps, which scenarios use.
    files("scenarios").into_iter().filter(|path| rollcall::is_scenario(&root().join(path))).collect()
}

/// A manifest of the repository as objects.
///
/// # Errors
/// When it cannot be read.
pub fn manifest(path: &str) -> anyhow::Result<Vec<serde_json::Value>> {
    let object = serde_yaml::from_str(&read(path)).map_err(|error| anyhow::anyhow!("`{path}`: {error}"))?;
    Ok(vec![object])
}
