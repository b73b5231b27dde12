//! Scenarios that a test writes for itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::{Cli, unique_name};

/// A scenario in a directory of its own, with a control-plane node and two workers. The directory goes with it.
#[derive(Debug)]
pub struct Written {
    /// The scenario's name.
    pub name: String,
    directory: tempfile::TempDir,
}

impl Written {
    /// With these sections after that of the cluster.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(stem: &str, sections: &str) -> Result<Self> {
        let written = Self { name: unique_name(stem), directory: tempfile::tempdir()? };
        let text = format!(
            "apiVersion: rollcall.dev/v1
kind: Scenario
metadata: {{name: {}}}
cluster:
  nodes:
    - {{name: control-plane, role: control-plane}}
    - {{name: worker, count: 2}}
{sections}
",
            written.name
        );
        fs::write(written.file(), text)?;
        Ok(written)
    }

    /// With another file beside it.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn beside(self, name: &str, text: &str) -> Result<Self> {
        fs::write(self.folder().join(name), text)?;
        Ok(self)
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.directory.path()
    }

    fn file(&self) -> PathBuf {
        self.folder().join("scenario.yaml")
    }

    /// The command line that runs it.
    pub fn run(&self) -> Cli {
        Cli::new(["run", "--plain"]).arg(self.file())
    }
}
