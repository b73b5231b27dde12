//! `docs/scenarios.md` is right: every example is a valid scenario, every word of the language has one, and the deadlines
//! of its table are those of the code.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rollcall_model::scenario::{keys, schema};
use rollcall_model::{Action, Plan, Scenario};

const HEAD: &str = "\
apiVersion: rollcall.dev/v1
kind: Scenario
metadata: {name: example}
cluster:
  nodes:
    - {name: control-plane, role: control-plane}
    - {name: worker, count: 2}
    - {name: sim, simulated: true, count: 3}
";

const STEPS: &str = "\
steps:
  - apply: {file: my-agent.yaml}
  - {name: settled, expect: {converged: {daemonSet: my-agent}}}
";

const MANIFEST: &str = "\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: my-agent}
spec: {template: {spec: {containers: [{name: agent, image: 'my-agent:1'}]}}}
";

/// One example: what kind of fragment it is, its line in the page, and its text.
struct Example {
    kind: String,
    line: usize,
    text: String,
}

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios.md");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for (number, line) in page().lines().enumerate() {
        match (line.strip_prefix("```"), inside) {
            (Some(info), false) => {
                let kind = info.strip_prefix("yaml").map(str::trim).unwrap_or("other").to_owned();
                examples.push(Example { kind, line: number + 1, text: String::new() });
                inside = true;
            }
            (Some(_), true) => inside = false,
            (None, true) => {
                if let Some(example) = examples.last_mut() {
                    example.text.push_str(line);
                    example.text.push('\n');
                }
            }
            (None, false) => {}
        }
    }
    examples
}

impl Example {
    /// The fragment as a whole scenario.
    fn scenario(&self) -> Option<String> {
        let indented = |by: usize| -> String { self.text.lines().map(|line| format!("{:by$}{line}\n", "")).collect() };
        Some(match self.kind.as_str() {
            "" => self.text.clone(),
            "nodes" => {
                format!("{}{}{STEPS}", HEAD.replace("    - {name: sim, simulated: true, count: 3}\n", ""), indented(4))
            }
            "steps" => format!("{HEAD}{STEPS}{}", indented(2)),
            "conditions" => format!("{HEAD}{STEPS}  - expect:\n      all:\n{}", indented(8)),
            "invariants" => format!("{HEAD}invariants:\n{}{STEPS}  - {{name: done, cordon: worker-1}}\n", indented(2)),
            _ => return None,
        })
    }

    fn load(&self, steps_file: &str) -> Option<(String, Plan)> {
        let source = self.scenario()?;
        let files = |path: &str| match path {
            "my-agent.yaml" => Ok(MANIFEST.to_owned()),
            "steps/settle.yaml" => Ok(steps_file.to_owned()),
            _ => Err("the page names a file that its examples do not have".to_owned()),
        };
        let scenario = Scenario::load(&format!("docs/scenarios.md, line {}", self.line), &source, &files);
        Some((source, Plan::new(&scenario.unwrap_or_else(|problems| panic!("{problems}")))))
    }
}

fn steps_file() -> String {
    let found = examples().into_iter().find(|example| example.kind == "steps-file");
    found.expect("the page shows a file of steps").text
}

fn plans() -> Vec<(String, Plan)> {
    let steps_file = steps_file();
    examples().iter().filter_map(|example| example.load(&steps_file)).collect()
}

#[test]
fn every_example_is_valid() {
    assert!(plans().len() >= 15, "only {} examples", plans().len());
    for example in examples() {
        assert!(
            ["", "nodes", "steps", "conditions", "invariants", "steps-file"].contains(&example.kind.as_str()),
            "line {}: `{}` is no kind of example",
            example.line,
            example.kind
        );
    }
}

#[test]
fn every_example_is_taken_by_the_schema() {
    let validator = jsonschema::draft202012::new(&schema()).expect("the schema is a schema");
    let sources = plans().into_iter().map(|(source, _)| source).chain([steps_file()]);
    for source in sources {
        let value = serde_yaml::from_str(&source).expect("YAML");
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{source}\n{}", errors.join("\n"));
    }
}

#[test]
fn every_word_of_the_language_has_an_example() {
    let written = |kind: &str| -> BTreeSet<String> {
        let texts = examples().into_iter().filter(|example| example.kind == kind).map(|example| example.text);
        let keys = texts.flat_map(|text| {
            let lines =
                text.lines().map(|line| line.trim_start().trim_start_matches("- ").trim_start_matches('{').to_owned());
            lines.filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect::<Vec<_>>()
        });
        keys.collect()
    };
    let missing = |kind: &str, words: &[&str]| -> Vec<String> {
        let written = written(kind);
        words.iter().filter(|word| !written.contains(**word)).map(|word| (*word).to_owned()).collect()
    };
    let none: [String; 0] = [];
    assert_eq!(missing("steps", &keys::VERBS), none, "verbs without an example");
    assert_eq!(missing("steps", &keys::EXPANSIONS), none, "steps without an example");
    assert_eq!(missing("conditions", &keys::CONDITIONS), none, "conditions without an example");
    assert_eq!(missing("invariants", &keys::INVARIANTS), none, "invariants without an example");
}

/// The rows of the tables whose first cell is one word in backticks, with their last cell.
fn rows() -> BTreeMap<String, String> {
    let page = page();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.trim_end_matches('|').split('|').collect();
        let word = cells.first()?.trim().trim_end_matches('`');
        Some((word.to_owned(), cells.last()?.trim().to_owned()))
    });
    rows.collect()
}

#[test]
fn every_verb_and_invariant_has_a_row_and_the_deadlines_are_so() {
    let rows = rows();
    for word in keys::VERBS.iter().chain(&keys::INVARIANTS) {
        assert!(rows.contains_key(*word), "`{word}` has no row");
    }
    let mut checked = 0;
    for (_, plan) in plans() {
        for step in plan.flat() {
            let Some(deadline) = rollcall_model::plan::default_deadline(&step.action) else { continue };
            if matches!(step.action, Action::Hold { .. }) {
                continue;
            }
            let said = rows.get(step.action.key()).map(String::as_str);
            let so = deadline.as_secs();
            let so = if so.is_multiple_of(60) { format!("{}m", so / 60) } else { format!("{so}s") };
            assert_eq!(said, Some(so.as_str()), "the deadline of `{}`", step.action.key());
            checked += 1;
        }
    }
    assert!(checked > 40, "only {checked} deadlines were looked at");
}
