//! `failure.txt`: what went wrong, in words.

use std::collections::BTreeMap;

use rollcall_model::{Event, Stamped, Verdict, event::StepOutcome};

use crate::{error::seconds, run::Failure};

/// The scenario, the step that ended it, and why.
pub(super) fn text(recording: &[Stamped], verdict: &Verdict, failure: Option<&Failure>) -> String {
    let mut text = String::new();
    let mut steps: BTreeMap<usize, String> = BTreeMap::new();
    let mut line = |name: &str, value: &str| text.push_str(&format!("{name}: {value}\n"));
    let mut reasons = Vec::new();
    for stamped in recording {
        match &stamped.event {
            Event::RunStarted { scenario, file, .. } => {
                line("scenario", scenario);
                line("file", file);
                line("started", &stamped.at.to_string());
                line("verdict", &verdict.to_string());
            }
            Event::StepStarted { index, name, summary, .. } => {
                let name = name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
                steps.insert(*index, format!("{:02} {name}{summary}", index + 1));
            }
            Event::StepFinished { index, outcome, took_ms } => {
                let took = seconds(std::time::Duration::from_millis(*took_ms));
                let reason = match outcome {
                    StepOutcome::Held | StepOutcome::Skipped { .. } => continue,
                    StepOutcome::Failed { message, report } => match report {
                        Some(report) => format!("{message}\n\n{report}"),
                        None => message.clone(),
                    },
                    StepOutcome::Environment { message } => message.clone(),
                };
                line("step", steps.get(index).map(String::as_str).unwrap_or_default());
                line("took", &took);
                reasons.push(reason);
            }
            Event::Diagnosed { diagnosis, .. } => {
                reasons.extend(diagnosis.paragraphs().iter().map(|why| format!("why: {}", why.trim_end())));
            }
            _ => {}
        }
    }
    if let Some(Failure { message, hint }) = failure {
        let hint = hint.as_ref().map(|hint| format!("\n  (hint: {hint})")).unwrap_or_default();
        reasons.push(format!("{message}{hint}"));
    }
    for reason in reasons {
        text.push_str(&format!("\n{reason}\n"));
    }
    text
}

/// `recording.jsonl`: every event so far, a line each.
pub(super) fn recording(recording: &[Stamped]) -> Result<String, serde_json::Error> {
    let lines: Vec<String> = recording.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

#[cfg(test)]
mod tests {
    use rollcall_model::{NodeReport, Report, Timestamp, event::FORMAT};

    use super::*;

    fn events() -> Vec<Stamped> {
        let report = Report {
            summary: "1 of 2 eligible nodes has no ready pod".into(),
            nodes: vec![NodeReport { node: "worker-2".into(), what: "pod `a-x` waiting: `ErrImagePull`".into() }],
        };
        let outcome = StepOutcome::Failed { message: "daemonset `a` did not converge".into(), report: Some(report) };
        let events = [
            Event::RunStarted {
                format: FORMAT,
                scenario: "one".into(),
                file: "scenarios/one.yaml".into(),
                steps: vec!["apply `a.yaml`".into(), "expect daemonset `a` converged".into()],
                invariants: Vec::new(),
            },
            Event::StepStarted { index: 0, name: None, summary: "apply `a.yaml`".into(), depth: 0 },
            Event::StepFinished { index: 0, outcome: StepOutcome::Held, took_ms: 87 },
            Event::StepStarted {
                index: 1,
                name: Some("before".into()),
                summary: "expect daemonset `a` converged".into(),
                depth: 0,
            },
            Event::StepFinished { index: 1, outcome, took_ms: 20_000 },
        ];
        events.map(|event| Stamped { at: Timestamp::UNIX_EPOCH, elapsed_ms: 0, event }).to_vec()
    }

    #[test]
    fn the_step_that_failed_is_told_with_the_nodes_at_fault() {
        insta::assert_snapshot!(text(&events(), &Verdict::DidNotHold, None), @"
        scenario: one
        file: scenarios/one.yaml
        started: 1970-01-01T00:00:00Z
        verdict: did not hold
        step: 02 before: expect daemonset `a` converged
        took: 20.0s

        daemonset `a` did not converge

        1 of 2 eligible nodes has no ready pod
          `worker-2`: pod `a-x` waiting: `ErrImagePull`
        ");
    }

    #[test]
    fn what_went_wrong_outside_of_steps_is_told_with_its_hint() {
        let failure = Failure { message: "no container engine answers".into(), hint: Some("start Docker".into()) };
        let events = &events()[..1];
        insta::assert_snapshot!(text(events, &Verdict::Environment, Some(&failure)), @"
        scenario: one
        file: scenarios/one.yaml
        started: 1970-01-01T00:00:00Z
        verdict: environment failure

        no container engine answers
          (hint: start Docker)
        ");
    }

    #[test]
    fn a_recording_is_read_back_as_it_was() {
        let text = recording(&events()).unwrap();
        let read: Vec<Stamped> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, events());
    }
}
