//! Invariants and `never` while the steps run: whatever is breached ends the step that is under way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rollcall_model::{
    Breach, Condition, Event, Invariant, Memory, Monitor, Report, Timestamp, World, invariant::Fault,
};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    clock,
    cluster::Cluster,
    observe::{Hooked, Learning, Seen},
};

/// Something that had to hold and did not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trip {
    /// The invariant, or what must never be, in one line.
    pub(super) rule: String,
    pub(super) at: Timestamp,
    pub(super) report: Report,
}

impl Trip {
    pub(super) fn message(&self) -> String {
        format!("invariant did not hold: {}: {}", self.rule, self.report.summary)
    }

    pub(super) fn event(&self) -> Event {
        Event::InvariantBreached { invariant: self.rule.clone(), at: self.at, report: self.report.clone() }
    }
}

/// Watches over the invariants of one run.
pub(super) struct Guard {
    shared: Arc<Shared>,
    /// What ends when the guard is dropped: the hook, and what conditions need.
    _hooked: Hooked,
    _learning: Vec<Learning>,
    timer: JoinHandle<()>,
}

struct Shared {
    monitor: Mutex<Monitor>,
    rules: Vec<String>,
    memory: Arc<Mutex<Memory>>,
    tripped: watch::Sender<Option<Trip>>,
    suspected: Notify,
}

impl Guard {
    /// `gaps` is told the kinds that were listed afresh.
    pub(super) fn new(
        cluster: &Cluster,
        invariants: &[Invariant],
        memory: &Arc<Mutex<Memory>>,
        gaps: mpsc::UnboundedSender<String>,
    ) -> Self {
        let shared = Arc::new(Shared {
            monitor: Mutex::new(Monitor::new(invariants)),
            rules: invariants.iter().map(|invariant| invariant.rule.to_string()).collect(),
            memory: memory.clone(),
            tripped: watch::Sender::new(None),
            suspected: Notify::new(),
        });
        let conditions = invariants.iter().filter_map(|invariant| match &invariant.rule {
            rollcall_model::invariant::Rule::Always(condition) => Some(condition),
            _ => None,
        });
        let learning = conditions.map(|condition| cluster.observer().learn(cluster.client(), condition)).collect();
        let hooked = {
            let shared = shared.clone();
            cluster.observer().on_change(move |seen| shared.see(seen, &gaps))
        };
        let timer = tokio::spawn(settle(shared.clone()));
        Self { shared, _hooked: hooked, _learning: learning, timer }
    }

    /// A step begins that disturbs pods on purpose.
    pub(super) fn fault_begins(&self, fault: &Fault) {
        self.shared.monitor().fault_begins(fault, clock::now());
    }

    /// It is over.
    pub(super) fn fault_ends(&self, fault: &Fault) {
        self.shared.monitor().fault_ends(fault);
    }

    /// A step with a label is over.
    pub(super) fn step_ended(&self, label: &str, world: &World) {
        let breaches = self.shared.monitor().step_ended(label, world, clock::now(), &lock(&self.shared.memory));
        self.shared.trip(breaches);
    }

    /// The run is over.
    pub(super) fn finish(&self) {
        let breaches = self.shared.monitor().finish(clock::now());
        self.shared.trip(breaches);
    }

    /// What has been breached, if anything.
    pub(super) fn tripped(&self) -> Option<Trip> {
        self.shared.tripped.borrow().clone()
    }

    /// Returns when something is breached.
    pub(super) async fn trips(&self) -> Trip {
        let mut tripped = self.shared.tripped.subscribe();
        let found = tripped.wait_for(Option::is_some).await.ok().and_then(|trip| trip.clone());
        match found {
            Some(trip) => trip,
            // The sender is in the guard, so it is there.
            None => std::future::pending().await,
        }
    }

    /// From now until the answer is dropped the condition must not become true.
    pub(super) fn never(&self, cluster: &Cluster, condition: &Condition) -> (Hooked, Learning) {
        let learning = cluster.observer().learn(cluster.client(), condition);
        let rule = format!("never: {condition}");
        let (shared, condition) = (self.shared.clone(), condition.clone());
        let judge = Arc::new(move |world: &World| {
            let now = clock::now();
            if world.synced() && condition.judge(world, now, &lock(&shared.memory)).is_done() {
                let report = Report { summary: "it became true".into(), nodes: Vec::new() };
                shared.trip_once(Trip { rule: rule.clone(), at: now, report });
            }
        });
        let every_change = judge.clone();
        let hooked = cluster.observer().on_change(move |seen| every_change(seen.world));
        // What is so already makes no change. In this order, so that nothing happens between the two.
        judge(&cluster.world());
        (hooked, learning)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.timer.abort();
    }
}

impl Shared {
    fn monitor(&self) -> MutexGuard<'_, Monitor> {
        lock(&self.monitor)
    }

    fn see(&self, seen: &Seen<'_>, gaps: &mpsc::UnboundedSender<String>) {
        if let (true, rollcall_model::Change::Resync { kind, .. }) = (seen.gap, seen.change) {
            // Nobody listens any more when the run has ended.
            let _ = gaps.send(kind.plural().to_owned());
        }
        let breaches = {
            let mut monitor = self.monitor();
            if monitor.is_empty() {
                return;
            }
            let breaches = monitor.observe(seen.change, seen.world, clock::now(), &lock(&self.memory));
            if monitor.next_check().is_some() {
                self.suspected.notify_one();
            }
            breaches
        };
        self.trip(breaches);
    }

    fn trip(&self, breaches: Vec<Breach>) {
        for Breach { index, at, report } in breaches {
            let rule = self.rules.get(index).cloned().unwrap_or_default();
            self.trip_once(Trip { rule, at, report });
        }
    }

    /// The first breach ends the run; later ones are its consequences.
    fn trip_once(&self, trip: Trip) {
        self.tripped.send_if_modified(|tripped| {
            let first = tripped.is_none();
            tripped.get_or_insert(trip);
            first
        });
    }
}

/// Turns suspicions into breaches when their time is over.
async fn settle(shared: Arc<Shared>) {
    loop {
        shared.suspected.notified().await;
        loop {
            let Some(moment) = shared.monitor().next_check() else { break };
            tokio::time::sleep(clock::pause_until(moment, clock::now())).await;
            let breaches = shared.monitor().time_passed(clock::now());
            shared.trip(breaches);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
