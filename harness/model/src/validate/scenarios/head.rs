//! What stands above the steps: the cluster, the images, and what has to hold at every change.

use std::fmt::Write;

use serde_json::json;

use super::{CONTROL_PLANE, Scenario};
use crate::validate::GateName;

impl Scenario<'_> {
    pub(super) fn head(&self) -> String {
        let (gate, candidate) = (self.gate, self.candidate);
        let workers = self.settings.nodes.saturating_sub(1);
        let summary = gate.summary();
        let (image, previous) = (&candidate.image, candidate.previous.as_deref());
        let substitutes =
            match previous.filter(|_| matches!(gate, GateName::Upgrade | GateName::Rollback | GateName::Surge)) {
                Some(previous) => format!("# Image `{image}` is the candidate, and `{previous}` the former one.\n"),
                None => format!("# Image `{image}` is the candidate.\n"),
            };
        format!(
            "# Gate `{gate}`: {summary}.\n{substitutes}apiVersion: rollcall.dev/v1\nkind: Scenario\nmetadata:\n  name: {gate}\n  \
             description: {}\ncluster:\n  shared: true\n  nodes:\n    - {{name: {CONTROL_PLANE}, role: control-plane}}\n    \
             - {{name: worker, count: {workers}{}}}\n{}invariants:\n{}steps:\n",
            json!(capital(summary)),
            self.node_labels(),
            self.images(),
            self.invariants()
        )
    }

    /// The labels of workers, as the end of a mapping.
    pub(super) fn node_labels(&self) -> String {
        let labels = &self.settings.node_labels;
        if labels.is_empty() { String::new() } else { format!(", labels: {}", json!(labels)) }
    }

    fn invariants(&self) -> String {
        let ds = self.daemon_set();
        let mut text = format!("  - onePodPerNode: {{{ds}}}\n  - noRestarts: {{{ds}}}\n");
        match self.gate {
            GateName::Upgrade => {
                let _ = write!(text, "  - maxUnavailable: {{{ds}}}\n  - atMostTwoRevisions: {{{ds}}}\n");
            }
            GateName::Rollback => {
                let _ = writeln!(text, "  - maxUnavailable: {{{ds}}}");
            }
            GateName::Surge => {
                let _ = writeln!(text, "  - maxUnavailable: {{{ds}, budget: 0}}");
            }
            GateName::Stops => {
                let _ = write!(
                    text,
                    "  # One that does not end by SIGTERM is killed at the end of its grace period: 128 and 9, for SIGKILL.\n  \
                     - cel:\n      says: no container of the agent is killed\n      expression: {}\n",
                    json!(self.nobody_is_killed())
                );
            }
            _ => {}
        }
        text
    }

    /// An expression that is true as long as no container of the candidate has ended by SIGKILL.
    fn nobody_is_killed(&self) -> String {
        let (name, namespace) = (&self.candidate.daemon_set.name, &self.candidate.daemon_set.namespace);
        let container = &self.candidate.container;
        format!(
            "!pods.exists(p, p.metadata.namespace == '{namespace}' && p.metadata.name.startsWith('{name}-') \
             && has(p.status.containerStatuses) && p.status.containerStatuses.exists(c, c.name == '{container}' \
             && has(c.state.terminated) && c.state.terminated.exitCode == 137))"
        )
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), characters.as_str()))
}
