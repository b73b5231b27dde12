//! `validate`: whether an agent image may be released.

mod agent;
mod baseline;
mod gates;
mod result;
mod settings;

use std::time::Instant;

use rollcall::{
    Interrupt,
    model::validate::{Gate, GateName, Outcome, Scorecard, Work, gates as gates_of},
};

use crate::{
    args::{CardForm, Validate},
    error::CliError,
    exit_code::ExitCode,
    output,
    report::{
        file,
        scorecard::{OF_SCORECARDS, ScoreReport},
        style,
    },
};

pub(super) async fn validate(flags: Validate, interrupt: Interrupt) -> Result<ExitCode, CliError> {
    file::prepare(&flags.reports, &OF_SCORECARDS)?;
    let baseline = flags.baseline.as_deref().map(baseline::read).transpose()?;
    let started = Instant::now();
    let Some(settings) = settings::read(&flags)? else { return Ok(ExitCode::USAGE) };
    let agent = agent::find(&flags).await?;
    let mut all = gates_of(&agent.candidate, &agent.facts, &settings);
    if let Some(name) = flags.print_scenario {
        return print_scenario(name, all);
    }
    if !settings.gates.is_empty() {
        all.retain(|gate| settings.gates.contains(&gate.name));
    }
    let results = gates::run(all, &agent, &flags, &interrupt).await?;
    let mut card = Scorecard {
        image: flags.image.clone(),
        from: flags.from.clone(),
        daemon_set: agent.candidate.daemon_set.to_string(),
        gates: results,
        took_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    if let Some(baseline) = &baseline {
        card.compare(baseline, settings.slower_by);
    }
    let report = ScoreReport::new(&card);
    print(&card, &report, flags.output)?;
    file::write(&flags.reports, &report)?;
    Ok(exit_code(&card))
}

fn print_scenario(name: GateName, gates: Vec<Gate>) -> Result<ExitCode, CliError> {
    let gate = gates.into_iter().find(|gate| gate.name == name).map(|gate| gate.work);
    match gate {
        Some(Work::Run(text)) => output::text(&text),
        Some(Work::Trials(trials)) => {
            let texts: Vec<String> = trials.into_iter().map(|trial| trial.text).collect();
            output::text(&texts.join("---\n"));
        }
        Some(Work::Skipped { reason }) => return Err(CliError::usage(format!("gate `{name}` is skipped: {reason}"))),
        _ => return Err(CliError::usage(format!("gate `{name}` has no scenario: it is judged without a cluster"))),
    }
    Ok(ExitCode::HELD)
}

fn print(card: &Scorecard, report: &ScoreReport<'_>, form: CardForm) -> Result<(), CliError> {
    let text = match form {
        CardForm::Table => format!("\n{}", card.text(style::paint)),
        CardForm::Markdown => card.markdown(),
        CardForm::Json => file::Document::json(report)
            .map_err(|error| CliError::environment(format!("could not write JSON: {error}")))?,
    };
    output::text(&text);
    Ok(())
}

/// A gate that could not be tried says nothing of the agent, and so weighs more than one that failed.
fn exit_code(card: &Scorecard) -> ExitCode {
    if card.passes() {
        ExitCode::HELD
    } else if card.count(Outcome::Environment) > 0 {
        ExitCode::ENVIRONMENT
    } else if card.count(Outcome::Failed) > 0 {
        ExitCode::DID_NOT_HOLD
    } else {
        ExitCode::SKIPPED
    }
}

#[cfg(test)]
mod tests {
    use rollcall::model::validate::GateResult;

    use super::*;

    #[test]
    fn nothing_that_passed_is_no_success_and_what_could_not_be_tried_comes_first() {
        let code = |outcomes: &[Outcome]| {
            let gates = outcomes.iter().map(|outcome| GateResult::new(GateName::Stops, *outcome)).collect();
            exit_code(&Scorecard { image: "a".into(), from: None, daemon_set: "a".into(), gates, took_ms: 0 })
        };
        assert_eq!(code(&[Outcome::Passed, Outcome::Skipped]), ExitCode::HELD);
        assert_eq!(code(&[Outcome::Skipped]), ExitCode::SKIPPED);
        assert_eq!(code(&[Outcome::Passed, Outcome::Failed]), ExitCode::DID_NOT_HOLD);
        assert_eq!(code(&[Outcome::Environment, Outcome::Failed]), ExitCode::ENVIRONMENT);
    }
}
