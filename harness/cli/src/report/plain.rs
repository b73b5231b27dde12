//! A run as lines of text: one a step, the roll call at the end, the verdict last.

use std::{collections::BTreeMap, io::Write, time::Duration};

use rollcall::{
    Failure,
    model::{
        Event, Report, Stamped, Verdict,
        event::{Cleanup, RollCallRow, StepOutcome},
    },
};

use super::{Progress, bytes, style, table};
use crate::{
    error::error_text,
    output::{count, seconds},
};

/// Writes a run to `out` as it goes on.
pub(crate) struct PlainReporter<W> {
    out: W,
    progress: Progress,
    steps: usize,
    started: usize,
    /// The steps that are under way, by position.
    under_way: BTreeMap<usize, Running>,
    rows: Vec<RollCallRow>,
    finished: Option<(Verdict, Duration, Cleanup)>,
}

/// A step that is under way.
struct Running {
    /// Margin, label and summary.
    text: String,
    depth: usize,
    /// Whether it has been named because steps inside of it began.
    named: bool,
}

/// The most lines that are shown of what a command wrote.
const MAX_OUTPUT_LINES: usize = 20;

impl<W: Write> PlainReporter<W> {
    pub(crate) fn new(out: W, progress: Progress) -> Self {
        let under_way = BTreeMap::new();
        Self { out, progress, steps: 0, started: 0, under_way, rows: Vec::new(), finished: None }
    }

    /// Takes in one event.
    pub(crate) fn event(&mut self, stamped: &Stamped) {
        match &stamped.event {
            Event::RunStarted { scenario, file, steps, .. } => {
                self.steps = steps.len();
                self.line(&format!("{}  {}", style::strong(format!("scenario {scenario}")), style::faint(file)));
            }
            Event::ClusterStarting { nodes } => {
                self.progress.start(&format!("start a cluster of {}", count(nodes.len(), "node", "nodes")));
            }
            Event::ClusterStarted { nodes, took_ms } => {
                self.progress.clear();
                let names: Vec<String> = nodes.iter().map(|node| format!("`{node}`")).collect();
                let text = format!("start a cluster of {}: {}", count(nodes.len(), "node", "nodes"), names.join(", "));
                self.done(*took_ms, &text);
            }
            Event::ImagePushed { name, from, bytes: sent, skipped } => {
                let how = if *skipped { "there already".to_owned() } else { bytes(*sent) };
                self.line(&format!("  {:>8}  image `{name}` is {from}, {how}", ""));
            }
            Event::StepStarted { index, name, summary, depth } => {
                self.step_started(*index, name.as_deref(), summary, *depth);
            }
            Event::StepOutput { text, .. } => self.output(text),
            Event::WatchGap { kinds } => {
                let text =
                    format!("the watch of {} was interrupted: there may be states that nobody saw", kinds.join(", "));
                self.line(&format!("  {:>8}  {}", "", style::faint(text)));
            }
            Event::StepProgress { report, .. } => self.progress.reason(&report.summary),
            Event::StepFinished { index, outcome, took_ms } => {
                self.progress.clear();
                self.step_finished(*index, outcome, *took_ms);
            }
            Event::RollCall { rows } => self.rows.clone_from(rows),
            Event::RunFinished { verdict, took_ms, cleanup } => {
                self.finished = Some((verdict.clone(), Duration::from_millis(*took_ms), cleanup.clone()));
            }
            // A later event that this reporter does not show takes nothing from those it shows.
            _ => {}
        }
    }

    /// Ends the report with what went wrong outside of the steps, the roll call and the verdict.
    pub(crate) fn finish(&mut self, failure: Option<&Failure>) {
        self.progress.clear();
        if let Some(failure) = failure {
            self.error(&failure.message, failure.hint.as_deref());
        }
        if !self.rows.is_empty() {
            let table = indented(&table::roll_call(&self.rows), "  ");
            self.write(&format!("\n{table}\n"));
        }
        let Some((verdict, took, cleanup)) = self.finished.take() else { return };
        if let Cleanup::Failed { message } = &cleanup {
            self.error(
                &format!("the cluster is not removed completely: {message}"),
                Some("`rollcall clean` removes what is left"),
            );
        }
        let text = match verdict {
            Verdict::Held => style::good(&verdict),
            Verdict::Skipped { .. } => style::faint(&verdict),
            Verdict::DidNotHold | Verdict::Environment => style::error(&verdict),
        };
        self.line(&format!("  {text} in {}", seconds(took)));
    }

    /// Adds text of another source.
    pub(crate) fn text(&mut self, text: &str) {
        self.write(text);
    }

    /// What was written to.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }

    fn step_started(&mut self, index: usize, name: Option<&str>, summary: &str, depth: usize) {
        self.started += 1;
        // Steps of several branches begin and end in any order; the one they are inside of is named above them.
        let outer = self.under_way.range_mut(..index).next_back().map(|(_, running)| running);
        if let Some(outer) = outer.filter(|outer| outer.depth < depth && !outer.named) {
            outer.named = true;
            let text = format!("  {:>8}  {}", "", outer.text);
            self.progress.clear();
            self.line(&text);
        }
        let margin = "  ".repeat(depth);
        let text = match name {
            Some(name) => format!("{margin}{name}: {summary}"),
            None => format!("{margin}{summary}"),
        };
        self.progress.start(text.trim_start());
        self.under_way.insert(index, Running { text, depth, named: false });
    }

    /// What a command wrote, the end of it where it is long.
    fn output(&mut self, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        let left_out = lines.len().saturating_sub(MAX_OUTPUT_LINES);
        if left_out > 0 {
            self.line(&format!("  {:>8}  {}", "", style::faint(format!("… {}", count(left_out, "line", "lines")))));
        }
        for line in &lines[left_out..] {
            self.line(&format!("  {:>8}  {}", "", style::faint(line)));
        }
    }

    fn step_finished(&mut self, index: usize, outcome: &StepOutcome, took_ms: u64) {
        let Some(Running { text: step, depth, .. }) = self.under_way.remove(&index) else { return };
        match outcome {
            StepOutcome::Held => return self.done(took_ms, &step),
            StepOutcome::Skipped { reason } => {
                return self.line(&format!("  {} {:>6}  {step}: {reason}", style::faint("–"), style::faint("skipped")));
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
            self.line(&format!(
                "  {:>8}  {}",
                "",
                style::faint(format!("{} after it not run", count(left, "step", "steps")))
            ));
        }
    }

    fn done(&mut self, took_ms: u64, text: &str) {
        self.line(&format!("  {} {:>6}  {text}", style::good("✓"), clock(took_ms)));
    }

    fn failed(&mut self, took_ms: u64, text: &str) {
        self.line(&format!("  {} {:>6}  {text}", style::error("✗"), clock(took_ms)));
    }

    fn error(&mut self, message: &str, hint: Option<&str>) {
        let text = indented(&error_text(message, &[], hint), "    ");
        self.write(&text);
    }

    /// The nodes of a report, those at fault first. Its summary is in the message already.
    fn evidence(&mut self, report: Option<&Report>) {
        let Some(report) = report else { return };
        let all = report.to_string();
        let nodes: Vec<&str> = all.lines().skip(report.summary.lines().count().max(1)).collect();
        if !nodes.is_empty() {
            let text = indented(&nodes.join("\n"), "    ");
            self.write(&text);
        }
    }

    fn line(&mut self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    fn write(&mut self, text: &str) {
        let out = &mut self.out;
        // A reader that went away is no reason to leave a cluster behind.
        self.progress.above(|| {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        });
    }
}

fn clock(milliseconds: u64) -> String {
    seconds(Duration::from_millis(milliseconds))
}

fn indented(text: &str, margin: &str) -> String {
    text.lines().map(|line| format!("{margin}{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, report};
    use super::*;

    #[test]
    fn a_scenario_that_held() {
        insta::assert_snapshot!(report(&testing::held(), None));
    }

    #[test]
    fn a_scenario_that_did_not_hold_shows_the_nodes_at_fault_first() {
        insta::assert_snapshot!(report(&testing::did_not_hold(), None));
    }

    #[test]
    fn an_environment_failure_in_a_step_shows_its_hint() {
        insta::assert_snapshot!(report(&testing::environment(), None));
    }

    #[test]
    fn a_cluster_that_did_not_start() {
        let failure = Failure {
            message: "image `rollcall/node:v1.37.2` is not in the local container engine".into(),
            hint: Some("build it with `make image`".into()),
        };
        insta::assert_snapshot!(report(&testing::not_started(Cleanup::Done), Some(&failure)));
    }

    #[test]
    fn an_interrupted_run() {
        insta::assert_snapshot!(report(&testing::interrupted(), None));
    }

    #[test]
    fn a_run_interrupted_while_its_cluster_started() {
        let failure = Failure { message: "interrupted".into(), hint: None };
        insta::assert_snapshot!(report(&testing::not_started(Cleanup::Done), Some(&failure)));
    }

    #[test]
    fn a_cleanup_failure_stands_beside_the_first_failure() {
        let failure = Failure { message: "no container engine answers".into(), hint: Some("start Docker".into()) };
        let cleanup = Cleanup::Failed { message: "could not remove container `rollcall-x-worker-1`".into() };
        insta::assert_snapshot!(report(&testing::not_started(cleanup), Some(&failure)));
    }

    #[test]
    fn colours_are_written_and_can_be_taken_out() {
        let mut reporter = PlainReporter::new(Vec::new(), Progress::none());
        testing::held().iter().for_each(|event| reporter.event(event));
        reporter.finish(None);
        let text = String::from_utf8(reporter.into_inner()).unwrap();
        assert!(text.contains("\u{1b}[32m✓\u{1b}[0m"), "{text}");
        assert!(!testing::plain(&text).contains('\u{1b}'));
    }
}
