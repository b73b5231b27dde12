//! `object`: objects of any kind by a part of them.

use std::fmt;

use serde_json::Value;

use super::report::plural;
use super::{Judgement, ObjectCondition, Report, partial};
use crate::world::{Fact, Need, World};

/// The most differences a summary lists.
const MAX_DIFFERENCES: usize = 5;

/// Judges the condition.
pub(super) fn judge(world: &World, condition: &ObjectCondition) -> Judgement {
    let objects = match world.facts.of(&condition.need()) {
        Some(Fact::Objects(objects)) => objects,
        // What is not known has been said before this is asked.
        _ => return Judgement::not_yet("nothing is known yet"),
    };
    let selected: Vec<_> =
        objects.iter().filter(|((namespace, name), object)| condition.has(namespace, name, object)).collect();
    let differences: Vec<String> = selected
        .iter()
        .filter_map(|((_, name), object)| {
            let why = partial::mismatch(object, condition.matching.as_ref()?)?;
            Some(format!("`{name}`: {why}"))
        })
        .collect();
    let matching = selected.len() - differences.len();
    let wanted = condition.count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let mut summary = match wanted {
        Some(wanted) if wanted == matching => return Judgement::Done,
        Some(wanted) => format!("{matching} found, not {wanted}: {}", condition.what(wanted)),
        None if selected.is_empty() => format!("there is no {}", condition.what(1)),
        None if differences.is_empty() => return Judgement::Done,
        None => format!("not as said: {}", condition.what(1)),
    };
    if !differences.is_empty() {
        let more = differences.len().saturating_sub(MAX_DIFFERENCES);
        let shown = differences[..differences.len().min(MAX_DIFFERENCES)].join("; ");
        summary.push_str(&format!(": {shown}"));
        if more > 0 {
            summary.push_str(&format!("; and {more} more"));
        }
    }
    Judgement::NotYet(Report::new(summary))
}

impl ObjectCondition {
    /// What has to be known for it.
    #[must_use]
    pub fn need(&self) -> Need {
        Need::Objects { api_version: self.api_version.clone(), kind: self.kind.clone() }
    }

    fn has(&self, namespace: &str, name: &str, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        // An object without a namespace is of a kind that has none.
        self.namespace.as_deref().is_none_or(|wanted| namespace.is_empty() || wanted == namespace)
            && self.name.as_deref().is_none_or(|wanted| wanted == name)
            && self.labels.iter().all(|(key, value)| labels[key] == value.as_str())
    }

    fn what(&self, number: usize) -> String {
        let mut text = match &self.name {
            Some(name) => format!("{} `{name}`", self.kind.to_lowercase()),
            None => format!("{} of kind `{}`", plural(number, "object", "objects"), self.kind),
        };
        if let Some(namespace) = self.namespace.as_deref().filter(|namespace| *namespace != "default") {
            text.push_str(&format!(" in namespace `{namespace}`"));
        }
        for (key, value) in &self.labels {
            text.push_str(&format!(" with label `{key}={value}`"));
        }
        text
    }
}

impl fmt::Display for ObjectCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            Some(0) => write!(f, "no {}", self.what(1))?,
            Some(count) => write!(f, "{count} {}", self.what(usize::try_from(count).unwrap_or(usize::MAX)))?,
            None if self.name.is_some() => f.write_str(&self.what(1))?,
            None => write!(f, "every one of the {}", self.what(2))?,
        }
        match &self.matching {
            Some(part) => write!(f, " having {part}"),
            None => Ok(()),
        }
    }
}
