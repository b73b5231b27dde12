//! The invariants of a scenario file.

use super::{CONDITIONS, Decoder, Fields, Mention};
use crate::diagnostic::Span;
use crate::invariant::{Budget, Invariant, Rule};
use crate::scenario::tree::{Tree, Value};

/// Every invariant that is not a condition.
pub const INVARIANTS: [&str; 7] =
    ["onePodPerNode", "maxUnavailable", "maxSurge", "neverOn", "noRestarts", "atMostTwoRevisions", "available"];

/// An invariant with the names it mentions.
#[derive(Debug)]
pub(in crate::scenario) struct DraftInvariant {
    pub(in crate::scenario) invariant: Invariant,
    pub(in crate::scenario) mentions: Vec<Mention>,
    /// The labels of its first and last step, with their places.
    pub(in crate::scenario) from: Option<(String, Span)>,
    pub(in crate::scenario) until: Option<(String, Span)>,
}

/// Reads one invariant.
pub(super) fn invariant(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<DraftInvariant> {
    decoder.mentions.clear();
    let mut fields = decoder.mapping(tree, "an invariant")?;
    let label = |decoder: &mut Decoder<'_>, fields: &Fields<'_>, key: &str| {
        decoder.optional(fields, key, |decoder, tree| Some((decoder.string(tree, format!("`{key}`"))?, tree.span)))
    };
    let (from, until) = (label(decoder, &fields, "from"), label(decoder, &fields, "until"));
    fields.pairs.retain(|(key, _, _)| !matches!(*key, "from" | "until"));
    let known: Vec<&str> = INVARIANTS.into_iter().chain(CONDITIONS).chain(["from", "until"]).collect();
    let mut found = Vec::new();
    for (key, span, value) in &fields.pairs {
        if INVARIANTS.contains(key) || CONDITIONS.contains(key) {
            found.push((*key, *span, *value));
        } else {
            decoder.unknown(*span, "invariant", key, &known);
        }
    }
    if let Some((key, span, _)) = found.get(1) {
        let message = format!("an item is one invariant, and this has `{}` and `{key}`", found[0].0);
        decoder.problem_with_hint(*span, message, format!("begin another item: `- {key}: …`"));
        return None;
    }
    let Some((key, span, value)) = found.pop() else {
        if fields.pairs.is_empty() {
            decoder.problem(tree.span, "an invariant needs a rule, such as `onePodPerNode`");
        }
        return None;
    };
    let rule = rule(decoder, key, value);
    let (from, until) = (from?, until?);
    let name = |label: &Option<(String, Span)>| label.as_ref().map(|(name, _)| name.clone());
    Some(DraftInvariant {
        invariant: Invariant { location: span, from: name(&from), until: name(&until), rule: rule? },
        mentions: std::mem::take(&mut decoder.mentions),
        from,
        until,
    })
}

fn rule(decoder: &mut Decoder<'_>, key: &str, tree: &Tree) -> Option<Rule> {
    let simple = ["daemonSet", "namespace"];
    let fields = match key {
        "onePodPerNode" => decoder.fields(tree, "`onePodPerNode`", &simple),
        "noRestarts" => decoder.fields(tree, "`noRestarts`", &simple),
        "atMostTwoRevisions" => decoder.fields(tree, "`atMostTwoRevisions`", &simple),
        "maxUnavailable" => decoder.fields(tree, "`maxUnavailable`", &["daemonSet", "namespace", "budget"]),
        "maxSurge" => decoder.fields(tree, "`maxSurge`", &["daemonSet", "namespace", "budget"]),
        "neverOn" => decoder.fields(tree, "`neverOn`", &["daemonSet", "namespace", "node", "nodes", "nodeSelector"]),
        "available" => decoder.fields(tree, "`available`", &["daemonSet", "namespace", "least"]),
        _ => return decoder.named_condition(key, tree).map(Rule::Always),
    }?;
    let budget = decoder.optional(&fields, "budget", budget);
    let daemon_set = decoder.daemon_set(&fields);
    match key {
        "maxUnavailable" => Some(Rule::MaxUnavailable { daemon_set: daemon_set?, budget: budget? }),
        "maxSurge" => Some(Rule::MaxSurge { daemon_set: daemon_set?, budget: budget? }),
        "neverOn" => {
            let nodes = decoder.selection(&fields, true);
            Some(Rule::NeverOn { daemon_set: daemon_set?, nodes: nodes? })
        }
        "available" => {
            let tree = decoder.require(&fields, "least")?;
            let least = decoder.number(tree, "`least`", 1, i32::MAX)?;
            Some(Rule::Available { daemon_set: daemon_set?, least: u32::try_from(least).ok()? })
        }
        "noRestarts" => Some(Rule::NoRestarts { daemon_set: daemon_set? }),
        "atMostTwoRevisions" => Some(Rule::AtMostTwoRevisions { daemon_set: daemon_set? }),
        _ => Some(Rule::OnePodPerNode { daemon_set: daemon_set? }),
    }
}

/// A number of nodes, or a percentage.
fn budget(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Budget> {
    if let Value::String(text) = &tree.value {
        let percent = text.strip_suffix('%').and_then(|number| number.parse().ok());
        if let Some(percent) = percent.filter(|percent| *percent <= 100) {
            return Some(Budget::Percent(percent));
        }
        decoder.problem_with_hint(
            tree.span,
            format!("`budget` is not a percentage: `{text}`"),
            "write it as `10%` or `2`",
        );
        return None;
    }
    let number = decoder.number(tree, "`budget`", 0, i32::MAX)?;
    Some(Budget::Nodes(u32::try_from(number).ok()?))
}
