//! The tables that are printed.

use std::collections::BTreeMap;

use rollcall_model::event::{RollCallPod, RollCallRow};
pub use rollcall_model::table::render;

/// So many nodes that differ in nothing but their number are shown one by one; more are one line.
const MOST_ALIKE: usize = 10;

/// Every node with its daemon pods, a line a pod, `worker-2` before `worker-10`.
///
/// Nodes of one name but for the number at its end that are alike in everything are one line when there are many of
/// them, so that those which differ are seen.
#[must_use]
pub fn roll_call(rows: &[RollCallRow]) -> String {
    let mut rows: Vec<&RollCallRow> = rows.iter().collect();
    rows.sort_by_key(|row| (stem_and_number(&row.node), row.node.as_str()));
    let mut groups: BTreeMap<Likeness<'_>, Vec<&RollCallRow>> = BTreeMap::new();
    for row in &rows {
        groups.entry(likeness(row)).or_default().push(row);
    }
    let mut lines = vec![["NODE", "ROLE", "READY", "POD", "REVISION", "STATE"].map(String::from).to_vec()];
    for row in rows {
        match groups.get(&likeness(row)) {
            Some(alike) if alike.len() > MOST_ALIKE => {
                if alike.first().is_some_and(|first| std::ptr::eq(*first, row)) {
                    lines.push(many(alike));
                }
            }
            _ => lines.extend(one(row)),
        }
    }
    render(&lines)
}

/// What two rows have in common that may be one line.
type Likeness<'a> = (&'a str, &'a str, bool, Option<(Option<i64>, bool)>, usize);

/// Rows with several pods are like no other: somebody will want to see them.
fn likeness(row: &RollCallRow) -> Likeness<'_> {
    let stem = stem_and_number(&row.node).0;
    match row.pods.as_slice() {
        [] => (stem, row.role.as_str(), row.ready, None, 0),
        [pod] => (stem, row.role.as_str(), row.ready, Some((pod.revision, pod.ready)), 1),
        pods => (row.node.as_str(), row.role.as_str(), row.ready, None, pods.len()),
    }
}

fn many(alike: &[&RollCallRow]) -> Vec<String> {
    let (Some(first), number) = (alike.first(), alike.len()) else { return Vec::new() };
    let stem = stem_and_number(&first.node).0;
    let [_, revision, state] = first.pods.first().map_or_else(no_pod, pod);
    let pods = if first.pods.is_empty() { "-".to_owned() } else { format!("{number} pods") };
    let node = format!("{stem}… ({number} nodes)");
    vec![node, first.role.as_str().to_owned(), yes_or_no(first.ready).to_owned(), pods, revision, state]
}

fn one(row: &RollCallRow) -> Vec<Vec<String>> {
    let pods = if row.pods.is_empty() { vec![no_pod()] } else { row.pods.iter().map(pod).collect() };
    let line = |(index, pod): (usize, [String; 3])| {
        // A node with two pods is one node.
        let node = if index == 0 { [row.node.as_str(), row.role.as_str(), yes_or_no(row.ready)] } else { [""; 3] };
        node.map(String::from).into_iter().chain(pod).collect()
    };
    pods.into_iter().enumerate().map(line).collect()
}

fn pod(pod: &RollCallPod) -> [String; 3] {
    let revision = pod.revision.map_or_else(|| "?".to_owned(), |revision| revision.to_string());
    [pod.name.clone(), revision, if pod.ready { "ready" } else { "not ready" }.to_owned()]
}

fn no_pod() -> [String; 3] {
    ["-", "-", "no pod"].map(String::from)
}

fn yes_or_no(ready: bool) -> &'static str {
    if ready { "yes" } else { "no" }
}

/// `sim-12` is `sim-` and 12; a name without a number at its end, or with a longer one than fits, is all stem.
fn stem_and_number(name: &str) -> (&str, Option<u64>) {
    let stem = name.trim_end_matches(|last: char| last.is_ascii_digit());
    match name[stem.len()..].parse() {
        Ok(number) => (stem, Some(number)),
        Err(_) => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use rollcall_model::Role;

    use super::*;

    fn row(node: &str, revisions: &[i64]) -> RollCallRow {
        let pod =
            |revision: &i64| RollCallPod { name: format!("agent-{node}"), revision: Some(*revision), ready: true };
        RollCallRow {
            node: node.to_owned(),
            role: Role::Worker,
            ready: true,
            pods: revisions.iter().map(pod).collect(),
        }
    }

    /// As [`World::roll_call`](rollcall_model::World) has them: by name, as text.
    fn sorted(mut rows: Vec<RollCallRow>) -> Vec<RollCallRow> {
        rows.sort_by(|a, b| a.node.cmp(&b.node));
        rows
    }

    #[test]
    fn nodes_stand_in_the_order_of_their_numbers() {
        let rows = sorted([10, 2, 1].map(|number| row(&format!("worker-{number}"), &[1])).into());
        let text = roll_call(&rows);
        let nodes: Vec<&str> = text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(nodes, ["worker-1", "worker-2", "worker-10"]);
    }

    #[test]
    fn many_that_are_alike_are_one_line_and_those_that_differ_are_seen() {
        let mut rows: Vec<RollCallRow> = (1..=500).map(|number| row(&format!("sim-{number}"), &[2])).collect();
        rows[6].pods[0].ready = false;
        rows[7].pods.clear();
        rows[8] = row("sim-9", &[1, 2]);
        rows[99] = row("sim-100", &[1]);
        rows.push(row("worker", &[2]));
        insta::assert_snapshot!(roll_call(&sorted(rows)), @r"
        NODE               ROLE    READY  POD            REVISION  STATE
        sim-… (496 nodes)  worker  yes    496 pods       2         ready
        sim-7              worker  yes    agent-sim-7    2         not ready
        sim-8              worker  yes    -              -         no pod
        sim-9              worker  yes    agent-sim-9    1         ready
                                          agent-sim-9    2         ready
        sim-100            worker  yes    agent-sim-100  1         ready
        worker             worker  yes    agent-worker   2         ready
        ");
    }

    #[test]
    fn a_few_that_are_alike_are_each_a_line() {
        let rows = sorted((1..=10).map(|number| row(&format!("worker-{number}"), &[1])).collect());
        assert_eq!(roll_call(&rows).lines().count(), 11);
        let more = sorted((1..=11).map(|number| row(&format!("worker-{number}"), &[])).collect());
        assert_eq!(roll_call(&more).lines().count(), 2);
    }
}
