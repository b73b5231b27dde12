//! Random rollouts by a small model of a controller that knows nothing of the code under test: one that keeps its
//! budget is never accused, and one that takes a single node more always is.
//!
//! The model is a table of nodes and three rules: an old pod may be deleted while fewer nodes are without an available
//! pod than the budget allows, a pod is made where there is none, and a pod becomes ready whenever it likes. What it does
//! is written down with resource versions, and the watches of pods and DaemonSets tell it with any lag between them.

use std::collections::VecDeque;

use proptest::prelude::*;
use rollcall_model::{Breach, Change, Monitor};
use serde_json::{Value, json};

use crate::history::{
    History, PodIs, daemon_set, invariant, max_unavailable, node, one_pod_per_node, pod, rolling, second, versioned,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    OldReady,
    Leaving,
    Empty,
    NewStarting,
    NewReady,
}

/// What the store wrote, in order.
enum Written {
    Pod(PodIs),
    Gone(PodIs),
    DaemonSet(Value),
}

struct Controller {
    places: Vec<Place>,
    budget: usize,
    written: Vec<(u64, Written)>,
    version: u64,
}

/// The numbers that a rolling update may have, with what they allow of so many nodes. Written out, not computed.
const BUDGETS: [(&str, [usize; 7]); 6] = [
    // nodes:   0  1  2  3  4  5  6
    ("1", [1, 1, 1, 1, 1, 1, 1]),
    ("2", [2, 2, 2, 2, 2, 2, 2]),
    ("3", [3, 3, 3, 3, 3, 3, 3]),
    ("10%", [0, 1, 1, 1, 1, 1, 1]),
    ("34%", [0, 1, 1, 2, 2, 2, 3]),
    ("50%", [0, 1, 1, 2, 2, 3, 3]),
];

fn given(text: &str) -> Value {
    text.parse::<u32>().map_or_else(|_| json!(text), |number| json!(number))
}

impl Controller {
    fn new(nodes: usize) -> Self {
        Self { places: vec![Place::OldReady; nodes], budget: 0, written: Vec::new(), version: 1_000 }
    }

    fn write(&mut self, what: Written) {
        self.version += 1;
        self.written.push((self.version, what));
    }

    fn set_budget(&mut self, index: usize) {
        let (text, allowed) = BUDGETS[index];
        self.budget = allowed[self.places.len()];
        self.write(Written::DaemonSet(rolling(given(text), json!(0))));
    }

    fn down(&self) -> usize {
        self.places.iter().filter(|place| !matches!(place, Place::OldReady | Place::NewReady)).count()
    }

    fn old(&self, at: usize) -> PodIs {
        pod(&format!("old-{at}"), &format!("n{at}")).ready(1)
    }

    fn new_pod(&self, at: usize) -> PodIs {
        pod(&format!("new-{at}"), &format!("n{at}")).revision("h2")
    }

    /// Does what the rules allow at a node, if they allow anything.
    fn act(&mut self, at: usize) {
        match self.places[at] {
            Place::OldReady if self.down() < self.budget => self.delete(at),
            Place::OldReady | Place::NewReady => {}
            Place::Leaving => {
                self.places[at] = Place::Empty;
                self.write(Written::Gone(self.old(at).terminating()));
            }
            Place::Empty => {
                self.places[at] = Place::NewStarting;
                self.write(Written::Pod(self.new_pod(at)));
            }
            Place::NewStarting => {
                self.places[at] = Place::NewReady;
                self.write(Written::Pod(self.new_pod(at).ready(1)));
            }
        }
    }

    fn delete(&mut self, at: usize) {
        self.places[at] = Place::Leaving;
        self.write(Written::Pod(self.old(at).terminating()));
    }

    /// Breaks a rule: takes a node when the budget is used up. Says whether there was one to take.
    fn take_one_too_many(&mut self) -> bool {
        while self.down() < self.budget {
            let Some(at) = self.places.iter().position(|place| *place == Place::OldReady) else { return false };
            self.delete(at);
        }
        match self.places.iter().position(|place| *place == Place::OldReady) {
            Some(at) if self.down() == self.budget => {
                self.delete(at);
                true
            }
            _ => false,
        }
    }

    /// Makes a second pod where the old one still runs.
    fn double(&mut self) -> bool {
        let Some(at) = self.places.iter().position(|place| *place == Place::OldReady) else { return false };
        self.write(Written::Pod(self.new_pod(at)));
        true
    }
}

/// Hands everything to a monitor: each watch in its own order, and between the two as `lag` has it.
fn told(controller: Controller, lag: &[bool]) -> Vec<Breach> {
    let nodes = controller.places.len();
    let mut history = History::with(&[]);
    history.monitor = Monitor::new(&[invariant(max_unavailable(None)), invariant(one_pod_per_node())]);
    for at in 0..nodes {
        history.set(node(&format!("n{at}"), json!({})));
    }
    history.set(daemon_set(json!({})));
    for at in 0..nodes {
        history.set(pod(&format!("old-{at}"), &format!("n{at}")).ready(1).build());
    }
    let (mut pods, mut daemon_sets) = (VecDeque::new(), VecDeque::new());
    for (version, what) in controller.written {
        match what {
            Written::DaemonSet(_) => daemon_sets.push_back((version, what)),
            _ => pods.push_back((version, what)),
        }
    }
    let mut lag = lag.iter().copied().cycle();
    while !pods.is_empty() || !daemon_sets.is_empty() {
        let first = if lag.next().unwrap_or(true) { &mut pods } else { &mut daemon_sets };
        let Some((version, what)) = first.pop_front() else { continue };
        let change = match what {
            Written::Pod(is) => Change::Set(versioned(is.build().into(), version)),
            Written::Gone(is) => Change::Delete(versioned(is.build().into(), version)),
            Written::DaemonSet(value) => Change::Set(versioned(daemon_set(value).into(), version)),
        };
        history.change_now(change);
    }
    assert!(history.monitor.time_passed(second(history.now)).is_empty());
    history.finish()
}

fn script() -> impl Strategy<Value = (usize, Vec<(usize, usize)>, Vec<bool>)> {
    let step = (0_usize..12, 0_usize..BUDGETS.len());
    let lag = prop::collection::vec(any::<bool>(), 1..40)
        .prop_filter("both are told", |lag| lag.contains(&true) && lag.contains(&false));
    (1_usize..=6, prop::collection::vec(step, 1..60), lag)
}

/// The steps of a script: each acts at a node, some of them change the budget before.
fn play(controller: &mut Controller, steps: &[(usize, usize)]) {
    for (number, (at, budget)) in steps.iter().enumerate() {
        if number == 0 || *at >= 10 {
            controller.set_budget(*budget);
        }
        controller.act(at % controller.places.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rollout_that_keeps_its_budget_is_never_accused((nodes, steps, lag) in script()) {
        let mut controller = Controller::new(nodes);
        play(&mut controller, &steps);
        let breaches = told(controller, &lag);
        prop_assert!(breaches.is_empty(), "{breaches:#?}");
    }

    #[test]
    fn one_node_more_than_the_budget_is_always_found((nodes, steps, lag) in script(), rest in 0_usize..20) {
        let mut controller = Controller::new(nodes);
        let (before, after) = steps.split_at(rest.min(steps.len()));
        play(&mut controller, before);
        prop_assume!(!controller.written.is_empty());
        let down = controller.down();
        prop_assume!(down <= controller.budget && controller.take_one_too_many());
        play(&mut controller, after);
        let breaches = told(controller, &lag);
        prop_assert!(breaches.iter().any(|breach| breach.index == 0), "{breaches:#?}");
    }

    #[test]
    fn a_second_pod_on_a_node_is_always_found((nodes, steps, lag) in script(), rest in 0_usize..20) {
        let mut controller = Controller::new(nodes);
        let (before, after) = steps.split_at(rest.min(steps.len()));
        play(&mut controller, before);
        prop_assume!(controller.double());
        play(&mut controller, after);
        let breaches = told(controller, &lag);
        prop_assert!(breaches.iter().any(|breach| breach.index == 1), "{breaches:#?}");
    }
}
