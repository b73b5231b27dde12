//! `explain`: why a DaemonSet is as it is, on every node.

use rollcall::{
    Interrupt, explain_in_context,
    model::{DaemonSetRef, explain::Diagnosis},
};

use super::which;
use crate::{
    args::{Explain, Output},
    error::CliError,
    exit_code::ExitCode,
    output,
};

/// Exit code 0 where everything is in order, and 5 where something is not, as where an expectation does not hold: 1 is a
/// bug of rollcall everywhere, and a script has to tell them apart.
pub(super) async fn explain(flags: Explain, interrupt: Interrupt) -> Result<ExitCode, CliError> {
    let diagnosis = tokio::select! {
        diagnosis = look(&flags) => diagnosis?,
        () = interrupt.triggered() => return Err(CliError::interrupted()),
    };
    match flags.output {
        Output::Table => output::text(&diagnosis.to_string()),
        Output::Json => {
            let text = serde_json::to_string_pretty(&diagnosis)
                .map_err(|error| CliError::environment(format!("could not write JSON: {error}")))?;
            output::line(&text);
        }
    }
    Ok(if diagnosis.in_order { ExitCode::HELD } else { ExitCode::DID_NOT_HOLD })
}

async fn look(flags: &Explain) -> Result<Diagnosis, CliError> {
    let daemon_set = DaemonSetRef { namespace: flags.namespace.clone(), name: flags.name.clone() };
    if let Some(name) = &flags.cluster {
        return Ok(which::cluster(Some(name.clone())).await?.explain(&daemon_set).await?);
    }
    let (file, context) = (flags.kubeconfig.as_deref(), flags.context.as_deref());
    Ok(explain_in_context(file, context, &daemon_set).await?)
}
