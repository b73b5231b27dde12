//! Who asks for what. What several ask for is found out once, and forgotten when the last of them has gone: a step that
//! ends takes nothing from an invariant or from the branch beside it, and leaves nothing that the next step could take
//! for an answer to itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rollcall_model::{
    Change, World,
    world::{Fact, Need},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// Where the answers to one need go.
#[derive(Clone)]
pub(super) struct Answers {
    need: Need,
    to: mpsc::UnboundedSender<Change>,
    /// Whether anybody still asks. A task that was told to end may be in the middle of its last answer.
    open: Arc<Mutex<bool>>,
}

impl Answers {
    /// The watches end with the cluster; nobody is left to hear of it then.
    pub(super) fn send(&self, fact: Fact) {
        if *lock(&self.open) {
            let _ = self.to.send(Change::Learn { need: self.need.clone(), fact });
        }
    }

    fn close(&self) {
        let mut open = lock(&self.open);
        *open = false;
        let _ = self.to.send(Change::Forget(self.need.clone()));
    }
}

/// Everything that is being found out, with how many ask for it.
#[derive(Clone, Default)]
pub(in crate::observe) struct Asked(Arc<Mutex<Vec<Entry>>>);

struct Entry {
    answers: Answers,
    askers: usize,
    /// Whether what was known from before is forgotten, so that what is known now is an answer.
    fresh: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Asked {
    /// One more asks. Where it is the first, `start` makes the task that finds it out, once the world has forgotten what
    /// others asked before.
    pub(super) fn ask<F>(
        &self,
        need: Need,
        to: &mpsc::UnboundedSender<Change>,
        mut worlds: watch::Receiver<Arc<World>>,
        start: impl FnOnce(Answers) -> F,
    ) -> Asker
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut entries = lock(&self.0);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.answers.need == need) {
            entry.askers += 1;
            return Asker { need, fresh: entry.fresh.clone(), asked: self.clone() };
        }
        let answers = Answers { need: need.clone(), to: to.clone(), open: Arc::new(Mutex::new(true)) };
        let (begin, fresh) = watch::channel(false);
        let (wanted, task) = (need.clone(), start(answers.clone()));
        let task = tokio::spawn(async move {
            if worlds.wait_for(|world| world.facts.of(&wanted).is_none()).await.is_ok() {
                begin.send_replace(true);
                task.await;
            }
        });
        entries.push(Entry { answers, askers: 1, fresh: fresh.clone(), task });
        Asker { need, fresh, asked: self.clone() }
    }
}

/// One who asks, until it is dropped.
pub(super) struct Asker {
    need: Need,
    fresh: watch::Receiver<bool>,
    asked: Asked,
}

impl Asker {
    /// Returns when nothing is known any more that was found out before anybody asked.
    pub(super) async fn fresh(&mut self) {
        // Where the task has ended, the watches have too.
        let _ = self.fresh.wait_for(|fresh| *fresh).await;
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        let mut entries = lock(&self.asked.0);
        let Some(place) = entries.iter().position(|entry| entry.answers.need == self.need) else { return };
        if let Some(entry) = entries.get_mut(place) {
            entry.askers -= 1;
            if entry.askers > 0 {
                return;
            }
        }
        let entry = entries.swap_remove(place);
        entry.task.abort();
        entry.answers.close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need() -> Need {
        Need::Objects { api_version: "v1".into(), kind: "ConfigMap".into() }
    }

    /// Applies what was told to the world, as the watches do, and says what it was.
    fn told(told: &mut mpsc::UnboundedReceiver<Change>, worlds: &watch::Sender<Arc<World>>) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        while let Ok(change) = told.try_recv() {
            kinds.push(if matches!(change, Change::Forget(_)) { "forget" } else { "learn" });
            worlds.send_modify(|world| Arc::make_mut(world).apply(change));
        }
        kinds
    }

    struct Watched {
        asked: Asked,
        to: mpsc::UnboundedSender<Change>,
        told: mpsc::UnboundedReceiver<Change>,
        worlds: watch::Sender<Arc<World>>,
    }

    impl Watched {
        fn new() -> Self {
            let (to, told) = mpsc::unbounded_channel();
            Self { asked: Asked::default(), to, told, worlds: watch::Sender::new(Arc::new(World::new())) }
        }

        fn ask(&self) -> Asker {
            let start = |answers: Answers| async move { answers.send(Fact::Unknown("it is not there".into())) };
            self.asked.ask(need(), &self.to, self.worlds.subscribe(), start)
        }

        fn told(&mut self) -> Vec<&'static str> {
            told(&mut self.told, &self.worlds)
        }
    }

    #[tokio::test]
    async fn what_two_ask_for_is_found_out_once_and_kept_for_the_second() {
        let mut watched = Watched::new();
        let mut first = watched.ask();
        first.fresh().await;
        let mut second = watched.ask();
        second.fresh().await;
        tokio::task::yield_now().await;
        assert_eq!(watched.told(), ["learn"]);
        drop(first);
        assert_eq!(watched.told(), [""; 0]);
        drop(second);
        assert_eq!(watched.told(), ["forget"]);
    }

    #[tokio::test]
    async fn what_was_known_before_is_no_answer_to_who_asks_anew() {
        let mut watched = Watched::new();
        let mut first = watched.ask();
        first.fresh().await;
        tokio::task::yield_now().await;
        assert_eq!(watched.told(), ["learn"]);
        drop(first);
        // The world still knows it, for the watches have not come to forget it.
        let mut second = watched.ask();
        tokio::task::yield_now().await;
        assert!(!*second.fresh.borrow());
        assert_eq!(watched.told(), ["forget"]);
        second.fresh().await;
        tokio::task::yield_now().await;
        assert_eq!(watched.told(), ["learn"]);
    }

    #[test]
    fn an_answer_that_comes_too_late_is_told_to_nobody() {
        let (to, mut told) = mpsc::unbounded_channel();
        let answers = Answers { need: need(), to, open: Arc::new(Mutex::new(true)) };
        answers.close();
        answers.send(Fact::Unknown("late".into()));
        assert!(matches!(told.try_recv(), Ok(Change::Forget(_))) && told.try_recv().is_err());
    }
}
