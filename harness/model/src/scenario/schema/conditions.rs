//! Every condition, by its key.

use serde_json::{Map, Value, json};

use super::types::{daemon_set, flag, nodes, number, word};
use super::{Mapping, described, full_list, reference};
use crate::explain::Cause;
use crate::scenario::keys::CONDITIONS;

pub(super) fn definitions() -> Map<String, Value> {
    let mut all = Map::new();
    for key in CONDITIONS {
        all.insert(format!("condition.{key}"), condition(key));
    }
    let one = Mapping::new("One condition.").all(properties()).one_of(&CONDITIONS).build();
    all.insert("condition".to_owned(), one);
    all.insert("exec".to_owned(), exec());
    let codes: Vec<&str> = Cause::ALL.into_iter().chain([Cause::NotKnown]).map(Cause::code).collect();
    all.insert("cause".to_owned(), word(&codes, "What is so, as `docs/troubleshooting.md` has it."));
    let causes = json!({"description": "A cause, or several in this order.", "oneOf": [reference("cause"), full_list(reference("cause"), "Several, in this order.")]});
    all.insert("causes".to_owned(), causes);
    all
}

/// Every condition as a key of a mapping.
pub(super) fn properties() -> impl Iterator<Item = (&'static str, Value)> {
    CONDITIONS.into_iter().map(|key| (key, reference(&format!("condition.{key}"))))
}

fn condition(key: &str) -> Value {
    match key {
        "converged" => converged(
            "Every eligible node has exactly one pod, ready and available, there is none where there should not be, and the status agrees.",
        ),
        "rolledOut" => converged("`converged`, and every pod carries the current revision."),
        "pods" => pods(),
        "status" => status(),
        "nodeReady" => Mapping::new("Nodes are ready, or are not.")
            .optional("node", reference("node"))
            .optional("nodes", full_list(reference("node"), "These nodes."))
            .optional("all", json!({"const": true, "description": "Every node."}))
            .optional("ready", flag("Whether they must be ready or must not be; `true` where it is left out."))
            .one_of(&["node", "nodes", "all"])
            .build(),
        "notRestarted" => daemon_set(Mapping::new(
            "The pods are the same as at the end of an earlier step, with the same restart counts.",
        ))
        .required("since", described("text", "The name of the earlier step."))
        .optional("node", described("node", "Only on this node."))
        .build(),
        "logs" => nodes(daemon_set(Mapping::new("Every pod's log has such a line, read from its beginning.")))
            .optional("container", described("name", "The container; the pod's only one where it is left out."))
            .required("line", described("searched", "What one line must have."))
            .optional("anyPod", flag("Whether one pod is enough."))
            .build(),
        "exec" => described("exec", "A command ends so in every pod. It is run again until it does, every 500 ms."),
        "events" => events(),
        "object" => object(),
        "explain" => explain().build(),
        "cel" => json!({
            "description": "An expression of the Common Expression Language is true.",
            "oneOf": [expression(), said()],
        }),
        "all" => full_list(reference("condition"), "Every one is true."),
        "any" => full_list(reference("condition"), "At least one is true."),
        "not" => described("condition", "It is not true."),
        // A test reads every condition; one that is new is refused until it is written down here.
        _ => json!(false),
    }
}

fn expression() -> Value {
    json!({
        "description": "An expression of the Common Expression Language over `nodes`, `pods`, `daemonSets`, `revisions` and `events`, which are lists of objects as the API has them.",
        "type": "string",
        "pattern": r"\S",
        "maxLength": 4096,
    })
}

fn said() -> Value {
    Mapping::new("An expression with words for it.")
        .required("expression", expression())
        .required("says", described("text", "What it is in words, as `no pod has the old image`; reports have these."))
        .build()
}

fn converged(description: &str) -> Value {
    daemon_set(Mapping::new(description))
        .optional("allowNone", flag("Whether no eligible node at all is right too."))
        .build()
}

fn pods() -> Value {
    let revision = json!({
        "description": "The revision: `current`, `outdated`, or its number.",
        "oneOf": [{"enum": ["current", "outdated"]}, {"type": "integer", "minimum": 1}, reference("placeholder")],
    });
    let says = ["count", "phase", "ready", "image", "terminating", "revision", "waiting", "restarts"];
    let about = "Exactly `count` pods are so; without `count` there is at least one, and all are.";
    nodes(daemon_set(Mapping::new(about)))
        .optional("count", number(0, None, "How many."))
        .optional("phase", word(&["Pending", "Running", "Succeeded", "Failed", "Unknown"], "The phase."))
        .optional("ready", flag("Whether they are ready."))
        .optional("image", described("text", "The image of at least one container."))
        .optional("terminating", flag("Whether they are being deleted."))
        .optional("revision", revision)
        .optional("waiting", described("text", "Why at least one container waits, as `CrashLoopBackOff`."))
        .optional("restarts", number(0, None, "How often the containers have been restarted, at least."))
        .any_of(&says)
        .build()
}

fn status() -> Value {
    let figures = [
        ("desired", "`desiredNumberScheduled`"),
        ("current", "`currentNumberScheduled`"),
        ("ready", "`numberReady`"),
        ("available", "`numberAvailable`"),
        ("unavailable", "`numberUnavailable`"),
        ("updated", "`updatedNumberScheduled`"),
        ("misscheduled", "`numberMisscheduled`"),
    ];
    daemon_set(Mapping::new("The figures of the status are exactly these."))
        .all(figures.map(|(key, field)| (key, number(0, None, field))))
        .any_of(&figures.map(|(key, _)| key))
        .build()
}

fn events() -> Value {
    let says = ["daemonSet", "node", "kind", "name", "reason", "type", "message"];
    Mapping::new("There are such events, at least `count` of them, repetitions counted.")
        .optional("daemonSet", described("daemonSetName", "Only those about this DaemonSet and its pods."))
        .optional("namespace", reference("namespace"))
        .optional("node", described("node", "Only those about this node."))
        .optional("kind", described("text", "Only those about objects of this kind."))
        .optional("name", described("text", "Only those about an object of this name."))
        .optional("reason", described("text", "The reason, as `FailedCreate`."))
        .optional("type", word(&["Normal", "Warning"], "The type."))
        .optional("message", described("searched", "What the message must have."))
        .optional("count", number(1, None, "How many at least; 1 where it is left out."))
        .any_of(&says)
        .with("dependentRequired", json!({"namespace": ["daemonSet"]}))
        .build()
}

fn object() -> Value {
    let part = json!({
        "description": "A part of it: mappings may have more keys, lists more items, and `null` is what is not there.",
        "type": "object",
    });
    Mapping::new("Objects of any kind have this part: exactly `count` of them; without `count` there is at least one, and all have it.")
        .required("apiVersion", described("text", "As `v1` or `apps/v1`."))
        .required("kind", described("text", "As `ConfigMap`."))
        .optional("namespace", described("name", "Only those of this namespace; `default` where a name is given."))
        .optional("name", described("text", "Only the one of this name."))
        .optional("labels", described("labels", "Only those with these labels."))
        .optional("match", part)
        .optional("count", number(0, None, "How many."))
        .build()
}

pub(super) fn explain() -> Mapping {
    daemon_set(Mapping::new("A diagnosis finds these causes, and nothing else: every node that is not named is in order."))
        .optional("findings", json!({
            "description": "The causes by the name of the node that they are on, the one that keeps the others from mattering first.",
            "type": "object",
            "additionalProperties": reference("causes"),
        }))
        .optional("overall", described("causes", "The causes that concern no single node."))
}

fn exec() -> Value {
    nodes(daemon_set(Mapping::new("A command in a container of every pod, and how it must end.")))
        .optional("container", described("name", "The container; the pod's only one where it is left out."))
        .required("command", reference("command"))
        .optional("exitCode", number(0, Some(255), "The exit code; 0 where it is left out."))
        .optional("stdout", described("searched", "What standard output must have."))
        .optional("stderr", described("searched", "What standard error must have."))
        .build()
}
