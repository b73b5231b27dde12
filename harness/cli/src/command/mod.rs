//! One file a command: what is meant by its flags, and what it prints.

mod cluster;
mod explain;
mod lint;
mod load;
mod new;
mod node;
mod run;
mod schema;
mod validate;
mod which;

use clap::CommandFactory;
use rollcall::{Interrupt, Scope, sweep};

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
    sweep_before(&command).await;
    match command {
        Command::Run(flags) => return run::run(flags, interrupt).await,
        Command::Validate(flags) => return validate::validate(*flags, interrupt).await,
        Command::Lint { paths } => return lint::lint(&paths),
        Command::Explain(flags) => return explain::explain(&flags, interrupt).await,
        Command::New { name, file } => new::new(&name, file)?,
        Command::Schema => schema::schema(),
        Command::Up(flags) => cluster::up(flags, &interrupt).await?,
        Command::Down { name, all } => cluster::down(name, all).await?,
        Command::Ls { output } => cluster::list(output).await?,
        Command::Kubeconfig { name } => cluster::kubeconfig(name).await?,
        Command::Load { image, name, cluster } => load::load(&image, name, cluster).await?,
        Command::Clean { all, guest } => cluster::clean(all, guest.attach()).await?,
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

/// Removes what dead runs left, at the start of every command that has to do with clusters: their containers end by
/// themselves, their networks do not. A failure is not told here: the command itself is about to meet its cause.
async fn sweep_before(command: &Command) {
    let elsewhere = match command {
        Command::Lint { .. } | Command::New { .. } | Command::Schema | Command::Completions { .. } => true,
        // It tells of what it removes.
        Command::Clean { .. } => true,
        // It looks and makes nothing.
        Command::Explain(_) => true,
        // A guest needs no engine here.
        Command::Validate(flags) => flags.makes_nothing(),
        Command::Run(flags) => flags.dry_run || flags.guest.context.is_some(),
        _ => false,
    };
    if !elsewhere && let Err(error) = sweep(&Scope::Dead).await {
        tracing::debug!(%error, "could not remove what earlier runs left");
    }
}
