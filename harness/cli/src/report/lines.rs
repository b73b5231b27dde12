//! A run as it goes on: the lines of its transcript, and where a person watches, one that moves below them.

use std::io::Write;

use rollcall::{
    Failure,
    model::{Event, Stamped},
    transcript::{Transcript, cluster_size, label},
};

use super::{Progress, style};

/// Writes a run to `out` as it goes on.
pub(crate) struct PlainReporter<W> {
    out: W,
    progress: Progress,
    transcript: Transcript,
}

impl<W: Write> PlainReporter<W> {
    pub(crate) fn new(out: W, progress: Progress) -> Self {
        Self { out, progress, transcript: Transcript::painted(style::paint) }
    }

    /// Takes in one event.
    pub(crate) fn event(&mut self, stamped: &Stamped) {
        match &stamped.event {
            Event::ClusterStarting { nodes, simulated } => {
                self.progress.start(&format!("start a cluster of {}", cluster_size(nodes.len(), *simulated)));
            }
            Event::StepStarted { name, summary, .. } => self.progress.start(&label(name.as_deref(), summary)),
            Event::StepProgress { report, .. } => self.progress.reason(&report.summary),
            Event::ClusterStarted { .. } | Event::StepFinished { .. } => self.progress.clear(),
            _ => {}
        }
        let text = self.transcript.event(stamped);
        self.text(&text);
    }

    /// Ends the report with what went wrong outside of the steps, the roll call and the verdict.
    pub(crate) fn finish(&mut self, failure: Option<&Failure>) {
        self.progress.clear();
        let text = self.transcript.finish(failure);
        self.text(&text);
    }

    /// Adds text of another source.
    pub(crate) fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let out = &mut self.out;
        // A reader that went away is no reason to leave a cluster behind.
        self.progress.above(|| {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        });
    }

    /// What was written to.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use rollcall::model::event::Cleanup;

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
