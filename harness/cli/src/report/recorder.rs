//! Events of one scenario gathered into its part of the report. It decides nothing.

use rollcall::{
    Failure,
    model::{
        Event, Plan, Stamped, Verdict,
        event::{Cleanup, StepOutcome},
    },
};

use super::suite::{
    CleanupOutcome, CleanupReport, ClusterReport, FailureReport, ImageReport, ScenarioReport, ScenarioVerdict,
    StepReport, StepReportOutcome,
};

/// Takes in the events of one scenario.
#[derive(Debug)]
pub(crate) struct ScenarioRecorder {
    report: ScenarioReport,
    /// Those steps of the plan that no event has named yet.
    planned: Vec<StepReport>,
}

impl ScenarioRecorder {
    pub(crate) fn new(plan: &Plan) -> Self {
        let planned = plan.flat().into_iter().map(|step| not_reached(step.index, step.name.as_deref(), step.summary()));
        Self::of(&plan.name, &plan.file, planned.collect())
    }

    pub(super) fn of(name: &str, file: &str, planned: Vec<StepReport>) -> Self {
        let report = ScenarioReport {
            name: name.to_owned(),
            file: file.to_owned(),
            // Until somebody says otherwise nothing is known about it.
            verdict: ScenarioVerdict::Environment,
            reason: None,
            started: None,
            took_ms: 0,
            cluster: None,
            images: Vec::new(),
            steps: Vec::new(),
            failure: None,
            roll_call: Vec::new(),
            cleanup: None,
            evidence: None,
        };
        Self { report, planned }
    }

    /// Takes in one event.
    pub(crate) fn event(&mut self, stamped: &Stamped) {
        let report = &mut self.report;
        match &stamped.event {
            Event::RunStarted { .. } => report.started = Some(stamped.at),
            Event::ClusterStarting { nodes, .. } => {
                report.cluster = Some(ClusterReport { nodes: nodes.clone(), took_ms: None });
            }
            Event::ClusterStarted { nodes, took_ms, .. } => {
                report.cluster = Some(ClusterReport { nodes: nodes.clone(), took_ms: Some(*took_ms) });
            }
            Event::ClusterAttached { nodes, took_ms, .. } => {
                report.cluster = Some(ClusterReport { nodes: nodes.clone(), took_ms: Some(*took_ms) });
            }
            Event::ClusterReused { nodes, .. } => {
                report.cluster = Some(ClusterReport { nodes: nodes.clone(), took_ms: Some(0) });
            }
            Event::ImagePushed { name, from, bytes, skipped } => report.images.push(ImageReport {
                name: name.clone(),
                from: from.clone(),
                bytes: *bytes,
                skipped: *skipped,
            }),
            Event::StepStarted { index, name, summary, .. } => {
                self.planned.retain(|step| step.index != *index);
                report.steps.push(StepReport {
                    outcome: StepReportOutcome::Environment,
                    message: Some("it did not end".to_owned()),
                    ..not_reached(*index, name.as_deref(), summary.clone())
                });
            }
            Event::StepFinished { index, outcome, took_ms } => {
                let step = report.steps.iter_mut().rev().find(|step| step.index == *index);
                if let Some(step) = step {
                    step.took_ms = Some(*took_ms);
                    end(step, outcome);
                }
            }
            Event::Diagnosed { index, diagnosis } => {
                if let Some(step) = report.steps.iter_mut().rev().find(|step| step.index == *index) {
                    step.diagnoses.push(diagnosis.clone());
                }
            }
            Event::RollCall { rows } => report.roll_call.clone_from(rows),
            Event::EvidenceCollected { path } => report.evidence = Some(path.clone()),
            Event::RunFinished { took_ms, cleanup, .. } => {
                report.took_ms = *took_ms;
                report.cleanup = Some(cleanup_report(cleanup));
            }
            // A later event that this report does not show takes nothing from those it shows.
            _ => {}
        }
    }

    /// The scenario has ended.
    pub(crate) fn finish(mut self, verdict: &Verdict, failure: Option<&Failure>) -> ScenarioReport {
        self.report.verdict = verdict.into();
        if let Verdict::Skipped { reason } = verdict {
            self.report.reason = Some(reason.clone());
        }
        self.report.failure =
            failure.map(|failure| FailureReport { message: failure.message.clone(), hint: failure.hint.clone() });
        self.report.steps.append(&mut self.planned);
        // Steps inside of others are counted after those, and end before them.
        self.report.steps.sort_by_key(|step| step.index);
        self.report
    }
}

/// A step of which nothing is known but what it is to do.
pub(super) fn not_reached(index: usize, name: Option<&str>, summary: String) -> StepReport {
    let outcome = StepReportOutcome::NotReached;
    StepReport {
        index,
        name: name.map(str::to_owned),
        summary,
        outcome,
        took_ms: None,
        message: None,
        report: None,
        diagnoses: Vec::new(),
    }
}

fn end(step: &mut StepReport, outcome: &StepOutcome) {
    (step.outcome, step.message, step.report) = match outcome {
        StepOutcome::Held => (StepReportOutcome::Held, None, None),
        StepOutcome::Failed { message, report } => {
            (StepReportOutcome::DidNotHold, Some(message.clone()), report.clone())
        }
        StepOutcome::Skipped { reason } => (StepReportOutcome::Skipped, Some(reason.clone()), None),
        StepOutcome::Environment { message } => (StepReportOutcome::Environment, Some(message.clone()), None),
    };
}

fn cleanup_report(cleanup: &Cleanup) -> CleanupReport {
    let (outcome, message) = match cleanup {
        Cleanup::Done => (CleanupOutcome::Done, None),
        Cleanup::Kept => (CleanupOutcome::Kept, None),
        Cleanup::HandedOn => (CleanupOutcome::HandedOn, None),
        Cleanup::Failed { message } => (CleanupOutcome::Failed, Some(message.clone())),
    };
    CleanupReport { outcome, message }
}

#[cfg(test)]
mod tests {
    use rollcall::model::Timestamp;

    use super::*;

    fn at(event: Event) -> Stamped {
        Stamped { at: Timestamp::UNIX_EPOCH, elapsed_ms: 0, event }
    }

    #[test]
    fn a_step_that_is_done_again_is_told_each_time_and_one_that_did_not_end_is_no_success() {
        let planned = (0..2).map(|index| not_reached(index, None, format!("step {index}"))).collect();
        let mut recorder = ScenarioRecorder::of("again", "again.yaml", planned);
        let started = || Event::StepStarted { index: 0, name: None, summary: "step 0".into(), depth: 0 };
        recorder.event(&at(started()));
        recorder.event(&at(Event::StepFinished { index: 0, outcome: StepOutcome::Held, took_ms: 5 }));
        recorder.event(&at(started()));
        recorder.event(&at(Event::StepFinished { index: 0, outcome: StepOutcome::Held, took_ms: 7 }));
        recorder.event(&at(started()));
        let report = recorder.finish(&Verdict::Environment, None);
        let steps: Vec<_> = report.steps.iter().map(|step| (step.index, step.outcome, step.took_ms)).collect();
        assert_eq!(
            steps,
            [
                (0, StepReportOutcome::Held, Some(5)),
                (0, StepReportOutcome::Held, Some(7)),
                (0, StepReportOutcome::Environment, None),
                (1, StepReportOutcome::NotReached, None)
            ]
        );
    }
}
