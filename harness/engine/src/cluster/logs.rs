//! What the programs of a node have said.

use std::time::Duration;

use super::{
    Cluster,
    ask_again::{Answer, ask_again},
    machine::Machine,
};
use crate::{
    distro::NodeLog,
    docker::DownloadedFolder,
    error::{KubernetesContext, Result, chain},
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
            // A node that does not run answers nothing; the other logs are there all the same, and here is why.
            NodeLog::Command { name, command } => Ok(answered(name, self.inside(machine, command).await)),
            NodeLog::Kubelet { name, path } => Ok(answered(name, self.kubelet_says(&machine.member.name, path).await)),
        }
    }

    /// What a kubelet answers to a path. One that is frozen or cut off answers nothing.
    async fn kubelet_says(&self, node: &str, path: &str) -> Result<String> {
        let object = || format!("the kubelet of node `{node}` for `{path}`");
        let ask = || async {
            let request = http::Request::get(format!("/api/v1/nodes/{node}/proxy/{path}")).body(Vec::new());
            let answer = match request.map_err(kube::Error::HttpError) {
                Ok(request) => self.client.request_text(request).await,
                Err(error) => Err(error),
            };
            Answer::Last(answer.doing("ask", object))
        };
        ask_again(&format!("an answer of {}", object()), ANSWER, ask).await
    }
}

/// An answer as a file, or why there is none.
fn answered(name: &str, answer: Result<String>) -> DownloadedFolder {
    let content = answer.unwrap_or_else(|error| format!("{}\n", chain(&error)));
    DownloadedFolder { files: vec![(name.to_owned(), content.into_bytes())], truncated: false }
}
