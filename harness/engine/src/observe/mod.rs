//! Watching a cluster: one watch per kind, their changes gathered into one [`World`], and waiting on it.
//!
//! Nothing here polls: a wait judges its question on each change, and at the moments at which time alone could change
//! the answer.

mod hooks;
mod needs;
mod wait;
mod watches;

use std::sync::Arc;

use rollcall_model::{Change, World};
use tokio::sync::{broadcast, mpsc, watch};

use crate::attach::Lens;

use self::hooks::Hooks;
pub(crate) use self::{
    hooks::{Hooked, Seen},
    needs::Learning,
    wait::Wait,
    watches::{Reconnect, changes},
};

/// How many changes may wait to be judged. A node that joins makes some twenty.
const CHANGES_KEPT: usize = 4096;

/// The watches of one cluster. They end when it is dropped.
pub(crate) struct Observer {
    world: watch::Receiver<Arc<World>>,
    changes: broadcast::Sender<Arc<World>>,
    hooks: Hooks,
    /// Where changes come in that no watch of the world makes.
    learned: mpsc::UnboundedSender<Change>,
    /// What is being found out for whom.
    asked: needs::Asked,
    task: tokio::task::JoinHandle<()>,
}

impl Observer {
    /// Starts watching, through a lens where the cluster has other names for namespaces than its user. The API server
    /// need not answer yet.
    pub(crate) fn start(client: &kube::Client, lens: Option<Lens>) -> Self {
        let (sender, world) = watch::channel(Arc::new(World::new()));
        let changes = broadcast::Sender::new(CHANGES_KEPT);
        let hooks = Hooks::default();
        let (learned, more) = mpsc::unbounded_channel();
        let outlets = watches::Outlets { world: sender, changes: changes.clone(), hooks: hooks.clone(), lens };
        let task = tokio::spawn(watches::gather(client.clone(), more, outlets));
        Self { world, changes, hooks, learned, asked: needs::Asked::default(), task }
    }

    /// What has been seen so far.
    pub(crate) fn world(&self) -> Arc<World> {
        self.world.borrow().clone()
    }

    /// A receiver of the latest world. Changes that come faster than they are looked at are seen as one.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<World>> {
        self.world.clone()
    }

    /// The world of now, and a receiver of the world after each later change, none left out.
    pub(crate) fn every_change(&self) -> (Arc<World>, broadcast::Receiver<Arc<World>>) {
        // In this order, so that nothing happens between the two.
        let changes = self.changes.subscribe();
        (self.world(), changes)
    }
}

impl Observer {
    /// Calls `hook` after every change, with the world that it led to, until the answer is dropped.
    ///
    /// The watches wait for it, so no change is missed, and it must be quick.
    pub(crate) fn on_change(&self, hook: impl FnMut(&Seen<'_>) + Send + 'static) -> Hooked {
        self.hooks.add(Box::new(hook))
    }

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
