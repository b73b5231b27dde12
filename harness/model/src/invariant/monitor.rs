//! Judges invariants at every change.
//!
//! # Changes of different kinds
//! Each kind has a watch of its own, and they do not wait for each other: the pods that a larger `maxUnavailable` lets
//! go can be seen to go before the DaemonSet is seen to have changed. So what looks like a breach is first a suspicion.
//! It is dropped when the DaemonSet turns out to have been changed before it, by the resource versions, in a way that
//! makes it none; it is a breach as soon as the DaemonSet is seen at a later version, or [`PATIENCE`] has passed.

use std::collections::BTreeMap;

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::faults::{self, Fault};
use super::nodes::{Nodes, concerns};
use super::{Invariant, Rule, checks};
use crate::condition::{Judgement, Memory, Report};
use crate::scenario::DaemonSetRef;
use crate::world::{Change, Object, World};

/// How long a suspicion waits for a later state of the DaemonSet. Watches on one machine lag by milliseconds.
const PATIENCE: SignedDuration = SignedDuration::from_secs(1);

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Breach {
    /// The invariant, by its place among those of the scenario.
    pub index: usize,
    /// When it did not hold.
    pub at: Timestamp,
    /// Why.
    pub report: Report,
}

/// Judges invariants at every change of a world.
#[derive(Debug, Default)]
pub struct Monitor {
    watched: Vec<Watched>,
}

/// One invariant and what is known for it.
#[derive(Debug)]
struct Watched {
    invariant: Invariant,
    running: Running,
    /// Whether there was anything to be judged.
    checked: bool,
    nodes: Nodes,
    restarts: BTreeMap<String, i64>,
    suspicion: Option<Suspicion>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Running {
    /// Its first step has not ended.
    NotYet,
    /// It is judged; `true` once it must hold, which for conditions may be later.
    Yes(bool),
    /// Its last step has ended, or it was breached.
    Over,
}

#[derive(Debug, Clone)]
struct Suspicion {
    at: Timestamp,
    /// The resource version of the change that looked like a breach.
    version: Option<u64>,
    world: World,
    nodes: Nodes,
    report: Report,
}

impl Monitor {
    /// Watches over these invariants. Those that name no first step begin at once.
    #[must_use]
    pub fn new(invariants: &[Invariant]) -> Self {
        let watched = invariants.iter().map(|invariant| Watched {
            running: if invariant.from.is_some() { Running::NotYet } else { Running::Yes(false) },
            invariant: invariant.clone(),
            checked: false,
            nodes: Nodes::default(),
            restarts: BTreeMap::new(),
            suspicion: None,
        });
        Self { watched: watched.collect() }
    }

    /// Whether nothing is watched over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// A step of the scenario begins that disturbs pods on purpose.
    pub fn fault_begins(&mut self, fault: &Fault, now: Timestamp) {
        for watched in self.watched.iter_mut().filter(|watched| watched.is_concerned(fault)) {
            watched.nodes.begin(fault, now);
        }
    }

    /// The step is over, and the watches have seen what it did.
    pub fn fault_ends(&mut self, fault: &Fault) {
        for watched in self.watched.iter_mut().filter(|watched| watched.is_concerned(fault)) {
            watched.nodes.end(fault);
        }
    }

    /// A step with a label has ended: invariants begin and end with it. Returns the breaches that this settles.
    pub fn step_ended(&mut self, label: &str, world: &World, now: Timestamp, memory: &Memory) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for (index, watched) in self.watched.iter_mut().enumerate() {
            if watched.invariant.from.as_deref() == Some(label) && watched.running == Running::NotYet {
                watched.running = Running::Yes(true);
                breaches.extend(watched.judge(index, None, world, now, memory));
            }
            if watched.invariant.until.as_deref() == Some(label) && watched.running != Running::Over {
                breaches.extend(watched.settle(index));
                breaches.extend(watched.unchecked(index, now));
                watched.running = Running::Over;
            }
        }
        breaches
    }

    /// Judges the world as it is after a change.
    pub fn observe(&mut self, change: &Change, world: &World, now: Timestamp, memory: &Memory) -> Vec<Breach> {
        // What the components say, and what conditions ask beside, changes no pod.
        let irrelevant = matches!(change, Change::Set(Object::Event(_)) | Change::Delete(Object::Event(_)));
        if !world.synced() || irrelevant {
            return Vec::new();
        }
        let judged = self.watched.iter_mut().enumerate();
        judged.filter_map(|(index, watched)| watched.judge(index, Some(change), world, now, memory)).collect()
    }

    /// The run is over: what is still suspected is a breach, and so is an invariant that never had anything to judge.
    pub fn finish(&mut self, now: Timestamp) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for (index, watched) in self.watched.iter_mut().enumerate() {
            breaches.extend(watched.settle(index));
            breaches.extend(watched.unchecked(index, now));
            watched.running = Running::Over;
        }
        breaches
    }

    /// When a suspicion becomes a breach though nothing changes.
    #[must_use]
    pub fn next_check(&self) -> Option<Timestamp> {
        let suspicions = self.watched.iter().filter_map(|watched| watched.suspicion.as_ref());
        suspicions.filter_map(|suspicion| suspicion.at.checked_add(PATIENCE).ok()).min()
    }

    /// Settles the suspicions whose time is over.
    pub fn time_passed(&mut self, now: Timestamp) -> Vec<Breach> {
        let due = self.watched.iter_mut().enumerate().filter(|(_, watched)| {
            let at = watched.suspicion.as_ref().and_then(|suspicion| suspicion.at.checked_add(PATIENCE).ok());
            at.is_some_and(|at| at <= now)
        });
        due.filter_map(|(index, watched)| watched.settle(index)).collect()
    }
}

impl Watched {
    fn daemon_set(&self) -> Option<&DaemonSetRef> {
        match &self.invariant.rule {
            Rule::OnePodPerNode { daemon_set }
            | Rule::MaxUnavailable { daemon_set, .. }
            | Rule::MaxSurge { daemon_set, .. }
            | Rule::NeverOn { daemon_set, .. }
            | Rule::NoRestarts { daemon_set }
            | Rule::AtMostTwoRevisions { daemon_set }
            | Rule::Available { daemon_set, .. } => Some(daemon_set),
            Rule::Always(_) => None,
        }
    }

    fn is_concerned(&self, fault: &Fault) -> bool {
        self.daemon_set().is_some_and(|daemon_set| concerns(fault, daemon_set))
    }

    /// Judges the world, and what was suspected before by what is known now.
    fn judge(
        &mut self,
        index: usize,
        change: Option<&Change>,
        world: &World,
        now: Timestamp,
        memory: &Memory,
    ) -> Option<Breach> {
        if self.running == Running::Over {
            return None;
        }
        if let Some(breach) = self.reconsider(index, change, world) {
            return Some(breach);
        }
        let report = self.look(world, now, memory)?;
        let version = change.and_then(faults::version);
        if self.daemon_set().is_none() {
            // A condition is judged as the world is seen.
            self.running = Running::Over;
            return Some(Breach { index, at: now, report });
        }
        if self.suspicion.is_none() {
            self.suspicion =
                Some(Suspicion { at: now, version, world: world.clone(), nodes: self.nodes.clone(), report });
        }
        None
    }

    /// What is wrong with the world, if this invariant is in force.
    fn look(&mut self, world: &World, now: Timestamp, memory: &Memory) -> Option<Report> {
        if let Rule::Always(condition) = &self.invariant.rule {
            if self.running == Running::NotYet || condition.unanswered(world).is_some() {
                return None;
            }
            let judgement = condition.judge(world, now, memory);
            self.checked |= judgement.is_done() || self.running == Running::Yes(true);
            return match (judgement, self.running) {
                (Judgement::Done, _) => {
                    self.running = Running::Yes(true);
                    None
                }
                (Judgement::NotYet(report) | Judgement::Never(report), Running::Yes(true)) => Some(report),
                _ => None,
            };
        }
        let daemon_set = world.daemon_set(self.daemon_set()?)?.clone();
        if daemon_set.metadata.deletion_timestamp.is_some() {
            return None;
        }
        // The nodes are followed before the stretch begins too, so that it begins with what is so.
        self.nodes.observe(world, &daemon_set, now);
        let wrong = match &self.invariant.rule {
            Rule::OnePodPerNode { .. } => checks::one_pod_per_node(world, &daemon_set),
            Rule::MaxUnavailable { budget, .. } => checks::max_unavailable(world, &daemon_set, &self.nodes, *budget),
            Rule::MaxSurge { budget, .. } => checks::max_surge_kept(world, &daemon_set, now, *budget),
            Rule::NeverOn { nodes, .. } => checks::never_on(world, &daemon_set, nodes),
            Rule::NoRestarts { .. } => checks::no_restarts(world, &daemon_set, &self.nodes, &mut self.restarts),
            Rule::AtMostTwoRevisions { .. } => checks::at_most_two_revisions(world, &daemon_set),
            Rule::Available { least, .. } => {
                let wrong = checks::available(&self.nodes, *least);
                if wrong.is_none() && self.running != Running::NotYet {
                    self.running = Running::Yes(true);
                }
                // It must hold once it has held, or once its first step has ended.
                if self.running == Running::Yes(true) { wrong } else { return None }
            }
            Rule::Always(_) => None,
        };
        if self.running == Running::NotYet {
            return None;
        }
        self.checked = true;
        wrong
    }

    /// Drops or confirms a suspicion by what has been seen of the DaemonSet since.
    fn reconsider(&mut self, index: usize, change: Option<&Change>, world: &World) -> Option<Breach> {
        let suspicion = self.suspicion.as_ref()?;
        let reference = self.daemon_set()?;
        let Some(Change::Set(Object::DaemonSet(seen)) | Change::Delete(Object::DaemonSet(seen))) = change else {
            return None;
        };
        if seen.metadata.name.as_ref() != Some(&reference.name)
            || seen.metadata.namespace.as_ref() != Some(&reference.namespace)
        {
            return None;
        }
        let later = match (change.and_then(faults::version), suspicion.version) {
            (Some(seen), Some(suspected)) => seen > suspected,
            // Without versions nothing speaks for the suspect.
            _ => true,
        };
        if later {
            return self.settle(index);
        }
        // The DaemonSet was like this before the suspected change: judge that again with what was true then.
        let Some(suspicion) = self.suspicion.take() else { return None };
        let Some(daemon_set) = world.daemon_set(self.daemon_set()?) else { return None };
        let still = match &self.invariant.rule {
            Rule::OnePodPerNode { .. } => checks::one_pod_per_node(&suspicion.world, daemon_set),
            Rule::MaxUnavailable { budget, .. } => {
                checks::max_unavailable(&suspicion.world, daemon_set, &suspicion.nodes, *budget)
            }
            Rule::MaxSurge { budget, .. } => {
                checks::max_surge_kept(&suspicion.world, daemon_set, suspicion.at, *budget)
            }
            _ => Some(suspicion.report.clone()),
        };
        self.suspicion = still.map(|report| Suspicion { report, ..suspicion });
        None
    }

    /// A suspicion is a breach.
    fn settle(&mut self, index: usize) -> Option<Breach> {
        let suspicion = self.suspicion.take()?;
        self.running = Running::Over;
        Some(Breach { index, at: suspicion.at, report: suspicion.report })
    }

    /// Nothing to judge is not success.
    fn unchecked(&self, index: usize, now: Timestamp) -> Option<Breach> {
        if self.checked || self.running == Running::Over {
            return None;
        }
        let why = match (&self.invariant.rule, self.running) {
            (_, Running::NotYet) => "the step from which it holds never ended".to_owned(),
            (Rule::Always(_) | Rule::Available { .. }, _) => "it was never true".to_owned(),
            (_, _) => match self.daemon_set() {
                Some(daemon_set) => format!("there was no daemonset `{daemon_set}`"),
                None => "there was nothing to judge".to_owned(),
            },
        };
        Some(Breach { index, at: now, report: Report::new(why) })
    }
}
