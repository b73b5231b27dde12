//! Commands inside a container.

use futures::StreamExt;
use testcontainers::bollard::{
    container::LogOutput,
    exec::{CreateExecOptions, StartExecOptions, StartExecResults},
};

use super::Docker;
use crate::error::{Error, Result};

/// What a command inside a container printed and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExecOutput {
    pub(crate) code: i64,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Docker {
    /// Runs a command in a running container and waits for its end.
    pub(crate) async fn exec(&self, container: &str, command: &[&str]) -> Result<ExecOutput> {
        let failed = |source| Error::Engine { action: "run a command in container", object: container.into(), source };
        let options = CreateExecOptions {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command.to_vec()),
            ..Default::default()
        };
        let exec = self.api.create_exec(container, options).await.map_err(failed)?;
        let mut output = ExecOutput { code: 0, stdout: String::new(), stderr: String::new() };
        if let StartExecResults::Attached { output: mut frames, .. } =
            self.api.start_exec(&exec.id, None::<StartExecOptions>).await.map_err(failed)?
        {
            while let Some(frame) = frames.next().await {
                match frame.map_err(failed)? {
                    LogOutput::StdErr { message } => output.stderr.push_str(&String::from_utf8_lossy(&message)),
                    other => output.stdout.push_str(&String::from_utf8_lossy(other.as_ref())),
                }
            }
        }
        let ended = self.api.inspect_exec(&exec.id).await.map_err(failed)?;
        output.code = ended.exit_code.unwrap_or(-1);
        Ok(output)
    }
}
