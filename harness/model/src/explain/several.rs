//! Diagnoses of several DaemonSets, told together.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Diagnosis, Extras, Selector, explain};
use crate::{
    DaemonSetRef, Timestamp, World,
    tone::{Paint, Tone},
};

/// Which DaemonSets of a world are meant, where none is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those of this namespace; of every one where there is none.
    pub namespace: Option<String>,
    /// Those whose labels match; one that is empty selects all.
    pub labels: Selector,
}

impl Selection {
    /// The DaemonSets of a world that are meant, by namespace and name.
    #[must_use]
    pub fn of(&self, world: &World) -> Vec<DaemonSetRef> {
        let here = |namespace: &String| self.namespace.as_ref().is_none_or(|wanted| wanted == namespace);
        let meant = world.daemon_sets.iter().filter(|((namespace, _), daemon_set)| {
            here(namespace) && self.labels.matches(daemon_set.metadata.labels.iter().flatten())
        });
        meant.map(|((namespace, name), _)| DaemonSetRef::new(name).in_namespace(namespace)).collect()
    }
}

/// What is so with several DaemonSets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Diagnoses {
    /// One each, by namespace and name.
    pub items: Vec<Diagnosis>,
}

/// What is so with some DaemonSets. One that is not there is left out.
#[must_use]
pub fn explain_all(world: &World, extras: &Extras, references: &[DaemonSetRef], now: Timestamp) -> Diagnoses {
    let mut references: Vec<&DaemonSetRef> = references.iter().collect();
    references.sort_by_key(|reference| reference.key());
    let items = references.into_iter().filter_map(|reference| explain(world, extras, reference, now));
    Diagnoses { items: items.collect() }
}

impl Diagnoses {
    /// Whether there is one at all, and each is in order.
    #[must_use]
    pub fn in_order(&self) -> bool {
        !self.items.is_empty() && self.items.iter().all(|item| item.in_order)
    }

    /// The text for people: a line for each that is in order, and all that is known of the others.
    #[must_use]
    pub fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        let mut in_line = true;
        for item in &self.items {
            // Lines stand close together, and what is longer by itself.
            let goes_on = in_line && item.in_order;
            if !text.is_empty() && !goes_on {
                text.push('\n');
            }
            in_line = item.in_order;
            let line = || format!("{}\n", paint(Tone::Good, &item.headline()));
            let piece = if item.in_order { line() } else { item.text_of_nodes(paint) };
            text.push_str(&piece);
        }
        for what in self.not_looked_at() {
            text.push_str(&format!("\nnot looked at: {what}\n"));
        }
        text
    }

    /// What could not be looked at, each once.
    pub(super) fn not_looked_at(&self) -> Vec<&str> {
        let mut known = BTreeSet::new();
        let all = self.items.iter().flat_map(|item| &item.not_looked_at);
        all.map(String::as_str).filter(|what| known.insert(*what)).collect()
    }
}
