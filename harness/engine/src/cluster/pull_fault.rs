//! What the cluster's registry answers when a node asks for an image.

use std::time::Duration;

use rollcall_model::scenario::PullFault;

use super::Cluster;
use crate::{clock, error::Result, images};

impl Cluster {
    /// Lets pulls of an image fail or take longer, or work again. It does not matter whether the image was made
    /// available under that name.
    ///
    /// It is in force when this returns, for the next pull: a node that has the image already asks only where the
    /// pull policy is `Always`, and a kubelet that failed asks again when its back-off is over (10 s, doubled each
    /// time) or for a new pod.
    ///
    /// # Errors
    /// When the name is none, or the registry does not answer.
    pub async fn pull_fault(&self, image: &str, fault: PullFault) -> Result<Duration> {
        let started = clock::instant();
        images::set_fault(self.made()?.layout.registry_port, image, fault).await?;
        self.pull_faults.lock().await.insert(image.to_owned(), fault);
        Ok(started.elapsed())
    }

    /// Sets every fault again after the registry, which lives in memory, was started anew.
    pub(super) async fn reset_pull_faults(&self) -> Result<()> {
        let faults = self.pull_faults.lock().await.clone();
        let registry = self.made()?.layout.registry_port;
        let set = faults.iter().map(|(image, fault)| images::set_fault(registry, image, *fault));
        futures::future::try_join_all(set).await.map(drop)
    }
}
