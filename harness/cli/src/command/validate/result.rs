//! What a run of a gate's scenario says of the gate.

use rollcall::model::validate::{GateName, GateResult, Measure, Outcome};

use crate::report::{ScenarioReport, ScenarioVerdict, StepReport, StepReportOutcome};

/// What a run says of a gate.
pub(super) fn of_report(gate: GateName, report: &ScenarioReport, said: &[String]) -> GateResult {
    let outcome = match report.verdict {
        ScenarioVerdict::Held => Outcome::Passed,
        ScenarioVerdict::DidNotHold => Outcome::Failed,
        ScenarioVerdict::Environment => Outcome::Environment,
        ScenarioVerdict::Skipped => Outcome::Skipped,
    };
    let measure = |step: &StepReport| {
        let held = step.outcome == StepReportOutcome::Held;
        Measure::of_step(step.name.as_deref().filter(|_| held)?, step.took_ms?)
    };
    let mut measures: Vec<Measure> = report.steps.iter().filter_map(measure).collect();
    let mut notes = Vec::new();
    for text in said {
        let (more, told) = Measure::of_output(text);
        measures.extend(more);
        notes.extend(told);
    }
    let mut reasons: Vec<String> = report.steps.iter().filter_map(why).collect();
    if let Some(failure) = &report.failure {
        let hint = failure.hint.as_ref().map(|hint| format!("\n(hint: {hint})")).unwrap_or_default();
        reasons.push(format!("{}{hint}", failure.message));
    }
    if let Some(message) = report.cleanup.as_ref().and_then(|cleanup| cleanup.message.as_ref()) {
        reasons.push(format!("the cluster is not removed completely: {message}"));
    }
    if outcome == Outcome::Failed {
        reasons.extend(gate.remedy().map(|remedy| format!("remedy: {remedy}")));
    }
    GateResult {
        reasons,
        notes,
        measures,
        took_ms: report.took_ms,
        evidence: report.evidence.clone(),
        ..GateResult::new(gate, outcome)
    }
}

/// Why a step did not hold, if it did not.
fn why(step: &StepReport) -> Option<String> {
    if !matches!(step.outcome, StepReportOutcome::DidNotHold | StepReportOutcome::Environment) {
        return None;
    }
    let name = step.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let mut text = format!("step {}{name}: {}\n", step.index + 1, step.summary);
    text.push_str(step.message.as_deref().unwrap_or("it did not hold"));
    for node in step.report.iter().flat_map(|report| &report.nodes) {
        text.push_str(&format!("\n  {}: {}", node.node, node.what));
    }
    for paragraph in step.diagnoses.iter().flat_map(|diagnosis| diagnosis.paragraphs()) {
        text.push_str(&format!("\nwhy: {}", paragraph.trim_end()));
    }
    Some(text)
}

/// Why a step did not hold, as far as a diagnosis says it.
pub(super) fn first_cause(step: &StepReport) -> Option<String> {
    let diagnosis = step.diagnoses.first()?;
    let of_nodes = diagnosis.nodes.iter().flat_map(|node| &node.findings);
    let first = of_nodes.chain(&diagnosis.findings).next()?;
    Some(format!(": {} ({})", first.cause, first.what))
}

pub(super) fn skipped(gate: GateName, reason: String) -> GateResult {
    GateResult { reasons: vec![reason], ..GateResult::new(gate, Outcome::Skipped) }
}
