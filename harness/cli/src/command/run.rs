//! `run`: scenarios, each on a cluster of its own unless it says that it shares one.

use std::io::Write;

use futures::StreamExt;
use rollcall::{
    Group, Interrupt, Keep, KeptCluster, RunOptions, group_plans, kubeconfig,
    model::{Plan, Scenario, Verdict, event::Cleanup},
};

use super::cluster::default_kubeconfig;
use crate::{
    args::Run,
    discover,
    error::CliError,
    exit_code::ExitCode,
    output,
    report::{Ended, PlainReporter, Progress, Summary, problems},
    scenarios,
};

pub(super) async fn run(flags: Run, interrupt: Interrupt) -> Result<ExitCode, CliError> {
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
    let plans: Vec<Plan> = selected.iter().map(Plan::new).collect();
    if flags.dry_run {
        for plan in &plans {
            output::line(&plan.to_string());
        }
        return Ok(ExitCode::HELD);
    }
    let options = RunOptions {
        cluster_name: None,
        keep: if flags.keep { Keep::OnFailure } else { Keep::Never },
        images: flags.images.into_iter().map(|image| (image.name, image.source)).collect(),
        interrupt: interrupt.clone(),
    };
    // Scenarios that share a cluster follow each other; the groups run side by side.
    let groups = group_plans(&plans, &options.images);
    let alone = flags.parallel == 1;
    let moves = alone && !flags.plain;
    let mut runs = futures::stream::iter(groups)
        .map(|members| {
            let plans: Vec<&Plan> = members.iter().filter_map(|member| plans.get(*member)).collect();
            group(plans, &options, alone, moves)
        })
        .buffer_unordered(flags.parallel.into());
    let mut summary = Summary::default();
    while let Some(ended) = runs.next().await {
        ended.into_iter().for_each(|ended| summary.add(ended));
    }
    output::text(&summary.render());
    let interrupted = if interrupt.is_triggered() { ExitCode::ENVIRONMENT } else { ExitCode::HELD };
    Ok(summary.exit_code().worst(interrupted))
}

/// Runs plans one after the other, where they may on one cluster.
async fn group(plans: Vec<&Plan>, options: &RunOptions, alone: bool, moves: bool) -> Vec<Ended> {
    let mut group = Group::default();
    let mut all = Vec::new();
    for plan in plans {
        let (name, file) = (plan.name.clone(), plan.file.clone());
        if options.interrupt.is_triggered() {
            let reason = "interrupted before it began".to_owned();
            all.push(Ended { name, file, verdict: Verdict::Skipped { reason } });
            continue;
        }
        let verdict = if alone {
            let progress = if moves { Progress::on_terminal() } else { Progress::none() };
            report(&mut group, plan, options, PlainReporter::new(anstream::stdout(), progress)).await.0
        } else {
            // Side by side the lines of scenarios would mix, so each is printed when it has ended.
            let silent = PlainReporter::new(Vec::new(), Progress::none());
            let (verdict, text) = report(&mut group, plan, options, silent).await;
            output::text(&String::from_utf8_lossy(&text));
            verdict
        };
        all.push(Ended { name, file, verdict });
    }
    if let Cleanup::Failed { message } = group.end().await {
        let error = CliError::environment(format!("a shared cluster is not removed completely: {message}"));
        error.hint("`rollcall clean` removes what is left").print();
        if let Some(last) = all.last_mut().filter(|last| last.verdict.is_held()) {
            last.verdict = Verdict::Environment;
        }
    }
    all
}

/// Runs a plan and writes what happens.
async fn report<W: Write + Send>(
    group: &mut Group,
    plan: &Plan,
    options: &RunOptions,
    mut reporter: PlainReporter<W>,
) -> (Verdict, W) {
    let result = group.run(plan, options, &mut |stamped| reporter.event(&stamped)).await;
    reporter.finish(result.failure.as_ref());
    if let Some(kept) = &result.kept {
        reporter.text(&tell_of_kept(kept));
    }
    reporter.text("\n");
    // What is left behind is in the way of later runs, so it is not success.
    let verdict = match (result.verdict, &result.cleanup) {
        (Verdict::Held, Cleanup::Failed { .. }) => Verdict::Environment,
        (verdict, _) => verdict,
    };
    (verdict, reporter.into_inner())
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
