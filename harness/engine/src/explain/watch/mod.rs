//! A diagnosis that goes on: made again when something has changed, and told when it is another.
//!
//! Nothing polls. Each kind is watched, a log is read again when its pod has changed, and a timer is set for the moment
//! at which time alone could change the diagnosis.

mod logs;
mod streams;
#[cfg(test)]
mod tests;

use std::{ops::ControlFlow, time::Duration};

use k8s_openapi::jiff::Timestamp;
use rollcall_model::{
    World,
    explain::{Answer, Extras, Question, next_moment},
};
use tokio::time::{Instant, sleep_until};

use self::{
    logs::Logs,
    streams::{Streams, Trouble},
};
use super::{Onlooker, collect, none_there};
use crate::{clock, error::Result};

/// How long changes are gathered before they are judged, since they seldom come alone.
const GATHER: Duration = Duration::from_millis(50);
/// How long a diagnosis stands at least.
const STANDS: Duration = Duration::from_millis(300);

/// What somebody who watches gets to see.
#[derive(Debug)]
pub enum Sight<'a> {
    /// The first diagnosis, or another than the last.
    Changed(&'a Answer),
    /// The API server does not answer any more. The last diagnosis stands.
    Silent {
        /// Since when.
        since: Timestamp,
        /// What it was asked last, or what the connection said.
        why: &'a str,
    },
    /// It answers again.
    Answers,
}

/// Why watching has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchEnd {
    /// What was watched was deleted.
    Gone,
    /// Nobody wants to see more.
    Stopped,
}

impl Onlooker {
    /// Shows why DaemonSets are as they are, and again whenever that has changed, at most a few times a second. It ends
    /// when there is none of them any more, or when `show` breaks off.
    ///
    /// An API server that stops answering is no end: that is shown, and it goes on when it answers again.
    ///
    /// # Errors
    /// Those of [`Onlooker::explain`] before the first diagnosis. Later, when nodes, pods or DaemonSets may be listed
    /// but not watched.
    pub async fn watch(
        &self,
        question: &Question,
        mut show: impl FnMut(Sight<'_>) -> ControlFlow<()> + Send,
    ) -> Result<WatchEnd> {
        let seen = collect::objects(&self.client, question).await?;
        if question.of(&seen.world).is_empty() {
            return Err(none_there(&self.client, question).await);
        }
        let mut logs = Logs::new(&self.client);
        logs.read_all(&seen.world, question).await;
        let mut streams = Streams::start(&self.client, question, &seen);
        let mut watch = Watch { question, extras: seen.extras, shown: None };
        if watch.look(&seen.world, &logs, &mut show).is_break() {
            return Ok(WatchEnd::Stopped);
        }
        let mut is_silent = false;
        // When it is looked at again. The lists of the watches come in any moment.
        let mut due: Option<Instant> = None;
        let mut stands_until = Instant::now() + STANDS;
        loop {
            let flow = tokio::select! {
                change = streams.next() => match change {
                    // Until every kind is listed, what is shown is the better truth.
                    Ok(()) if !streams.are_whole() => ControlFlow::Continue(()),
                    Ok(()) => {
                        due = Some(due.unwrap_or(Instant::now() + GATHER).min(Instant::now() + GATHER));
                        if std::mem::take(&mut is_silent) {
                            logs.try_again();
                            show(Sight::Answers)
                        } else {
                            ControlFlow::Continue(())
                        }
                    }
                    Err(Trouble::Unwatched(kind, why)) => {
                        watch.extras.not_looked_at.push(format!("changes of {}: {why}", kind.plural()));
                        due = Some(Instant::now() + GATHER);
                        ControlFlow::Continue(())
                    }
                    Err(Trouble::Lost(_)) if is_silent => ControlFlow::Continue(()),
                    Err(Trouble::Lost(why)) => {
                        is_silent = true;
                        streams = streams.afresh();
                        show(Sight::Silent { since: clock::now(), why: &why })
                    }
                    Err(Trouble::Forbidden(error)) => return Err(error),
                },
                () = logs.next(), if logs.are_read() => {
                    due = Some(Instant::now());
                    ControlFlow::Continue(())
                }
                () = sleep_until(due.unwrap_or(stands_until).max(stands_until)), if due.is_some() => {
                    due = None;
                    if !streams.are_whole() {
                        continue;
                    }
                    let world = streams.world();
                    if question.of(world).is_empty() {
                        return Ok(WatchEnd::Gone);
                    }
                    logs.read(world, question);
                    stands_until = Instant::now() + STANDS;
                    due = moment(world, question);
                    watch.look(world, &logs, &mut show)
                }
            };
            if flow.is_break() {
                return Ok(WatchEnd::Stopped);
            }
        }
    }
}

struct Watch<'a> {
    question: &'a Question,
    /// Without logs.
    extras: Extras,
    shown: Option<Answer>,
}

impl Watch<'_> {
    /// Makes the diagnosis, and shows it if it is another than the last.
    fn look(
        &mut self,
        world: &World,
        logs: &Logs,
        show: &mut impl FnMut(Sight<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut extras = self.extras.clone();
        logs.add_to(&mut extras);
        let answer = self.question.answer(world, &extras, clock::now());
        match answer.filter(|answer| self.shown.as_ref() != Some(answer)) {
            Some(answer) => show(Sight::Changed(self.shown.insert(answer))),
            None => ControlFlow::Continue(()),
        }
    }
}

/// When time alone may change the diagnosis.
fn moment(world: &World, question: &Question) -> Option<Instant> {
    let now = clock::now();
    let moment = next_moment(world, &question.of(world), now)?;
    Some(Instant::now() + clock::pause_until(moment, now))
}
