//! Gates one after the other, on one cluster where they leave it as they found it.

use rollcall::{
    Group, Interrupt, Keep, Pauser, RunOptions,
    model::{
        Event, Plan, Scenario, Stamped,
        event::Cleanup,
        validate::{Gate, GateName, GateResult, Measure, Outcome, Trial, Work},
    },
};

use super::agent::Agent;
use crate::{
    args::{CardForm, Validate},
    error::CliError,
    output,
    report::{ScenarioRecorder, ScenarioReport, ScenarioVerdict, StepReport, StepReportOutcome, file},
};

/// Tries gates and says after each what came of it.
pub(super) async fn run(
    gates: Vec<Gate>,
    agent: &Agent,
    flags: &Validate,
    interrupt: &Interrupt,
) -> Result<Vec<GateResult>, CliError> {
    let options = RunOptions {
        cluster_name: None,
        attach: None,
        distro: flags.made_of.distro,
        node_image: flags.made_of.node_image.clone(),
        keep: Keep::Never,
        images: agent.images.clone(),
        pauser: Pauser::default(),
        interrupt: interrupt.clone(),
        evidence: file::evidence(flags.no_evidence, flags.evidence.as_deref())?,
    };
    let mut group = Group::default();
    let mut results: Vec<GateResult> = Vec::new();
    let tells = flags.output == CardForm::Table;
    for gate in gates {
        let result = one(&mut group, gate, agent, flags, &options, &results).await?;
        if tells {
            let took = if result.took_ms == 0 { String::new() } else { format!(" ({} ms)", result.took_ms) };
            output::line(&format!("{}: {}{took}", result.gate, word(result.outcome)));
        }
        results.push(result);
    }
    if let Cleanup::Failed { message } = group.end().await {
        let error = CliError::environment(format!("the cluster is not removed completely: {message}"));
        error.hint("`rollcall clean` removes what is left").print();
        if let Some(last) = results.last_mut().filter(|last| last.outcome == Outcome::Passed) {
            last.outcome = Outcome::Environment;
            last.reasons.push("its cluster is not removed completely".to_owned());
        }
    }
    Ok(results)
}

async fn one(
    group: &mut Group,
    gate: Gate,
    agent: &Agent,
    flags: &Validate,
    options: &RunOptions,
    before: &[GateResult],
) -> Result<GateResult, CliError> {
    let tried = match gate.work {
        Work::Known { wrong, notes } => {
            let outcome = if wrong.is_empty() { Outcome::Passed } else { Outcome::Failed };
            let size = (gate.name == GateName::Image).then(|| Measure::of_size(agent.facts.bytes));
            let measures = size.into_iter().collect();
            return Ok(GateResult { reasons: wrong, notes, measures, ..GateResult::new(gate.name, outcome) });
        }
        Work::Skipped { reason } => return Ok(skipped(gate.name, reason)),
        Work::Run(text) => Tried::Gate(text),
        Work::Trials(trials) => Tried::Without(trials),
        _ => return Ok(skipped(gate.name, "this version cannot try it".to_owned())),
    };
    if options.interrupt.is_triggered() {
        let reasons = vec!["interrupted before it began".to_owned()];
        return Ok(GateResult { reasons, ..GateResult::new(gate.name, Outcome::Environment) });
    }
    // What does not even start fails everything, and that says nothing new.
    let comes_up = before.iter().find(|result| result.gate == GateName::ComesUp.as_str());
    if comes_up.is_some_and(|result| result.outcome == Outcome::Failed) {
        return Ok(skipped(gate.name, format!("gate `{}` failed, and this one begins there", GateName::ComesUp)));
    }
    match tried {
        Tried::Gate(text) => {
            let (report, said) = ran(group, gate.name, &text, agent, flags, options).await?;
            Ok(of_report(gate.name, &report, &said))
        }
        Tried::Without(trials) => {
            let mut told = GateResult::new(gate.name, Outcome::Passed);
            for trial in trials {
                if options.interrupt.is_triggered() {
                    told.outcome = Outcome::Environment;
                    told.reasons.push("interrupted before everything was tried".to_owned());
                    break;
                }
                // What does without it is what this is for, and leaves no evidence.
                let options = RunOptions { evidence: None, ..options.clone() };
                let (report, _) = ran(group, gate.name, &trial.text, agent, flags, &options).await?;
                told.took_ms += report.took_ms;
                let without = &trial.without;
                match report.verdict {
                    ScenarioVerdict::Held => told.notes.push(format!("it comes up and stays ready without {without}")),
                    ScenarioVerdict::DidNotHold => {
                        let why = report.steps.iter().find_map(first_cause).unwrap_or_default();
                        told.notes.push(format!("it needs {without}{why}"));
                    }
                    ScenarioVerdict::Environment | ScenarioVerdict::Skipped => {
                        told.outcome = Outcome::Environment;
                        told.reasons.push(format!("whether it needs {without} could not be tried"));
                        told.reasons.extend(report.failure.map(|failure| failure.message));
                    }
                }
            }
            Ok(told)
        }
    }
}

/// What a gate is tried by.
enum Tried {
    Gate(String),
    Without(Vec<Trial>),
}

/// What steps wrote.
type Said = Vec<String>;

async fn ran(
    group: &mut Group,
    gate: GateName,
    text: &str,
    agent: &Agent,
    flags: &Validate,
    options: &RunOptions,
) -> Result<(ScenarioReport, Said), CliError> {
    let mut plan = plan(gate, text, agent)?;
    plan.cluster.kubernetes.clone_from(&flags.kubernetes);
    let mut recorder = ScenarioRecorder::new(&plan);
    let mut said = Said::new();
    let mut take = |stamped: Stamped| {
        if let Event::StepOutput { text, .. } = &stamped.event {
            said.push(text.clone());
        }
        recorder.event(&stamped);
    };
    let result = group.run(&plan, options, &mut take).await;
    Ok((recorder.finish(&result.verdict_with_cleanup(), result.failure.as_ref()), said))
}

/// Why a step did not hold, as far as a diagnosis says it.
fn first_cause(step: &StepReport) -> Option<String> {
    let diagnosis = step.diagnoses.first()?;
    let of_nodes = diagnosis.nodes.iter().flat_map(|node| &node.findings);
    let first = of_nodes.chain(&diagnosis.findings).next()?;
    Some(format!(": {} ({})", first.cause, first.what))
}

fn skipped(gate: GateName, reason: String) -> GateResult {
    GateResult { reasons: vec![reason], ..GateResult::new(gate, Outcome::Skipped) }
}

/// The scenario of a gate. It is made here, so one that is not valid is a defect of rollcall's, or of an object that no
/// scenario can apply.
fn plan(gate: GateName, text: &str, agent: &Agent) -> Result<Plan, CliError> {
    let manifests = &agent.candidate.manifests;
    let read = |path: &str| {
        let found = manifests.iter().chain(&agent.candidate.load).find(|manifest| manifest.path == path);
        let found = found.ok_or_else(|| format!("there is no manifest `{path}`"))?;
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": found.documents});
        Ok(list.to_string())
    };
    let scenario = Scenario::load(&format!("{gate}.yaml"), text, &read).map_err(|problems| {
        CliError::usage(format!("gate `{gate}` is no valid scenario with this manifest\n{}", problems.render(false)))
    })?;
    Ok(Plan::new(&scenario))
}

/// What a run says of a gate.
fn of_report(gate: GateName, report: &ScenarioReport, said: &[String]) -> GateResult {
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

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Environment => "could not be tried",
    }
}
