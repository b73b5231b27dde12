//! The verbs of a scenario file.

use std::time::Duration;

use super::nodes::node;
use super::{Decoder, Mention, shorten};
use crate::diagnostic::Span;
use crate::scenario::tree::{Tree, Value};
use crate::scenario::{Action, NodeVerb, Step};

mod commands;
mod control;
mod objects;
mod on_nodes;

pub(super) use commands::exec;

/// A step with the names it mentions.
#[derive(Debug)]
pub(in crate::scenario) struct DraftStep {
    pub(in crate::scenario) step: Step,
    pub(in crate::scenario) mentions: Vec<Mention>,
    /// Where the step's label is.
    pub(in crate::scenario) name_span: Option<Span>,
    /// Where the name of what the verb acts on is: the node that is added or removed.
    pub(in crate::scenario) subject: Span,
    /// The steps inside of this one.
    pub(in crate::scenario) branches: Vec<Vec<DraftStep>>,
}

impl DraftStep {
    /// The step with those inside of it.
    pub(in crate::scenario) fn into_step(self) -> Step {
        let mut step = self.step;
        let mut inside: Vec<Vec<Step>> =
            self.branches.into_iter().map(|branch| branch.into_iter().map(Self::into_step).collect()).collect();
        match &mut step.action {
            Action::Parallel { branches } => *branches = inside,
            Action::Never { steps, .. } => *steps = inside.pop().unwrap_or_default(),
            _ => {}
        }
        step
    }

    /// This step and those inside of it, in the order of the file.
    pub(in crate::scenario) fn flat(&self) -> Vec<&Self> {
        let inside = self.branches.iter().flatten().flat_map(Self::flat);
        std::iter::once(self).chain(inside).collect()
    }
}

/// Every verb. `forEach`, `repeat` and `use` are steps too and are taken apart before a step is read.
pub const VERBS: [&str; 37] = [
    "addNodes",
    "removeNode",
    "stopNode",
    "startNode",
    "restartNode",
    "pauseNode",
    "resumeNode",
    "partitionNode",
    "healNode",
    "taint",
    "untaint",
    "label",
    "unlabel",
    "cordon",
    "uncordon",
    "drain",
    "pressure",
    "scaleSimulatedNodes",
    "apply",
    "delete",
    "patch",
    "setImage",
    "rolloutRestart",
    "rollback",
    "deletePod",
    "killContainer",
    "exec",
    "nodeExec",
    "run",
    "pushImage",
    "pullFault",
    "expect",
    "hold",
    "never",
    "explain",
    "parallel",
    "pause",
];

/// Reads one step.
pub(super) fn step(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<DraftStep> {
    decoder.mentions.clear();
    if let Value::String(text) = &tree.value {
        let hint = format!("write it as `{}: {{…}}`", shorten(text));
        decoder.problem_with_hint(tree.span, "a step must be a mapping, found a string", hint);
        return None;
    }
    let all: Vec<&str> = VERBS.iter().copied().chain(super::EXPANSIONS).chain(["name", "within"]).collect();
    let mut fields = decoder.mapping(tree, "a step")?;
    let mut verbs = Vec::new();
    let mut unknown = false;
    fields.pairs.retain(|(key, span, value)| {
        if matches!(*key, "name" | "within") {
            return true;
        }
        if all.contains(key) {
            verbs.push((*key, *span, *value));
        } else {
            decoder.unknown(*span, "step", key, &all);
            unknown = true;
        }
        false
    });
    let name = decoder.optional(&fields, "name", |decoder, tree| decoder.string(tree, "`name`"));
    let within = decoder.optional(&fields, "within", |decoder, tree| decoder.duration(tree, "within", false));
    if let Some((key, span, _)) = verbs.get(1) {
        let message = format!("a step does one thing, and this one has `{}` and `{key}`", verbs[0].0);
        decoder.problem_with_hint(*span, message, format!("begin another step: `- {key}: …`"));
        return None;
    }
    let Some((key, verb_span, value)) = verbs.pop() else {
        if !unknown {
            decoder.problem(tree.span, "a step needs a verb, such as `apply`, `taint` or `expect`");
        }
        return None;
    };
    let timeless = matches!(key, "expect" | "hold" | "never" | "explain" | "parallel" | "pause");
    if let Some(span) = fields.key_span("within").filter(|_| timeless) {
        let hint = match key {
            "expect" => "move `within` into `expect`",
            "explain" => "move `within` into `explain`",
            "hold" => "`hold` has `for`",
            "pause" => "it lasts until somebody goes on",
            _ => "give it to the steps inside",
        };
        decoder.problem_with_hint(span, format!("`{key}` takes no `within` beside it"), hint);
        return None;
    }
    let read = verb(decoder, key, value);
    if read.is_none() {
        decoder.nodes_unclear |= key == "addNodes";
        decoder.manifests_unclear |= key == "apply";
    }
    let Read { action, subject, within: expect_within, branches } = read?;
    let step = Step { name: name?, location: verb_span, within: within?.or(expect_within), action };
    if unknown {
        return None;
    }
    Some(DraftStep {
        step,
        mentions: std::mem::take(&mut decoder.mentions),
        name_span: fields.get("name").map(|tree| tree.span),
        subject,
        branches,
    })
}

/// What was read of a verb.
struct Read {
    action: Action,
    /// The place of what it acts on.
    subject: Span,
    /// The deadline, where the verb holds it itself.
    within: Option<Duration>,
    /// The steps inside.
    branches: Vec<Vec<DraftStep>>,
}

impl Read {
    fn new(action: Action, subject: Span) -> Self {
        Self { action, subject, within: None, branches: Vec::new() }
    }
}

fn verb(decoder: &mut Decoder<'_>, key: &str, tree: &Tree) -> Option<Read> {
    let node_verb = |verb| move |node| Action::Node { verb, node };
    match key {
        "addNodes" => {
            let (nodes, span) = node(decoder, tree, false)?;
            Some(Read::new(Action::AddNodes { nodes }, span))
        }
        "removeNode" => on_node(decoder, tree, "`removeNode`", node_verb(NodeVerb::Remove)),
        "stopNode" => on_container(decoder, tree, "`stopNode`", node_verb(NodeVerb::Stop)),
        "startNode" => on_container(decoder, tree, "`startNode`", node_verb(NodeVerb::Start)),
        "restartNode" => on_container(decoder, tree, "`restartNode`", node_verb(NodeVerb::Restart)),
        "pauseNode" => on_container(decoder, tree, "`pauseNode`", node_verb(NodeVerb::Pause)),
        "resumeNode" => on_container(decoder, tree, "`resumeNode`", node_verb(NodeVerb::Resume)),
        "partitionNode" => on_container(decoder, tree, "`partitionNode`", node_verb(NodeVerb::Partition)),
        "healNode" => on_container(decoder, tree, "`healNode`", node_verb(NodeVerb::Heal)),
        "cordon" => on_node(decoder, tree, "`cordon`", |node| Action::Cordon { node }),
        "uncordon" => on_node(decoder, tree, "`uncordon`", |node| Action::Uncordon { node }),
        "expect" | "hold" | "never" | "explain" | "parallel" | "pause" => control::verb(decoder, key, tree),
        "taint" | "untaint" | "label" | "unlabel" | "drain" | "pressure" | "scaleSimulatedNodes" => {
            on_nodes::verb(decoder, key, tree).map(|action| Read::new(action, tree.span))
        }
        "exec" | "nodeExec" | "run" | "pushImage" | "pullFault" => {
            commands::verb(decoder, key, tree).map(|action| Read::new(action, tree.span))
        }
        _ => objects::verb(decoder, key, tree).map(|action| Read::new(action, tree.span)),
    }
}

/// Verbs that act on the container of a node, so that a simulated one is refused.
fn on_container(
    decoder: &mut Decoder<'_>,
    tree: &Tree,
    what: &'static str,
    action: impl FnOnce(String) -> Action,
) -> Option<Read> {
    let read = on_node(decoder, tree, what, action)?;
    decoder.must_be_real(what);
    Some(read)
}

/// Verbs whose value is a node: its name, or `{node: NAME}`.
fn on_node(
    decoder: &mut Decoder<'_>,
    tree: &Tree,
    what: &'static str,
    action: impl FnOnce(String) -> Action,
) -> Option<Read> {
    let name = match &tree.value {
        Value::Map(_) => {
            let fields = decoder.fields(tree, what, &["node"])?;
            decoder.require(&fields, "node")?
        }
        Value::String(_) => tree,
        _ => return decoder.wrong_type(tree, what, "the name of a node or `{node: NAME}`"),
    };
    let node = decoder.node(name, true)?;
    Some(Read::new(action(node), name.span))
}
