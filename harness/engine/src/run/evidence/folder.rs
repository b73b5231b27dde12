//! The folder on disk: for its owner alone, and never without a word on what is missing in it.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use rollcall_model::Timestamp;

use super::nodes::one_line;
use crate::error::{Error, Result};

/// How many runs of one scenario may fail in the same second.
const MOST_OF_A_NAME: u32 = 1000;

/// A folder that is being filled.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// What could not be collected, and why.
    missing: Mutex<Vec<(String, String)>>,
}

impl Folder {
    /// Makes a new folder named after the scenario and the moment. One that is there already is left as it is.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn create(parent: &Path, scenario: &str, now: Timestamp) -> Result<Self> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::file("make folder", &path, source)
        };
        std::fs::create_dir_all(parent).map_err(failed(parent))?;
        let stem = format!("{}-{}", file_name(scenario), now.strftime("%Y%m%dT%H%M%SZ"));
        let mut number = 1;
        loop {
            let name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            let path = parent.join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path, missing: Mutex::default() }),
                // Scenarios that run side by side may end in the same second.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST_OF_A_NAME => number += 1,
                Err(error) => return Err(failed(&path)(error)),
            }
        }
    }

    /// Writes a file. What cannot be written is missing.
    pub(super) fn write(&self, name: &str, content: &[u8]) {
        if let Err(error) = self.try_write(name, content) {
            self.lacks(name, format!("it could not be written: {error}"));
        }
    }

    fn try_write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let path = self.path.join(name);
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
    }

    /// Notes that something could not be collected.
    pub(super) fn lacks(&self, name: &str, why: impl Into<String>) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.push((name.to_owned(), why.into()));
    }

    /// Writes the list of what is missing, if anything is.
    ///
    /// # Errors
    /// When that cannot be written: then the folder says less than it should.
    pub(super) fn finish(self) -> Result<PathBuf> {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if !missing.is_empty() {
            let name = "missing.txt";
            let failed = |source| Error::file("write", self.path.join(name), source);
            self.try_write(name, missing_text(&missing).as_bytes()).map_err(failed)?;
        }
        Ok(self.path.clone())
    }
}

/// A line a missing file, by name.
fn missing_text(missing: &[(String, String)]) -> String {
    let mut lines: Vec<String> = missing.iter().map(|(name, why)| format!("{name}: {}\n", one_line(why))).collect();
    lines.sort();
    lines.concat()
}

/// A name as a part of a path that leads nowhere else.
pub(super) fn file_name(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c == '/' || c.is_control() { '-' } else { c }).collect();
    if clean.starts_with('.') || clean.is_empty() { format!("_{clean}") } else { clean }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T10:20:30Z".parse().unwrap()
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_folder_is_its_owners_alone_and_no_other_is_touched() {
        let parent = tempfile::tempdir().unwrap();
        let parent = parent.path().join("not/there/yet");
        let first = Folder::create(&parent, "taint-evicts", now()).unwrap();
        let second = Folder::create(&parent, "taint-evicts", now()).unwrap();
        assert_eq!(first.path, parent.join("taint-evicts-20261124T102030Z"));
        assert_eq!(second.path, parent.join("taint-evicts-20261124T102030Z-2"));
        first.write("pods/default_a_b.log", b"one\n");
        let file = first.path.join("pods/default_a_b.log");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\n");
        assert_eq!([mode(&first.path), mode(file.parent().unwrap()), mode(&file)], [0o700, 0o700, 0o600]);
        assert!(!first.finish().unwrap().join("missing.txt").exists());
    }

    #[test]
    fn what_is_missing_is_listed_with_its_reason() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::create(parent.path(), "x", now()).unwrap();
        folder.lacks("pods/b.log", "the node\n does not answer\n");
        folder.write("a", b"");
        // It is there already.
        folder.write("a", b"");
        let text = std::fs::read_to_string(folder.finish().unwrap().join("missing.txt")).unwrap();
        insta::assert_snapshot!(text, @r"
        a: it could not be written: File exists (os error 17)
        pods/b.log: the node does not answer
        ");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_with_its_path() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Folder::create(&file, "x", now()).unwrap_err();
        assert!(error.to_string().contains("could not make folder") && error.to_string().contains("/file"), "{error}");
    }

    #[test]
    fn a_name_never_leads_out_of_the_folder() {
        assert_eq!(file_name("../../etc/passwd"), "_..-..-etc-passwd");
        assert_eq!(file_name("kubelet.log"), "kubelet.log");
        assert_eq!(file_name(""), "_");
    }
}
