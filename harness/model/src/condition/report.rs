//! Why a condition is not true, with the nodes that matter.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most nodes a report lists. The summary counts them all; a person reads no more than these.
pub(super) const MAX_NODES: usize = 50;

/// Why a condition is not true.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// The reason in one line: lower case, no full stop, names in backticks.
    pub summary: String,
    /// The nodes that matter, those at fault first, and at most fifty.
    pub nodes: Vec<NodeReport>,
}

/// What a report says of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeReport {
    /// The node.
    pub node: String,
    /// What is so there.
    pub what: String,
}

impl NodeReport {
    pub(crate) fn new(node: impl Into<String>, what: impl Into<String>) -> Self {
        Self { node: node.into(), what: what.into() }
    }
}

impl Report {
    pub(crate) fn new(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), nodes: Vec::new() }
    }

    pub(crate) fn with_nodes(mut self, nodes: impl IntoIterator<Item = NodeReport>) -> Self {
        self.nodes.extend(nodes);
        self.nodes.truncate(MAX_NODES);
        self
    }

    /// Several reports as one.
    pub(super) fn joined(reports: Vec<Self>, between: &str) -> Self {
        let summaries: Vec<&str> = reports.iter().map(|report| report.summary.as_str()).collect();
        let summary = summaries.join(between);
        let mut nodes: Vec<NodeReport> = Vec::new();
        for node in reports.into_iter().flat_map(|report| report.nodes) {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        Self::new(summary).with_nodes(nodes)
    }
}

/// The summary, and a line for every group of nodes of which the same is so.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)?;
        let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
        for NodeReport { node, what } in &self.nodes {
            let node = format!("`{node}`");
            match groups.iter_mut().find(|(known, _)| known == what) {
                Some((_, nodes)) => nodes.push(node),
                None => groups.push((what, vec![node])),
            }
        }
        for (what, nodes) in groups {
            write!(f, "\n  {}: {what}", nodes.join(", "))?;
        }
        Ok(())
    }
}

/// `one`, or `many`, by number.
pub(crate) fn plural<'a>(number: usize, one: &'a str, many: &'a str) -> &'a str {
    if number == 1 { one } else { many }
}
