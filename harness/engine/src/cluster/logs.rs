//! What the programs of a node have said.

use super::Cluster;
use crate::{docker::DownloadedFolder, error::Result};

/// Where PID 1 of a node keeps a log for each of its processes (`node/init/README.md`).
const LOG_FOLDER: &str = "/var/log/rollcall";

/// As much as is read of one node. A node that lives for minutes writes some hundred kilobytes.
const MOST_BYTES: usize = 32 << 20;

impl Cluster {
    /// The logs of a node's processes, `kubelet.log` and the like. The node need not run.
    ///
    /// # Errors
    /// When there is no such node or the engine cannot read its files.
    pub(crate) async fn node_logs(&self, node: &str) -> Result<DownloadedFolder> {
        let machine = self.machine(node).await?;
        self.made()?.docker.download_folder(&machine.container, LOG_FOLDER, MOST_BYTES).await
    }
}
