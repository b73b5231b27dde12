//! Scenarios that share a cluster: one start for all of them, and none begins from what another left.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result, ensure};
use rollcall::{
    Group, RunFileError, RunOptions, RunResult, load_file,
    model::{
        Event, Plan, Verdict,
        event::{Cleanup, StepOutcome},
    },
};
use rollcall_tests::{TestResult, docker, lone_tests, repository, says, suite, unique_name};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let tests = lone_tests![
        scenarios_that_leave_a_cluster_as_they_found_it_share_it,
        a_scenario_that_leaves_a_node_changed_fails_and_the_next_gets_a_new_cluster,
        a_node_that_is_away_is_noticed_at_once,
        a_scenario_that_fails_on_a_shared_cluster_leaves_evidence_of_its_nodes,
        a_file_is_run_and_says_why_it_did_not_hold,
    ];
    suite::run(tests.into_iter().map(|(name, test)| suite::trial(name, test)).collect())
}

/// A file with a cluster of two nodes that it shares, and steps.
fn write(folder: &Path, name: &str, steps: &str) -> Result<std::path::PathBuf> {
    let manifest = repository::root().join("manifests/01-log-collector-daemonset.yaml");
    let text = format!(
        "apiVersion: rollcall.dev/v1
kind: Scenario
metadata: {{name: {name}}}
cluster:
  shared: true
  nodes:
    - {{name: control-plane, role: control-plane}}
    - {{name: worker-1}}
images:
  - {{name: 'fluentd:latest', use: 'rollcall/agent:1'}}
steps:
  - apply: {{file: '{}'}}
  - expect: {{converged: {{daemonSet: log-collector}}, within: 40s}}
{steps}",
        manifest.display()
    );
    let file = folder.join(format!("{name}.yaml"));
    fs::write(&file, text)?;
    Ok(file)
}

/// Objects that live in others, refuse others, define others, and outlive their maker unless somebody deletes them.
const OBJECTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: logging}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: logging}
data: {a: b}
---
apiVersion: v1
kind: Service
metadata: {name: collector}
spec: {selector: {app: log-collector}, ports: [{port: 80}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: collector}
spec: {minAvailable: 1, selector: {matchLabels: {app: log-collector}}}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: collectors}
value: 1000
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: collector}
rules: [{apiGroups: [''], resources: [nodes], verbs: [get]}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: filters.logging.example.com}
spec:
  group: logging.example.com
  scope: Namespaced
  names: {plural: filters, singular: filter, kind: Filter}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";

/// How each file ended, with the clusters it had, new or once more, and the steps that did not hold.
type Results = Vec<(RunResult, Vec<&'static str>, Vec<String>)>;

/// Runs the files as one group, and says how the last cluster was removed.
fn run(files: &[&Path]) -> Result<(Results, Cleanup)> {
    let plans: Vec<Plan> = files
        .iter()
        .map(|file| {
            load_file(file).map(|scenario| Plan::new(&scenario)).map_err(|problems| anyhow::anyhow!("{problems}"))
        })
        .collect::<Result<_>>()?;
    let positions: Vec<usize> = (0..plans.len()).collect();
    ensure!(rollcall::group_plans(&plans, &[]) == [positions], "they are not one group");
    Runtime::new()?.block_on(async {
        let mut group = Group::default();
        let mut results = Vec::new();
        for plan in &plans {
            let (mut clusters, mut wrong) = (Vec::new(), Vec::new());
            let mut sink = |stamped: rollcall::model::Stamped| match stamped.event {
                Event::ClusterStarted { .. } => clusters.push("new"),
                Event::ClusterReused { .. } => clusters.push("once more"),
                Event::StepFinished { index, outcome, .. } if outcome != StepOutcome::Held => {
                    wrong.push(format!("step {}: {outcome:?}", index + 1));
                }
                _ => {}
            };
            let result = group.run(plan, &RunOptions::default(), &mut sink).await;
            results.push((result, clusters, wrong));
        }
        Ok((results, group.end().await))
    })
}

fn scenarios_that_leave_a_cluster_as_they_found_it_share_it() -> TestResult {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("objects.yaml"), OBJECTS)?;
    let names = ["objects", "changes", "again"].map(unique_name);
    let steps = [
        // Nothing of this is undone by a step.
        "  - apply: {file: objects.yaml}\n",
        // These are.
        "  - taint: {node: worker-1, taint: 'maintenance=true:NoExecute'}
  - label: {node: worker-1, labels: {pool: late}}
  - drain: worker-1
  - untaint: {node: worker-1, taint: 'maintenance:NoExecute'}
  - unlabel: {node: worker-1, keys: [pool]}
  - uncordon: worker-1
  - addNodes: {name: worker-2}
  - removeNode: worker-2
  - restartNode: worker-1\n",
        // The same objects can be made anew.
        "  - apply: {file: objects.yaml}\n",
    ];
    let files: Vec<_> =
        names.iter().zip(steps).map(|(name, steps)| write(folder.path(), name, steps)).collect::<Result<_>>()?;
    let (results, end) = run(&files.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>())?;
    for ((result, clusters, wrong), expected) in results.iter().zip(["new", "once more", "once more"]) {
        ensure!(result.verdict == Verdict::Held, "{result:?} {wrong:?}");
        ensure!(result.cleanup == Cleanup::HandedOn, "{result:?}");
        ensure!(clusters == &[expected], "{clusters:?}");
    }
    ensure!(end == Cleanup::Done, "{end:?}");
    docker::assert_nothing_left(&names[0], &docker::Traces::default())
}

fn a_scenario_that_leaves_a_node_changed_fails_and_the_next_gets_a_new_cluster() -> TestResult {
    let folder = tempfile::tempdir()?;
    let names = ["leaves", "after"].map(unique_name);
    let changes = "  - taint: {node: worker-1, taint: 'dedicated=gpu:NoSchedule'}
  - label: {node: control-plane, labels: {pool: late}}
  - cordon: worker-1\n";
    let leaves = write(folder.path(), &names[0], changes)?;
    let after = write(folder.path(), &names[1], "")?;
    let (results, end) = run(&[&leaves, &after])?;
    let [(first, ..), (second, clusters, _)] = results.as_slice() else { anyhow::bail!("{results:?}") };
    ensure!(first.verdict == Verdict::DidNotHold && first.cleanup == Cleanup::Done, "{first:?}");
    let failure = first.failure.as_ref().context("it is told")?;
    says(
        &failure.message,
        &[
            "did not leave the cluster as found:",
            "\n  node `worker-1` has taint `dedicated=gpu:NoSchedule`",
            "\n  node `worker-1` is cordoned",
            "\n  node `control-plane` has label `pool=late`",
        ],
    )?;
    ensure!(second.verdict == Verdict::Held && clusters == &["new"], "{second:?} {clusters:?}");
    ensure!(end == Cleanup::Done, "{end:?}");
    names.iter().try_for_each(|name| docker::assert_nothing_left(name, &docker::Traces::default()))
}

fn a_node_that_is_away_is_noticed_at_once() -> TestResult {
    let folder = tempfile::tempdir()?;
    let steps = [
        ("paused", "  - pauseNode: worker-1\n", "node `worker-1` is paused"),
        ("cut", "  - partitionNode: worker-1\n", "node `worker-1` is cut off the network"),
        ("stopped", "  - stopNode: worker-1\n", "node `worker-1` is stopped"),
    ];
    let mut files = Vec::new();
    for (stem, step, _) in steps {
        files.push(write(folder.path(), &unique_name(stem), step)?);
    }
    let (results, _) = run(&files.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>())?;
    for ((result, clusters, _), (.., said)) in results.iter().zip(steps) {
        ensure!(result.verdict == Verdict::DidNotHold, "{result:?}");
        says(&result.failure.as_ref().context("it is told")?.message, &[said])?;
        ensure!(clusters == &["new"], "{clusters:?}");
    }
    Ok(())
}

fn a_scenario_that_fails_on_a_shared_cluster_leaves_evidence_of_its_nodes() -> TestResult {
    let folder = tempfile::tempdir()?;
    let name = unique_name("evident");
    let step = "  - expect: {pods: {daemonSet: log-collector, count: 9}, within: 1s}\n";
    let scenario = load_file(&write(folder.path(), &name, step)?);
    let plan = Plan::new(&scenario.map_err(|problems| anyhow::anyhow!("{problems}"))?);
    let options = RunOptions { evidence: Some(folder.path().join("evidence")), ..RunOptions::default() };
    let result = Runtime::new()?.block_on(async {
        let mut group = Group::default();
        let result = group.run(&plan, &options, &mut |_| {}).await;
        ensure!(group.end().await == Cleanup::Done, "its cluster is still there");
        Ok(result)
    })?;
    ensure!(result.verdict == Verdict::DidNotHold && result.cleanup == Cleanup::Done, "{result:?}");
    let evidence = result.evidence.context("there is no evidence")?;
    for node in ["control-plane", "worker-1"] {
        let log = evidence.join("nodes").join(node).join("kubelet.log");
        ensure!(fs::metadata(&log).is_ok_and(|log| log.len() > 0), "`{}` says nothing", log.display());
    }
    docker::assert_nothing_left(&name, &docker::Traces::default())
}

fn a_file_is_run_and_says_why_it_did_not_hold() -> TestResult {
    let folder = tempfile::tempdir()?;
    let name = unique_name("file");
    let step = "  - name: too many\n    expect: {pods: {daemonSet: log-collector, count: 9}, within: 1s}\n";
    let file = write(folder.path(), &name, step)?;
    let runtime = Runtime::new()?;
    let Err(RunFileError::DidNotHold(report)) = runtime.block_on(rollcall::run_file(&file)) else {
        anyhow::bail!("it did not fail as it should")
    };
    let failed = report.step.as_ref().context("it ended at a step")?;
    ensure!(failed.index == 2 && failed.name.as_deref() == Some("too many") && failed.report.is_some(), "{failed:?}");
    says(
        &report.to_string(),
        &[&format!("scenario {name}"), "too many: expect", "error: did not hold", "did not hold in"],
    )?;
    let held = write(folder.path(), &name, "")?;
    let held = runtime.block_on(rollcall::run_file(held))?;
    ensure!(held.result.verdict == Verdict::Held && held.step.is_none(), "{held:?}");
    fs::write(&file, "kind: Scenario\n")?;
    let Err(RunFileError::Invalid(_)) = runtime.block_on(rollcall::run_file(&file)) else {
        anyhow::bail!("a file that is none was run")
    };
    docker::assert_nothing_left(&name, &docker::Traces::default())
}
