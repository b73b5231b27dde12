//! Stamps events and hands them to the caller's sink.

use std::time::{Duration, Instant};

use rollcall_model::{Event, Stamped};

use crate::clock;

/// Where the events of one run go.
pub(super) struct Emitter<'a> {
    sink: &'a mut (dyn FnMut(Stamped) + Send),
    started: Instant,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(sink: &'a mut (dyn FnMut(Stamped) + Send), started: Instant) -> Self {
        Self { sink, started }
    }

    /// The same for as long as the other is not used.
    pub(super) fn reborrow<'b>(other: &'b mut Emitter<'_>) -> Emitter<'b> {
        Emitter { sink: &mut *other.sink, started: other.started }
    }

    pub(super) fn emit(&mut self, event: Event) {
        (self.sink)(Stamped { at: clock::now(), elapsed_ms: milliseconds(self.started.elapsed()), event });
    }
}

/// A duration as events have it.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
