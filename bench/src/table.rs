//! The medians as a table and as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{rounds, simulated};

/// One line of the table: seconds, milliseconds or mebibytes.
pub(crate) struct Row {
    what: &'static str,
    unit: &'static str,
    median: f64,
    least: f64,
    most: f64,
    /// What the design wants to reach.
    goal: Option<f64>,
}

pub(crate) fn real(figures: &rounds::Figures, image: u64) -> Vec<Row> {
    vec![
        seconds("nothing to three nodes ready for use", &figures.nodes_ready, None),
        seconds("nothing to the DaemonSet Ready on each", &figures.daemon_set_ready, Some(5.0)),
        seconds("worker added, ready for use", &figures.worker_ready, Some(1.0)),
        seconds("worker added, its daemon pod Ready", &figures.worker_pod_ready, Some(2.0)),
        seconds("worker removed, all traces gone", &figures.worker_removed, Some(1.0)),
        seconds("cluster destroyed", &figures.destroyed, Some(1.0)),
        mebibytes("memory of the control-plane node", &figures.control_plane_bytes, Some(450.0)),
        mebibytes("memory of a worker", &figures.worker_bytes, Some(60.0)),
        mebibytes("memory of the harness, peak", &figures.harness_bytes, Some(50.0)),
        // 400 MB in the unit of the table.
        mebibytes("node image", &[image], Some(381.0)),
    ]
}

pub(crate) fn simulated(figures: &simulated::Figures) -> Vec<Row> {
    vec![
        seconds("500 nodes, DaemonSet Ready on each", &figures.daemon_set_ready, Some(8.0)),
        milliseconds("500 nodes, change to judgement, p50", &figures.judged_half, None),
        milliseconds("500 nodes, change to judgement, p99", &figures.judged_most, Some(5.0)),
        mebibytes("500 nodes, memory of the harness", &figures.harness_bytes, None),
    ]
}

pub(crate) fn explained(rounds: &[Duration]) -> Row {
    seconds("explain, 1,000 simulated nodes", rounds, Some(2.0))
}

pub(crate) fn validated(rounds: &[Duration]) -> Row {
    seconds("validate, every gate on 3 nodes", rounds, Some(120.0))
}

pub(crate) fn linted(rounds: &[Duration]) -> Row {
    seconds("1,000 scenario files decoded and linted", rounds, Some(1.0))
}

fn milliseconds(what: &'static str, values: &[Duration], goal: Option<f64>) -> Row {
    row(what, "ms", values.iter().map(|value| value.as_secs_f64() * 1000.0).collect(), goal)
}

fn seconds(what: &'static str, values: &[Duration], goal: Option<f64>) -> Row {
    row(what, "s", values.iter().map(Duration::as_secs_f64).collect(), goal)
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn mebibytes(what: &'static str, values: &[u64], goal: Option<f64>) -> Row {
    row(what, "MiB", values.iter().map(|bytes| *bytes as f64 / 1_048_576.0).collect(), goal)
}

fn row(what: &'static str, unit: &'static str, mut values: Vec<f64>, goal: Option<f64>) -> Row {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    Row { what, unit, median: at(values.len() / 2), least: at(0), most: at(values.len().saturating_sub(1)), goal }
}

pub(crate) fn render(rows: &[Row]) -> String {
    let mut text = format!("\n{:<42} {:>9} {:>9} {:>9} {:>9}\n", "", "median", "least", "most", "goal");
    for row in rows {
        let goal = row.goal.map_or_else(String::new, |goal| format!("{goal:.1}"));
        text += &format!(
            "{:<42} {:>9.2} {:>9.2} {:>9.2} {:>9} {}\n",
            row.what, row.median, row.least, row.most, goal, row.unit
        );
    }
    text
}

pub(crate) fn json(rows: &[Row]) -> Value {
    let figures = rows.iter().map(|row| {
        json!({"what": row.what, "unit": row.unit, "median": row.median, "least": row.least, "most": row.most, "goal": row.goal})
    });
    json!({"format": 1, "figures": figures.collect::<Vec<_>>()})
}
