//! Verbs on nodes, and verbs that run commands and decide how images are found.

use serde_json::{Value, json};

use super::types::{daemon_set, flag, number, word};
use super::{Mapping, cluster, control, described, full_list, objects, reference};
use crate::scenario::Kill;

/// The schema of what stands behind a verb.
pub(super) fn verb(key: &str) -> Value {
    match key {
        "addNodes" => cluster::common(Mapping::new("Nodes join."), 1, 200).build(),
        "removeNode" => on_node("The node leaves: container, volumes, Node object, lease and pods."),
        "stopNode" => on_node("Kills the node, as a power failure would."),
        "startNode" => on_node("Starts a stopped node, until pods can be put on it."),
        "restartNode" => on_node("Kills the node and starts it."),
        "pauseNode" => on_node("Freezes every process of the node."),
        "resumeNode" => on_node("Lets a frozen node go on."),
        "partitionNode" => on_node("Drops every packet between the node and the others."),
        "healNode" => on_node("Lets the packets through again."),
        "cordon" => on_node("Makes the node unschedulable."),
        "uncordon" => on_node("Makes the node schedulable."),
        "taint" => with_node("Sets a taint.").required("taint", reference("taint")).build(),
        "untaint" => with_node("Removes a taint.")
            .required("taint", described("text", "The taint, as `key:Effect`, or `key` for every effect."))
            .build(),
        "label" => {
            let labels = json!({"$ref": "#/$defs/labels", "minProperties": 1, "description": "The labels."});
            with_node("Sets labels.").required("labels", labels).build()
        }
        "unlabel" => with_node("Removes labels.").required("keys", full_list(reference("text"), "Their keys.")).build(),
        "drain" => drain(),
        "pressure" => with_node("The kubelet comes under pressure.")
            .required("resource", word(&["disk", "memory", "pid"], "Of what there is too little."))
            .optional("release", flag("Whether it is relieved instead."))
            .build(),
        "scaleSimulatedNodes" => Mapping::new("A group of simulated nodes grows or shrinks.")
            .required("name", described("text", "The group."))
            .required("count", number(0, Some(10_000), "How many there are to be."))
            .build(),
        "exec" => described("exec", "Runs a command once in a container of every pod."),
        "nodeExec" => described("exec", "Runs a command once on the node of every pod, beside its container."),
        "run" => run(),
        "pushImage" => Mapping::new("An image becomes available in the cluster.")
            .required("name", described("imageName", "The name in the manifests."))
            .optional(
                "use",
                described("imageName", "The image that is pushed; the one of that name where it is left out."),
            )
            .build(),
        "pullFault" => pull_fault(),
        "rolloutRestart" => {
            daemon_set(Mapping::new("Every pod is replaced, as `kubectl rollout restart` does it.")).build()
        }
        "rollback" => daemon_set(Mapping::new(
            "The template becomes that of an earlier revision, as `kubectl rollout undo` does it.",
        ))
        .optional("toRevision", number(1, None, "The revision; the one before the current one where it is left out."))
        .build(),
        "setImage" => daemon_set(Mapping::new("Changes the image of a container of the template."))
            .required("container", described("text", "The container, which may be an init container."))
            .required("image", reference("imageName"))
            .build(),
        "deletePod" => daemon_set(Mapping::new("Deletes the pod of a node, until it is gone."))
            .required("node", reference("node"))
            .build(),
        "killContainer" => {
            daemon_set(Mapping::new("Kills a container of the pod of a node, until its kubelet has noticed."))
                .required("node", reference("node"))
                .optional("container", described("text", "The container; it may be left out where there is only one."))
                .optional("by", word(&Kill::ALL.map(Kill::as_str), "What kills it; `signal` where it is left out."))
                .build()
        }
        "apply" | "delete" | "patch" => objects::verb(key),
        "expect" | "hold" | "never" | "explain" | "parallel" | "pause" => control::verb(key),
        // A test reads every verb; one that is new is refused until it is written down here.
        _ => json!(false),
    }
}

/// A node: its name, or `{node: NAME}`.
fn on_node(description: &str) -> Value {
    json!({"description": description, "oneOf": [reference("node"), with_node("The node.").build()]})
}

fn with_node(description: &str) -> Mapping {
    Mapping::new(description).required("node", reference("node"))
}

fn drain() -> Value {
    let fields = with_node("The node, and how it is drained.")
        .optional("ignoreDaemonSets", flag("Whether daemon pods are left alone; `true` where it is left out."))
        .optional("gracePeriod", described("duration", "How long a pod gets to end, in whole seconds."));
    json!({
        "description": "Cordons the node and evicts its pods, respecting PodDisruptionBudgets.",
        "oneOf": [reference("node"), fields.build()],
    })
}

fn run() -> Value {
    let command = json!({"oneOf": [described("text", "A line for the shell."), reference("command")]});
    let fields = Mapping::new("The command, and how it must end.")
        .required("command", command)
        .optional("exitCode", number(0, Some(255), "The exit code; 0 where it is left out."));
    json!({
        "description": "Runs a command on this machine, with `KUBECONFIG` set.",
        "oneOf": [described("text", "A line for the shell."), reference("command"), fields.build()],
    })
}

fn pull_fault() -> Value {
    let faults = ["absent", "slow", "unauthorized", "tooManyRequests", "none"];
    let slow = json!({"properties": {"fault": {"const": "slow"}}});
    Mapping::new("Pulling an image fails from now on, or does not any more.")
        .required("image", described("imageName", "The name in the manifests."))
        .required("fault", word(&faults, "How it fails."))
        .optional(
            "delay",
            described("duration", "How long every answer takes, with `fault: slow`; 5s where it is left out."),
        )
        .with("dependentSchemas", json!({"delay": slow}))
        .build()
}
