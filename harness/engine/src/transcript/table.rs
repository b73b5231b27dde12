//! Columns under each other, as kubectl has them.

use rollcall_model::event::{RollCallPod, RollCallRow};

/// Aligns the columns of some rows, the first of which is the header.
#[must_use]
pub fn render(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Every node with its daemon pods, a line a pod.
#[must_use]
pub fn roll_call(rows: &[RollCallRow]) -> String {
    let mut lines = vec![["NODE", "ROLE", "READY", "POD", "REVISION", "STATE"].map(String::from).to_vec()];
    for row in rows {
        let ready = if row.ready { "yes" } else { "no" };
        let node = [row.node.as_str(), row.role.as_str(), ready];
        let pods: Vec<[String; 3]> = match row.pods.as_slice() {
            [] => vec![["-", "-", "no pod"].map(String::from)],
            pods => pods.iter().map(pod).collect(),
        };
        for (index, pod) in pods.into_iter().enumerate() {
            // A node with two pods is one node.
            let node = if index == 0 { node } else { ["", "", ""] };
            lines.push(node.map(String::from).into_iter().chain(pod).collect());
        }
    }
    render(&lines)
}

fn pod(pod: &RollCallPod) -> [String; 3] {
    let revision = pod.revision.map_or_else(|| "?".to_owned(), |revision| revision.to_string());
    [pod.name.clone(), revision, if pod.ready { "ready" } else { "not ready" }.to_owned()]
}
