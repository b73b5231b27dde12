//! Steps: one verb each, steps that hold others, and steps that stand for others.

use serde_json::{Map, Value, json};

use super::types::VALUE_NAME;
use super::{Mapping, conditions, described, full_list, reference, verbs};
use crate::scenario::keys::{CONDITIONS, EXPANSIONS, VERBS};

pub(super) fn definitions() -> Map<String, Value> {
    let mut all = Map::new();
    for key in VERBS {
        all.insert(format!("verb.{key}"), verbs::verb(key));
    }
    for key in EXPANSIONS {
        all.insert(format!("verb.{key}"), expansion(key));
    }
    all.insert("step".to_owned(), step());
    all.insert("lookStep".to_owned(), look_step());
    all.insert("steps".to_owned(), full_list(reference("step"), "Steps, one after the other."));
    all
}

fn named(mapping: Mapping) -> Mapping {
    mapping
        .optional("name", described("text", "The step's name, to which others refer."))
        .optional("within", described("duration", "How long it may take."))
}

fn step() -> Value {
    let keys: Vec<&str> = VERBS.into_iter().chain(EXPANSIONS).collect();
    let verbs = keys.iter().map(|key| (*key, reference(&format!("verb.{key}"))));
    // Verbs that have a time of their own, or none, and steps that stand for others.
    let timeless = ["expect", "hold", "never", "explain", "parallel", "pause"]
        .map(|key| (key, json!({"properties": {"within": false}})));
    let alone = EXPANSIONS.map(|key| (key, json!({"properties": {"within": false, "name": false}})));
    let beside: Map<String, Value> =
        timeless.into_iter().chain(alone).map(|(key, value)| (key.to_owned(), value)).collect();
    named(Mapping::new("One thing that is done or expected."))
        .all(verbs)
        .one_of(&keys)
        .with("dependentSchemas", Value::Object(beside))
        .build()
}

/// `onFailure` looks and changes nothing.
fn look_step() -> Value {
    let verbs = ["exec", "run"].map(|key| (key, reference(&format!("verb.{key}"))));
    let expansions = EXPANSIONS.map(|key| (key, reference(&format!("verb.{key}"))));
    let keys: Vec<&str> = ["exec", "run"].into_iter().chain(EXPANSIONS).collect();
    named(Mapping::new("Something that is looked at.")).all(verbs).all(expansions).one_of(&keys).build()
}

/// Steps that assert, and steps that hold others.
pub(super) fn verb(key: &str) -> Value {
    match key {
        "expect" => Mapping::new("The condition becomes true within the time.")
            .all(conditions::properties())
            .optional("within", described("duration", "How long that may take; 30s where it is left out."))
            .one_of(&CONDITIONS)
            .build(),
        "explain" => conditions::explain()
            .optional("within", described("duration", "How long that may take; 30s where it is left out."))
            .build(),
        "hold" => Mapping::new("The condition is true now and at every change for that long.")
            .all(conditions::properties())
            .required("for", described("duration", "For how long."))
            .one_of(&CONDITIONS)
            .build(),
        "never" => Mapping::new("The condition is not true at any change while the steps run.")
            .all(conditions::properties())
            .required("steps", described("steps", "The steps that run meanwhile."))
            .one_of(&CONDITIONS)
            .build(),
        "parallel" => json!({
            "description": "Branches that run side by side; all of them end before the next step begins.",
            "type": "array",
            "minItems": 2,
            "items": {"oneOf": [reference("step"), reference("steps")]},
        }),
        _ => json!({
            "description": "The run waits for a person, with `--interactive`.",
            "oneOf": [
                described("text", "What the person is told."),
                Mapping::new("What the person is told.").required("message", reference("text")).build(),
            ],
        }),
    }
}

fn expansion(key: &str) -> Value {
    let value = json!({"type": ["string", "number", "boolean"]});
    let values = |of: &Value, description: &str| json!({"description": description, "type": "object", "propertyNames": {"pattern": VALUE_NAME}, "additionalProperties": of});
    match key {
        "forEach" => {
            let mut matrix = values(
                &full_list(value.clone(), "The values."),
                "Every combination of these values, the last name changing fastest.",
            );
            matrix["minProperties"] = json!(1);
            Mapping::new("The steps once for every set of values, which they hold as `${name}`.")
                .optional("values", matrix)
                .optional("cases", full_list(values(&value, "The values of one run."), "These sets of values."))
                .required("steps", reference("steps"))
                .one_of(&["values", "cases"])
                .build()
        }
        "repeat" => Mapping::new("The steps several times; `${round}` counts from 1.")
            .required("times", super::types::number(1, Some(1_000), "How often."))
            .required("steps", reference("steps"))
            .build(),
        _ => Mapping::new("The steps of another file.")
            .required("file", described("text", "The file, from the folder of the file that names it."))
            .optional("with", values(&value, "The values of its parameters."))
            .build(),
    }
}
