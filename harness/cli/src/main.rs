//! `rollcall`: the command line. Flags come in here, reporters and exit codes go out; the work is the library's.
#![forbid(unsafe_code)]

mod args;
mod command;
mod discover;
mod error;
mod exit_code;
mod image_flag;
mod interrupt;
mod output;
mod panic;
mod report;
mod scenarios;

use std::process::ExitCode as ProcessExitCode;

use tracing_subscriber::EnvFilter;

use crate::{
    args::{Arguments, Command},
    error::CliError,
    exit_code::ExitCode,
};

/// What is logged without `RUST_LOG`. The Kubernetes client calls each refused connection an error; while nodes boot and
/// die that is the course of things, and what matters of it comes back as the reason of a failure.
const LOGGED: &str = "warn,kube_client=off,kube_runtime=off";

fn main() -> ProcessExitCode {
    panic::install_hook();
    let arguments = args::parse(std::env::args_os());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    // The hook has told of a panic; unwinding let everything that owns containers remove them.
    let code = std::panic::catch_unwind(|| match start(arguments) {
        Ok(code) => code,
        Err(error) => {
            error.print();
            error.code
        }
    });
    let code = code.unwrap_or(ExitCode::BUG);
    // A panic of a task that nobody waited for is a bug all the same.
    let code = if panic::happened() { ExitCode::BUG } else { code };
    ProcessExitCode::from(code.0)
}

fn start(arguments: Arguments) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::environment(format!("could not start: {error}")))?;
    // It looks and makes nothing.
    let cleans_up = !matches!(arguments.command, Command::Explain(_));
    runtime.block_on(async {
        let interrupt = interrupt::listen(cleans_up)
            .map_err(|error| CliError::environment(format!("could not listen for signals: {error}")))?;
        command::execute(arguments.command, interrupt).await
    })
}
