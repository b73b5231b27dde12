//! Killing, starting and freezing the container of a node.

use std::time::Duration;

use rollcall_model::Role;

use super::{
    Cluster,
    ask_again::{Answer, ask_again},
    machine::Machine,
};
use crate::{
    clock, docker,
    error::{Error, Result},
    patience,
};

/// Killing every process of a node and undoing what they mounted takes some 0.1 s, a fifth of a second under load.
const OUTAGE: Duration = Duration::from_secs(15);

impl Cluster {
    /// Kills every process of a node at once, as a power failure would. Its disk stays; its pods stay bound to it.
    ///
    /// Returns when nothing of it runs any more, and not when Kubernetes has noticed.
    ///
    /// # Errors
    /// When there is no such node or the engine refuses.
    pub async fn stop_node(&self, node: &str) -> Result<Duration> {
        let started = clock::instant();
        let machine = self.machine(node).await?;
        if machine.has_power_line() {
            // A container that removes itself when it ends would be gone after a kill.
            machine.outage().await?;
            machine.reported("power failure", patience::stretched(OUTAGE), |status| status.state == "off").await?;
        } else {
            self.made()?.docker.kill_container(&machine.container).await?;
        }
        Ok(started.elapsed())
    }

    /// Starts a stopped node and returns when it is ready for use again.
    ///
    /// # Errors
    /// When there is no such node or it does not come up in time.
    pub async fn start_node(&self, node: &str, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        let machine = self.machine(node).await?;
        let since = if self.made()?.distro.conduct().own_init {
            clock::now()
        } else {
            // Nobody says that its kubelet is a new one, and its last heartbeat may be of this very second.
            clock::now() + Duration::from_secs(1)
        };
        if machine.has_power_line() {
            machine.power_on().await?;
        } else {
            machine.attach(&self.made()?.docker).await?;
            self.made()?.docker.start_container(&machine.container).await?;
        }
        // Its last heartbeat before it was stopped may be younger than a second, which is all that is told apart.
        self.started(&machine, deadline).await?;
        let has_registry = self.made()?.services.get().is_none();
        if has_registry && machine.member.role == Role::ControlPlane {
            self.reload_images().await?;
        }
        self.back(&machine, deadline, since, started).await
    }

    /// Kills a node and starts it again.
    ///
    /// # Errors
    /// As [`Cluster::stop_node`] and [`Cluster::start_node`].
    pub async fn restart_node(&self, node: &str, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        self.stop_node(node).await?;
        self.start_node(node, deadline.saturating_sub(started.elapsed())).await?;
        Ok(started.elapsed())
    }

    /// Freezes every process of a node: it keeps its connections and says nothing any more.
    ///
    /// # Errors
    /// When there is no such node, the engine refuses, or a process of it cannot be frozen in time.
    pub async fn pause_node(&self, node: &str, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        let machine = self.machine(node).await?;
        let engine = &self.made()?.docker;
        let what = format!("a frozen node `{node}`");
        let freeze = || async {
            match engine.pause_container(&machine.container).await {
                Err(Error::Engine { source, .. }) if docker::was_held_up(&source) => Answer::NotYet(format!(
                    "a process of it is busy in the kernel, as one that waits for the disk: {source}"
                )),
                ended => Answer::Last(ended),
            }
        };
        ask_again(&what, deadline, freeze).await?;
        Ok(started.elapsed())
    }

    /// Lets a frozen node go on and returns when it is ready for use again.
    ///
    /// # Errors
    /// When there is no such node or it does not come back in time.
    pub async fn resume_node(&self, node: &str, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        let machine = self.machine(node).await?;
        let since = clock::now();
        self.made()?.docker.unpause_container(&machine.container).await?;
        self.back(&machine, deadline, since, started).await
    }

    /// Waits until a node that was away has reported to the API server again.
    pub(super) async fn back(
        &self,
        machine: &Machine,
        deadline: Duration,
        since: rollcall_model::Timestamp,
        started: std::time::Instant,
    ) -> Result<Duration> {
        self.usable(machine, deadline.saturating_sub(started.elapsed()), Some(since)).await?;
        Ok(started.elapsed())
    }
}
