//! Files of kind `Validation`.

use serde_json::{Value, json};

use super::types::{flag, number, word};
use super::{Mapping, described, full_list};
use crate::scenario::{API_VERSION, VALIDATION_KIND};
use crate::validate::{GateName, Level};

/// The schema of the whole file.
pub(super) fn file() -> Value {
    let levels = [Level::Restricted, Level::Baseline, Level::Privileged].map(Level::as_str);
    Mapping::new("What an agent has to reach before it is released; flags of `rollcall validate` say otherwise.")
        .required("apiVersion", json!({"const": API_VERSION}))
        .required("kind", json!({"const": VALIDATION_KIND}))
        .optional(
            "nodes",
            number(2, Some(50), "The nodes of the cluster, its control plane among them; 3 where it is left out."),
        )
        .optional(
            "readyWithin",
            described("duration", "How long a pod may take to become ready; 1m where it is left out."),
        )
        .optional(
            "rolloutWithin",
            described("duration", "How long an update of all nodes may take; 3m where it is left out."),
        )
        .optional(
            "soak",
            described("duration", "For how long nothing may restart; nothing is watched where it is left out."),
        )
        .optional("nodeLabels", described("labels", "Labels of the workers, for a manifest that selects nodes."))
        .optional(
            "measureFor",
            described("duration", "How long what the agent uses is looked at; 5s where it is left out."),
        )
        .optional(
            "memoryPercent",
            number(1, Some(100), "How much of its memory limit it may use; 90 where it is left out."),
        )
        .optional(
            "throttledPercent",
            number(0, Some(100), "In how much of the time its CPU limit may hold it back; 25 where it is left out."),
        )
        .optional("trials", flag("Whether what the manifest asks for is taken away once, to see what is needed."))
        .optional(
            "maxImageMegabytes",
            number(1, Some(1_000_000), "The largest image, in MB; 500 where it is left out."),
        )
        .optional(
            "podSecurity",
            word(
                &levels,
                "The Pod Security level that the manifest may not go beyond; privileged where it is left out.",
            ),
        )
        .optional(
            "slowerByPercent",
            number(0, Some(10_000), "How much longer than in the baseline a measure may be; 50 where it is left out."),
        )
        .optional(
            "gates",
            full_list(
                word(&GateName::ALL.map(GateName::as_str), "A gate."),
                "Only these gates; all of them where it is left out.",
            ),
        )
        .build()
}
