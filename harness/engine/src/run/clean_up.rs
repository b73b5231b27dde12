//! The end of a run's cluster: removed, kept for somebody to look at, or given up for a new one.

use rollcall_model::{Plan, event::Cleanup};

use super::{KeptCluster, RunOptions, group::Waiting};
use crate::{
    cluster::Cluster,
    error::{Result, chain},
    sweep::{self, Scope},
};

/// Removes the cluster, or leaves it as a kept one.
pub(super) async fn clean_up(cluster: Cluster, keep: bool) -> (Cleanup, Option<KeptCluster>) {
    if !keep {
        return (cleanup_of(cluster.destroy().await), None);
    }
    let kept = KeptCluster { name: cluster.name().to_owned(), kubeconfig: cluster.kubeconfig().to_owned() };
    match cluster.keep() {
        Ok(()) => (Cleanup::Kept, Some(kept)),
        Err(error) => (cleanup_of(Err(error)), None),
    }
}

pub(super) fn cleanup_of(removed: Result<()>) -> Cleanup {
    match removed {
        Ok(()) => Cleanup::Done,
        Err(error) => Cleanup::Failed { message: chain(&error) },
    }
}

/// Removes what there is of a cluster whose start was interrupted.
pub(super) async fn what_was_begun(name: String) -> Cleanup {
    cleanup_of(sweep::sweep(&Scope::Cluster(name)).await.map(drop))
}

/// Gives a waiting cluster back if a plan can use it, and removes it otherwise.
pub(super) async fn unless_usable(waiting: Waiting, plan: &Plan, options: &RunOptions) -> (Option<Waiting>, Cleanup) {
    if waiting.shared.is_usable(plan, options) {
        return (Some(waiting), Cleanup::Done);
    }
    (None, cleanup_of(waiting.cluster.destroy().await))
}
