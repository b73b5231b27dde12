//! What several rules ask of one world about one DaemonSet, found out once.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;

use crate::oracle::eligible;
use crate::world::{World, view};

/// Pods by node.
pub(super) type Pods<'a> = BTreeMap<&'a str, Vec<&'a Pod>>;

/// A world at a moment, as a DaemonSet sees it.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) world: &'a World,
    pub(super) now: Timestamp,
    pub(super) daemon_set: Arc<DaemonSet>,
    living: OnceCell<Pods<'a>>,
    available: OnceCell<Pods<'a>>,
    eligible: OnceCell<BTreeSet<&'a str>>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(world: &'a World, now: Timestamp, daemon_set: Arc<DaemonSet>) -> Self {
        let (living, available, eligible) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { world, now, daemon_set, living, available, eligible }
    }

    /// The pods that are neither terminating nor ended.
    pub(super) fn living(&self) -> &Pods<'a> {
        self.living.get_or_init(|| {
            let over = |pod: &Pod| matches!(view::phase_of(pod), "Failed" | "Succeeded");
            self.pods(|pod| !over(pod))
        })
    }

    /// The pods that are available and not terminating.
    pub(super) fn available(&self) -> &Pods<'a> {
        let seconds = view::min_ready_seconds(&self.daemon_set);
        self.available.get_or_init(|| self.pods(|pod| view::is_available(pod, seconds, self.now)))
    }

    fn pods(&self, are: impl Fn(&Pod) -> bool) -> Pods<'a> {
        let mut pods = Pods::new();
        for pod in self.world.pods_of(&self.daemon_set) {
            if let Some(node) = view::node_of(pod).filter(|_| !view::is_terminating(pod) && are(pod)) {
                pods.entry(node).or_default().push(pod.as_ref());
            }
        }
        pods
    }

    /// The nodes on which a pod should run.
    pub(super) fn eligible(&self) -> &BTreeSet<&'a str> {
        self.eligible.get_or_init(|| {
            let nodes = self.world.nodes.iter().filter(|(_, node)| eligible(node, &self.daemon_set).should_run);
            nodes.map(|(name, _)| name.as_str()).collect()
        })
    }
}

/// The scenes of one world.
#[derive(Debug)]
pub(super) struct Scenes<'a> {
    pub(super) world: &'a World,
    pub(super) now: Timestamp,
    /// Rules of one DaemonSet are judged by the same version of it, most of the time.
    known: RefCell<Vec<Rc<Scene<'a>>>>,
}

impl<'a> Scenes<'a> {
    pub(super) fn new(world: &'a World, now: Timestamp) -> Self {
        Self { world, now, known: RefCell::default() }
    }

    pub(super) fn of(&self, daemon_set: &Arc<DaemonSet>) -> Rc<Scene<'a>> {
        let mut known = self.known.borrow_mut();
        if let Some(scene) = known.iter().find(|scene| Arc::ptr_eq(&scene.daemon_set, daemon_set)) {
            return scene.clone();
        }
        let scene = Rc::new(Scene::new(self.world, self.now, daemon_set.clone()));
        known.push(scene.clone());
        scene
    }
}
