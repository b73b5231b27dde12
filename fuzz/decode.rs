//! What is fuzzed: a text is read as a scenario and shown, whatever came of it. A test runs the same on every seed.

use rollcall_model::{Plan, Scenario};

const MANIFEST: &str = "\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log-collector}
spec: {template: {spec: {containers: [{name: collector, image: 'fluentd:latest'}]}}}
";

const STEPS: &str = "\
apiVersion: rollcall.dev/v1
kind: Steps
parameters: {daemonSet: null, within: 20s}
steps:
  - expect: {converged: {daemonSet: '${daemonSet}'}, within: '${within}'}
";

/// Reads a scenario, makes its plan and renders either. The files that it names are the same two, whatever their names.
pub(crate) fn decode(source: &str) {
    let files = |path: &str| match path {
        path if path.ends_with("steps.yaml") => Ok(STEPS.to_owned()),
        path if path.ends_with(".yaml") => Ok(MANIFEST.to_owned()),
        _ => Err("no such file".to_owned()),
    };
    match Scenario::load("fuzzed.yaml", source, &files) {
        Ok(scenario) => drop(Plan::new(&scenario).to_string()),
        Err(problems) => {
            assert!(!problems.problems.is_empty(), "an error without a problem");
            drop(problems.render(true));
        }
    }
}
