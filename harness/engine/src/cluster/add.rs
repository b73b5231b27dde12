//! A node joins a running cluster.

use std::time::Duration;

use rollcall_model::{NodeSpec, Role};

use super::{Cluster, builder};
use crate::{
    clock,
    error::{Error, Result},
};

impl Cluster {
    /// Adds a node and returns how long it took until pods could be put on it. Its labels and taints are in place
    /// when it registers, so nothing can slip onto it before; in a cluster that is not of distro `box`, labels that a
    /// kubelet may not give itself come a moment later.
    ///
    /// # Errors
    /// When the name is taken or none, or the node does not come up; nothing of it is left then.
    pub async fn add_node(&self, node: NodeSpec, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        builder::check_node(&node)?;
        if node.role == Role::ControlPlane {
            return Err(Error::usage("a cluster has one control-plane node; add workers"));
        }
        let number = self.reserve(&node.name).await?;
        let member = builder::member(node, number, self.made()?.distro.name());
        let name = member.name.clone();
        let joined = async {
            let machine = self.boot_and_join(member.clone(), deadline).await?;
            self.usable(&machine, deadline.saturating_sub(started.elapsed()), None).await
        };
        let joined = joined.await;
        if joined.is_err() {
            // A node that does not come up is not left half there; its failure must not hide the first one.
            if let Err(second) = self.forget(&name, crate::patience::stretched(super::VERB_DEADLINE)).await {
                tracing::warn!(
                    node = name,
                    error = crate::error::chain(&second),
                    "could not remove a node that did not come up"
                );
            }
        }
        self.joining.lock().await.remove(&name);
        joined.map(|_| started.elapsed())
    }

    /// A number for a new node, which no other node has or gets meanwhile.
    async fn reserve(&self, name: &str) -> Result<u8> {
        let simulated = self.is_simulated(name).await?;
        let mut joining = self.joining.lock().await;
        let machines = self.machines.lock().await;
        if machines.contains_key(name) || joining.contains_key(name) || simulated {
            return Err(Error::usage(format!("cluster `{}` has a node `{name}` already", self.name())));
        }
        let taken: Vec<u8> =
            machines.values().map(|machine| machine.member.number).chain(joining.values().copied()).collect();
        let number =
            (builder::FIRST_NUMBER + 1..=254).find(|number| !taken.contains(number)).ok_or_else(builder::too_many)?;
        joining.insert(name.to_owned(), number);
        Ok(number)
    }
}
