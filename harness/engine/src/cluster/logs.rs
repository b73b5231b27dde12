//! What the programs of a node have said.

use std::time::Duration;

use rollcall_model::Report;

use super::{Cluster, machine::Machine};
use crate::{
    distro::NodeLog,
    docker::DownloadedFolder,
    error::{Error, KubernetesContext, Result, chain},
};

/// As much as is read of one node. A node that lives for minutes writes some hundred kilobytes.
const MOST_BYTES: usize = 32 << 20;
/// How long a kubelet may take to say how it is.
const ANSWER: Duration = Duration::from_secs(3);

impl Cluster {
    /// The logs of a node's processes, `kubelet.log` and the like. The node need not run.
    ///
    /// # Errors
    /// When there is no such node or the engine cannot read its files.
    pub(crate) async fn node_logs(&self, node: &str) -> Result<DownloadedFolder> {
        let machine = self.machine(node).await?;
        let mut all = DownloadedFolder::default();
        for log in self.made()?.distro.conduct().logs {
            let found = self.node_log(&machine, *log).await?;
            all.files.extend(found.files);
            all.truncated |= found.truncated;
        }
        Ok(all)
    }

    async fn node_log(&self, machine: &Machine, log: NodeLog) -> Result<DownloadedFolder> {
        let docker = &self.made()?.docker;
        match log {
            NodeLog::Folder(path) => docker.download_folder(&machine.container, path, MOST_BYTES).await,
            NodeLog::Console(name) => {
                let (content, truncated) = docker.output(&machine.container, MOST_BYTES).await?;
                Ok(DownloadedFolder { files: vec![(name.to_owned(), content)], truncated })
            }
            NodeLog::Command { name, command } => {
                // A node that does not run answers none; the other logs are there all the same, and here is why.
                let content = match self.inside(machine, command).await {
                    Ok(content) => content,
                    Err(error) => format!("{}\n", chain(&error)),
                };
                Ok(DownloadedFolder { files: vec![(name.to_owned(), content.into_bytes())], truncated: false })
            }
            NodeLog::Kubelet { name, path } => {
                let content = self.kubelet_says(&machine.member.name, path).await;
                let content = content.unwrap_or_else(|error| format!("{}\n", chain(&error)));
                Ok(DownloadedFolder { files: vec![(name.to_owned(), content.into_bytes())], truncated: false })
            }
        }
    }

    /// What a kubelet answers to a path. One that is frozen or cut off answers nothing.
    async fn kubelet_says(&self, node: &str, path: &str) -> Result<String> {
        let what = || format!("the kubelet of node `{node}` for `{path}`");
        let request = http::Request::get(format!("/api/v1/nodes/{node}/proxy/{path}")).body(Vec::new());
        let request = request.map_err(kube::Error::HttpError).doing("ask", what)?;
        match tokio::time::timeout(ANSWER, self.client.request_text(request)).await {
            Ok(answer) => answer.doing("ask", what),
            Err(_) => Err(Error::Timeout {
                what: format!("an answer of {}", what()),
                waited: ANSWER,
                last: Report::default(),
            }),
        }
    }
}
