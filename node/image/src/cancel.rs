//! The one flag that ends a build: set by Ctrl-C, by SIGTERM, or by the first step that fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

/// Shared by every step; once set it stays set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Sets the flag on Ctrl-C and SIGTERM. Callable once a process.
    pub(crate) fn on_signals() -> Result<(Self, Self)> {
        let cancel = Self::default();
        let interrupted = Self::default();
        let (first, second) = (cancel.clone(), interrupted.clone());
        ctrlc::set_handler(move || {
            second.set();
            first.set();
        })
        .context("could not watch for Ctrl-C")?;
        Ok((cancel, interrupted))
    }

    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
