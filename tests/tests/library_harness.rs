//! `rollcall::scenarios!` in a crate of a user: its flags, and what it says of files that cannot run. No container.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use rollcall::Clusters;
use rollcall_tests::{TestResult, says};
use rstest::rstest;

const SCENARIO: &str = "apiVersion: rollcall.dev/v1
kind: Scenario
metadata: {name: one}
cluster:
  nodes:
    - {name: control-plane, role: control-plane}
    - {name: worker-1}
images: [{name: 'agent:1', use: 'rollcall-tests/not-there:1'}]
steps:
  - expect: {nodeReady: {node: worker-1}, within: 5s}
";

/// No engine is there.
const NOWHERE: (&str, &str) = ("DOCKER_HOST", "unix:///nonexistent/docker.sock");
const REQUIRED: (&str, &str) = (Clusters::VARIABLE, "required");

/// A crate with scenarios, manifests beside them and a broken one.
fn crate_folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for (name, text) in [
        ("taints/keeps.yaml", SCENARIO.to_owned()),
        ("taints/evicts.yaml", SCENARIO.to_owned()),
        ("taints/agent.yaml", "kind: DaemonSet\n".to_owned()),
        ("broken.yaml", SCENARIO.replace("within", "withn")),
    ] {
        let file = folder.path().join("scenarios").join(name);
        fs::create_dir_all(file.parent().context("it has a folder")?)?;
        fs::write(file, text)?;
    }
    Ok(folder)
}

/// Runs the test binary as cargo does; whether it succeeded, and what it said.
fn tests_of(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result<(bool, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenario-tests"));
    command.args(arguments).env_remove(Clusters::VARIABLE).env("CARGO_MANIFEST_DIR", folder);
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    let output = command.output().context("could not run the tests")?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), said))
}

#[test]
fn tests_are_listed_as_nextest_asks_for_them() -> TestResult {
    let folder = crate_folder()?;
    let (success, said) = tests_of(folder.path(), &["--list", "--format", "terse"], &[NOWHERE])?;
    ensure!(success, "{said}");
    let listed: Vec<&str> = said.lines().collect();
    ensure!(
        listed == ["scenarios/broken: test", "scenarios/taints/evicts: test", "scenarios/taints/keeps: test"],
        "{listed:?}"
    );
    let (success, said) = tests_of(folder.path(), &["--list", "--format", "terse", "--ignored"], &[NOWHERE])?;
    ensure!(success && said.trim().is_empty(), "{said}");
    Ok(())
}

#[rstest]
#[case::by_a_part(&["taints"], 2)]
#[case::exactly(&["--exact", "scenarios/taints/keeps"], 1)]
#[case::but_for_one(&["taints", "--skip", "evicts"], 1)]
fn tests_are_chosen_by_the_usual_flags(#[case] arguments: &[&str], #[case] count: usize) -> TestResult {
    let folder = crate_folder()?;
    let (success, said) = tests_of(folder.path(), arguments, &[NOWHERE])?;
    ensure!(success, "{said}");
    says(&said, &[&format!("0 passed; 0 failed; {count} ignored")])
}

#[test]
fn a_broken_file_is_a_failed_test_with_its_problem() -> TestResult {
    let folder = crate_folder()?;
    let off = (Clusters::VARIABLE, "off");
    let (success, said) = tests_of(folder.path(), &[], &[NOWHERE, off])?;
    ensure!(!success, "{said}");
    says(&said, &["scenarios/broken", "withn", "did you mean `within`?", ":10:", "1 failed; 2 ignored"])?;
    says(&said, &["ROLLCALL_CLUSTERS is `off`"])
}

#[test]
fn a_pattern_that_finds_nothing_fails() -> TestResult {
    let folder = tempfile::tempdir()?;
    let (success, said) = tests_of(folder.path(), &[], &[NOWHERE])?;
    ensure!(!success, "{said}");
    says(&said, &["no file matches `scenarios/**/*.yaml`", "0 passed; 1 failed"])
}

#[test]
fn without_an_engine_tests_are_ignored_with_the_reason_and_fail_where_clusters_are_required() -> TestResult {
    let folder = crate_folder()?;
    let (success, said) = tests_of(folder.path(), &["taints"], &[NOWHERE])?;
    ensure!(success, "{said}");
    says(&said, &["no container engine answers", "start Docker", "2 ignored"])?;
    let (success, said) = tests_of(folder.path(), &["taints"], &[NOWHERE, REQUIRED])?;
    ensure!(!success, "{said}");
    // Every line that the command line would have shown.
    says(
        &said,
        &["scenario one", "error: no container engine answers", "environment failure in", "2 failed; 0 ignored"],
    )
}

#[test]
fn a_variable_that_means_nothing_fails() -> TestResult {
    let folder = crate_folder()?;
    let (success, said) = tests_of(folder.path(), &["taints"], &[NOWHERE, (Clusters::VARIABLE, "yes")])?;
    ensure!(!success, "{said}");
    says(&said, &["ROLLCALL_CLUSTERS is `yes`", "set it to `required` or `off`"])
}
