//! Gates side by side, each on a cluster that those before it left as they found it.

use std::{collections::VecDeque, sync::Mutex};

use futures::future::join_all;
use rollcall::{
    Group, Interrupt, Keep, Pauser, RunOptions,
    model::{
        Event, Plan, Scenario, Stamped,
        event::Cleanup,
        validate::{Gate, GateName, GateResult, Measure, Outcome, Trial, Work},
    },
};

use super::{
    agent::Agent,
    result::{first_cause, of_report, skipped},
};
use crate::{
    args::{CardForm, Validate},
    error::CliError,
    output,
    report::{ScenarioRecorder, ScenarioReport, ScenarioVerdict, file},
};

/// Gates with their places among all of them.
type Queue = VecDeque<(usize, Gate)>;
/// What came of gates, with their places.
type Results = Vec<(usize, GateResult)>;

/// Tries gates, says after each what came of it, and gives that in the order of the gates.
///
/// Those up to `comes-up` are tried first, since what does not even start fails everything else. The others share what
/// the machine has: while one waits for its nodes, another can use the processor.
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
    let mut first: Queue = gates.into_iter().enumerate().collect();
    let begin = first.iter().position(|(_, gate)| gate.name == GateName::ComesUp).map_or(0, |at| at + 1);
    let others = first.split_off(begin);
    let most = others.iter().filter(|(_, gate)| matches!(gate.work, Work::Run(_) | Work::Trials(_))).count();
    let count = most.clamp(1, usize::from(flags.parallel));
    let mut lanes: Vec<Lane<'_>> =
        (0..count).map(|_| Lane { group: Group::default(), starts: true, agent, flags, options: &options }).collect();
    let tried = in_turn(&mut lanes, first, others).await;
    let told = ended(lanes).await;
    let mut results = tried?;
    results.sort_by_key(|(at, _)| *at);
    let mut results: Vec<GateResult> = results.into_iter().map(|(_, result)| result).collect();
    let last = results.iter_mut().rev().find(|result| result.outcome == Outcome::Passed);
    if let Some(last) = last.filter(|_| told) {
        last.outcome = Outcome::Environment;
        last.reasons.push("its cluster is not removed completely".to_owned());
    }
    Ok(results)
}

async fn in_turn(lanes: &mut [Lane<'_>], first: Queue, others: Queue) -> Result<Results, CliError> {
    let mut results = Results::new();
    if let Some(lane) = lanes.first_mut() {
        results = lane.run(&Mutex::new(first)).await?;
    }
    let failed = |result: &GateResult| result.gate == GateName::ComesUp.as_str() && result.outcome == Outcome::Failed;
    let starts = !results.iter().any(|(_, result)| failed(result));
    let others = Mutex::new(others);
    let tried = lanes.iter_mut().map(|lane| {
        lane.starts = starts;
        lane.run(&others)
    });
    for tried in join_all(tried).await {
        results.extend(tried?);
    }
    Ok(results)
}

/// Removes what is left of clusters, and says whether it had to tell that something could not be removed.
async fn ended(lanes: Vec<Lane<'_>>) -> bool {
    let mut told = false;
    let ends = lanes.into_iter().map(|mut lane| async move { lane.group.end().await });
    for cleanup in join_all(ends).await {
        if let Cleanup::Failed { message } = cleanup {
            let error = CliError::environment(format!("the cluster is not removed completely: {message}"));
            error.hint("`rollcall clean` removes what is left").print();
            told = true;
        }
    }
    told
}

/// Where one gate is tried after the other.
struct Lane<'a> {
    group: Group,
    /// Whether the agent starts at all, as far as is known.
    starts: bool,
    agent: &'a Agent,
    flags: &'a Validate,
    options: &'a RunOptions,
}

impl Lane<'_> {
    /// Tries what nobody else has taken.
    async fn run(&mut self, queue: &Mutex<Queue>) -> Result<Results, CliError> {
        let tells = self.flags.output == CardForm::Table;
        let mut results = Results::new();
        loop {
            let next = queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop_front();
            let Some((at, gate)) = next else { return Ok(results) };
            let result = self.one(gate).await?;
            if tells {
                let took = if result.took_ms == 0 { String::new() } else { format!(" ({} ms)", result.took_ms) };
                output::line(&format!("{}: {}{took}", result.gate, word(result.outcome)));
            }
            results.push((at, result));
        }
    }

    async fn one(&mut self, gate: Gate) -> Result<GateResult, CliError> {
        let tried = match gate.work {
            Work::Known { wrong, notes } => {
                let outcome = if wrong.is_empty() { Outcome::Passed } else { Outcome::Failed };
                let size = (gate.name == GateName::Image).then(|| Measure::of_size(self.agent.facts.bytes));
                let measures = size.into_iter().collect();
                return Ok(GateResult { reasons: wrong, notes, measures, ..GateResult::new(gate.name, outcome) });
            }
            Work::Skipped { reason } => return Ok(skipped(gate.name, reason)),
            Work::Run(text) => Tried::Gate(text),
            Work::Trials(trials) => Tried::Without(trials),
            _ => return Ok(skipped(gate.name, "this version cannot try it".to_owned())),
        };
        if self.options.interrupt.is_triggered() {
            let reasons = vec!["interrupted before it began".to_owned()];
            return Ok(GateResult { reasons, ..GateResult::new(gate.name, Outcome::Environment) });
        }
        // What does not even start fails everything, and that says nothing new.
        if !self.starts {
            return Ok(skipped(gate.name, format!("gate `{}` failed, and this one begins there", GateName::ComesUp)));
        }
        match tried {
            Tried::Gate(text) => {
                let (report, said) = self.ran(gate.name, &text, self.options).await?;
                Ok(of_report(gate.name, &report, &said))
            }
            Tried::Without(trials) => self.trials(gate.name, trials).await,
        }
    }

    async fn trials(&mut self, gate: GateName, trials: Vec<Trial>) -> Result<GateResult, CliError> {
        let mut told = GateResult::new(gate, Outcome::Passed);
        for trial in trials {
            if self.options.interrupt.is_triggered() {
                told.outcome = Outcome::Environment;
                told.reasons.push("interrupted before everything was tried".to_owned());
                break;
            }
            // What does without it is what this is for, and leaves no evidence.
            let options = RunOptions { evidence: None, ..self.options.clone() };
            let (report, _) = self.ran(gate, &trial.text, &options).await?;
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

    async fn ran(
        &mut self,
        gate: GateName,
        text: &str,
        options: &RunOptions,
    ) -> Result<(ScenarioReport, Said), CliError> {
        let mut plan = plan(gate, text, self.agent)?;
        plan.cluster.kubernetes.clone_from(&self.flags.kubernetes);
        let mut recorder = ScenarioRecorder::new(&plan);
        let mut said = Said::new();
        let mut take = |stamped: Stamped| {
            if let Event::StepOutput { text, .. } = &stamped.event {
                said.push(text.clone());
            }
            recorder.event(&stamped);
        };
        let result = self.group.run(&plan, options, &mut take).await;
        Ok((recorder.finish(&result.verdict_with_cleanup(), result.failure.as_ref()), said))
    }
}

/// What a gate is tried by.
enum Tried {
    Gate(String),
    Without(Vec<Trial>),
}

/// What steps wrote.
type Said = Vec<String>;

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

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Environment => "could not be tried",
    }
}
