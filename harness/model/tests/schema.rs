//! The schema that editors get: it is the committed one, it takes every file that is right, and it knows the same keys
//! as the decoder.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::{HEAD, files, load, with_steps};
use jsonschema::Validator;
use rollcall_model::scenario::{keys, schema};
use rstest::rstest;
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).expect("the schema is a schema")
}

/// YAML as an editor reads it.
fn parsed(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[track_caller]
fn taken(validator: &Validator, name: &str, text: &str) {
    let value = parsed(text);
    let errors: Vec<String> =
        validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name} is refused:\n{}", errors.join("\n"));
}

#[test]
fn the_committed_schema_is_that_of_the_code() {
    let path = root().join("docs/scenario.schema.json");
    let committed: Value = serde_json::from_str(&read(&path)).expect("JSON");
    assert!(
        committed == schema(),
        "docs/scenario.schema.json is not that of the code\n(hint: cargo run -p rollcall-cli -- schema > docs/scenario.schema.json)"
    );
}

#[test]
fn every_scenario_of_the_repository_is_taken() {
    let mut files = Vec::new();
    files::below(&root().join("scenarios"), "yaml", &mut files);
    assert!(files.len() >= 9, "only {} files", files.len());
    let validator = validator();
    for file in files {
        let text = read(&file);
        if text.contains("rollcall.dev/") {
            taken(&validator, &file.display().to_string(), &text);
        }
    }
}

#[test]
fn a_scenario_with_every_word_of_the_language_is_taken() {
    taken(&validator(), "everything", &format!("{HEAD}{}", common::everything::EVERYTHING));
}

/// What the decoder answers to a key that nobody knows: the keys it does know.
#[track_caller]
fn known_keys(source: &str) -> BTreeSet<String> {
    let problems = load(source).expect_err("an unknown key");
    let problem = problems.problems.iter().find(|problem| problem.message.ends_with("`zzzzzzzz`"));
    let hint = problem.and_then(|problem| problem.hint.clone());
    let hint = hint.unwrap_or_else(|| panic!("no hint in\n{problems}"));
    hint.strip_prefix("known here: ").expect("a list").split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The keys of a definition of the schema, through references and alternatives.
fn properties(schema: &Value, at: &Value) -> BTreeSet<String> {
    if let Some(reference) = at["$ref"].as_str() {
        return properties(schema, &schema["$defs"][reference.rsplit('/').next().unwrap_or_default()]);
    }
    let own = at["properties"].as_object().into_iter().flat_map(|map| map.keys().cloned());
    let others = at["oneOf"].as_array().into_iter().flatten().flat_map(|other| properties(schema, other));
    own.chain(others).collect()
}

#[track_caller]
fn same_keys(schema: &Value, definition: &str, source: &str) {
    let own = properties(schema, &schema["$defs"][definition]);
    assert_eq!(own, known_keys(source), "the schema's keys of `{definition}` are not the decoder's");
}

#[test]
fn every_verb_has_the_keys_that_the_decoder_knows() {
    let schema = schema();
    for key in keys::VERBS.into_iter().chain(keys::EXPANSIONS).filter(|key| *key != "parallel") {
        same_keys(&schema, &format!("verb.{key}"), &with_steps(&format!("  - {key}: {{zzzzzzzz: 1}}\n")));
    }
    same_keys(&schema, "step", &with_steps("  - zzzzzzzz: 1\n"));
}

#[test]
fn every_condition_and_invariant_has_the_keys_that_the_decoder_knows() {
    let schema = schema();
    let lists = ["cel", "all", "any", "not"];
    for key in keys::CONDITIONS.into_iter().filter(|key| !lists.contains(key)) {
        let source = with_steps(&format!("  - expect: {{{key}: {{zzzzzzzz: 1}}}}\n"));
        same_keys(&schema, &format!("condition.{key}"), &source);
    }
    same_keys(&schema, "condition", &with_steps("  - expect: {not: {zzzzzzzz: 1}}\n"));
    let invariants = |text: &str| format!("{HEAD}steps: []\ninvariants:\n  - {text}\n");
    for key in keys::INVARIANTS {
        same_keys(&schema, &format!("invariant.{key}"), &invariants(&format!("{key}: {{zzzzzzzz: 1}}")));
    }
    same_keys(&schema, "invariant", &invariants("zzzzzzzz: 1"));
}

#[rstest]
#[case::scenario("scenario", "zzzzzzzz: 1\n".to_owned())]
#[case::metadata("metadata", "metadata: {zzzzzzzz: 1}\n".to_owned())]
#[case::cluster("cluster", "cluster: {zzzzzzzz: 1}\n".to_owned())]
#[case::image("image", "images: [{zzzzzzzz: 1}]\n".to_owned())]
#[case::searched("searched", with_steps("  - expect: {logs: {line: {zzzzzzzz: 1}}}\n"))]
fn every_other_mapping_has_the_keys_that_the_decoder_knows(#[case] definition: &str, #[case] source: String) {
    same_keys(&schema(), definition, &source);
}

#[test]
fn nodes_have_the_keys_that_the_decoder_knows_of_either_kind() {
    let schema = schema();
    let own = properties(&schema, &schema["$defs"]["nodeEntry"]);
    let real = known_keys("cluster: {nodes: [{zzzzzzzz: 1}]}\n");
    let simulated = known_keys("cluster: {nodes: [{simulated: true, zzzzzzzz: 1}]}\n");
    assert_eq!(own, real.union(&simulated).cloned().collect());
}

/// What the schema refuses in a scenario that is else right, and the decoder too.
#[rstest]
#[case::an_unknown_key("  - cordon: {node: worker-1, now: true}\n")]
#[case::an_unknown_verb("  - cordn: worker-1\n")]
#[case::two_verbs("  - {cordon: worker-1, uncordon: worker-1}\n")]
#[case::no_verb("  - name: a\n")]
#[case::within_beside_expect("  - {expect: {nodeReady: {all: true}}, within: 5s}\n")]
#[case::a_name_beside_use("  - {use: {file: a.yaml}, name: b}\n")]
#[case::a_number_for_a_duration("  - {cordon: worker-1, within: 30}\n")]
#[case::no_duration("  - {cordon: worker-1, within: soon}\n")]
#[case::no_effect("  - taint: {node: worker-1, taint: 'a=b'}\n")]
#[case::a_text_for_a_command("  - exec: {daemonSet: log-collector, command: ls}\n")]
#[case::a_number_in_a_command("  - exec: {daemonSet: log-collector, command: [sleep, 5]}\n")]
#[case::an_exit_code_too_large("  - run: {command: a, exitCode: 256}\n")]
#[case::two_ways_to_name_nodes("  - exec: {daemonSet: log-collector, command: [a], node: a, nodes: [b]}\n")]
#[case::file_and_object("  - apply: {file: collector.yaml, object: {apiVersion: v1, kind: Pod}}\n")]
#[case::a_json_patch_that_is_a_mapping("  - patch: {daemonSet: log-collector, type: json, patch: {}}\n")]
#[case::a_patch_that_is_a_list("  - patch: {daemonSet: log-collector, patch: []}\n")]
#[case::a_namespace_of_a_file("  - delete: {file: collector.yaml, namespace: a}\n")]
#[case::a_delay_of_no_slowness("  - pullFault: {image: a, fault: absent, delay: 3s}\n")]
#[case::an_unknown_word("  - pressure: {node: worker-1, resource: disc}\n")]
#[case::one_branch("  - parallel: [{cordon: worker-1}]\n")]
#[case::never_without_steps("  - never: {nodeReady: {all: true}}\n")]
#[case::hold_without_for("  - hold: {nodeReady: {all: true}}\n")]
#[case::too_many_times("  - repeat: {times: 1001, steps: [{cordon: worker-1}]}\n")]
#[case::values_and_cases("  - forEach: {values: {a: [b]}, cases: [{a: b}], steps: [{cordon: worker-1}]}\n")]
#[case::the_name_of_a_value("  - forEach: {values: {'a b': [b]}, steps: [{cordon: worker-1}]}\n")]
#[case::no_condition("  - expect: {within: 5s}\n")]
#[case::two_conditions("  - expect: {nodeReady: {all: true}, cel: 'true'}\n")]
#[case::an_unknown_condition("  - expect: {convergd: {daemonSet: log-collector}}\n")]
#[case::pods_say_nothing("  - expect: {pods: {daemonSet: log-collector}}\n")]
#[case::a_negative_count("  - expect: {pods: {daemonSet: log-collector, count: -1}}\n")]
#[case::no_figure("  - expect: {status: {daemonSet: log-collector}}\n")]
#[case::events_say_nothing("  - expect: {events: {count: 2}}\n")]
#[case::a_text_for_a_boolean("  - expect: {nodeReady: {all: true, ready: maybe}}\n")]
#[case::all_false("  - expect: {nodeReady: {all: false}}\n")]
#[case::an_empty_list("  - expect: {all: []}\n")]
#[case::a_part_that_is_a_text("  - expect: {object: {apiVersion: v1, kind: Pod, match: a}}\n")]
#[case::both_texts("  - expect: {logs: {daemonSet: log-collector, line: {contains: a, matches: b}}}\n")]
fn what_the_decoder_refuses_by_its_shape_the_schema_refuses_too(#[case] steps: &str) {
    refused(&with_steps(steps));
}

#[rstest]
#[case::an_unknown_invariant("invariants: [{onePodPernode: {daemonSet: log-collector}}]\n")]
#[case::two_rules(
    "invariants: [{noRestarts: {daemonSet: log-collector}, onePodPerNode: {daemonSet: log-collector}}]\n"
)]
#[case::a_percentage_too_large("invariants: [{maxSurge: {daemonSet: log-collector, budget: 101%}}]\n")]
#[case::least_nothing("invariants: [{available: {daemonSet: log-collector, least: 0}}]\n")]
#[case::no_nodes("invariants: [{neverOn: {daemonSet: log-collector}}]\n")]
#[case::a_verb_on_failure("onFailure: [{cordon: worker-1}]\n")]
#[case::a_list_that_is_none("images: {}\n")]
#[case::an_image_without_use("images: [{name: a}]\n")]
#[case::an_unknown_key("nodes: []\n")]
fn what_the_decoder_refuses_at_the_top_the_schema_refuses_too(#[case] more: &str) {
    refused(&format!("{}{more}", with_steps(common::ASSERT)));
}

#[rstest]
#[case::a_delay_without_slowness("{name: a, simulated: true, delay: 3s}")]
#[case::slowness_without_delay("{name: a, simulated: true, fault: slow}")]
#[case::a_fault_of_a_real_node("{name: a, fault: crash}")]
#[case::a_role_of_a_simulated_node("{name: a, simulated: true, role: worker}")]
#[case::too_many_real_nodes("{name: a, count: 201}")]
#[case::no_quantity("{name: a, simulated: true, allocatable: {cpu: lots}}")]
#[case::a_label_that_is_a_number("{name: a, labels: {b: 1}}")]
#[case::a_name_in_capitals("{name: A}")]
fn what_the_decoder_refuses_of_a_node_the_schema_refuses_too(#[case] node: &str) {
    refused(&format!("{HEAD}    - {node}\nsteps:\n  - apply: {{file: collector.yaml}}\n{}", common::ASSERT));
}

#[track_caller]
fn refused(source: &str) {
    assert!(load(source).is_err(), "the decoder takes it:\n{source}");
    assert!(!validator().is_valid(&parsed(source)), "the schema takes it:\n{source}");
}

#[test]
fn files_of_steps_are_taken_and_refused() {
    let validator = validator();
    for file in ["steps/settle.yaml", "steps/outer.yaml"] {
        taken(&validator, file, &common::files(file).expect("the file"));
    }
    for file in ["steps/wrong.yaml", "steps/empty.yaml", "steps/parameters.yaml"] {
        assert!(!validator.is_valid(&parsed(&common::files(file).expect("the file"))), "{file}");
    }
    assert!(
        !validator.is_valid(&json!({"apiVersion": "rollcall.dev/v1", "kind": "Steps", "steps": [], "cluster": {}}))
    );
}

/// Everything has its words for the reader of an editor.
#[test]
fn every_key_is_described() {
    let schema = schema();
    let mut without = Vec::new();
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        undescribed(&schema, name, definition, &mut without);
    }
    assert!(without.is_empty(), "{without:#?}");
}

fn undescribed(schema: &Value, path: &str, at: &Value, into: &mut Vec<String>) {
    let target = at["$ref"].as_str().map(|to| &schema["$defs"][to.rsplit('/').next().unwrap_or_default()]);
    let is_described = at["description"].is_string() || target.is_some_and(|target| target["description"].is_string());
    if !is_described && at.get("const").is_none() {
        into.push(path.to_owned());
    }
    for (key, value) in at["properties"].as_object().into_iter().flatten() {
        undescribed(schema, &format!("{path}.{key}"), value, into);
    }
}
