//! What a cluster is like before a scenario, and whether it is like that again after it.
//!
//! What the steps applied is deleted here, since that belongs to no node. Everything else a scenario has to undo by
//! itself, or the next one would begin from something that its file does not say.

mod machines;
mod nodes;
mod objects;

use std::{collections::BTreeMap, time::Duration};

use rollcall_model::Judgement;

use self::nodes::Nodes;
pub(super) use self::objects::ObjectId;
use super::{Cluster, registration::READY};
use crate::{
    error::{Error, Result},
    patience,
};

/// How long an API server may take until all that it makes by itself is there.
const SETTLE: Duration = Duration::from_secs(30);
/// How long a change of a node may take to be undone: its taints follow its state by some moments.
const NODES: Duration = Duration::from_secs(10);
/// How long objects may take to go that are on their way: pods have their grace period, 30 s by default.
const OBJECTS: Duration = Duration::from_secs(60);

/// The state of a cluster at the start of a scenario.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    nodes: Nodes,
    /// Every object, with what somebody else than Kubernetes itself has set in it.
    objects: BTreeMap<ObjectId, String>,
}

impl Cluster {
    /// What the cluster is like now.
    ///
    /// # Errors
    /// When the API server does not say.
    pub(crate) async fn look(&self) -> Result<Found> {
        let machines: Vec<_> = self.machines.lock().await.values().cloned().collect();
        self.api_answers(READY, &machines, patience::stretched(SETTLE)).await?;
        let objects = objects::list(&self.client).await?;
        let objects = objects.into_iter().map(|object| (object.id, object.set_by_others)).collect();
        Ok(Found { nodes: nodes::states(&self.world()), objects })
    }

    /// Deletes what was applied since, gives what is on its way the time to go, and says what is not as it was found.
    ///
    /// # Errors
    /// When the engine or the API server does not say.
    pub(crate) async fn restore(&self, found: &Found) -> Result<Vec<String>> {
        let mut differences = self.machine_differences().await?;
        if !differences.is_empty() {
            // A node that is off or frozen answers nothing, and what is on it cannot go.
            differences.extend(nodes::differences(&found.nodes, &nodes::states(&self.world())));
            return Ok(differences);
        }
        let applied = std::mem::take(&mut *self.applied.lock().await);
        objects::delete_applied(&self.client, &applied, &found.objects).await?;
        differences.extend(self.node_differences(found).await?);
        // With a node in doubt nothing is worth waiting for.
        let patience = if differences.is_empty() { patience::stretched(OBJECTS) } else { Duration::ZERO };
        differences.extend(self.object_differences(&found.objects, patience).await?);
        Ok(differences)
    }

    async fn node_differences(&self, found: &Found) -> Result<Vec<String>> {
        let differences = |world: &rollcall_model::World| nodes::differences(&found.nodes, &nodes::states(world));
        let judge = |world: &rollcall_model::World, _| match differences(world).join("; ") {
            same if same.is_empty() => Judgement::Done,
            summary => Judgement::NotYet(rollcall_model::Report { summary, nodes: Vec::new() }),
        };
        match self.observer.wait("nodes as they were found", patience::stretched(NODES), judge).await {
            Ok(_) => Ok(Vec::new()),
            Err(Error::Timeout { .. }) => Ok(differences(&self.world())),
            Err(error) => Err(error),
        }
    }
}
