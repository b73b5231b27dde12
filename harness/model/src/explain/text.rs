//! A diagnosis for people: a line a node, and under it each cause once, with the nodes that it is on.

use std::fmt;

use super::{Diagnosis, Finding, NodeDiagnosis, NodeState, group};
use crate::{
    table,
    tone::{Paint, Tone, plain},
};

/// Where the state stands in the table.
const STATE: usize = 1;

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(plain))
    }
}

impl Diagnosis {
    /// The text for people, with the looks that `paint` gives. Without them it is what is displayed.
    #[must_use]
    pub fn text(&self, paint: Paint) -> String {
        let mut text = self.text_of_nodes(paint);
        for what in &self.not_looked_at {
            text.push_str(&format!("\nnot looked at: {what}\n"));
        }
        text
    }

    /// Each cause once, with its nodes, what it rests on and its remedy.
    #[must_use]
    pub fn paragraphs(&self) -> Vec<String> {
        self.grouped().into_iter().map(|(finding, nodes)| paragraph(finding, &nodes, plain)).collect()
    }

    /// All of the text but what was not looked at.
    pub(super) fn text_of_nodes(&self, paint: Paint) -> String {
        let mut text = format!("{}\n", paint(Tone::Strong, &self.headline()));
        let header = ["NODE", "STATE", "POD", "WHY"].map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> = std::iter::once(header).chain(self.nodes.iter().map(row)).collect();
        let look = |row: usize, column: usize, cell: &str| match row.checked_sub(1).and_then(|row| self.nodes.get(row))
        {
            Some(node) if column == STATE => paint(node.state.tone(), cell),
            _ => cell.to_owned(),
        };
        text.push_str(&format!("\n{}", table::render_with(&rows, look)));
        for (finding, nodes) in self.grouped() {
            text.push_str(&format!("\n{}", paragraph(finding, &nodes, paint)));
        }
        for (why, nodes) in self.not_meant() {
            text.push_str(&format!("\nnot meant on {}: {why}\n", group::names(&nodes)));
        }
        text
    }
}

impl NodeState {
    /// What the state means to the eye.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Ok => Tone::Good,
            Self::Missing | Self::Extra | Self::Unhealthy => Tone::Bad,
            Self::Waiting | Self::Outdated => Tone::Pending,
            Self::NotMeant | Self::Kept => Tone::Faint,
        }
    }
}

fn row(node: &NodeDiagnosis) -> Vec<String> {
    vec![
        node.node.clone(),
        node.state.as_str().to_owned(),
        node.pod.clone().unwrap_or_else(|| "-".to_owned()),
        node.causes(),
    ]
}

impl NodeDiagnosis {
    /// The names of the causes, `crash-loop, probe-failed`.
    pub(super) fn causes(&self) -> String {
        let causes: Vec<&str> = self.findings.iter().map(|finding| finding.cause.code()).collect();
        causes.join(", ")
    }
}

fn paragraph(finding: &Finding, nodes: &[&str], paint: Paint) -> String {
    let Finding { cause, what, evidence, remedy, command, certainty, .. } = finding;
    let heading = format!("{cause} {} ({})", group::place(finding, nodes), certainty.as_str());
    let mut text = format!("{}\n  {what}\n", paint(Tone::Strong, &heading));
    for seen in evidence {
        let mut lines = seen.says.lines();
        text.push_str(&format!("  seen: {}: {}\n", seen.source, lines.next().unwrap_or_default()));
        for line in lines {
            text.push_str(&format!("        {line}\n"));
        }
    }
    if !remedy.is_empty() {
        text.push_str(&format!("  remedy: {remedy}\n"));
    }
    if let Some(command) = command {
        text.push_str(&format!("  command: {command}\n"));
    }
    text
}
