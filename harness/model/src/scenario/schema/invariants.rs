//! Every invariant, by its key.

use serde_json::{Map, Value, json};

use super::types::{daemon_set, nodes, number};
use super::{Mapping, conditions, described, reference};
use crate::scenario::keys::{CONDITIONS, INVARIANTS};

pub(super) fn definitions() -> Map<String, Value> {
    let mut all = Map::new();
    for key in INVARIANTS {
        all.insert(format!("invariant.{key}"), invariant(key));
    }
    let keys: Vec<&str> = INVARIANTS.into_iter().chain(CONDITIONS).collect();
    let one = Mapping::new("One rule, or a condition that must stay true once it has been.")
        .all(INVARIANTS.into_iter().map(|key| (key, reference(&format!("invariant.{key}")))))
        .all(conditions::properties())
        .optional(
            "from",
            described("text", "From the end of the step with this name on; from the start where it is left out."),
        )
        .optional(
            "until",
            described("text", "Until the end of the step with this name; to the end where it is left out."),
        )
        .one_of(&keys)
        .build();
    all.insert("invariant".to_owned(), one);
    all
}

fn invariant(key: &str) -> Value {
    let about = |description: &str| daemon_set(Mapping::new(description));
    match key {
        "onePodPerNode" => about(
            "No node has two pods that are neither terminating nor ended; with `maxSurge`, no two of one revision.",
        ),
        "maxUnavailable" => {
            about("No more nodes than the budget are without an available pod, among those that had one.")
                .optional("budget", reference("budget"))
        }
        "maxSurge" => {
            about("No more nodes than the budget have a new pod that is not available yet beside the old one.")
                .optional("budget", reference("budget"))
        }
        "neverOn" => nodes(about("No pod comes to be on these nodes.")).any_of(&["node", "nodes", "nodeSelector"]),
        "noRestarts" => about("No container is restarted."),
        "atMostTwoRevisions" => about("The pods carry at most two revisions."),
        "available" => about("At least so many nodes have an available pod, once they had.")
            .required("least", number(1, None, "How many.")),
        // A test reads every invariant; one that is new is refused until it is written down here.
        _ => return json!(false),
    }
    .build()
}
