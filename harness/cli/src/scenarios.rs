//! Reading scenario files with the manifests they name.

use std::path::{Path, PathBuf};

use rollcall::model::{Problem, Problems, Scenario};

/// Every scenario that is valid, and the problems of every file that is not.
pub(crate) fn load(files: &[PathBuf]) -> (Vec<Scenario>, Vec<Problems>) {
    let mut scenarios = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        match load_one(file) {
            Ok(scenario) => scenarios.push(scenario),
            Err(found) => problems.push(found),
        }
    }
    (scenarios, problems)
}

fn load_one(file: &Path) -> Result<Scenario, Problems> {
    let name = file.display().to_string();
    let source = read(file)
        .map_err(|why| Problems::new(name.as_str(), "", vec![Problem::new(format!("cannot read the file: {why}"))]))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    Scenario::load(&name, &source, &|manifest| read(&folder.join(manifest)))
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 from byte {}", error.utf8_error().valid_up_to()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = "apiVersion: rollcall.dev/v1
kind: Scenario
metadata: {name: one}
cluster: {nodes: [{name: control-plane, role: control-plane}, {name: worker-1}]}
steps:
  - apply: {file: ../agent.yaml}
  - expect: {converged: {daemonSet: agent}}
";
    const MANIFEST: &str = "apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec: {template: {spec: {containers: [{name: agent, image: 'agent:1'}]}}}
";

    #[test]
    fn manifests_are_looked_for_from_the_scenarios_own_folder() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("scenarios/one.yaml");
        std::fs::create_dir(root.path().join("scenarios")).unwrap();
        std::fs::write(&file, SCENARIO).unwrap();
        std::fs::write(root.path().join("agent.yaml"), MANIFEST).unwrap();
        let (scenarios, problems) = load(&[file]);
        assert!(problems.is_empty(), "{}", problems[0]);
        assert_eq!(scenarios[0].metadata.name, "one");
    }

    #[test]
    fn files_that_cannot_be_read_are_problems_beside_the_others() {
        let root = tempfile::tempdir().unwrap();
        let (latin, missing) = (root.path().join("latin.yaml"), root.path().join("missing.yaml"));
        std::fs::write(&latin, b"name: caf\xe9").unwrap();
        let (scenarios, problems) = load(&[latin, missing]);
        assert!(scenarios.is_empty());
        let messages: Vec<&str> = problems.iter().map(|found| found.problems[0].message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "cannot read the file: it is not UTF-8 from byte 9",
                "cannot read the file: No such file or directory (os error 2)"
            ]
        );
    }
}
