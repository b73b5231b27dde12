//! A test for each scenario file: what is behind [`scenarios!`](crate::scenarios).
//!
//! Files are found when the tests run, and each is run in the process of the tests. The flags are those of any test
//! binary, so `cargo test` and `cargo nextest` treat scenarios like other tests. Nothing is printed here but by
//! `libtest-mimic`: a failed test shows every line that the command line would have shown.

mod find;
mod session;

use std::{env, path::PathBuf, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use self::session::Session;
use crate::error::{Error, chain};

/// A `main` with a test for each scenario file that matches a pattern, relative to the crate's own folder.
///
/// It is the whole of a test target with `harness = false`, for example of `tests/scenarios.rs`:
///
/// ```no_run
/// rollcall::scenarios!("scenarios/**/*.yaml");
/// ```
///
/// Each test is named as its file without the ending. Files that do not say they are scenarios are passed over, so
/// manifests may lie beside them; a pattern that finds no scenario is a failure. Where there is no engine or no image
/// the tests are ignored with the reason, unless `ROLLCALL_CLUSTERS=required`: see [`Clusters`](crate::Clusters).
/// As many run at a time as the machine has cores, four at most, unless `--test-threads` says otherwise, and those whose
/// cluster says `shared: true` follow each other on one cluster for each that runs at a time.
#[macro_export]
macro_rules! scenarios {
    ($($pattern:literal),+ $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::harness::main(::core::env!("CARGO_MANIFEST_DIR"), &[$($pattern),+])
        }
    };
}

/// Runs the scenario files below `crate_folder` that match the patterns, as the arguments of the process say.
#[must_use]
pub fn main(crate_folder: &str, patterns: &[&str]) -> ExitCode {
    // The folder of a binary that was built elsewhere is told by whoever runs it.
    let folder = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(crate_folder), PathBuf::from);
    let mut arguments = Arguments::from_args();
    let threads = *arguments.test_threads.get_or_insert_with(threads);
    let session = Arc::new(Session::default());
    let trials = find::cases(&folder, patterns);
    let conclusion = libtest_mimic::run(&arguments, session.trials(trials, threads));
    if let Err(message) = session.end() {
        // Told as a test of its own, whatever was filtered: every other one has had its say.
        let told = vec![Trial::test("shared_clusters_are_removed", move || Err(Failed::from(message)))];
        return libtest_mimic::run(&Arguments::default(), told).exit_code();
    }
    conclusion.exit_code()
}

/// How many scenarios run at a time: while one waits for its cluster another can use the processor, and each cluster takes
/// some 0.5 GiB of memory.
fn threads() -> usize {
    const MOST: usize = 4;
    std::thread::available_parallelism().map_or(1, usize::from).min(MOST)
}

/// One test at a time, unless the arguments say otherwise: two cores are busy with one cluster.
pub fn one_at_a_time(arguments: &mut Arguments) {
    arguments.test_threads.get_or_insert(1);
}

/// What a test does that clusters are not made for: it is ignored with the reason, or fails where they are required.
///
/// # Errors
/// Why clusters cannot be made though they must be.
pub fn gated(
    closed: Result<Option<String>, String>,
    run: impl FnOnce() -> Result<(), Failed>,
) -> Result<Completion, Failed> {
    match closed {
        Ok(None) => run().map(|()| Completion::Completed),
        Ok(Some(reason)) => Ok(Completion::ignored_with(reason)),
        Err(why) => Err(Failed::from(why)),
    }
}

/// An error with its causes and its hint.
fn told(error: &Error) -> String {
    let hint = error.hint().map(|hint| format!("\n  (hint: {hint})")).unwrap_or_default();
    format!("{}{hint}", chain(error))
}
