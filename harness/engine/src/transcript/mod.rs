//! A run as lines of text: one a step, the roll call at the end, the verdict last.
//!
//! It makes the text and prints none of it: the command line shows it as it comes, the tests of a user's crate when
//! something failed.

pub mod table;

use std::{collections::BTreeMap, time::Duration};

pub use rollcall_model::tone::{Paint, Tone};
use rollcall_model::{
    Event, Report, Stamped, Verdict,
    event::{Cleanup, RollCallRow, StepOutcome},
    explain::Diagnosis,
    tone,
};

use crate::{error::seconds, run::Failure};

/// Makes text of the events of one run.
#[derive(Debug, Clone)]
pub struct Transcript {
    paint: Paint,
    text: String,
    steps: usize,
    started: usize,
    /// The steps that are under way, by position.
    under_way: BTreeMap<usize, Running>,
    rows: Vec<RollCallRow>,
    finished: Option<(Verdict, Duration, Cleanup)>,
}

/// A step that is under way.
#[derive(Debug, Clone)]
struct Running {
    /// Margin, label and summary.
    text: String,
    depth: usize,
    /// Whether it has been named because steps inside of it began.
    named: bool,
}

/// The most lines that are shown of what a command wrote.
const MAX_OUTPUT_LINES: usize = 20;

/// Without colours.
impl Default for Transcript {
    fn default() -> Self {
        Self::painted(tone::plain)
    }
}

impl Transcript {
    /// With the looks that `paint` gives.
    #[must_use]
    pub fn painted(paint: Paint) -> Self {
        Self {
            paint,
            text: String::new(),
            steps: 0,
            started: 0,
            under_way: BTreeMap::new(),
            rows: Vec::new(),
            finished: None,
        }
    }

    /// Takes in one event and gives the lines it adds, none for most.
    #[must_use]
    pub fn event(&mut self, stamped: &Stamped) -> String {
        match &stamped.event {
            Event::RunStarted { scenario, file, steps, .. } => {
                self.steps = steps.len();
                self.line(&format!("{}  {}", self.strong(&format!("scenario {scenario}")), self.faint(file)));
            }
            Event::ClusterStarted { nodes, simulated, took_ms } => {
                let text = format!("start a cluster of {}: {}", cluster_size(nodes.len(), *simulated), quoted(nodes));
                self.done(*took_ms, &text);
            }
            Event::ClusterAttached { context, namespace, nodes, took_ms } => {
                let nodes = count(nodes.len(), "node", "nodes");
                self.done(*took_ms, &format!("join context `{context}` of {nodes}, in namespace `{namespace}`"));
            }
            Event::ClusterReused { name, nodes } => {
                let nodes = format!("{}: {}", count(nodes.len(), "node", "nodes"), quoted(nodes));
                self.line(&format!("  {:>8}  cluster `{name}` once more, of {nodes}", ""));
            }
            Event::ImagePushed { name, from, bytes: sent, skipped } => {
                let how = if *skipped { "there already".to_owned() } else { bytes(*sent) };
                self.line(&format!("  {:>8}  image `{name}` is {from}, {how}", ""));
            }
            Event::StepStarted { index, name, summary, depth } => {
                self.step_started(*index, &label(name.as_deref(), summary), *depth);
            }
            Event::StepOutput { text, .. } => self.output(text),
            Event::WatchGap { kinds } => {
                let kinds = kinds.join(", ");
                let text = format!("the watch of {kinds} was interrupted: there may be states that nobody saw");
                self.beside(&text);
            }
            Event::StepFinished { index, outcome, took_ms } => self.step_finished(*index, outcome, *took_ms),
            Event::Diagnosed { diagnosis, .. } => self.diagnosed(diagnosis),
            Event::RollCall { rows } => self.rows.clone_from(rows),
            Event::RunFinished { verdict, took_ms, cleanup } => {
                self.finished = Some((verdict.clone(), Duration::from_millis(*took_ms), cleanup.clone()));
            }
            // A later event that is not shown here takes nothing from those that are.
            _ => {}
        }
        std::mem::take(&mut self.text)
    }

    /// The end: what went wrong outside of the steps, the roll call and the verdict.
    #[must_use]
    pub fn finish(&mut self, failure: Option<&Failure>) -> String {
        if let Some(failure) = failure {
            self.error(&failure.message, failure.hint.as_deref());
        }
        if !self.rows.is_empty() {
            let table = indented(&table::roll_call(&self.rows), "  ");
            self.text.push_str(&format!("\n{table}\n"));
        }
        if let Some((verdict, took, cleanup)) = self.finished.take() {
            self.finished(&verdict, took, &cleanup);
        }
        std::mem::take(&mut self.text)
    }

    fn finished(&mut self, verdict: &Verdict, took: Duration, cleanup: &Cleanup) {
        if let Cleanup::Failed { message } = cleanup {
            self.error(
                &format!("the cluster is not removed completely: {message}"),
                Some("`rollcall clean` removes what is left"),
            );
        }
        let tone = match verdict {
            Verdict::Held => Tone::Good,
            Verdict::Skipped { .. } => Tone::Faint,
            Verdict::DidNotHold | Verdict::Environment => Tone::Bad,
        };
        let text = (self.paint)(tone, &verdict.to_string());
        self.line(&format!("  {text} in {}", seconds(took)));
    }

    fn step_finished(&mut self, index: usize, outcome: &StepOutcome, took_ms: u64) {
        let Some(Running { text: step, depth, .. }) = self.under_way.remove(&index) else { return };
        match outcome {
            StepOutcome::Held => return self.done(took_ms, &step),
            StepOutcome::Skipped { reason } => {
                let (dash, skipped) = (self.faint("–"), self.faint("skipped"));
                return self.line(&format!("  {dash} {skipped:>6}  {step}: {reason}"));
            }
            StepOutcome::Failed { message, report } => {
                self.failed(took_ms, &step);
                self.error(message, None);
                self.evidence(report.as_ref());
            }
            StepOutcome::Environment { message } => {
                self.failed(took_ms, &step);
                self.error(message, None);
            }
        }
        let left = self.steps.saturating_sub(self.started);
        if left > 0 && depth == 0 {
            self.beside(&format!("{} after it not run", count(left, "step", "steps")));
        }
    }

    fn step_started(&mut self, index: usize, text: &str, depth: usize) {
        self.started += 1;
        // Steps of several branches begin and end in any order; the one they are inside of is named above them.
        let outer = self.under_way.range_mut(..index).rev().map(|(_, running)| running);
        if let Some(outer) = { outer }.find(|outer| outer.depth < depth).filter(|outer| !outer.named) {
            outer.named = true;
            let text = format!("  {:>8}  {}", "", outer.text);
            self.line(&text);
        }
        let text = format!("{}{text}", "  ".repeat(depth));
        self.under_way.insert(index, Running { text, depth, named: false });
    }

    /// What a command wrote, the end of it where it is long.
    fn output(&mut self, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        let left_out = lines.len().saturating_sub(MAX_OUTPUT_LINES);
        if left_out > 0 {
            self.beside(&format!("… {} before", count(left_out, "line", "lines")));
        }
        lines[left_out..].iter().for_each(|line| self.beside(line));
    }

    /// A line that is no step's own.
    fn beside(&mut self, text: &str) {
        self.line(&format!("  {:>8}  {}", "", self.faint(text)));
    }

    fn done(&mut self, took_ms: u64, text: &str) {
        self.line(&format!("  {} {:>6}  {text}", (self.paint)(Tone::Good, "✓"), clock(took_ms)));
    }

    fn failed(&mut self, took_ms: u64, text: &str) {
        self.line(&format!("  {} {:>6}  {text}", (self.paint)(Tone::Bad, "✗"), clock(took_ms)));
    }

    fn error(&mut self, message: &str, hint: Option<&str>) {
        self.text.push_str(&indented(&error_text(self.paint, message, &[], hint), "    "));
    }

    /// The nodes of a report, those at fault first. Its summary is in the message already.
    fn evidence(&mut self, report: Option<&Report>) {
        let Some(report) = report else { return };
        let all = report.to_string();
        let nodes: Vec<&str> = all.lines().skip(report.summary.lines().count().max(1)).collect();
        if !nodes.is_empty() {
            self.text.push_str(&indented(&nodes.join("\n"), "    "));
        }
    }

    /// Why a DaemonSet is not as a step expected it.
    fn diagnosed(&mut self, diagnosis: &Diagnosis) {
        for paragraph in diagnosis.paragraphs() {
            let (heading, rest) = paragraph.split_once('\n').unwrap_or((&paragraph, ""));
            let text = format!("{}\n{rest}", self.strong(&format!("why: {heading}")));
            self.text.push_str(&indented(&text, "    "));
        }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn strong(&self, text: &str) -> String {
        (self.paint)(Tone::Strong, text)
    }

    fn faint(&self, text: &str) -> String {
        (self.paint)(Tone::Faint, text)
    }
}

/// The look of every error: `error: …`, a line a cause, and a hint in parentheses.
#[must_use]
pub fn error_text(paint: Paint, message: &str, causes: &[String], hint: Option<&str>) -> String {
    let mut text = format!("{}: {message}", paint(Tone::Bad, "error"));
    for cause in causes {
        text.push_str(&format!("\n  caused by: {cause}"));
    }
    if let Some(hint) = hint {
        text.push_str(&format!("\n  (hint: {hint})"));
    }
    text
}

/// A step in one line, with its label where it has one.
#[must_use]
pub fn label(name: Option<&str>, summary: &str) -> String {
    name.map_or_else(|| summary.to_owned(), |name| format!("{name}: {summary}"))
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// A number with its noun.
/// How many nodes a cluster has: `3 nodes`, `2 nodes and 500 simulated`.
#[must_use]
pub fn cluster_size(nodes: usize, simulated: usize) -> String {
    let nodes = count(nodes, "node", "nodes");
    if simulated == 0 { nodes } else { format!("{nodes} and {simulated} simulated") }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A number of bytes as a person reads it: `11.77 MiB`.
fn bytes(number: u64) -> String {
    let mut value = number as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "B" { format!("{number} B") } else { format!("{value:.2} {unit}") }
}

fn clock(milliseconds: u64) -> String {
    seconds(Duration::from_millis(milliseconds))
}

fn indented(text: &str, margin: &str) -> String {
    text.lines().map(|line| format!("{margin}{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_a_person_would_choose() {
        let told = [0, 1023, 1024, 12_345_678, 5 << 30].map(bytes);
        assert_eq!(told, ["0 B", "1023 B", "1.00 KiB", "11.77 MiB", "5.00 GiB"]);
    }

    #[test]
    fn simulated_nodes_are_counted_and_not_named() {
        assert_eq!(cluster_size(1, 0), "1 node");
        assert_eq!(cluster_size(2, 500), "2 nodes and 500 simulated");
    }

    #[test]
    fn a_cluster_that_is_handed_on_is_named() {
        let event = Event::ClusterReused { name: "one-3f".into(), nodes: vec!["worker-1".into()] };
        let stamped = Stamped { at: rollcall_model::Timestamp::UNIX_EPOCH, elapsed_ms: 0, event };
        let text = Transcript::default().event(&stamped);
        assert_eq!(text, "            cluster `one-3f` once more, of 1 node: `worker-1`\n");
    }
}
