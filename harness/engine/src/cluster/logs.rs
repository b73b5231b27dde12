//! What the programs of a node have said.

use super::{Cluster, machine::Machine};
use crate::{
    distro::NodeLog,
    docker::DownloadedFolder,
    error::{Result, chain},
};

/// As much as is read of one node. A node that lives for minutes writes some hundred kilobytes.
const MOST_BYTES: usize = 32 << 20;

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
        }
    }
}
