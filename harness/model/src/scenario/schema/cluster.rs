//! The head of a scenario: what it is called and what its cluster is.

use serde_json::{Map, Value, json};

use super::types::{flag, number, word};
use super::{Mapping, described, list, reference};

pub(super) fn definitions() -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("metadata".to_owned(), metadata());
    all.insert("cluster".to_owned(), cluster());
    all.insert("nodeEntry".to_owned(), node_entry());
    all
}

fn metadata() -> Value {
    Mapping::new("Name and description.")
        .required("name", described("name", "The scenario's name."))
        .optional("description", described("text", "What the scenario shows."))
        .optional("labels", described("labels", "What filters select by."))
        .build()
}

fn cluster() -> Value {
    let version = json!({
        "description": "The minor version of Kubernetes, where the scenario needs a certain one.",
        "type": "string",
        "pattern": "^1\\.[0-9]{1,3}$",
    });
    Mapping::new("The cluster at the start.")
        .required("nodes", list(reference("nodeEntry"), "The nodes, one of them a control-plane node."))
        .optional("kubernetes", version)
        .optional(
            "shared",
            flag("Whether the scenario leaves the cluster as it found it, so that the next one with an equal cluster may have it."),
        )
        .build()
}

fn node_entry() -> Value {
    let quantity = json!({"type": ["string", "integer"], "pattern": "^[0-9][0-9A-Za-z.]*$", "minimum": 0});
    let simulated = json!({"properties": {"simulated": {"const": true}}, "required": ["simulated"]});
    let slow = json!({"properties": {"fault": {"const": "slow"}}, "required": ["fault"]});
    common(Mapping::new("A node, several of one kind, or a group of simulated nodes."), 0, 10_000)
        .optional("role", word(&["control-plane", "worker"], "What it is in the cluster; `worker` where it is left out."))
        .optional(
            "simulated",
            flag("Whether these are objects of the API with a heartbeat and no kubelet. They are named `NAME-1` and so on."),
        )
        .optional(
            "allocatable",
            json!({
                "description": "What a simulated node has, by resource, as `cpu: 4`.",
                "type": "object",
                "additionalProperties": quantity,
            }),
        )
        .optional("fault", word(&["neverReady", "slow", "crash"], "What is wrong with the pods on simulated nodes."))
        .optional("delay", described("duration", "After how long the pods are ready, with `fault: slow`."))
        .with("if", simulated)
        .with("then", json!({"properties": {"role": false}}))
        .with(
            "else",
            json!({"properties": {
                "allocatable": false, "fault": false, "delay": false,
                "count": {"minimum": 1, "maximum": 200},
            }}),
        )
        .with("dependentSchemas", json!({"delay": slow, "fault": {"if": slow, "then": {"required": ["delay"]}}}))
        .build()
}

/// What every node has.
pub(super) fn common(mapping: Mapping, least: i64, most: i64) -> Mapping {
    mapping
        .required("name", described("name", "The node's name; with `count` what the names begin with."))
        .optional("count", number(least, Some(most), "How many there are, named `NAME-1` and so on."))
        .optional("labels", described("labels", "Labels from the start."))
        .optional("taints", list(reference("taint"), "Taints from the start."))
}
