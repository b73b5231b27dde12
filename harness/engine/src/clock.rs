//! The one place that reads a clock. Everything that judges gets its time from here, as a value.

use std::time::Instant;

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
