//! One cluster for the tests of a file that run under the standard harness, which tells nobody when it ends.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
};

use tokio::runtime::{Handle, Runtime};

use crate::{
    cluster::{Cluster, ClusterBuilder},
    error::{Error, Result},
};

/// A cluster that is made for the first test that asks for it and removed after the last that holds it.
///
/// It lives on a runtime of its own, so it outlives the test that made it. Tests that run side by side share it; where
/// they run one at a time, or each in a process of its own, each gets a new one. They share its nodes, so none may
/// change what another one relies on.
///
/// ```no_run
/// use rollcall::{Cluster, SharedCluster};
///
/// static CLUSTER: SharedCluster = SharedCluster::new(|| Cluster::builder().workers(2).image("agent:dev"));
///
/// #[test]
/// fn the_agent_runs_on_every_worker() -> Result<(), rollcall::Error> {
///     let cluster = CLUSTER.lease()?;
///     cluster.block_on(async {
///         // cluster.apply(&[…]).await?; cluster.wait(&…, …).await
/// #       Ok(())
///     })
/// }
/// ```
pub struct SharedCluster {
    make: fn() -> ClusterBuilder,
    running: Mutex<Weak<Running>>,
}

/// The use of a [`SharedCluster`] by one test.
#[must_use = "the cluster is removed with its last lease"]
pub struct Lease(Arc<Running>);

/// In this order they are dropped: the removal of the cluster ends what runs on the runtime.
struct Running {
    cluster: Cluster,
    handle: Handle,
    _runtime: Background,
}

/// A runtime that may be dropped where another one runs.
struct Background(Option<Runtime>);

impl SharedCluster {
    /// Describes the cluster; nothing is made yet.
    #[must_use]
    pub const fn new(make: fn() -> ClusterBuilder) -> Self {
        Self { make, running: Mutex::new(Weak::new()) }
    }

    /// The cluster, made if no other test holds it. Blocks until it is there.
    ///
    /// # Errors
    /// When it does not start.
    pub fn lease(&self) -> Result<Lease> {
        let mut current = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let running = match current.upgrade() {
            Some(running) => running,
            None => {
                let running = Arc::new(start(self.make)?);
                *current = Arc::downgrade(&running);
                running
            }
        };
        Ok(Lease(running))
    }
}

/// On a thread of its own: the caller's may belong to a runtime, which must not wait on another.
fn start(make: fn() -> ClusterBuilder) -> Result<Running> {
    let started = thread::spawn(move || {
        let runtime = Runtime::new().map_err(|source| Error::file("start a runtime for", "a cluster", source))?;
        let cluster = runtime.block_on(make().start())?;
        Ok(Running { cluster, handle: runtime.handle().clone(), _runtime: Background(Some(runtime)) })
    });
    started.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Lease {
    /// Waits for something that is done with the cluster, on the runtime on which the cluster lives.
    ///
    /// # Panics
    /// In an asynchronous function: use it in a plain `#[test]`.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.handle.block_on(future)
    }
}

impl Deref for Lease {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0.cluster
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
