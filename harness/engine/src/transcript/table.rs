//! The tables that are printed.

use rollcall_model::event::{RollCallPod, RollCallRow};
pub use rollcall_model::table::render;

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
