//! How a DaemonSet has been, version by version, so that a change of another kind is judged by how it was then.

use std::collections::VecDeque;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::DaemonSet;

/// How many versions are kept. Watches lag by milliseconds; a rollout makes some ten versions a second.
const KEPT: usize = 64;

/// The versions of one DaemonSet that have been seen.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    versions: VecDeque<Arc<DaemonSet>>,
    /// Whether it is there now.
    exists: bool,
    last_uid: Option<String>,
}

/// How the DaemonSet was at a version.
#[derive(Debug, Clone)]
pub(super) struct Then {
    pub(super) daemon_set: Option<Arc<DaemonSet>>,
    /// How it is now, where it has been seen at a later version, so that it cannot have been otherwise then.
    pub(super) newer: Option<Arc<DaemonSet>>,
}

impl History {
    /// Takes in how it is now, and says whether it is another object than the one before.
    pub(super) fn see(&mut self, now: Option<&Arc<DaemonSet>>) -> bool {
        self.exists = now.is_some();
        let Some(now) = now else {
            self.versions.clear();
            return false;
        };
        let uid = now.metadata.uid.clone().unwrap_or_default();
        let is_another = self.last_uid.as_ref().is_some_and(|last| *last != uid);
        if is_another {
            self.versions.clear();
        }
        self.last_uid = Some(uid);
        if self.versions.back().is_none_or(|last| !Arc::ptr_eq(last, now)) {
            self.versions.push_back(now.clone());
            if self.versions.len() > KEPT {
                self.versions.pop_front();
            }
        }
        is_another
    }

    /// There may have been versions that nobody saw, so the earlier ones say nothing of what came after them.
    pub(super) fn gap(&mut self) {
        self.versions.clear();
    }

    /// How it was when something of this version was written; as it is now, where that cannot be told.
    pub(super) fn at(&self, version: Option<u64>) -> Then {
        let last = self.versions.back().filter(|_| self.exists);
        let as_it_is = Then { daemon_set: last.cloned(), newer: None };
        let (Some(version), Some(newest)) = (version, last.and_then(of)) else { return as_it_is };
        if newest <= version {
            return as_it_is;
        }
        let then = self.versions.iter().rev().find(|known| of(known).is_some_and(|known| known <= version));
        match then {
            Some(then) => Then { daemon_set: Some(then.clone()), newer: last.cloned() },
            None => as_it_is,
        }
    }

    /// Whether there ever was one.
    pub(super) fn has_seen_one(&self) -> bool {
        self.last_uid.is_some()
    }
}

fn of(daemon_set: &Arc<DaemonSet>) -> Option<u64> {
    daemon_set.metadata.resource_version.as_deref()?.parse().ok()
}
