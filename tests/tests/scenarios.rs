//! Every scenario of the repository is a test: found when the tests run, run by the command line as a user runs it,
//! each on a cluster of its own.

use std::process::ExitCode;

use rollcall_tests::{Cli, repository, suite};

fn main() -> ExitCode {
    let trials = repository::scenarios().into_iter().map(|file| {
        let path = file.with_extension("");
        let name = path.strip_prefix("scenarios").unwrap_or(&path).display().to_string();
        suite::trial(name, move || {
            // On failure everything that the reporter said is shown.
            Cli::new(["run", "--plain"]).arg(file).run()?.code(0)?;
            Ok(())
        })
    });
    suite::run(trials.collect())
}
