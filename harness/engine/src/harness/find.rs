//! Which files a pattern means, and what their tests are called.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use glob::MatchOptions;
use rollcall_model::{Plan, Problems};

use crate::scenario_file::{is_scenario, load_file};

/// One test.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case {
    pub(super) name: String,
    /// What it runs, or why it fails without running anything.
    pub(super) plan: Result<Plan, Wrong>,
}

/// What is wrong before anything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The file is no valid scenario.
    Invalid(Problems),
    /// A pattern found nothing, or could not be used.
    Pattern(String),
}

/// The tests of every file that a pattern means, in order of their names. A pattern that means none is a test that
/// fails: nothing found is no success.
pub(super) fn cases(folder: &Path, patterns: &[&str]) -> Vec<Case> {
    let mut files = BTreeSet::new();
    let mut cases = Vec::new();
    for pattern in patterns {
        match scenarios(folder, pattern) {
            Ok(found) => files.extend(found),
            Err(why) => cases.push(Case { name: (*pattern).to_owned(), plan: Err(Wrong::Pattern(why)) }),
        }
    }
    let short: Vec<String> = files.iter().map(|file| name(folder, file)).collect();
    let is_unique = short.iter().collect::<BTreeSet<_>>().len() == short.len();
    for (file, short) in files.into_iter().zip(short) {
        let name = if is_unique { short } else { file.with_extension("").display().to_string() };
        cases.push(Case { name, plan: load_file(&file).map(|scenario| Plan::new(&scenario)).map_err(Wrong::Invalid) });
    }
    cases
}

/// The files that match and say that they are scenarios.
fn scenarios(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    // Folders above the crate's are taken as they are, for they may have brackets in their names.
    let whole = format!("{}/{pattern}", glob::Pattern::escape(&folder.to_string_lossy()));
    let options =
        MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let paths = glob::glob_with(&whole, options).map_err(|error| format!("`{pattern}` is not a pattern: {error}"))?;
    let paths: Vec<PathBuf> =
        paths.collect::<Result<_, _>>().map_err(|error| format!("`{pattern}` cannot be searched: {error}"))?;
    let files: Vec<PathBuf> = paths.into_iter().filter(|path| path.is_file()).collect();
    let count = files.len();
    let scenarios: Vec<PathBuf> = files.into_iter().filter(|file| is_scenario(file)).collect();
    match (scenarios.len(), count) {
        (0, 0) => Err(format!("no file matches `{pattern}` in `{}`", folder.display())),
        (0, count) => {
            Err(format!("none of {count} files that match `{pattern}` in `{}` says `kind: Scenario`", folder.display()))
        }
        _ => Ok(scenarios),
    }
}

/// The path below the crate's folder, or below the one that it and the file have in common, without the ending.
fn name(folder: &Path, file: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file).with_extension("");
    let parts = below.components().skip_while(|part| matches!(part, Component::ParentDir | Component::CurDir));
    // With `/` on every system, so that a filter works on every system.
    let parts: Vec<String> = parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = "apiVersion: rollcall.dev/v1
kind: Scenario
metadata: {name: one}
cluster: {nodes: [{name: control-plane, role: control-plane}, {name: worker-1}]}
steps:
  - expect: {nodeReady: {node: worker-1}}
";

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    fn names(cases: &[Case]) -> Vec<&str> {
        cases.iter().map(|case| case.name.as_str()).collect()
    }

    #[test]
    fn a_test_is_named_as_its_file_and_manifests_are_none() {
        let root = tree(&[
            ("crate/scenarios/b/two.yaml", SCENARIO),
            ("crate/scenarios/b/agent.yaml", "kind: DaemonSet\n"),
            ("crate/scenarios/a.yaml", SCENARIO),
            ("crate/scenarios/.hidden/x.yaml", SCENARIO),
            ("crate/scenarios/notes.txt", SCENARIO),
            ("shared/above.yaml", SCENARIO),
        ]);
        let folder = root.path().join("crate");
        let cases = cases(&folder, &["scenarios/**/*.yaml", "../shared/*.yaml"]);
        assert_eq!(names(&cases), ["shared/above", "scenarios/a", "scenarios/b/two"]);
        assert!(cases.iter().all(|case| case.plan.is_ok()), "{cases:?}");
    }

    #[test]
    fn two_files_of_one_name_are_told_apart() {
        let root = tree(&[("crate/s/a.yaml", SCENARIO), ("s/a.yaml", SCENARIO)]);
        let cases = cases(&root.path().join("crate"), &["s/*.yaml", "../s/*.yaml"]);
        let names: BTreeSet<&str> = names(&cases).into_iter().collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    #[test]
    fn a_broken_file_is_a_test_that_fails() {
        let root = tree(&[("s/broken.yaml", "kind: Scenario\nstep: []\n")]);
        let cases = cases(root.path(), &["s/*.yaml"]);
        assert!(
            matches!(&cases[0].plan, Err(Wrong::Invalid(problems)) if problems.to_string().contains("did you mean"))
        );
    }

    #[test]
    fn a_pattern_that_finds_nothing_is_a_test_that_fails() {
        let root = tree(&[("m/agent.yaml", "kind: DaemonSet\n"), ("s/a.yaml", SCENARIO)]);
        let cases = cases(root.path(), &["scenarios/*.yaml", "m/*.yaml", "s/[.yaml", "s/*.yaml"]);
        assert_eq!(names(&cases), ["scenarios/*.yaml", "m/*.yaml", "s/[.yaml", "s/a"]);
        let why: Vec<&str> = cases
            .iter()
            .filter_map(|case| match &case.plan {
                Err(Wrong::Pattern(why)) => Some(why.split(" in `").next().unwrap_or_default()),
                _ => None,
            })
            .collect();
        assert_eq!(why[..2], ["no file matches `scenarios/*.yaml`", "none of 1 files that match `m/*.yaml`"]);
        assert!(why[2].contains("is not a pattern"), "{why:?}");
    }
}
