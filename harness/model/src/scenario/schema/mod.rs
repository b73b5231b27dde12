//! The JSON schema of scenario files and of files of steps, for editors.
//!
//! It says what the decoder says, as far as a schema can: every key, its type, and which go together. What a name means
//! is the validator's, and so is what a text holds. The words are those of [`keys`](super::keys), and a test holds the
//! keys inside of them against the decoder's own.
//!
//! Inside of steps a text may hold `${name}`, so wherever a number or the like is wanted such a text is taken as well.

use serde_json::{Map, Value, json};

use super::{API_VERSION, KIND, STEPS_KIND, VALIDATION_KIND};

mod cluster;
mod conditions;
mod control;
mod invariants;
mod objects;
mod types;
mod validation;
mod verbs;

/// The schema, draft 2020-12.
#[must_use]
pub fn schema() -> Value {
    let kind = |kind: &str| json!({"properties": {"kind": {"const": kind}}, "required": ["kind"]});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rollcall",
        "description": "A scenario of rollcall, a file of steps that scenarios use, or what an agent has to reach.",
        "if": kind(STEPS_KIND),
        "then": {"$ref": "#/$defs/stepsFile"},
        "else": {
            "if": kind(VALIDATION_KIND),
            "then": {"$ref": "#/$defs/validation"},
            "else": {"$ref": "#/$defs/scenario"},
        },
        "$defs": definitions(),
    })
}

fn definitions() -> Value {
    let mut all = Map::new();
    all.insert("scenario".to_owned(), scenario());
    all.insert("stepsFile".to_owned(), steps_file());
    all.insert("validation".to_owned(), validation::file());
    all.extend(types::definitions());
    all.extend(cluster::definitions());
    all.extend(conditions::definitions());
    all.extend(invariants::definitions());
    all.extend(control::definitions());
    Value::Object(all)
}

fn scenario() -> Value {
    Mapping::new("A scenario: a cluster, and what is done to it and expected of it.")
        .required("apiVersion", json!({"const": API_VERSION}))
        .required("kind", json!({"const": KIND}))
        .required("metadata", reference("metadata"))
        .required("cluster", reference("cluster"))
        .optional("images", list(reference("image"), "Images that take the place of those the manifests name."))
        .optional("invariants", list(reference("invariant"), "What must hold at every change while the steps run."))
        .required("steps", full_list(reference("step"), "What is done and expected, one after the other."))
        .optional("onFailure", list(reference("lookStep"), "What is looked at when something did not hold."))
        .build()
}

fn steps_file() -> Value {
    let default = json!({"type": ["string", "number", "boolean", "null"], "description": "The default; nothing where one must be given."});
    Mapping::new("Steps that scenarios use.")
        .required("apiVersion", json!({"const": API_VERSION}))
        .required("kind", json!({"const": STEPS_KIND}))
        .optional(
            "parameters",
            json!({
                "description": "The values that the steps hold as `${name}`, each with its default.",
                "type": "object",
                "propertyNames": {"pattern": types::VALUE_NAME},
                "additionalProperties": default,
            }),
        )
        .required("steps", full_list(reference("step"), "The steps."))
        .build()
}

/// A mapping with known keys and no others.
struct Mapping {
    properties: Map<String, Value>,
    required: Vec<Value>,
    more: Map<String, Value>,
}

impl Mapping {
    fn new(description: &str) -> Self {
        let more = Map::from_iter([("description".to_owned(), json!(description))]);
        Self { properties: Map::new(), required: Vec::new(), more }
    }

    fn optional(mut self, key: &str, value: Value) -> Self {
        self.properties.insert(key.to_owned(), value);
        self
    }

    fn required(mut self, key: &str, value: Value) -> Self {
        self.required.push(json!(key));
        self.optional(key, value)
    }

    fn all(mut self, keys: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        for (key, value) in keys {
            self = self.optional(key, value);
        }
        self
    }

    /// Exactly one of these keys is there.
    fn one_of(self, keys: &[&str]) -> Self {
        let alternatives: Vec<Value> = keys.iter().map(|key| json!({"required": [key]})).collect();
        self.with("oneOf", json!(alternatives))
    }

    /// At least one of these keys is there.
    fn any_of(self, keys: &[&str]) -> Self {
        let alternatives: Vec<Value> = keys.iter().map(|key| json!({"required": [key]})).collect();
        self.with("anyOf", json!(alternatives))
    }

    /// A keyword of the schema itself.
    fn with(mut self, keyword: &str, value: Value) -> Self {
        self.more.insert(keyword.to_owned(), value);
        self
    }

    fn build(self) -> Value {
        let mut all = self.more;
        all.insert("type".to_owned(), json!("object"));
        all.insert("properties".to_owned(), Value::Object(self.properties));
        all.insert("additionalProperties".to_owned(), json!(false));
        if !self.required.is_empty() {
            all.insert("required".to_owned(), Value::Array(self.required));
        }
        Value::Object(all)
    }
}

/// A definition by its name.
fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// A definition by its name, and what it is here.
fn described(name: &str, description: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}"), "description": description})
}

fn list(of: Value, description: &str) -> Value {
    json!({"type": "array", "items": of, "description": description})
}

fn full_list(of: Value, description: &str) -> Value {
    json!({"type": "array", "items": of, "minItems": 1, "description": description})
}
