//! Stamps events and hands them to the caller's sink.

use std::time::{Duration, Instant};

use rollcall_model::{Event, Stamped};

use crate::clock;

/// Where the events of one run go.
pub(super) struct Emitter<'a> {
    sink: &'a mut (dyn FnMut(Stamped) + Send),
    started: Instant,
    /// What was told so far, where somebody may want to write it down.
    recording: Option<Vec<Stamped>>,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(sink: &'a mut (dyn FnMut(Stamped) + Send), started: Instant) -> Self {
        Self { sink, started, recording: None }
    }

    /// Keeps every event from now on, if it `is` wanted.
    pub(super) fn recording(self, is: bool) -> Self {
        Self { recording: is.then(Vec::new), ..self }
    }

    /// The events that were kept.
    pub(super) fn recorded(&self) -> &[Stamped] {
        self.recording.as_deref().unwrap_or_default()
    }

    pub(super) fn emit(&mut self, event: Event) {
        let stamped = Stamped { at: clock::now(), elapsed_ms: milliseconds(self.started.elapsed()), event };
        if let Some(recording) = &mut self.recording {
            recording.push(stamped.clone());
        }
        (self.sink)(stamped);
    }
}

/// A duration as events have it.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
