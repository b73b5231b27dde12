//! Which files are meant by the paths on the command line.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::error::CliError;

/// The scenario files, in order of their names below each path, each once.
///
/// A file that is named is taken as it is. Below a directory those are taken that say they are scenarios, so that
/// manifests may lie beside them; hidden directories are left out.
///
/// # Errors
/// When a path is not there or cannot be read.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut found = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path)
            .map_err(|error| CliError::usage(format!("cannot read `{}`: {error}", path.display())))?;
        if metadata.is_dir() { below(path, &mut found)? } else { found.push(path.clone()) }
    }
    let mut seen = BTreeSet::new();
    // One that cannot be resolved is told by whoever reads it.
    found.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    Ok(found)
}

fn below(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let unreadable = |error| CliError::usage(format!("cannot read `{}`: {error}", directory.display()));
    let entries = fs::read_dir(directory).map_err(unreadable)?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // Links to directories are not followed: they may lead in a circle.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !hidden {
                below(&path, found)?;
            }
        } else if !hidden && is_yaml(&path) && path.is_file() && rollcall::is_scenario(&path) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = "apiVersion: rollcall.dev/v1\nkind: Scenario\n";

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn names(root: &Path, paths: &[&str]) -> Vec<String> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
        let found = files(&paths).unwrap();
        found.iter().map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect()
    }

    #[test]
    fn scenarios_are_found_in_order_and_manifests_are_left_out() {
        let root = tree(&[
            ("b/two.yaml", SCENARIO),
            ("b/agent.yaml", "apiVersion: apps/v1\nkind: DaemonSet\n"),
            ("a/one.yml", SCENARIO),
            ("a/notes.txt", SCENARIO),
            (".git/old.yaml", SCENARIO),
            ("b/steps.yaml", "apiVersion: rollcall.dev/v1\nkind: Steps\nsteps: []\n"),
            ("zero.yaml", "# a comment\nkind: \"Scenario\" # quoted\n"),
        ]);
        assert_eq!(names(root.path(), &["."]), ["a/one.yml", "b/two.yaml", "zero.yaml"]);
    }

    #[test]
    fn a_broken_scenario_is_found_too() {
        let root = tree(&[("broken.yaml", "apiVersion: rollcall.dev/v1\nkind: Szenario\n\tx: [\n")]);
        assert_eq!(names(root.path(), &["."]), ["broken.yaml"]);
    }

    #[test]
    fn a_named_file_is_taken_as_it_is_and_once() {
        let root = tree(&[("a/agent.yaml", "kind: DaemonSet\n"), ("a/one.yaml", SCENARIO)]);
        assert_eq!(names(root.path(), &["a/agent.yaml", "a", "a/one.yaml"]), ["a/agent.yaml", "a/one.yaml"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_circle_of_links_ends() {
        let root = tree(&[("a/one.yaml", SCENARIO)]);
        std::os::unix::fs::symlink(root.path(), root.path().join("a/loop")).unwrap();
        assert_eq!(names(root.path(), &["."]), ["a/one.yaml"]);
    }

    #[test]
    fn a_path_that_is_not_there_is_the_users_mistake() {
        let error = files(&["no/such/place".into()]).unwrap_err();
        assert_eq!(error.code, crate::exit_code::ExitCode::USAGE);
        insta::assert_snapshot!(crate::report::testing::plain(&error.render()), @"error: cannot read `no/such/place`: No such file or directory (os error 2)");
    }
}
