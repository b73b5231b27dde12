//! A diagnosis for people: a line a node, and under it each cause once, with the nodes that it is on.

use std::fmt;

use super::{Diagnosis, Finding, NodeDiagnosis, NodeState};
use crate::table;

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meant = self.nodes.iter().filter(|node| !node.state.is_elsewhere());
        match meant.clone().count() {
            0 => writeln!(f, "daemonset {}: no node is meant", self.daemon_set)?,
            all => {
                let good = meant.filter(|node| node.state == NodeState::Ok).count();
                writeln!(f, "daemonset {}: ok on {good} of {all} nodes that are meant", self.daemon_set)?;
            }
        }
        let header = ["NODE", "STATE", "POD", "WHY"].map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> = std::iter::once(header).chain(self.nodes.iter().map(row)).collect();
        write!(f, "\n{}", table::render(&rows))?;
        for paragraph in self.paragraphs() {
            write!(f, "\n{paragraph}")?;
        }
        for (why, nodes) in self.not_meant() {
            write!(f, "\nnot meant on {}: {why}\n", names(&nodes))?;
        }
        for what in &self.not_looked_at {
            write!(f, "\nnot looked at: {what}\n")?;
        }
        Ok(())
    }
}

fn row(node: &NodeDiagnosis) -> Vec<String> {
    let why: Vec<&str> = node.findings.iter().map(|finding| finding.cause.code()).collect();
    vec![
        node.node.clone(),
        node.state.as_str().to_owned(),
        node.pod.clone().unwrap_or_else(|| "-".to_owned()),
        why.join(", "),
    ]
}

impl Diagnosis {
    /// Each cause once, with what it rests on and its remedy: those of the whole, then those of nodes that are not in
    /// order.
    #[must_use]
    pub fn paragraphs(&self) -> Vec<String> {
        let whole = self.findings.iter().map(|finding| Paragraph { finding, nodes: &[] }.to_string());
        let grouped = self.grouped();
        let nodes = grouped.iter().map(|(finding, nodes)| Paragraph { finding, nodes }.to_string());
        whole.chain(nodes).collect()
    }

    /// Each finding of nodes that are not in order, once, with its nodes. Findings are alike that differ in names only.
    fn grouped(&self) -> Vec<(&Finding, Vec<&str>)> {
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
        groups.into_iter().map(|(_, finding, nodes)| (finding, nodes)).collect()
    }

    /// Why nodes are not meant, each reason once with its nodes. Where none is meant, the paragraphs say so at length.
    fn not_meant(&self) -> Vec<(String, Vec<&str>)> {
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

/// How many nodes are named one by one.
const MOST_NODES: usize = 8;

fn names(nodes: &[&str]) -> String {
    match nodes.get(MOST_NODES..) {
        None | Some([]) => nodes.join(", "),
        Some(more) => format!("{} and {} more nodes", nodes[..MOST_NODES].join(", "), more.len()),
    }
}

struct Paragraph<'a> {
    finding: &'a Finding,
    nodes: &'a [&'a str],
}

impl fmt::Display for Paragraph<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { cause, what, evidence, remedy, command, certainty, object } = self.finding;
        let place = match self.nodes {
            [] => format!(" of {object}"),
            nodes => format!(" on {}", names(nodes)),
        };
        writeln!(f, "{cause}{place} ({})", certainty.as_str())?;
        writeln!(f, "  {what}")?;
        for seen in evidence {
            let mut lines = seen.says.lines();
            writeln!(f, "  seen: {}: {}", seen.source, lines.next().unwrap_or_default())?;
            for line in lines {
                writeln!(f, "        {line}")?;
            }
        }
        if !remedy.is_empty() {
            writeln!(f, "  remedy: {remedy}")?;
        }
        if let Some(command) = command {
            writeln!(f, "  command: {command}")?;
        }
        Ok(())
    }
}
