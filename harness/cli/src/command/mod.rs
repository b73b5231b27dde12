//! One file a command: what is meant by its flags, and what it prints.

mod cluster;
mod lint;
mod load;
mod node;
mod run;
mod which;

use clap::CommandFactory;
use rollcall::Interrupt;

use crate::{
    args::{Arguments, Command},
    error::CliError,
    exit_code::ExitCode,
    output,
};

/// Does what was asked for.
///
/// # Errors
/// What ended the command early. A scenario that fails is not an error but an exit code.
pub(crate) async fn execute(command: Command, interrupt: Interrupt) -> Result<ExitCode, CliError> {
    match command {
        Command::Run(flags) => return run::run(flags, interrupt).await,
        Command::Lint { paths } => return lint::lint(&paths),
        Command::Up(flags) => cluster::up(flags, &interrupt).await?,
        Command::Down { name, all } => cluster::down(name, all).await?,
        Command::Ls { output } => cluster::list(output).await?,
        Command::Kubeconfig { name } => cluster::kubeconfig(name).await?,
        Command::Load { image, name, cluster } => load::load(&image, name, cluster).await?,
        Command::Clean { all } => cluster::clean(all).await?,
        Command::Node { verb } => node::node(verb, &interrupt).await?,
        Command::Completions { shell } => {
            // Written by hand: the generator panics where its reader went away.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "rollcall", &mut script);
            output::text(&String::from_utf8_lossy(&script));
        }
    }
    Ok(ExitCode::HELD)
}
