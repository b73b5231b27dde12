//! Waiting until a question to the world is answered.

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;
use rollcall_model::{Judgement, Report, World};
use tokio::{sync::watch, time::Instant};

use super::Observer;
use crate::{
    clock,
    error::{Error, Result},
};

/// One wait: what for, and until when.
pub(crate) struct Wait<'a> {
    pub(crate) what: String,
    pub(crate) deadline: Duration,
    /// Told each new reason for waiting.
    pub(crate) progress: &'a mut (dyn FnMut(&Report) + Send),
}

impl Wait<'_> {
    /// Judges the world at each change until the answer is final, and says how long that took.
    ///
    /// `next_check` names the moment at which time alone may change the answer.
    ///
    /// # Errors
    /// [`Error::Timeout`] or [`Error::Never`], with the last reason.
    pub(crate) async fn until(
        self,
        observer: &Observer,
        mut judge: impl FnMut(&World, Timestamp) -> Judgement,
        next_check: impl Fn(&World, Timestamp) -> Option<Timestamp>,
    ) -> Result<Duration> {
        let started = clock::instant();
        let end = Instant::from_std(started) + self.deadline;
        let mut worlds: watch::Receiver<Arc<World>> = observer.subscribe();
        let mut last: Option<Report> = None;
        loop {
            let world = worlds.borrow_and_update().clone();
            let now = clock::now();
            let judgement = if world.synced() {
                judge(&world, now)
            } else {
                let kinds: Vec<&str> = world.missing().into_iter().map(rollcall_model::Kind::plural).collect();
                Judgement::NotYet(Report {
                    summary: format!("the API server has not listed its {} yet", kinds.join(", ")),
                    nodes: Vec::new(),
                })
            };
            match judgement {
                Judgement::Done => return Ok(started.elapsed()),
                Judgement::Never(report) => return Err(Error::Never { what: self.what, last: report }),
                Judgement::NotYet(report) => {
                    if last.as_ref() != Some(&report) {
                        (self.progress)(&report);
                        last = Some(report);
                    }
                }
            }
            let timer =
                next_check(&world, now).map_or(end, |moment| end.min(Instant::now() + clock::pause_until(moment, now)));
            let timed_out = tokio::select! {
                changed = worlds.changed() => {
                    // The sender lives as long as the observer, which this borrows.
                    changed.is_err()
                }
                () = tokio::time::sleep_until(timer) => Instant::now() >= end,
            };
            if timed_out {
                return Err(Error::Timeout {
                    what: self.what,
                    waited: started.elapsed(),
                    last: last.unwrap_or_default(),
                });
            }
        }
    }
}

impl Observer {
    /// A wait that tells nobody of its progress and depends on changes alone.
    pub(crate) async fn wait(
        &self,
        what: impl Into<String>,
        deadline: Duration,
        judge: impl FnMut(&World, Timestamp) -> Judgement,
    ) -> Result<Duration> {
        let wait = Wait { what: what.into(), deadline, progress: &mut |_| {} };
        wait.until(self, judge, |_, _| None).await
    }
}
