//! Which nodes had an available pod, and which are excused for having none.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;

use super::faults::{Fault, Lasting};
use crate::oracle::eligible;
use crate::scenario::DaemonSetRef;
use crate::world::{World, view};

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
    Excused { had: bool },
}

/// The nodes of one DaemonSet.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Nodes {
    states: BTreeMap<String, State>,
    /// The faults that excuse a node, with the moment at which each began.
    faults: BTreeMap<String, Vec<(Lasting, Timestamp, bool)>>,
}

impl Nodes {
    /// A fault begins.
    pub(super) fn begin(&mut self, fault: &Fault, now: Timestamp) {
        for node in &fault.nodes {
            self.faults.entry(node.clone()).or_default().push((fault.lasting, now, false));
            let had = match self.states.get(node) {
                Some(State::Up | State::Down) => true,
                Some(State::Excused { had }) => *had,
                Some(State::New) | None => false,
            };
            self.states.insert(node.clone(), State::Excused { had });
        }
    }

    /// The step of the fault is over.
    pub(super) fn end(&mut self, fault: &Fault) {
        for node in &fault.nodes {
            let Some(faults) = self.faults.get_mut(node) else { continue };
            match fault.lasting {
                Lasting::TheStep => {
                    if let Some(at) = faults.iter().position(|(lasting, ..)| *lasting == Lasting::TheStep) {
                        faults.remove(at);
                    }
                }
                Lasting::UntilUndone => {}
                Lasting::UntilReadyAnew => {
                    // What made the node go down is undone; from now on a pod that is ready anew ends the excuse.
                    faults.retain(|(lasting, ..)| *lasting != Lasting::UntilUndone);
                    for fault in faults.iter_mut().filter(|(lasting, ..)| *lasting == Lasting::UntilReadyAnew) {
                        fault.2 = true;
                    }
                }
            }
        }
    }

    /// Takes in how the nodes are now.
    pub(super) fn observe(&mut self, world: &World, daemon_set: &DaemonSet, now: Timestamp) {
        let seconds = view::min_ready_seconds(daemon_set);
        let mut available: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        for pod in world.pods_of(daemon_set) {
            if let Some(node) = view::node_of(pod) {
                if !view::is_terminating(pod) && view::is_available(pod, seconds, now) {
                    available.entry(node).or_default().push(pod);
                }
            }
        }
        let mut eligible_nodes = BTreeSet::new();
        for (name, node) in &world.nodes {
            if !eligible(node, daemon_set).should_run {
                continue;
            }
            eligible_nodes.insert(name.as_str());
            let pods = available.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
            self.forgive(name, pods);
            let excused = self.faults.get(name).is_some_and(|faults| !faults.is_empty());
            let state = self.states.entry(name.clone()).or_insert(State::New);
            *state = match (*state, pods.is_empty(), excused) {
                (State::Excused { had }, none, true) => State::Excused { had: had || !none },
                // The excuse is over; a node that has no pod now is as one that never had.
                (State::Excused { .. } | State::New, true, _) => State::New,
                (_, false, _) => State::Up,
                (State::Up | State::Down, true, _) => State::Down,
            };
        }
        let faults = &self.faults;
        self.states.retain(|name, _| {
            eligible_nodes.contains(name.as_str()) || faults.get(name).is_some_and(|faults| !faults.is_empty())
        });
    }

    /// Ends the faults after which a pod has become ready.
    fn forgive(&mut self, node: &str, pods: &[&Pod]) {
        let Some(faults) = self.faults.get_mut(node) else { return };
        let ready_since = pods.iter().filter_map(|pod| view::available_after(pod, 0)).max();
        faults.retain(|(lasting, began, over)| {
            let anew = ready_since.is_some_and(|since| since.as_second() >= began.as_second());
            !(*lasting == Lasting::UntilReadyAnew && *over && anew)
        });
    }

    /// Nodes that had an available pod and have none.
    pub(super) fn down(&self) -> Vec<&str> {
        self.of(|state| state == State::Down)
    }

    /// Nodes that have an available pod, and those that had one when the scenario took it away.
    pub(super) fn up(&self) -> usize {
        self.of(|state| matches!(state, State::Up | State::Excused { had: true })).len()
    }

    fn of(&self, is: impl Fn(State) -> bool) -> Vec<&str> {
        self.states.iter().filter(|(_, state)| is(**state)).map(|(name, _)| name.as_str()).collect()
    }

    /// Whether the scenario disturbs the pods of a node just now.
    pub(super) fn is_excused(&self, node: &str) -> bool {
        self.faults.get(node).is_some_and(|faults| !faults.is_empty())
    }
}

/// Whether a fault concerns a DaemonSet.
pub(super) fn concerns(fault: &Fault, daemon_set: &DaemonSetRef) -> bool {
    fault.daemon_set.as_ref().is_none_or(|only| only == daemon_set)
}
