//! Which nodes had an available pod, and which are excused for having none.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::faults::{Fault, Lasting};
use super::scene::{Pods, Scene};
use crate::scenario::DaemonSetRef;
use crate::world::{World, view};

/// How long after a node came back its pods may still be what was known of them before. A kubelet corrects that within
/// some seconds; a pod that has been available for so long was never disturbed.
const STALE: SignedDuration = SignedDuration::from_secs(30);

/// One node, from the moment a pod should run there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has had no available pod yet.
    New,
    /// It has an available pod.
    Up,
    /// It had one, and has none.
    Down,
    /// It has one, or none, and either is the scenario's doing.
    Excused,
}

/// One fault that excuses a node.
#[derive(Debug, Clone, PartialEq)]
struct Excuse {
    lasting: Lasting,
    began: Timestamp,
    known_ready: BTreeMap<String, Timestamp>,
    /// Whether its step is over, and when that was noticed.
    over: bool,
    ended: Option<Timestamp>,
}

/// The nodes of one DaemonSet.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Nodes {
    states: BTreeMap<String, State>,
    excuses: BTreeMap<String, Vec<Excuse>>,
    /// Nodes whose last excuse ended with the change that was taken in last: that change is excused too.
    forgiven: BTreeSet<String>,
    /// Nodes whose available pod the scenario took away. They have not had another since.
    taken: BTreeSet<String>,
}

impl Nodes {
    /// A fault begins.
    pub(super) fn begin(&mut self, fault: &Fault, now: Timestamp) {
        for node in &fault.nodes {
            self.excuses.entry(node.clone()).or_default().push(Excuse {
                lasting: fault.lasting,
                began: now,
                known_ready: fault.known_ready.clone(),
                over: false,
                ended: None,
            });
            if self.states.insert(node.clone(), State::Excused) == Some(State::Up) {
                self.taken.insert(node.clone());
            }
        }
    }

    /// The step of the fault is over.
    pub(super) fn end(&mut self, fault: &Fault) {
        for node in &fault.nodes {
            let Some(excuses) = self.excuses.get_mut(node) else { continue };
            excuses.retain(
                |excuse| !matches!(excuse.lasting, Lasting::UntilUndone(cause) if fault.undoes.contains(&cause)),
            );
            let of_this = excuses.iter().position(|excuse| excuse.lasting == fault.lasting && !excuse.over);
            match (fault.lasting, of_this) {
                (Lasting::TheStep, Some(at)) => drop(excuses.remove(at)),
                (Lasting::UntilReadyAnew, Some(at)) => excuses[at].over = true,
                _ => {}
            }
        }
    }

    /// The DaemonSet is another one than before: what its namesake had says nothing.
    pub(super) fn begin_anew(&mut self) {
        let excuses = &self.excuses;
        self.states.retain(|name, _| excuses.get(name).is_some_and(|excuses| !excuses.is_empty()));
        self.states.values_mut().for_each(|state| *state = State::Excused);
        self.taken.clear();
    }

    /// Takes in how the nodes are now.
    pub(super) fn observe(&mut self, scene: &Scene<'_>) {
        let (available, eligible) = (scene.available(), scene.eligible());
        self.forgive(scene.world, available, scene.now);
        for name in eligible.iter().copied() {
            let none = !available.contains_key(name);
            let excused = self.is_excused_still(name);
            // Most are known, and a name that is looked for need not be copied.
            let before = self.states.get(name).copied().unwrap_or(State::New);
            let state = match (before, none, excused) {
                (_, _, true) => State::Excused,
                // The excuse is over; a node that has no pod now is as one that never had.
                (State::Excused | State::New, true, false) => State::New,
                (_, false, false) => State::Up,
                (State::Up | State::Down, true, false) => State::Down,
            };
            if state == State::Up {
                self.taken.remove(name);
            }
            match self.states.get_mut(name) {
                Some(known) => *known = state,
                None => drop(self.states.insert(name.to_owned(), state)),
            }
        }
        let excuses = &self.excuses;
        self.states.retain(|name, _| {
            eligible.contains(name.as_str()) || excuses.get(name).is_some_and(|excuses| !excuses.is_empty())
        });
    }

    /// Ends the excuses after which a pod has become ready, and those of nodes that are gone.
    fn forgive(&mut self, world: &World, available: &Pods<'_>, now: Timestamp) {
        self.forgiven.clear();
        for (name, excuses) in &mut self.excuses {
            if excuses.is_empty() {
                continue;
            }
            let pods = available.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
            let there = world.nodes.contains_key(name);
            for excuse in excuses.iter_mut().filter(|excuse| excuse.over) {
                excuse.ended.get_or_insert(now);
            }
            excuses.retain(|excuse| match excuse.lasting {
                Lasting::TheStep => true,
                Lasting::UntilUndone(_) => there,
                Lasting::UntilReadyAnew => there && !excuse.is_answered(pods, now),
            });
            if excuses.is_empty() {
                self.forgiven.insert(name.clone());
            }
        }
    }

    /// Nodes that had an available pod and have none.
    pub(super) fn down(&self) -> Vec<&str> {
        self.of(|state| state == State::Down)
    }

    /// Nodes that have an available pod, and those that had one when the scenario took it away.
    pub(super) fn up(&self) -> usize {
        let up = self.of(|state| state == State::Up);
        up.len() + self.taken.len()
    }

    fn of(&self, is: impl Fn(State) -> bool) -> Vec<&str> {
        self.states.iter().filter(|(_, state)| is(**state)).map(|(name, _)| name.as_str()).collect()
    }

    /// Whether what was taken in last is the scenario's doing on this node.
    pub(super) fn is_excused(&self, node: &str) -> bool {
        self.forgiven.contains(node) || self.is_excused_still(node)
    }

    fn is_excused_still(&self, node: &str) -> bool {
        self.excuses.get(node).is_some_and(|excuses| !excuses.is_empty())
    }
}

impl Excuse {
    /// Whether the node is as it was before: a pod has become ready since, or there was one all the time.
    fn is_answered(&self, pods: &[&Pod], now: Timestamp) -> bool {
        let Some(ended) = self.ended else { return false };
        let anew = |pod: &&Pod| {
            let since = view::available_after(pod, 0);
            let known = pod.metadata.uid.as_ref().and_then(|uid| self.known_ready.get(uid)).copied();
            // The API keeps whole seconds.
            since.is_some_and(|since| Some(since) != known && since.as_second() >= self.began.as_second())
        };
        pods.iter().any(anew) || (!pods.is_empty() && now.duration_since(ended) >= STALE)
    }
}

/// Whether a fault concerns a DaemonSet.
pub(super) fn concerns(fault: &Fault, daemon_set: &DaemonSetRef) -> bool {
    fault.daemon_set.as_ref().is_none_or(|only| only == daemon_set)
}
