//! Findings of many nodes told once: which are alike, and on which nodes.

use super::{Diagnosis, Finding, NodeState};

/// How many nodes are named one by one.
const MOST_NODES: usize = 8;

impl Diagnosis {
    /// What is so in one line: `daemonset default/agent: ok on 1 of 2 nodes that are meant`.
    #[must_use]
    pub fn headline(&self) -> String {
        let meant = self.nodes.iter().filter(|node| !node.state.is_elsewhere());
        match meant.clone().count() {
            0 => format!("daemonset {}: no node is meant", self.daemon_set),
            all => {
                let good = meant.filter(|node| node.state == NodeState::Ok).count();
                format!("daemonset {}: ok on {good} of {all} nodes that are meant", self.daemon_set)
            }
        }
    }

    /// Each finding once, with its nodes: first those of the whole, which have none, then those of nodes that are not in
    /// order. Findings are alike that differ in names only.
    pub(super) fn grouped(&self) -> Vec<(&Finding, Vec<&str>)> {
        let mut groups: Vec<(String, &Finding, Vec<&str>)> = Vec::new();
        for node in self.nodes.iter().filter(|node| !node.state.is_in_order() || !self.has_meant_nodes()) {
            for finding in &node.findings {
                let mut key = format!("{}{}", finding.cause, finding.what).replace(&node.node, "");
                if let Some(pod) = &node.pod {
                    key = key.replace(pod.as_str(), "");
                }
                match groups.iter_mut().find(|(known, ..)| *known == key) {
                    Some((_, _, nodes)) => nodes.push(&node.node),
                    None => groups.push((key, finding, vec![&node.node])),
                }
            }
        }
        let of_the_whole = self.findings.iter().map(|finding| (finding, Vec::new()));
        of_the_whole.chain(groups.into_iter().map(|(_, finding, nodes)| (finding, nodes))).collect()
    }

    /// Why nodes are not meant, each reason once with its nodes. Where none is meant, the paragraphs say so at length.
    pub(super) fn not_meant(&self) -> Vec<(String, Vec<&str>)> {
        let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
        let nodes = self.nodes.iter().filter(|node| matches!(node.state, NodeState::NotMeant | NodeState::Kept));
        for node in nodes.filter(|_| self.has_meant_nodes()) {
            let why: Vec<String> = node.findings.iter().map(|finding| finding.what.clone()).collect();
            let why = why.join("; ");
            match groups.iter_mut().find(|(known, _)| *known == why) {
                Some((_, nodes)) => nodes.push(&node.node),
                None => groups.push((why, vec![&node.node])),
            }
        }
        groups
    }

    /// Whether any node is meant: where none is, why not is the question.
    fn has_meant_nodes(&self) -> bool {
        self.nodes.iter().any(|node| !node.state.is_elsewhere())
    }
}

/// Where a finding is: `on w1, w2`, or `of daemonset default/agent` where it concerns no single node.
pub(super) fn place(finding: &Finding, nodes: &[&str]) -> String {
    match nodes {
        [] => format!("of {}", finding.object),
        nodes => format!("on {}", names(nodes)),
    }
}

/// Some nodes, those beyond the first few as a number.
pub(super) fn names(nodes: &[&str]) -> String {
    match nodes.get(MOST_NODES..) {
        None | Some([]) => nodes.join(", "),
        Some(more) => format!("{} and {} more nodes", nodes[..MOST_NODES].join(", "), more.len()),
    }
}
