//! The verbs of a scenario file.

use std::sync::Arc;
use std::time::Duration;

use super::root::{node, taint};
use super::{Decoder, Fields, Mention, shorten};
use crate::diagnostic::Span;
use crate::scenario::tree::{Tree, Value};
use crate::scenario::{Action, Cascade, DeleteTarget, Manifest, NodeVerb, Step, Taint, names, parse_untaint};

/// A step with the names it mentions.
#[derive(Debug)]
pub(in crate::scenario) struct DraftStep {
    pub(in crate::scenario) step: Step,
    pub(in crate::scenario) mentions: Vec<Mention>,
    /// Where the step's label is.
    pub(in crate::scenario) name_span: Option<Span>,
    /// Where the name of what the verb acts on is: the node that is added or removed.
    pub(in crate::scenario) subject: Span,
}

const VERBS: [&str; 21] = [
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
    "apply",
    "delete",
    "setImage",
    "deletePod",
    "expect",
];

/// Verbs that are designed and not built. Naming them apart is kinder than "unknown".
const NOT_YET: [&str; 17] = [
    "pressure",
    "patch",
    "rolloutRestart",
    "rollback",
    "exec",
    "run",
    "pushImage",
    "pullFault",
    "scaleSimulatedNodes",
    "never",
    "explain",
    "parallel",
    "repeat",
    "forEach",
    "use",
    "onFailure",
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
    let all: Vec<&str> = VERBS.iter().copied().chain(["hold", "name", "within"]).collect();
    let mut fields = decoder.mapping(tree, "a step")?;
    let mut verbs = Vec::new();
    let mut unknown = false;
    fields.pairs.retain(|(key, span, value)| {
        if matches!(*key, "name" | "within") {
            return true;
        }
        if NOT_YET.contains(key) {
            decoder.problem(*span, format!("`{key}` is not supported yet"));
            unknown = true;
        } else if all.contains(key) {
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
    if let Some(span) = fields.key_span("within").filter(|_| matches!(key, "expect" | "hold")) {
        let hint = if key == "expect" { "move `within` into `expect`" } else { "`hold` has `for`" };
        decoder.problem_with_hint(span, format!("`{key}` takes no `within` beside it"), hint);
        return None;
    }
    let read = verb(decoder, key, value);
    if read.is_none() {
        decoder.nodes_unclear |= key == "addNodes";
        decoder.manifests_unclear |= key == "apply";
    }
    let (action, subject, expect_within) = read?;
    let step = Step { name: name?, location: verb_span, within: within?.or(expect_within), action };
    if unknown {
        return None;
    }
    Some(DraftStep {
        step,
        mentions: std::mem::take(&mut decoder.mentions),
        name_span: fields.get("name").map(|tree| tree.span),
        subject,
    })
}

/// An action, the place of what it acts on, and a deadline where the verb holds it itself.
type Read = (Action, Span, Option<Duration>);

fn verb(decoder: &mut Decoder<'_>, key: &str, tree: &Tree) -> Option<Read> {
    let node_verb = |verb| move |node| Action::Node { verb, node };
    match key {
        "addNodes" => {
            let (nodes, span) = node(decoder, tree, false)?;
            Some((Action::AddNodes { nodes }, span, None))
        }
        "removeNode" => on_node(decoder, tree, "`removeNode`", node_verb(NodeVerb::Remove)),
        "stopNode" => on_node(decoder, tree, "`stopNode`", node_verb(NodeVerb::Stop)),
        "startNode" => on_node(decoder, tree, "`startNode`", node_verb(NodeVerb::Start)),
        "restartNode" => on_node(decoder, tree, "`restartNode`", node_verb(NodeVerb::Restart)),
        "pauseNode" => on_node(decoder, tree, "`pauseNode`", node_verb(NodeVerb::Pause)),
        "resumeNode" => on_node(decoder, tree, "`resumeNode`", node_verb(NodeVerb::Resume)),
        "partitionNode" => on_node(decoder, tree, "`partitionNode`", node_verb(NodeVerb::Partition)),
        "healNode" => on_node(decoder, tree, "`healNode`", node_verb(NodeVerb::Heal)),
        "cordon" => on_node(decoder, tree, "`cordon`", |node| Action::Cordon { node }),
        "uncordon" => on_node(decoder, tree, "`uncordon`", |node| Action::Uncordon { node }),
        "expect" => {
            let (condition, within) = decoder.condition_with(tree, "`expect`", "within")?;
            Some((Action::Expect { condition }, tree.span, within))
        }
        "hold" => {
            let (condition, duration) = decoder.condition_with(tree, "`hold`", "for")?;
            match duration {
                Some(duration) => Some((Action::Hold { condition, duration }, tree.span, None)),
                None => {
                    decoder.problem_with_hint(tree.span, "`hold` needs `for`", "for instance `for: 3s`");
                    None
                }
            }
        }
        _ => change(decoder, key, tree).map(|action| (action, tree.span, None)),
    }
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
    Some((action(node), name.span, None))
}

/// Verbs that change objects of the cluster.
fn change(decoder: &mut Decoder<'_>, key: &str, tree: &Tree) -> Option<Action> {
    match key {
        "taint" => {
            let fields = decoder.fields(tree, "`taint`", &["node", "taint"])?;
            let node = required_node(decoder, &fields);
            let tree = decoder.require(&fields, "taint");
            let taint: Option<Taint> = tree.and_then(|tree| taint(decoder, tree));
            Some(Action::Taint { node: node?, taint: taint? })
        }
        "untaint" => {
            let fields = decoder.fields(tree, "`untaint`", &["node", "taint"])?;
            let node = required_node(decoder, &fields);
            let tree = decoder.require(&fields, "taint")?;
            let text = decoder.string(tree, "a taint")?;
            let (key, effect) = parse_untaint(&text).map_err(|error| decoder.taint_syntax(tree.span, error)).ok()?;
            Some(Action::Untaint { node: node?, key, effect })
        }
        "label" => {
            let fields = decoder.fields(tree, "`label`", &["node", "labels"])?;
            let node = required_node(decoder, &fields);
            let tree = decoder.require(&fields, "labels")?;
            let labels = decoder.labels(tree)?;
            if labels.is_empty() {
                decoder.problem(tree.span, "`labels` is empty");
                return None;
            }
            Some(Action::Label { node: node?, labels })
        }
        "unlabel" => {
            let fields = decoder.fields(tree, "`unlabel`", &["node", "keys"])?;
            let node = required_node(decoder, &fields);
            let tree = decoder.require(&fields, "keys")?;
            let key = |decoder: &mut Decoder<'_>, tree: &Tree| decoder.name(tree, "label key", names::qualified_name);
            let keys = decoder.full_list(tree, "keys", key)?;
            Some(Action::Unlabel { node: node?, keys })
        }
        "drain" => drain(decoder, tree),
        "apply" => {
            let fields = decoder.fields(tree, "`apply`", &["file"])?;
            Some(Action::Apply { manifest: manifest(decoder, &fields)? })
        }
        "delete" => delete(decoder, tree),
        "setImage" => {
            let fields = decoder.fields(tree, "`setImage`", &["daemonSet", "namespace", "container", "image"])?;
            let daemon_set = decoder.daemon_set(&fields);
            let container = decoder.required_string(&fields, "container");
            let image = decoder.image(&fields, "image");
            let (daemon_set, container) = (daemon_set?, container?);
            let span = fields.get("container").map_or(tree.span, |tree| tree.span);
            decoder.mentions.push(Mention::Container {
                daemon_set: daemon_set.clone(),
                container: container.clone(),
                span,
            });
            Some(Action::SetImage { daemon_set, container, image: image? })
        }
        "deletePod" => {
            let fields = decoder.fields(tree, "`deletePod`", &["daemonSet", "namespace", "node"])?;
            let daemon_set = decoder.daemon_set(&fields);
            let node = required_node(decoder, &fields);
            Some(Action::DeletePod { daemon_set: daemon_set?, node: node? })
        }
        // Every verb of the list above is handled here or in `verb`; a test reads them all.
        _ => None,
    }
}

fn required_node(decoder: &mut Decoder<'_>, fields: &Fields<'_>) -> Option<String> {
    let tree = decoder.require(fields, "node")?;
    decoder.node(tree, true)
}

fn drain(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Action> {
    if let Value::String(_) = tree.value {
        let node = decoder.node(tree, true)?;
        return Some(Action::Drain { node, ignore_daemon_sets: true, grace_period: None });
    }
    let fields = decoder.fields(tree, "`drain`", &["node", "ignoreDaemonSets", "gracePeriod"])?;
    let node = required_node(decoder, &fields);
    let ignore_daemon_sets = decoder.flag(&fields, "ignoreDaemonSets", true);
    let grace_period = decoder.optional(&fields, "gracePeriod", |decoder, tree| {
        let grace = decoder.duration(tree, "gracePeriod", true)?;
        if grace.subsec_nanos() > 0 {
            decoder.problem(tree.span, "`gracePeriod` must be whole seconds, as the API has it");
            return None;
        }
        Some(grace)
    });
    Some(Action::Drain { node: node?, ignore_daemon_sets: ignore_daemon_sets?, grace_period: grace_period? })
}

fn delete(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Action> {
    let fields = decoder.fields(tree, "`delete`", &["daemonSet", "namespace", "file", "cascade"])?;
    let cascade = decoder.optional(&fields, "cascade", |decoder, tree| {
        let all = [Cascade::Background, Cascade::Foreground, Cascade::Orphan];
        decoder.word(tree, "cascade", &all.map(|cascade| (cascade.key(), cascade)))
    });
    let target = match (fields.get("daemonSet"), fields.get("file")) {
        (Some(_), None) => DeleteTarget::DaemonSet(decoder.daemon_set(&fields)?),
        (None, Some(_)) => {
            if let Some(span) = fields.key_span("namespace") {
                decoder.problem(span, "`namespace` goes with `daemonSet`; a file names its own");
            }
            DeleteTarget::Manifest(manifest(decoder, &fields)?)
        }
        _ => {
            decoder.problem(tree.span, "`delete` needs either `daemonSet` or `file`");
            return None;
        }
    };
    Some(Action::Delete { target, cascade: cascade?.unwrap_or_default() })
}

fn manifest(decoder: &mut Decoder<'_>, fields: &Fields<'_>) -> Option<Arc<Manifest>> {
    let path = decoder.required_string(fields, "file")?;
    let span = fields.get("file").map_or(fields.span, |tree| tree.span);
    let text = match (decoder.files)(&path) {
        Ok(text) => text,
        Err(why) => {
            let message = format!("cannot read `{}`: {why}", shorten(&path));
            decoder.problem_with_hint(span, message, "the path is relative to the scenario's own folder");
            return None;
        }
    };
    match Manifest::parse(&path, &text) {
        Ok(manifest) => Some(Arc::new(manifest)),
        Err(why) => {
            decoder.problem(span, format!("`{}` {why}", shorten(&path)));
            None
        }
    }
}
