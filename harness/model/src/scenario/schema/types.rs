//! Values that occur in many places: durations, names, labels, texts.

use serde_json::{Map, Value, json};

use super::{Mapping, full_list, reference};

/// The names of values, as `names::value_name` has them.
pub(super) const VALUE_NAME: &str = "^[A-Za-z][A-Za-z0-9_]*$";
/// A text that a value may take the place of.
const PLACEHOLDER: &str = r"\$\{";

pub(super) fn definitions() -> Map<String, Value> {
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    put(
        "duration",
        json!({
            "description": "A duration, as `500ms`, `30s` or `1m30s`.",
            "type": "string",
            "pattern": format!(r"^\s*([0-9]+\s*[a-z]+\s*)+$|{PLACEHOLDER}"),
        }),
    );
    put(
        "placeholder",
        json!({"description": "A value of `forEach`, `repeat` or `use`.", "type": "string", "pattern": PLACEHOLDER}),
    );
    put("text", json!({"description": "A text that is not empty.", "type": "string", "pattern": r"\S"}));
    put("image", image());
    put("imageName", json!({"description": "The name of an image.", "type": "string", "pattern": r"^\S+$"}));
    put(
        "name",
        json!({"description": "A name in lower case letters, digits and `-`.", "type": "string", "pattern": format!("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$|{PLACEHOLDER}"), "maxLength": 63}),
    );
    put(
        "daemonSetName",
        json!({"description": "The name of a DaemonSet that an earlier step applies.", "type": "string", "pattern": format!(r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$|{PLACEHOLDER}"), "maxLength": 253}),
    );
    put("node", json!({"description": "The name of a node.", "type": "string", "pattern": r"\S"}));
    put(
        "labels",
        json!({
            "description": "Labels: keys with or without a prefix, and values that may be empty.",
            "type": "object",
            "additionalProperties": {"type": "string"},
        }),
    );
    put(
        "taint",
        json!({
            "description": "A taint, as `key=value:Effect` or `key:Effect`.",
            "type": "string",
            "pattern": format!("^[^:]+:(NoSchedule|PreferNoSchedule|NoExecute)$|{PLACEHOLDER}"),
        }),
    );
    put(
        "searched",
        json!({
            "description": "What a text must have: a part of it as it stands, or a match of a regular expression.",
            "oneOf": [
                reference("text"),
                Mapping::new("A part of it as it stands, or a match.")
                    .optional("contains", json!({"$ref": "#/$defs/text", "description": "This, as it stands."}))
                    .optional("matches", json!({"$ref": "#/$defs/text", "description": "A regular expression, in the syntax of the crate `regex`."}))
                    .one_of(&["contains", "matches"])
                    .build(),
            ],
        }),
    );
    put(
        "command",
        full_list(
            json!({"type": "string"}),
            "Program and arguments. There is no shell but the one that is named here.",
        ),
    );
    put("budget", budget());
    put("namespace", json!({"$ref": "#/$defs/name", "description": "The namespace; `default` where it is left out."}));
    all
}

fn image() -> Value {
    Mapping::new("An image that takes the place of one the manifests name.")
        .required("name", json!({"$ref": "#/$defs/imageName", "description": "The name in the manifests."}))
        .required(
            "use",
            json!({"$ref": "#/$defs/imageName", "description": "The image that is pushed under that name."}),
        )
        .build()
}

fn budget() -> Value {
    json!({
        "description": "How many nodes: a number, or a percentage that is rounded up; the DaemonSet's own where it is left out.",
        "oneOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": "^([0-9]|[1-9][0-9]|100)%$"},
        ],
    })
}

/// A whole number.
pub(super) fn number(least: i64, most: Option<i64>, description: &str) -> Value {
    let mut number = json!({"type": "integer", "minimum": least});
    if let Some(most) = most {
        number["maximum"] = json!(most);
    }
    json!({"description": description, "oneOf": [number, reference("placeholder")]})
}

/// `true` or `false`.
pub(super) fn flag(description: &str) -> Value {
    json!({"description": description, "oneOf": [{"type": "boolean"}, reference("placeholder")]})
}

/// One of some words.
pub(super) fn word(words: &[&str], description: &str) -> Value {
    json!({"description": description, "oneOf": [{"enum": words}, reference("placeholder")]})
}

/// `daemonSet`, which must be there, and its namespace.
pub(super) fn daemon_set(mapping: Mapping) -> Mapping {
    mapping.required("daemonSet", reference("daemonSetName")).optional("namespace", reference("namespace"))
}

/// The nodes of a selection: at most one way to say which.
pub(super) fn nodes(mapping: Mapping) -> Mapping {
    let both = |one: &str, other: &str| json!({"not": {"required": [one, other]}});
    mapping
        .optional("node", json!({"$ref": "#/$defs/node", "description": "Only on this node."}))
        .optional("nodes", full_list(reference("node"), "Only on these nodes."))
        .optional("nodeSelector", json!({"$ref": "#/$defs/labels", "description": "Only on nodes with these labels."}))
        .with("allOf", json!([both("node", "nodes"), both("node", "nodeSelector"), both("nodes", "nodeSelector")]))
}
