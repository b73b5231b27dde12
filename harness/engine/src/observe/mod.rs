//! Watching a cluster: one watch per kind, their changes gathered into one [`World`], and waiting on it.
//!
//! Nothing here polls: a wait judges its question on each change, and at the moments at which time alone could change
//! the answer.

mod wait;
mod watches;

use std::sync::Arc;

use rollcall_model::World;
use tokio::sync::watch;

pub(crate) use wait::Wait;

/// The watches of one cluster. They end when it is dropped.
pub(crate) struct Observer {
    world: watch::Receiver<Arc<World>>,
    task: tokio::task::JoinHandle<()>,
}

impl Observer {
    /// Starts watching. The API server need not answer yet.
    pub(crate) fn start(client: &kube::Client) -> Self {
        let (sender, world) = watch::channel(Arc::new(World::new()));
        let task = tokio::spawn(watches::gather(client.clone(), sender));
        Self { world, task }
    }

    /// What has been seen so far.
    pub(crate) fn world(&self) -> Arc<World> {
        self.world.borrow().clone()
    }

    /// A receiver that is told of every change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<World>> {
        self.world.clone()
    }
}

impl Observer {
    /// Ends the watches, before what they watch is taken away.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.stop();
    }
}
