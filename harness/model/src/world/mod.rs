//! What the watches have seen, as one value at one moment.
//! It only stores: the engine feeds it changes, conditions read it through `view`.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::OrdMap;
use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet};
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

mod facts;
pub mod selector;
pub mod view;

pub use facts::{ExecSeen, Fact, Facts, LogSeen, Need};

/// Namespace and name.
pub type Key = (String, String);

/// The kinds a world holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `v1 Node`
    Node,
    /// `v1 Pod`
    Pod,
    /// `apps/v1 DaemonSet`
    DaemonSet,
    /// `apps/v1 ControllerRevision`
    Revision,
    /// `v1 Event`
    Event,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Node, Self::Pod, Self::DaemonSet, Self::Revision, Self::Event];

    /// The plural, for messages.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Node => "nodes",
            Self::Pod => "pods",
            Self::DaemonSet => "daemonsets",
            Self::Revision => "revisions",
            Self::Event => "events",
        }
    }
}

/// One object of a kind that a world holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// A node.
    Node(Arc<Node>),
    /// A pod.
    Pod(Arc<Pod>),
    /// A DaemonSet.
    DaemonSet(Arc<DaemonSet>),
    /// A ControllerRevision.
    Revision(Arc<ControllerRevision>),
    /// An event.
    Event(Arc<Event>),
}

impl Object {
    /// The object's kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Node(_) => Kind::Node,
            Self::Pod(_) => Kind::Pod,
            Self::DaemonSet(_) => Kind::DaemonSet,
            Self::Revision(_) => Kind::Revision,
            Self::Event(_) => Kind::Event,
        }
    }
}

macro_rules! object_from {
    ($($kind:ident: $object:ty),*) => {$(
        impl From<$object> for Object {
            fn from(object: $object) -> Self {
                Self::$kind(Arc::new(object))
            }
        }
    )*};
}
object_from!(Node: Node, Pod: Pod, DaemonSet: DaemonSet, Revision: ControllerRevision, Event: Event);

/// One thing a watch reported.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An object was added or changed.
    Set(Object),
    /// An object was deleted.
    Delete(Object),
    /// A kind was listed afresh: it has these objects and no others.
    /// Between the last change and this one there may have been states that nobody saw.
    Resync {
        /// The kind.
        kind: Kind,
        /// Every object of that kind. Those of another kind are ignored.
        objects: Vec<Object>,
    },
    /// Something that a condition needs was found out.
    Learn {
        /// What was asked.
        need: Need,
        /// The answer.
        fact: Fact,
    },
    /// Nobody needs it any more.
    Forget(Need),
}

/// What the watches have seen. Cheap to clone, however much that is: objects are shared, and so are the parts of the maps
/// that are alike.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct World {
    /// Nodes by name.
    pub nodes: OrdMap<String, Arc<Node>>,
    /// Pods by namespace and name.
    pub pods: OrdMap<Key, Arc<Pod>>,
    /// DaemonSets by namespace and name.
    pub daemon_sets: OrdMap<Key, Arc<DaemonSet>>,
    /// ControllerRevisions by namespace and name.
    pub revisions: OrdMap<Key, Arc<ControllerRevision>>,
    /// Events by namespace and name.
    pub events: OrdMap<Key, Arc<Event>>,
    /// What was found out because a condition needs it.
    pub facts: Facts,
    listed: BTreeSet<Kind>,
}

impl World {
    /// A world of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one change.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Set(object) => self.set(object),
            Change::Delete(object) => self.delete(&object),
            Change::Resync { kind, objects } => {
                self.clear(kind);
                for object in objects.into_iter().filter(|object| object.kind() == kind) {
                    self.set(object);
                }
                self.listed.insert(kind);
            }
            Change::Learn { need, fact } => self.facts.learn(need, fact),
            Change::Forget(need) => self.facts.forget(&need),
        }
    }

    /// Whether nodes, pods, DaemonSets and revisions have been listed, so that an absent object is known to be absent.
    /// Events are evidence, and no condition waits for them.
    #[must_use]
    pub fn synced(&self) -> bool {
        self.missing().is_empty()
    }

    /// Whether a kind has been listed, so that another listing of it is a gap.
    #[must_use]
    pub fn has_listed(&self, kind: Kind) -> bool {
        self.listed.contains(&kind)
    }

    /// The kinds that have not been listed yet and that conditions need.
    #[must_use]
    pub fn missing(&self) -> Vec<Kind> {
        Kind::ALL.into_iter().filter(|kind| *kind != Kind::Event && !self.listed.contains(kind)).collect()
    }

    /// Forgets the objects of all other namespaces. Nodes are of none.
    pub fn keep_namespaces(&mut self, kept: impl Fn(&str) -> bool) {
        fn keep<T: Clone>(map: &mut OrdMap<Key, T>, kept: impl Fn(&str) -> bool) {
            *map = std::mem::take(map).into_iter().filter(|((namespace, _), _)| kept(namespace)).collect();
        }
        keep(&mut self.pods, &kept);
        keep(&mut self.daemon_sets, &kept);
        keep(&mut self.revisions, &kept);
        keep(&mut self.events, &kept);
    }

    fn set(&mut self, object: Object) {
        match object {
            Object::Node(node) => drop(self.nodes.insert(key(&node.metadata).1, node)),
            Object::Pod(pod) => drop(self.pods.insert(key(&pod.metadata), pod)),
            Object::DaemonSet(daemon_set) => drop(self.daemon_sets.insert(key(&daemon_set.metadata), daemon_set)),
            Object::Revision(revision) => drop(self.revisions.insert(key(&revision.metadata), revision)),
            Object::Event(event) => drop(self.events.insert(key(&event.metadata), event)),
        }
    }

    fn delete(&mut self, object: &Object) {
        match object {
            Object::Node(node) => drop(self.nodes.remove(&key(&node.metadata).1)),
            Object::Pod(pod) => drop(self.pods.remove(&key(&pod.metadata))),
            Object::DaemonSet(daemon_set) => drop(self.daemon_sets.remove(&key(&daemon_set.metadata))),
            Object::Revision(revision) => drop(self.revisions.remove(&key(&revision.metadata))),
            Object::Event(event) => drop(self.events.remove(&key(&event.metadata))),
        }
    }

    fn clear(&mut self, kind: Kind) {
        match kind {
            Kind::Node => self.nodes.clear(),
            Kind::Pod => self.pods.clear(),
            Kind::DaemonSet => self.daemon_sets.clear(),
            Kind::Revision => self.revisions.clear(),
            Kind::Event => self.events.clear(),
        }
    }
}

/// Namespace and name of an object; both exist on everything an API server sends.
fn key(metadata: &ObjectMeta) -> Key {
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}
