//! Tests on clusters under `libtest-mimic`: ignored with their reason where clusters are not asked for, one at a time,
//! and, where they share a cluster, with its removal at the end.

use std::{
    pin::Pin,
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use anyhow::Context;
use libtest_mimic::{Arguments, Conclusion, Failed, Trial};
use rollcall::{Cluster, ClusterBuilder, harness};
use tokio::runtime::Runtime;

use crate::{docker, gate, pods};

/// How a test ends.
pub type TestResult = anyhow::Result<()>;

/// A test on the cluster that all of its file share.
pub type Test = for<'a> fn(&'a Cluster) -> Pin<Box<dyn Future<Output = TestResult> + 'a>>;

/// The tests with these names, as `(name, function)`.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        [$((stringify!($name), (|cluster| Box::pin($name(cluster))) as $crate::Test)),*]
    };
}

/// The tests with these names that make what they need themselves.
#[macro_export]
macro_rules! lone_tests {
    ($($name:ident),* $(,)?) => {
        [$((stringify!($name), $name as fn() -> $crate::TestResult)),*]
    };
}

/// Says why tests on clusters do not run, if they do not.
pub type Gate = Arc<dyn Fn() -> Result<Option<String>, String> + Send + Sync>;

/// One trial on clusters: ignored where they are not asked for.
pub fn trial(name: impl Into<String>, run: impl FnOnce() -> TestResult + Send + 'static) -> Trial {
    gated_trial(Arc::new(gate::closed), name, run)
}

/// One trial behind a gate of its own.
pub fn gated_trial(gate: Gate, name: impl Into<String>, run: impl FnOnce() -> TestResult + Send + 'static) -> Trial {
    Trial::ignorable_test(name, move || {
        harness::gated(gate(), || run().map_err(|error| Failed::from(format!("{error:#}"))))
    })
}

/// Runs trials one after the other, unless `--test-threads` says otherwise: two cores are busy with one cluster.
#[must_use]
pub fn run(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&arguments(), trials).exit_code()
}

/// Runs trials two at a time, since a cluster is mostly waited for, and one after all of them.
#[must_use]
pub fn run_in_pairs(trials: Vec<Trial>, last: Trial) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(2);
    let conclusion = libtest_mimic::run(&arguments, trials);
    and_last(arguments, &conclusion, last)
}

fn arguments() -> Arguments {
    let mut arguments = Arguments::from_args();
    harness::one_at_a_time(&mut arguments);
    arguments
}

/// Runs tests in their order on one cluster, which is made for the first that runs and removed after the last.
///
/// `name` is the cluster's; the builder gets it.
pub fn on_one_cluster(
    name: &str,
    builder: fn() -> ClusterBuilder,
    tests: impl IntoIterator<Item = (&'static str, Test)>,
) -> ExitCode {
    on_one_cluster_behind(Arc::new(gate::closed), name, builder, tests, Vec::new())
}

/// The same behind a gate of its own, and with trials that have nothing to do with the cluster before its end.
pub fn on_one_cluster_behind(
    gate: Gate,
    name: &str,
    builder: impl Fn() -> ClusterBuilder + Send + Sync + 'static,
    tests: impl IntoIterator<Item = (&'static str, Test)>,
    others: Vec<Trial>,
) -> ExitCode {
    // The cluster's watches live on it, so it outlives every test.
    let runtime = match Runtime::new() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => panic!("could not start: {error}"),
    };
    let shared: Arc<OnceLock<Result<Cluster, String>>> = Arc::default();
    let builder = Arc::new(builder);
    let trials = tests.into_iter().map(|(test, run)| {
        let (runtime, shared, name, builder) = (runtime.clone(), shared.clone(), name.to_owned(), builder.clone());
        gated_trial(gate.clone(), test, move || {
            let start = || runtime.block_on(builder().name(name).start()).map_err(|error| crate::told(&error));
            let cluster = shared.get_or_init(start).as_ref();
            let cluster = cluster.map_err(|error| anyhow::anyhow!("the cluster does not start: {error}"))?;
            runtime.block_on(run(cluster)).map_err(|error| anyhow::anyhow!("{error:#}\n{}", pods::picture(cluster)))
        })
    });
    let mut arguments = arguments();
    // They share the cluster, and one at a time has it.
    arguments.test_threads = Some(1);
    let conclusion = libtest_mimic::run(&arguments, trials.chain(others).collect());
    let end = gated_trial(gate, "the_cluster_leaves_nothing_behind", {
        let (name, runtime) = (name.to_owned(), runtime.clone());
        move || {
            let shared = Arc::into_inner(shared).context("a test still holds the cluster")?;
            let Some(Ok(cluster)) = shared.into_inner() else { return Ok(()) };
            let seen = docker::Traces::of(&name)?;
            anyhow::ensure!(seen.containers.len() >= 2, "the cluster has only {:?}", seen.containers);
            runtime.block_on(cluster.destroy())?;
            docker::assert_nothing_left(&name, &seen)
        }
    });
    and_last(arguments, &conclusion, end)
}

/// Runs a trial after all others, if any of them ran: filters choose those, and not what has to be so in the end.
fn and_last(mut arguments: Arguments, conclusion: &Conclusion, last: Trial) -> ExitCode {
    if arguments.list || conclusion.num_passed + conclusion.num_failed == 0 {
        return conclusion.exit_code();
    }
    arguments.filter = None;
    arguments.skip.clear();
    let ended = libtest_mimic::run(&arguments, vec![last]);
    if conclusion.has_failed() { conclusion.exit_code() } else { ended.exit_code() }
}
