//! Functions that see every change, called one after the other while the watches wait.

use std::sync::{Arc, Mutex, PoisonError};

use rollcall_model::{Change, World};

/// A change and what it led to.
pub(crate) struct Seen<'a> {
    pub(crate) change: &'a Change,
    pub(crate) world: &'a World,
    /// Whether there may have been states between this one and the one before that nobody saw.
    pub(crate) gap: bool,
}

type Hook = Box<dyn FnMut(&Seen<'_>) + Send>;

/// The functions of one observer.
#[derive(Clone, Default)]
pub(super) struct Hooks(Arc<Mutex<List>>);

#[derive(Default)]
struct List {
    next: u64,
    hooks: Vec<(u64, Hook)>,
}

impl Hooks {
    pub(super) fn add(&self, hook: Hook) -> Hooked {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = list.next;
        list.next += 1;
        list.hooks.push((id, hook));
        Hooked { id, hooks: self.clone() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hooks.is_empty()
    }

    pub(super) fn call(&self, seen: &Seen<'_>) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.hooks.iter_mut().for_each(|(_, hook)| hook(seen));
    }
}

/// A function that is called until this is dropped.
#[must_use = "a hook that is dropped is not called"]
pub(crate) struct Hooked {
    id: u64,
    hooks: Hooks,
}

impl Drop for Hooked {
    fn drop(&mut self) {
        let mut list = self.hooks.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.hooks.retain(|(id, _)| *id != self.id);
    }
}
