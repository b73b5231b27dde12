//! Ending a run from outside, in an orderly way.

use tokio::sync::watch;

/// Tells a run that it is to end. Cheap to clone; all clones hear the same.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

/// The other end of an [`Interrupt`].
#[derive(Debug)]
pub struct Interrupter(watch::Sender<bool>);

impl Interrupter {
    /// Makes one that was not used yet.
    #[must_use]
    pub fn new() -> (Self, Interrupt) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Interrupt(receiver))
    }

    /// Ends every run that has the other end.
    pub fn trigger(&self) {
        self.0.send_replace(true);
    }
}

/// One that never happens.
impl Default for Interrupt {
    fn default() -> Self {
        Interrupter::new().1
    }
}

impl Interrupt {
    /// Whether it has happened.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it happens; never, if the other end is gone without it.
    pub async fn triggered(&self) {
        if self.0.clone().wait_for(|triggered| *triggered).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Interrupt, Interrupter};

    #[tokio::test]
    async fn every_clone_hears_a_trigger_before_and_after_it() {
        let (interrupter, interrupt) = Interrupter::new();
        let early = interrupt.clone();
        assert!(!early.is_triggered());
        interrupter.trigger();
        early.triggered().await;
        interrupt.clone().triggered().await;
        assert!(interrupt.is_triggered());
    }

    #[tokio::test]
    async fn a_lost_other_end_is_no_interruption() {
        let interrupt = Interrupt::default();
        let triggered = interrupt.triggered();
        tokio::pin!(triggered);
        assert!(futures::poll!(&mut triggered).is_pending());
        assert!(!interrupt.is_triggered());
    }
}
