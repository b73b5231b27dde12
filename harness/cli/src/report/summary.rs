//! The end of a whole run: which scenarios failed, and how many passed.

use std::path::PathBuf;

use rollcall::model::Verdict;

use super::style;
use crate::exit_code::ExitCode;

/// How one scenario ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) verdict: Verdict,
    /// The folder with what is known of a failure.
    pub(crate) evidence: Option<PathBuf>,
}

/// How all of them ended.
#[derive(Debug, Default)]
pub(crate) struct Summary(Vec<Ended>);

impl Summary {
    pub(crate) fn add(&mut self, ended: Ended) {
        self.0.push(ended);
    }

    /// The exit code of the whole run.
    pub(crate) fn exit_code(&self) -> ExitCode {
        self.0.iter().fold(ExitCode::HELD, |worst, ended| worst.worst(ExitCode::from(&ended.verdict)))
    }

    /// A line for each scenario that did not hold, where there was more than one, and the count alone on its line;
    /// after it the folders with the evidence, so that the last line of a failure is where to look.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let is_bad = |ended: &&Ended| matches!(ended.verdict, Verdict::DidNotHold | Verdict::Environment);
        if self.0.len() > 1 {
            for ended in self.0.iter().filter(is_bad) {
                text.push_str(&format!(
                    "{}: {}  {}\n",
                    style::error(&ended.verdict),
                    ended.name,
                    style::faint(&ended.file)
                ));
            }
        }
        let passed = self.0.iter().filter(|ended| ended.verdict.is_held()).count();
        let failed = self.0.iter().filter(is_bad).count();
        text.push_str(&format!("{passed} passed, {failed} failed"));
        match self.0.len() - passed - failed {
            0 => {}
            skipped => text.push_str(&format!(", {skipped} skipped")),
        }
        text.push('\n');
        for ended in &self.0 {
            if let Some(evidence) = &ended.evidence {
                text.push_str(&format!("evidence of {}:\n{}\n", ended.name, evidence.display()));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::plain;
    use super::*;

    fn summary(verdicts: &[Verdict]) -> Summary {
        let mut summary = Summary::default();
        for (index, verdict) in verdicts.iter().enumerate() {
            let (name, file) = (format!("scenario-{index}"), format!("scenarios/{index}.yaml"));
            summary.add(Ended { name, file, verdict: verdict.clone(), evidence: None });
        }
        summary
    }

    fn skipped() -> Verdict {
        Verdict::Skipped { reason: "interrupted".into() }
    }

    #[test]
    fn a_run_that_held_ends_with_its_count() {
        let summary = summary(&[Verdict::Held]);
        assert_eq!(summary.exit_code(), ExitCode::HELD);
        insta::assert_snapshot!(summary.render(), @"1 passed, 0 failed");
    }

    #[test]
    fn failures_are_listed_and_skipped_scenarios_are_counted() {
        let summary = summary(&[Verdict::Held, Verdict::DidNotHold, Verdict::Environment, skipped()]);
        assert_eq!(summary.exit_code(), ExitCode::ENVIRONMENT);
        insta::assert_snapshot!(plain(&summary.render()), @r"
        did not hold: scenario-1  scenarios/1.yaml
        environment failure: scenario-2  scenarios/2.yaml
        1 passed, 2 failed, 1 skipped
        ");
    }

    #[test]
    fn the_only_scenario_is_not_named_again() {
        let summary = summary(&[Verdict::DidNotHold]);
        assert_eq!(summary.exit_code(), ExitCode::DID_NOT_HOLD);
        insta::assert_snapshot!(plain(&summary.render()), @"0 passed, 1 failed");
    }

    #[test]
    fn the_last_line_of_a_failure_is_the_folder_with_its_evidence() {
        let mut summary = summary(&[Verdict::Held, Verdict::DidNotHold, Verdict::DidNotHold]);
        for ended in summary.0.iter_mut().skip(1) {
            ended.evidence = Some(format!("target/rollcall-evidence/{}", ended.name).into());
        }
        insta::assert_snapshot!(plain(&summary.render()), @"
        did not hold: scenario-1  scenarios/1.yaml
        did not hold: scenario-2  scenarios/2.yaml
        1 passed, 2 failed
        evidence of scenario-1:
        target/rollcall-evidence/scenario-1
        evidence of scenario-2:
        target/rollcall-evidence/scenario-2
        ");
    }

    #[test]
    fn what_was_not_run_is_no_success() {
        assert_eq!(summary(&[Verdict::Held, skipped()]).exit_code(), ExitCode::SKIPPED);
    }
}
