//! `run`: scenarios, each on a cluster of its own unless it says that it shares one.

use std::{io::Write, time::Instant};

use futures::StreamExt;
use rollcall::{
    Group, Interrupt, Keep, KeptCluster, Pauser, RunOptions, group_plans, kubeconfig,
    model::{Plan, Scenario, Timestamp, Verdict, event::Cleanup},
    side_by_side,
};

use super::cluster::default_kubeconfig;
use crate::{
    args::{MadeOf, Run},
    discover,
    error::CliError,
    exit_code::ExitCode,
    output,
    report::{Ended, PlainReporter, Progress, ScenarioRecorder, ScenarioReport, SuiteReport, Summary, file, problems},
    scenarios,
};

pub(super) async fn run(flags: Run, interrupt: Interrupt) -> Result<ExitCode, CliError> {
    file::prepare(&flags.reports, &file::OF_SUITES)?;
    if flags.guest.context.is_some() && flags.made_of != MadeOf::default() {
        return Err(CliError::usage(
            "`--distro` and `--node-image` say what a new cluster is made of, and `--context` names one that is there",
        )
        .hint("leave out the one or the other"));
    }
    let evidence = file::evidence(flags.no_evidence || flags.dry_run, flags.evidence.as_deref())?;
    let (began, started) = (Timestamp::now(), Instant::now());
    let files = discover::files(&flags.paths)?;
    let (valid, invalid) = scenarios::load(&files);
    if !invalid.is_empty() {
        // A suite that is wrong in part is not run in part: what would be missing is easily overlooked.
        problems::print(&invalid);
        return Ok(ExitCode::USAGE);
    }
    let filter = flags.filter.as_deref();
    let selected: Vec<Scenario> = valid.into_iter().filter(|scenario| is_selected(scenario, filter)).collect();
    if selected.is_empty() {
        return Err(nothing_selected(files.len(), filter));
    }
    let mut plans: Vec<Plan> = selected.iter().map(Plan::new).collect();
    if let Some(version) = &flags.kubernetes {
        plans.iter_mut().for_each(|plan| plan.cluster.kubernetes = Some(version.clone()));
    }
    if flags.dry_run {
        for plan in &plans {
            output::line(&plan.to_string());
        }
        return Ok(ExitCode::HELD);
    }
    let options = RunOptions {
        cluster_name: None,
        attach: flags.attach(),
        distro: flags.made_of.distro,
        node_image: flags.made_of.node_image,
        keep: if flags.keep { Keep::OnFailure } else { Keep::Never },
        images: flags.images.into_iter().map(|image| (image.name, image.source)).collect(),
        pauser: if flags.interactive { pauser() } else { Pauser::default() },
        interrupt: interrupt.clone(),
        evidence,
    };
    // Scenarios that share a cluster follow each other; the groups run side by side.
    let groups = side_by_side(group_plans(&plans, &options.images), flags.parallel.into());
    let alone = flags.parallel == 1;
    let moves = alone && !flags.plain;
    let mut runs = futures::stream::iter(groups)
        .map(|members| {
            let plans: Vec<(usize, &Plan)> =
                members.iter().filter_map(|member| Some((*member, plans.get(*member)?))).collect();
            group(plans, &options, alone, moves)
        })
        .buffer_unordered(flags.parallel.into());
    let mut summary = Summary::default();
    let mut reports = Vec::new();
    while let Some(ended) = runs.next().await {
        for (index, ended, report) in ended {
            summary.add(ended);
            reports.push((index, report));
        }
    }
    reports.sort_by_key(|(index, _)| *index);
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let suite = SuiteReport::new(began, took_ms, reports.into_iter().map(|(_, report)| report).collect());
    // Before the summary, whose last line says where to look.
    let written = file::write(&flags.reports, &suite).map_err(|error| {
        error.print();
        error.code
    });
    output::text(&summary.render());
    let interrupted = if interrupt.is_triggered() { ExitCode::ENVIRONMENT } else { ExitCode::HELD };
    Ok(summary.exit_code().worst(interrupted).worst(written.err().unwrap_or(ExitCode::HELD)))
}

/// Runs plans one after the other, where they may on one cluster.
async fn group(
    plans: Vec<(usize, &Plan)>,
    options: &RunOptions,
    alone: bool,
    moves: bool,
) -> Vec<(usize, Ended, ScenarioReport)> {
    let mut group = Group::default();
    let mut all = Vec::new();
    for (index, plan) in plans {
        if options.interrupt.is_triggered() {
            let verdict = Verdict::Skipped { reason: "interrupted before it began".to_owned() };
            let report = ScenarioRecorder::new(plan).finish(&verdict, None);
            let (name, file) = (plan.name.clone(), plan.file.clone());
            all.push((index, Ended { name, file, verdict, evidence: None }, report));
            continue;
        }
        let (ended, report) = if alone {
            let progress = if moves { Progress::on_terminal() } else { Progress::none() };
            let (ended, report, _) =
                run_one(&mut group, plan, options, PlainReporter::new(anstream::stdout(), progress)).await;
            (ended, report)
        } else {
            // Side by side the lines of scenarios would mix, so each is printed when it has ended.
            let silent = PlainReporter::new(Vec::new(), Progress::none());
            let (ended, report, text) = run_one(&mut group, plan, options, silent).await;
            output::text(&String::from_utf8_lossy(&text));
            (ended, report)
        };
        all.push((index, ended, report));
    }
    if let Cleanup::Failed { message } = group.end().await {
        let error = CliError::environment(format!("a shared cluster is not removed completely: {message}"));
        error.hint("`rollcall clean` removes what is left").print();
        if let Some((_, last, _)) = all.last_mut().filter(|(_, last, _)| last.verdict.is_held()) {
            last.verdict = Verdict::Environment;
        }
    }
    all
}

/// Runs a plan, writes what happens, and gathers it for the reports.
async fn run_one<W: Write + Send>(
    group: &mut Group,
    plan: &Plan,
    options: &RunOptions,
    mut reporter: PlainReporter<W>,
) -> (Ended, ScenarioReport, W) {
    let mut recorder = ScenarioRecorder::new(plan);
    let mut sink = |stamped| {
        recorder.event(&stamped);
        reporter.event(&stamped);
    };
    let result = group.run(plan, options, &mut sink).await;
    reporter.finish(result.failure.as_ref());
    if let Some(kept) = &result.kept {
        reporter.text(&tell_of_kept(kept));
    }
    reporter.text("\n");
    let verdict = result.verdict_with_cleanup();
    let report = recorder.finish(&verdict, result.failure.as_ref());
    let ended = Ended { name: plan.name.clone(), file: plan.file.clone(), verdict, evidence: result.evidence };
    (ended, report, reporter.into_inner())
}

/// Waits for a line on standard input at each pause.
fn pauser() -> Pauser {
    Pauser::new(|message| {
        Box::pin(async move {
            output::text(&format!("{message}\n(Enter goes on) "));
            let read = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
            // A closed input goes on at once.
            let _ = read.await;
        })
    })
}

fn is_selected(scenario: &Scenario, filter: Option<&str>) -> bool {
    filter.is_none_or(|text| scenario.file.contains(text) || scenario.metadata.name.contains(text))
}

fn nothing_selected(found: usize, filter: Option<&str>) -> CliError {
    match filter {
        Some(text) if found > 0 => {
            let scenarios = output::count(found, "scenario", "scenarios");
            CliError::nothing_selected(format!("none of {scenarios} matches `{text}`"))
        }
        _ => CliError::nothing_selected("no scenario found").hint("a scenario is a `.yaml` file with `kind: Scenario`"),
    }
}

/// How to look at a cluster that was left behind, and how to be rid of it.
fn tell_of_kept(kept: &KeptCluster) -> String {
    let written = default_kubeconfig(&kept.name)
        .and_then(|path| kubeconfig::write(&path, &kept.kubeconfig).map(|()| path).map_err(CliError::from));
    match written {
        Ok(path) => format!(
            "  the cluster is kept: look with `export KUBECONFIG={}`, remove it with `rollcall down {}`\n",
            output::shell_word(&path.display().to_string()),
            kept.name
        ),
        Err(error) => format!("{}\n", error.render()),
    }
}

#[cfg(test)]
mod tests {
    use super::nothing_selected;

    #[test]
    fn a_filter_that_matches_nothing_is_named() {
        assert!(nothing_selected(9, Some("nod-joins")).render().contains("none of 9 scenarios matches `nod-joins`"));
        assert!(nothing_selected(0, Some("x")).render().contains("no scenario found"));
    }
}
