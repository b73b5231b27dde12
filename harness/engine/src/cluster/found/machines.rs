//! Whether every container is on, awake and on the network. Kubernetes notices only after some seconds when one is not.

use super::Cluster;
use crate::{cluster::machine::Machine, error::Result, labels};

impl Cluster {
    /// What is wrong with the containers of the nodes, a sentence each.
    pub(super) async fn machine_differences(&self) -> Result<Vec<String>> {
        let containers =
            self.made()?.docker.containers_labelled(&format!("{}={}", labels::CLUSTER, self.name())).await?;
        let machines: Vec<_> = self.machines.lock().await.values().cloned().collect();
        let looks = machines.iter().map(|machine| {
            let container = containers.iter().find(|container| container.name == machine.container);
            self.machine_difference(machine, container.map_or("gone", |container| &container.state))
        });
        let found = futures::future::try_join_all(looks).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn machine_difference(&self, machine: &Machine, state: &str) -> Result<Option<String>> {
        let node = &machine.member.name;
        if state != "running" {
            return Ok(Some(format!("node `{node}` is {state}")));
        }
        if machine.is_off() {
            return Ok(Some(format!("node `{node}` is stopped")));
        }
        Ok(self.is_cut(machine).await?.then(|| format!("node `{node}` is cut off the network")))
    }
}
