//! Reading scenario files with the manifests they name.

use std::{fs, path::Path};

use rollcall_model::{
    Problem, Problems, Scenario,
    scenario::{STEPS_KIND, VALIDATION_KIND},
};

/// Reads a scenario file, and the manifests it names from the file's own folder.
///
/// # Errors
/// Everything that is wrong with the file, each problem with its line.
///
/// ```no_run
/// let scenario = rollcall::load_file("scenarios/node-joins.yaml")?;
/// println!("{}", rollcall::model::Plan::new(&scenario));
/// # Ok::<_, rollcall::model::Problems>(())
/// ```
pub fn load_file(file: impl AsRef<Path>) -> Result<Scenario, Problems> {
    let file = file.as_ref();
    let name = file.display().to_string();
    let source = read(file)
        .map_err(|why| Problems::new(name.as_str(), "", vec![Problem::new(format!("cannot read the file: {why}"))]))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    Scenario::load(&name, &source, &|manifest| read(&folder.join(manifest)))
}

/// Whether a file is meant to be a scenario. It need not be a valid one: a broken scenario must be found, not passed
/// over. One that cannot be read counts, so that whoever reads it says so.
#[must_use]
pub fn is_scenario(file: &Path) -> bool {
    let Ok(bytes) = fs::read(file) else { return true };
    let text = String::from_utf8_lossy(&bytes);
    let all = |key| text.lines().filter_map(move |line| value(line.trim_start_matches('\u{feff}'), key));
    // Files of steps are read with the scenarios that use them, and what an agent has to reach with its image.
    let other = all("kind").any(|kind| kind == STEPS_KIND || kind == VALIDATION_KIND);
    !other
        && (all("kind").any(|kind| kind == "Scenario")
            || all("apiVersion").any(|version| version.starts_with("rollcall.dev/")))
}

/// The value of a key at the left margin, without quotes and comment.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let value = line.strip_prefix(key)?.trim_start().strip_prefix(':')?;
    let value = value.split(" #").next().unwrap_or_default().trim();
    Some(value.trim_matches(['"', '\'']))
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
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
        fs::create_dir(root.path().join("scenarios")).unwrap();
        fs::write(&file, SCENARIO).unwrap();
        fs::write(root.path().join("agent.yaml"), MANIFEST).unwrap();
        let scenario = load_file(&file).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(scenario.metadata.name, "one");
        assert!(is_scenario(&file) && !is_scenario(&root.path().join("agent.yaml")));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_problem() {
        let root = tempfile::tempdir().unwrap();
        let (latin, missing) = (root.path().join("latin.yaml"), root.path().join("missing.yaml"));
        fs::write(&latin, b"name: caf\xe9").unwrap();
        let messages = [latin, missing].map(|file| load_file(file).unwrap_err().problems.remove(0).message);
        assert_eq!(
            messages,
            [
                "cannot read the file: it is not UTF-8 from byte 9",
                "cannot read the file: No such file or directory (os error 2)"
            ]
        );
    }
}
