//! Commands: in containers of pods, and on this machine with a kubeconfig.

use std::{path::Path, process::Stdio, time::Duration};

use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::AttachParams};
use rollcall_model::{
    World,
    condition::{ExecCondition, command_line},
    world::{ExecSeen, view},
};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Cluster, machine::Machine};
use crate::{
    error::{Error, KubernetesContext, Result},
    kubeconfig,
};

/// How much of a command's output is kept, in bytes. The rest is read and left.
const KEPT: usize = 64 * 1024;

/// How a command on this machine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    /// `None` where a signal ended it.
    pub(crate) exit_code: Option<i32>,
    /// Standard output, then standard error.
    pub(crate) output: String,
}

/// What commands wrote, whether or not they ended as they were said to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wrote {
    pub(crate) text: String,
    /// How those ended that did not, one line or more for each.
    pub(crate) wrong: Vec<String>,
}

impl Wrote {
    /// A command that ended as it was said to.
    pub(crate) fn right(text: String) -> Self {
        Self { text, wrong: Vec::new() }
    }

    /// Of one pod each: what the command wrote, with the pod in front, and how it ended where that was not wanted.
    pub(super) fn of_pods(pods: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        let (texts, wrong): (Vec<_>, Vec<_>) = pods.into_iter().unzip();
        Self { text: texts.join("\n"), wrong: wrong.into_iter().flatten().collect() }
    }
}

impl Cluster {
    /// Runs a command in a node that must succeed, and gives what it printed.
    pub(super) async fn inside(&self, machine: &Machine, command: &[&str]) -> Result<String> {
        let output = self.made()?.docker.exec(&machine.container, command).await?;
        if output.code == 0 {
            return Ok(output.stdout);
        }
        Err(Error::Exec {
            node: machine.member.name.clone(),
            command: command.join(" "),
            code: output.code,
            output: output.stderr,
        })
    }

    /// Runs a command once in each selected pod, and says what each wrote and which did not end as `wanted` says.
    ///
    /// # Errors
    /// When there is no such pod, or the API server does not let it run.
    pub(crate) async fn exec_once(&self, wanted: &ExecCondition) -> Result<Wrote> {
        let world = self.world();
        let pods = running_pods(wanted, &world)?;
        let runs = pods.iter().map(|pod| async {
            let seen = exec_in(&self.client, pod, wanted.container.as_deref(), &wanted.command).await?;
            let name = view::name_of(&pod.metadata);
            let wrong = wanted.mismatch(&seen);
            let wrong = wrong.map(|why| format!("`{}` in pod `{name}`: {why}", command_line(&wanted.command)));
            let text = match seen {
                ExecSeen::Ended { stdout, stderr, .. } => format!("{name}: {stdout}{stderr}"),
                ExecSeen::Refused(why) => format!("{name}: {why}"),
            };
            Ok((text, wrong))
        });
        Ok(Wrote::of_pods(join_all(runs).await.into_iter().collect::<Result<Vec<_>>>()?))
    }

    /// Runs a command on this machine, with `KUBECONFIG` and `ROLLCALL_CLUSTER` set. One word is given to the shell.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) async fn run_command(&self, command: &[String], folder: &Path) -> Result<Ran> {
        let keys = tempfile::Builder::new().prefix("rollcall-").tempdir().map_err(|source| Error::File {
            action: "make",
            path: "a temporary directory".into(),
            source,
        })?;
        let config = keys.path().join("kubeconfig");
        kubeconfig::write(&config, self.kubeconfig())?;
        let mut process = match command {
            [line] => {
                let mut shell = tokio::process::Command::new("sh");
                shell.arg("-c").arg(line);
                shell
            }
            [program, arguments @ ..] => {
                let mut process = tokio::process::Command::new(program);
                process.args(arguments);
                process
            }
            [] => return Err(Error::usage("there is no command to run")),
        };
        process.env("KUBECONFIG", &config).env("ROLLCALL_CLUSTER", self.name());
        process.stdin(Stdio::null()).kill_on_drop(true);
        if !folder.as_os_str().is_empty() {
            process.current_dir(folder);
        }
        let output = process.output().await.map_err(|source| Error::File {
            action: "run",
            path: command.first().cloned().unwrap_or_default(),
            source,
        })?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(KEPT)]).into_owned();
        Ok(Ran { exit_code: output.status.code(), output: format!("{}{}", text(&output.stdout), text(&output.stderr)) })
    }
}

/// The pods that a command is to run in.
///
/// # Errors
/// When there is none.
pub(super) fn running_pods<'a>(wanted: &ExecCondition, world: &'a World) -> Result<Vec<&'a Pod>> {
    let pods: Vec<&Pod> = wanted.pods.of(world).into_iter().filter(|pod| !view::is_terminating(pod)).collect();
    if pods.is_empty() {
        let hint = "an `expect` before this step can wait for it";
        return Err(Error::usage_hint(format!("there is no pod of {}", wanted.pods), hint));
    }
    Ok(pods)
}

/// Runs a command in a container of a pod.
///
/// # Errors
/// When the API server or the kubelet refuses. A command that fails is no error.
pub(crate) async fn exec_in(
    client: &Client,
    pod: &Pod,
    container: Option<&str>,
    command: &[String],
) -> Result<ExecSeen> {
    let name = view::name_of(&pod.metadata);
    let object = || format!("pod `{name}`");
    let api: Api<Pod> = Api::namespaced(client.clone(), pod.metadata.namespace.as_deref().unwrap_or("default"));
    let mut parameters = AttachParams::default().stdin(false).stdout(true).stderr(true);
    if let Some(container) = container {
        parameters = parameters.container(container);
    }
    let mut process = api.exec(name, command, &parameters).await.doing("run a command in", object)?;
    let status = process.take_status();
    let (stdout, stderr) = tokio::join!(read(process.stdout()), read(process.stderr()));
    let status = match status {
        Some(status) => status.await,
        None => None,
    };
    // The connection may end without the rest of the protocol; how the command ended has been said by then.
    let _ = tokio::time::timeout(Duration::from_secs(1), process.join()).await;
    let Some(status) = status else {
        return Ok(ExecSeen::Refused("the connection ended before the command did".into()));
    };
    if status.status.as_deref() == Some("Success") {
        return Ok(ExecSeen::Ended { exit_code: 0, stdout, stderr });
    }
    let causes = status.details.as_ref().and_then(|details| details.causes.as_ref()).into_iter().flatten();
    let code = causes.into_iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    match code.and_then(|cause| cause.message.as_deref()?.parse().ok()) {
        Some(exit_code) => Ok(ExecSeen::Ended { exit_code, stdout, stderr }),
        None => Ok(ExecSeen::Refused(status.message.unwrap_or_else(|| "the command was not run".into()))),
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    // To the end, so that the command is not held up by a full pipe.
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let room = KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..length.min(room)]);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
