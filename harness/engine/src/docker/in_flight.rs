//! Counts requests to the engine that go on even when nobody waits for their answer any more.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::{Error, Result};

/// The number of requests under way.
#[derive(Debug, Clone)]
pub(super) struct InFlight(Arc<watch::Sender<usize>>);

/// One request under way; dropped when it is over.
#[derive(Debug)]
pub(super) struct Permit(InFlight);

impl Default for InFlight {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl InFlight {
    pub(super) fn enter(&self) -> Permit {
        self.0.send_modify(|count| *count += 1);
        Permit(self.clone())
    }

    /// Does a request in a task of its own, which goes on when nobody waits for it any more.
    pub(super) async fn finish<T: Send + 'static>(
        &self,
        what: &'static str,
        request: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let permit = self.enter();
        let task = tokio::spawn(async move {
            let _permit = permit;
            request.await
        });
        task.await.unwrap_or_else(|error| {
            Err(Error::File { action: "run a task for", path: what.into(), source: error.into() })
        })
    }

    /// Returns when none is under way.
    pub(super) async fn quiet(&self) {
        // The sender is alive: `self` holds it.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::InFlight;

    #[tokio::test]
    async fn quiet_waits_for_the_last_request() {
        let requests = InFlight::default();
        let (first, second) = (requests.enter(), requests.enter());
        drop(first);
        let quiet = requests.quiet();
        tokio::pin!(quiet);
        assert!(futures::poll!(&mut quiet).is_pending());
        drop(second);
        quiet.await;
    }
}
