//! Verbs that apply, delete and patch objects.

use serde_json::{Value, json};

use super::types::word;
use super::{Mapping, described, full_list, reference};

pub(super) fn verb(key: &str) -> Value {
    match key {
        "apply" => apply(),
        "delete" => delete(),
        _ => patch(),
    }
}

/// A Kubernetes object, which the API server judges.
fn manifest() -> Value {
    json!({"description": "A Kubernetes object.", "type": "object", "required": ["apiVersion", "kind"]})
}

fn apply() -> Value {
    let merge = json!({"description": "A JSON merge patch that is put over each DaemonSet before.", "type": "object"});
    Mapping::new("Applies objects on the server.")
        .optional("file", described("text", "A file of objects, from the folder of the file that names it."))
        .optional("object", manifest())
        .optional("objects", full_list(manifest(), "Several objects."))
        .optional("merge", merge)
        .one_of(&["file", "object", "objects"])
        .build()
}

fn object_reference() -> Value {
    Mapping::new("An object by its name.")
        .required("apiVersion", described("text", "As `v1` or `apps/v1`."))
        .required("kind", described("text", "As `ConfigMap`."))
        .optional("namespace", reference("namespace"))
        .required("name", reference("text"))
        .build()
}

fn delete() -> Value {
    let cascade =
        word(&["background", "foreground", "orphan"], "What becomes of dependents; `background` where it is left out.");
    Mapping::new("Deletes objects; a DaemonSet until it and its pods are gone, others without waiting.")
        .optional("daemonSet", reference("daemonSetName"))
        .optional("namespace", reference("namespace"))
        .optional("object", object_reference())
        .optional("file", described("text", "Every object of this file."))
        .optional("cascade", cascade)
        .one_of(&["daemonSet", "object", "file"])
        .with("dependentRequired", json!({"namespace": ["daemonSet"]}))
        .build()
}

fn patch() -> Value {
    let of_type = |of: &str| json!({"properties": {"type": {"const": of}}, "required": ["type"]});
    Mapping::new("Changes an object by a patch.")
        .optional("daemonSet", reference("daemonSetName"))
        .optional("namespace", reference("namespace"))
        .optional("object", object_reference())
        .optional("type", word(&["strategic", "merge", "json"], "How it is merged; `strategic` where it is left out."))
        .required("patch", json!({"description": "The patch: a mapping, or a list of operations with `type: json`."}))
        .optional("subresource", described("text", "As `status`, where not the object itself is changed."))
        .one_of(&["daemonSet", "object"])
        .with("dependentRequired", json!({"namespace": ["daemonSet"]}))
        .with("if", of_type("json"))
        .with("then", json!({"properties": {"patch": {"type": "array"}}}))
        .with("else", json!({"properties": {"patch": {"type": "object"}}}))
        .build()
}
