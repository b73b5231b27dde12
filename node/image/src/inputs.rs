//! One hash over everything a result is made from.
//!
//! Names and contents count; order, file modes and times do not, so a fresh clone agrees with an old
//! work tree.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Collects files and settings, then hashes them.
#[derive(Default)]
pub(crate) struct Inputs {
    entries: Vec<(String, Vec<u8>)>,
}

impl Inputs {
    /// A value that is not a file: a version, a command line, a choice.
    pub(crate) fn setting(mut self, name: &str, value: &str) -> Self {
        self.entries.push((format!("setting {name}"), value.as_bytes().to_vec()));
        self
    }

    /// A file, or every file below a folder, named relative to `root`.
    ///
    /// A path that is not there adds nothing: an image part may have no files of its own yet.
    pub(crate) fn path(mut self, root: &Path, path: &str) -> Result<Self> {
        let mut pending: Vec<PathBuf> = vec![root.join(path)];
        while let Some(next) = pending.pop() {
            if next.is_dir() {
                let listing = fs::read_dir(&next).with_context(|| format!("could not list `{}`", next.display()))?;
                for entry in listing {
                    let entry = entry.with_context(|| format!("could not list `{}`", next.display()))?;
                    if entry.file_name() != "target" {
                        pending.push(entry.path());
                    }
                }
            } else if next.is_file() {
                let content = fs::read(&next).with_context(|| format!("could not read `{}`", next.display()))?;
                let name = next.strip_prefix(root).unwrap_or(&next).to_string_lossy().into_owned();
                self.entries.push((name, content));
            }
        }
        Ok(self)
    }

    /// The hash, in hexadecimal.
    pub(crate) fn hash(mut self) -> String {
        self.entries.sort();
        let mut hasher = Sha256::new();
        for (name, content) in &self.entries {
            // Lengths keep `ab` + `c` apart from `a` + `bc`.
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name);
            hasher.update((content.len() as u64).to_le_bytes());
            hasher.update(content);
        }
        hex(&hasher.finalize())
    }
}

/// Bytes in lower case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a file has a parent")).expect("folders can be made");
            fs::write(path, content).expect("files can be written");
        }
        folder
    }

    fn hash(files: &[(&str, &str)]) -> String {
        let folder = tree(files);
        Inputs::default().path(folder.path(), "in").expect("the tree is readable").hash()
    }

    #[test]
    fn any_changed_file_changes_the_hash() {
        let before = [("in/a", "1"), ("in/deep/b", "2"), ("in/deep/c", "3")];
        for changed in 0..before.len() {
            let mut after = before;
            after[changed].1 = "other";
            assert_ne!(hash(&before), hash(&after), "{}", before[changed].0);
            after = before;
            after[changed].0 = "in/renamed";
            assert_ne!(hash(&before), hash(&after), "{} renamed", before[changed].0);
        }
    }

    #[test]
    fn order_of_files_and_settings_does_not_matter() {
        assert_eq!(hash(&[("in/a", "1"), ("in/b", "2")]), hash(&[("in/b", "2"), ("in/a", "1")]));
        let one = Inputs::default().setting("x", "1").setting("y", "2").hash();
        let other = Inputs::default().setting("y", "2").setting("x", "1").hash();
        assert_eq!(one, other);
    }

    #[test]
    fn content_cannot_move_between_neighbours_unseen() {
        assert_ne!(hash(&[("in/a", "12"), ("in/b", "3")]), hash(&[("in/a", "1"), ("in/b", "23")]));
    }

    #[test]
    fn build_results_are_no_inputs() {
        assert_eq!(hash(&[("in/a", "1")]), hash(&[("in/a", "1"), ("in/target/debug/x", "2")]));
    }
}
