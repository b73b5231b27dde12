//! Who is asked at a `pause`.

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;

type Ask = dyn Fn(String) -> BoxFuture<'static, ()> + Send + Sync;

/// Waits for a person at every `pause` of a scenario. Without one, pauses are skipped, with that reason.
#[derive(Clone, Default)]
pub struct Pauser(Option<Arc<Ask>>);

impl Pauser {
    /// Asks by a function: it is handed the message of the pause, and the run goes on when its future ends.
    pub fn new(ask: impl Fn(String) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(ask)))
    }

    /// Whether anybody was asked.
    pub(super) async fn ask(&self, message: &str) -> bool {
        match &self.0 {
            Some(ask) => {
                ask(message.to_owned()).await;
                true
            }
            None => false,
        }
    }
}

impl fmt::Debug for Pauser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Pauser(asks)" } else { "Pauser(skips)" })
    }
}
