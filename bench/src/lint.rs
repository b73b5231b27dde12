//! How long it takes to decode and lint a thousand scenario files: those of the repository, again and again, with the
//! manifests that they name.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rollcall::model::Scenario;

/// How many files one figure is about.
const FILES: usize = 1_000;
const SCENARIOS: &str = "scenarios";

/// Files are read beforehand, so that no disk is measured but for the manifests, which the system has in memory.
pub(crate) fn measure() -> Result<Duration> {
    let mut files = Vec::new();
    collect(Path::new(SCENARIOS), &mut files)?;
    ensure!(!files.is_empty(), "`{SCENARIOS}` holds no scenario; start the benchmark in the repository's root");
    let started = Instant::now();
    for (path, text) in files.iter().cycle().take(FILES) {
        let folder = path.parent().unwrap_or(Path::new(""));
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).map_err(|error| error.to_string());
        if let Err(problems) = Scenario::load(&path.display().to_string(), text, &read) {
            anyhow::bail!("{problems}");
        }
    }
    Ok(started.elapsed())
}

fn collect(folder: &Path, into: &mut Vec<(PathBuf, String)>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            if text.contains("kind: Scenario") {
                into.push((path, text));
            }
        }
    }
    Ok(())
}
