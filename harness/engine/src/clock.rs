//! The one place that reads a clock. Everything that judges gets its time from here, as a value.

use std::time::{Duration, Instant};

use k8s_openapi::jiff::Timestamp;

/// The wall clock, as Kubernetes stamps its objects.
#[must_use]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A moment on a clock that never goes back.
#[must_use]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// How long to wait for a moment of the wall clock: never nothing, so that waiting for one that is over ends and yet
/// does not spin.
#[must_use]
pub(crate) fn pause_until(moment: Timestamp, now: Timestamp) -> Duration {
    const LEAST: Duration = Duration::from_millis(1);
    Duration::try_from(moment.duration_since(now)).unwrap_or(LEAST).max(LEAST)
}
