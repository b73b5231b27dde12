//! Entries of a node list: containers with a kubelet, and groups of simulated nodes.

use std::collections::BTreeMap;

use super::{Decoder, Fields, shorten};
use crate::diagnostic::Span;
use crate::scenario::tree::{Tree, Value};
use crate::scenario::{MAX_NODE_NAME, NodeSpec, Role, SimulatedFault, SimulatedNodes, Taint, names};

/// The most nodes of one `count`. Each is a container with a kubelet; more than this is a slip of the finger.
const MAX_COUNT: i32 = 200;
/// The most simulated nodes of one group.
const MAX_SIMULATED: i32 = 10_000;

/// What an entry of `cluster.nodes` stands for, with the place of its name.
pub(super) enum Entry {
    /// Containers.
    Real(Vec<NodeSpec>, Span),
    /// Objects of the API.
    Simulated(SimulatedNodes, Span),
}

const COMMON: [&str; 4] = ["name", "count", "labels", "taints"];
/// What only simulated nodes have.
const SIMULATED: [&str; 3] = ["allocatable", "fault", "delay"];

/// Reads one entry of `cluster.nodes`.
pub(super) fn entry(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Entry> {
    let simulated = match tree.get("simulated") {
        Some(tree) => decoder.boolean(tree, "`simulated`")?,
        None => false,
    };
    if simulated {
        return group(decoder, tree).map(|(group, span)| Entry::Simulated(group, span));
    }
    node(decoder, tree, true).map(|(nodes, span)| Entry::Real(nodes, span))
}

fn group(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<(SimulatedNodes, Span)> {
    let known: Vec<&str> = COMMON.into_iter().chain(["simulated"]).chain(SIMULATED).collect();
    let fields = decoder.fields(tree, "a group of simulated nodes", &known)?;
    let count = decoder.optional(&fields, "count", |decoder, tree| decoder.number(tree, "`count`", 0, MAX_SIMULATED));
    let labels = decoder.optional(&fields, "labels", Decoder::labels);
    let taints = decoder.optional(&fields, "taints", |decoder, tree| decoder.list(tree, "`taints`", taint));
    let allocatable = decoder.optional(&fields, "allocatable", allocatable);
    let fault = fault(decoder, &fields);
    let (name, span) = name(decoder, &fields)?;
    let count = count?.unwrap_or(1);
    fits(decoder, &format!("{name}-{}", MAX_SIMULATED), span)?;
    let group = SimulatedNodes {
        name,
        count: u32::try_from(count).unwrap_or(0),
        labels: labels?.unwrap_or_default(),
        taints: taints?.unwrap_or_default(),
        allocatable: allocatable?.unwrap_or_default(),
        fault: fault?,
    };
    Some((group, span))
}

/// Resources by name. The API server knows what a quantity is; that it is text or a number is seen here.
fn allocatable(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<BTreeMap<String, String>> {
    let fields = decoder.mapping(tree, "`allocatable`")?;
    let mut resources = BTreeMap::new();
    for (key, span, value) in fields.pairs {
        if let Err(why) = names::qualified_name(key) {
            decoder.problem(span, format!("resource `{}` {why}", shorten(key)));
            return None;
        }
        let quantity = match &value.value {
            Value::Integer(number) => number.to_string(),
            _ => decoder.string(value, format!("the quantity of `{}`", shorten(key)))?,
        };
        let good = quantity.starts_with(|c: char| c.is_ascii_digit())
            && quantity.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
        if !good {
            let message = format!("`{}` is not a quantity", shorten(&quantity));
            decoder.problem_with_hint(value.span, message, "write it as `500m`, `4` or `16Gi`");
            return None;
        }
        resources.insert(key.to_owned(), quantity);
    }
    Some(resources)
}

/// `fault` with its `delay`.
fn fault(decoder: &mut Decoder<'_>, fields: &Fields<'_>) -> Option<Option<SimulatedFault>> {
    let delay = decoder.optional(fields, "delay", |decoder, tree| decoder.duration(tree, "delay", false))?;
    let fault = decoder.optional(fields, "fault", |decoder, tree| {
        let words = [
            ("neverReady", SimulatedFault::NeverReady),
            ("slow", SimulatedFault::Slow(delay.unwrap_or_default())),
            ("crash", SimulatedFault::Crash),
        ];
        decoder.word(tree, "fault", &words)
    })?;
    match (fault, delay, fields.key_span("delay").or(fields.key_span("fault"))) {
        (Some(SimulatedFault::Slow(_)), None, Some(span)) => {
            decoder.problem_with_hint(span, "`fault: slow` needs `delay`", "for instance `delay: 5s`");
            None
        }
        (Some(SimulatedFault::Slow(_)), Some(_), _) | (_, None, _) => Some(fault),
        (_, Some(_), Some(span)) => {
            decoder.problem(span, "`delay` goes with `fault: slow`");
            None
        }
        (_, Some(_), None) => None,
    }
}

/// Reads one entry of containers and expands its count. The span is the name's.
pub(super) fn node(decoder: &mut Decoder<'_>, tree: &Tree, with_role: bool) -> Option<(Vec<NodeSpec>, Span)> {
    let more: &[&str] = if with_role { &["role", "simulated"] } else { &[] };
    let known: Vec<&str> = COMMON.iter().chain(more).copied().collect();
    let mut simulated = Vec::new();
    if with_role {
        simulated.extend(SIMULATED.into_iter().filter(|key| tree.get(key).is_some()));
    }
    let all: Vec<&str> = known.iter().chain(&simulated).copied().collect();
    let fields = decoder.fields(tree, if with_role { "a node" } else { "`addNodes`" }, &all)?;
    for key in simulated {
        let span = fields.key_span(key).unwrap_or(tree.span);
        decoder.problem_with_hint(span, format!("`{key}` needs a simulated node"), "add `simulated: true`");
    }
    let role = decoder.optional(&fields, "role", |decoder, tree| {
        decoder.word(tree, "role", &[("control-plane", Role::ControlPlane), ("worker", Role::Worker)])
    });
    let count = decoder.optional(&fields, "count", |decoder, tree| decoder.number(tree, "`count`", 1, MAX_COUNT));
    let labels = decoder.optional(&fields, "labels", Decoder::labels);
    let taints = decoder.optional(&fields, "taints", |decoder, tree| decoder.list(tree, "`taints`", taint));
    let (base, span) = name(decoder, &fields)?;
    let (role, count) = (role?.unwrap_or_default(), count?.unwrap_or(1));
    let names: Vec<String> = match count {
        1 => vec![base],
        _ => (1..=count).map(|number| format!("{base}-{number}")).collect(),
    };
    if let Some(long) = names.iter().rev().find(|name| name.len() > MAX_NODE_NAME) {
        fits(decoder, long, span)?;
    }
    let (labels, taints) = (labels?.unwrap_or_default(), taints?.unwrap_or_default());
    let nodes = names.into_iter().map(|name| NodeSpec { name, role, labels: labels.clone(), taints: taints.clone() });
    Some((nodes.collect(), span))
}

fn name(decoder: &mut Decoder<'_>, fields: &Fields<'_>) -> Option<(String, Span)> {
    let tree = decoder.require(fields, "name")?;
    Some((decoder.name(tree, "node name", names::dns_label)?, tree.span))
}

fn fits(decoder: &mut Decoder<'_>, name: &str, span: Span) -> Option<()> {
    if name.len() <= MAX_NODE_NAME {
        return Some(());
    }
    let message = format!("node name `{}` is longer than {MAX_NODE_NAME} characters ({})", shorten(name), name.len());
    decoder.problem(span, message);
    None
}

/// Reads `key=value:Effect`.
pub(super) fn taint(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Taint> {
    let text = decoder.string(tree, "a taint")?;
    text.parse().map_err(|error| decoder.taint_syntax(tree.span, error)).ok()
}
