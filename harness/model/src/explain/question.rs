//! What is asked of a world, and the answer.

use serde::Serialize;

use super::{Diagnoses, Diagnosis, Extras, Selection, explain, explain_all};
use crate::{DaemonSetRef, Timestamp, World, tone::Paint};

/// Which DaemonSets a diagnosis is asked of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// One, by its name.
    One(DaemonSetRef),
    /// All that are selected.
    Those(Selection),
}

/// What is so with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// With the one that was named.
    One(Diagnosis),
    /// With those that were selected, however many they are.
    Several(Diagnoses),
}

impl Question {
    /// The DaemonSets of a world that are asked for.
    #[must_use]
    pub fn of(&self, world: &World) -> Vec<DaemonSetRef> {
        match self {
            Self::One(reference) => world.daemon_set(reference).map(|_| reference.clone()).into_iter().collect(),
            Self::Those(selection) => selection.of(world),
        }
    }

    /// The namespace that they are in; nothing where they may be in any.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::One(reference) => Some(&reference.namespace),
            Self::Those(selection) => selection.namespace.as_deref(),
        }
    }

    /// What is so with them; nothing where there is none.
    #[must_use]
    pub fn answer(&self, world: &World, extras: &Extras, now: Timestamp) -> Option<Answer> {
        match self {
            Self::One(reference) => explain(world, extras, reference, now).map(Answer::One),
            Self::Those(selection) => {
                let found = explain_all(world, extras, &selection.of(world), now);
                (!found.items.is_empty()).then_some(Answer::Several(found))
            }
        }
    }
}

impl Answer {
    /// Whether everything is in order.
    #[must_use]
    pub fn in_order(&self) -> bool {
        match self {
            Self::One(found) => found.in_order,
            Self::Several(found) => found.in_order(),
        }
    }

    /// The text for people, with the looks that `paint` gives.
    #[must_use]
    pub fn text(&self, paint: Paint) -> String {
        match self {
            Self::One(found) => found.text(paint),
            Self::Several(found) => found.text(paint),
        }
    }

    /// The answer as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        match self {
            Self::One(found) => found.markdown(),
            Self::Several(found) => found.markdown(),
        }
    }
}
