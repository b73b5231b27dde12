//! What verbs act on: DaemonSets, other objects, files of them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::scenario::Manifest;

/// A DaemonSet by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DaemonSetRef {
    /// The namespace, `default` where the scenario names none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl DaemonSetRef {
    /// The name of a DaemonSet that stands in a manifest, in the namespace `default` where it has none; nothing where it
    /// has no name.
    #[must_use]
    pub fn of_object(object: &serde_json::Value) -> Option<Self> {
        let name = Self::new(object["metadata"]["name"].as_str()?);
        Some(match object["metadata"]["namespace"].as_str() {
            Some(namespace) if !namespace.is_empty() => name.in_namespace(namespace),
            _ => name,
        })
    }

    /// A DaemonSet in the namespace `default`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { namespace: "default".to_owned(), name: name.into() }
    }

    /// The same name in another namespace.
    #[must_use]
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The key of the DaemonSet in a [`World`](crate::World).
    #[must_use]
    pub fn key(&self) -> (String, String) {
        (self.namespace.clone(), self.name.clone())
    }
}

/// `name`, or `namespace/name` outside of `default`.
impl fmt::Display for DaemonSetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace != "default" {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// An object of any kind by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// As `v1` or `apps/v1`.
    pub api_version: String,
    /// As `ConfigMap`.
    pub kind: String,
    /// The namespace, `default` where the scenario names none. Kinds without namespaces ignore it.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectRef {
    /// The DaemonSet that this is, if it is one.
    #[must_use]
    pub fn as_daemon_set(&self) -> Option<DaemonSetRef> {
        let is = self.kind == "DaemonSet" && self.api_version.starts_with("apps/");
        is.then(|| DaemonSetRef::new(&self.name).in_namespace(&self.namespace))
    }
}

impl From<&DaemonSetRef> for ObjectRef {
    fn from(daemon_set: &DaemonSetRef) -> Self {
        Self {
            api_version: "apps/v1".to_owned(),
            kind: "DaemonSet".to_owned(),
            namespace: daemon_set.namespace.clone(),
            name: daemon_set.name.clone(),
        }
    }
}

/// `configmap `name``, or with the namespace outside of `default`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `", self.kind.to_lowercase())?;
        if self.namespace != "default" {
            write!(f, "{}/", self.namespace)?;
        }
        write!(f, "{}`", self.name)
    }
}

/// What becomes of the pods of a deleted DaemonSet: the `propagationPolicy` of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cascade {
    /// The object goes first, its pods after it. This is kubectl's default.
    #[default]
    Background,
    /// The pods go first, the object after them.
    Foreground,
    /// The pods stay.
    Orphan,
}

impl Cascade {
    /// The word in a scenario file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Foreground => "foreground",
            Self::Orphan => "orphan",
        }
    }
}

/// What a delete step deletes.
#[derive(Debug, Clone, PartialEq)]
pub enum DeleteTarget {
    /// One DaemonSet.
    DaemonSet(DaemonSetRef),
    /// One object of any kind.
    Object(ObjectRef),
    /// Every object of a file.
    Manifest(Arc<Manifest>),
}
