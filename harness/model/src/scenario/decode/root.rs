//! The top of a scenario file: what it is, its cluster and its images.

use super::steps::DraftStep;
use super::{Decoder, Fields, shorten};
use crate::diagnostic::Span;
use crate::scenario::tree::{Tree, Value};
use crate::scenario::{API_VERSION, ImageUse, KIND, MAX_NODE_NAME, Metadata, NodeSpec, Role, Taint, names};

/// The most nodes of one `count`. Each is a container with a kubelet; more than this is a slip of the finger.
const MAX_COUNT: i32 = 200;

/// What a file says, before names have been resolved. A part that could not be read is absent or empty.
#[derive(Debug, Default)]
pub(in crate::scenario) struct Draft {
    pub(in crate::scenario) metadata: Metadata,
    pub(in crate::scenario) kubernetes: Option<String>,
    pub(in crate::scenario) shared: bool,
    pub(in crate::scenario) nodes: Vec<(NodeSpec, Span)>,
    /// Where the nodes are listed, if they could be read at all.
    pub(in crate::scenario) nodes_span: Option<Span>,
    pub(in crate::scenario) images: Vec<(ImageUse, Span)>,
    pub(in crate::scenario) steps: Vec<DraftStep>,
    /// Where the steps are listed, if every one of them could be read.
    pub(in crate::scenario) steps_span: Option<Span>,
}

const ROOT: [&str; 7] = ["apiVersion", "kind", "metadata", "cluster", "images", "steps", "invariants"];

/// Reads a whole file.
pub(in crate::scenario) fn root(decoder: &mut Decoder<'_>, tree: &Tree) -> Draft {
    let mut draft = Draft::default();
    if let Value::Null = tree.value {
        decoder.problem_with_hint(
            tree.span,
            "the file is empty",
            format!("a scenario begins with `apiVersion: {API_VERSION}` and `kind: {KIND}`"),
        );
        return draft;
    }
    let Some(fields) = decoder.fields(tree, "a scenario", &ROOT) else { return draft };
    constant(decoder, &fields, "apiVersion", API_VERSION);
    constant(decoder, &fields, "kind", KIND);
    if let Some(span) = fields.key_span("invariants") {
        decoder.problem_with_hint(span, "invariants are not supported yet", "use `hold` after a step instead");
    }
    if let Some(tree) = decoder.require(&fields, "metadata") {
        draft.metadata = metadata(decoder, tree).unwrap_or_default();
    }
    match decoder.require(&fields, "cluster") {
        Some(tree) => cluster(decoder, tree, &mut draft),
        None => decoder.nodes_unclear = true,
    }
    if let Some(tree) = fields.get("images") {
        draft.images = decoder.list(tree, "`images`", image).unwrap_or_default();
    }
    if let Some(tree) = decoder.require(&fields, "steps") {
        let steps = decoder.list(tree, "`steps`", |decoder, tree| Some(super::steps::step(decoder, tree)));
        if let Some(steps) = steps {
            let span = fields.key_span("steps").unwrap_or(tree.span);
            if steps.is_empty() {
                decoder.problem(span, "`steps` is empty");
            } else if steps.iter().all(Option::is_some) {
                draft.steps_span = Some(span);
            }
            draft.steps = steps.into_iter().flatten().collect();
        }
    }
    draft
}

fn constant(decoder: &mut Decoder<'_>, fields: &Fields<'_>, key: &str, wanted: &str) {
    let Some(tree) = decoder.require(fields, key) else { return };
    let Some(found) = decoder.string(tree, format!("`{key}`")) else { return };
    if found != wanted {
        decoder.problem(tree.span, format!("`{key}` must be `{wanted}`, found `{}`", shorten(&found)));
    }
}

fn metadata(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Metadata> {
    let fields = decoder.fields(tree, "`metadata`", &["name", "description", "labels"])?;
    let description = decoder.optional(&fields, "description", |decoder, tree| decoder.string(tree, "`description`"));
    let labels = decoder.optional(&fields, "labels", Decoder::labels);
    let tree = decoder.require(&fields, "name")?;
    let name = decoder.name(tree, "scenario name", names::dns_label)?;
    Some(Metadata { name, description: description?, labels: labels?.unwrap_or_default() })
}

fn cluster(decoder: &mut Decoder<'_>, tree: &Tree, draft: &mut Draft) {
    decoder.nodes_unclear = true;
    let Some(fields) = decoder.fields(tree, "`cluster`", &["nodes", "kubernetes", "shared"]) else { return };
    if let Some(tree) = fields.get("kubernetes") {
        draft.kubernetes = version(decoder, tree);
    }
    draft.shared = decoder.flag(&fields, "shared", false).unwrap_or_default();
    let Some(list) = decoder.require(&fields, "nodes") else { return };
    let specs = decoder.list(list, "`nodes`", |decoder, tree| Some(node(decoder, tree, true)));
    let Some(specs) = specs else { return };
    decoder.nodes_unclear = specs.iter().any(Option::is_none);
    draft.nodes_span = fields.key_span("nodes").filter(|_| !decoder.nodes_unclear);
    draft.nodes =
        specs.into_iter().flatten().flat_map(|(nodes, span)| nodes.into_iter().map(move |node| (node, span))).collect();
}

/// A minor version of Kubernetes, such as `1.37`.
fn version(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<String> {
    let text = decoder.string(tree, "`kubernetes`")?;
    let minor = text.strip_prefix("1.").filter(|minor| (1..=3).contains(&minor.len()));
    if minor.is_some_and(|minor| minor.chars().all(|c| c.is_ascii_digit())) {
        return Some(text);
    }
    let message = format!("`kubernetes` is not a minor version: `{}`", shorten(&text));
    decoder.problem_with_hint(tree.span, message, "write it as `\"1.37\"`");
    None
}

/// Reads one entry of a node list and expands its count. The span is the name's.
pub(super) fn node(decoder: &mut Decoder<'_>, tree: &Tree, with_role: bool) -> Option<(Vec<NodeSpec>, Span)> {
    const WITH_ROLE: [&str; 6] = ["name", "role", "count", "labels", "taints", "simulated"];
    let known: &[&str] = if with_role { &WITH_ROLE } else { &["name", "count", "labels", "taints", "simulated"] };
    let fields = decoder.fields(tree, if with_role { "a node" } else { "`addNodes`" }, known)?;
    if let Some(span) = fields.key_span("simulated") {
        decoder.problem(span, "simulated nodes are not supported yet");
    }
    let role = decoder.optional(&fields, "role", |decoder, tree| {
        decoder.word(tree, "role", &[("control-plane", Role::ControlPlane), ("worker", Role::Worker)])
    });
    let count = decoder.optional(&fields, "count", |decoder, tree| decoder.number(tree, "`count`", 1, MAX_COUNT));
    let labels = decoder.optional(&fields, "labels", Decoder::labels);
    let taints = decoder.optional(&fields, "taints", |decoder, tree| decoder.list(tree, "`taints`", taint));
    let tree = decoder.require(&fields, "name")?;
    let base = decoder.name(tree, "node name", names::dns_label)?;
    let (role, count) = (role?.unwrap_or_default(), count?.unwrap_or(1));
    let names: Vec<String> = match count {
        1 => vec![base],
        _ => (1..=count).map(|number| format!("{base}-{number}")).collect(),
    };
    if let Some(long) = names.iter().rev().find(|name| name.len() > MAX_NODE_NAME) {
        let message =
            format!("node name `{}` is longer than {MAX_NODE_NAME} characters ({})", shorten(long), long.len());
        decoder.problem(tree.span, message);
        return None;
    }
    let (labels, taints) = (labels?.unwrap_or_default(), taints?.unwrap_or_default());
    let nodes = names.into_iter().map(|name| NodeSpec { name, role, labels: labels.clone(), taints: taints.clone() });
    Some((nodes.collect(), tree.span))
}

/// Reads `key=value:Effect`.
pub(super) fn taint(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Taint> {
    let text = decoder.string(tree, "a taint")?;
    text.parse().map_err(|error| decoder.taint_syntax(tree.span, error)).ok()
}

impl Decoder<'_> {
    pub(super) fn taint_syntax(&mut self, span: Span, error: crate::scenario::TaintSyntax) {
        self.problems.push(crate::diagnostic::Problem {
            message: error.message,
            location: Some(span),
            hint: error.hint,
        });
    }

    /// An image name: anything without spaces, for registries disagree on the rest.
    pub(super) fn image(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        let name = self.required_string(fields, key)?;
        if name.contains(char::is_whitespace) {
            let span = fields.get(key).map_or(fields.span, |tree| tree.span);
            self.problem(span, format!("image `{}` has a space in it", shorten(&name)));
            return None;
        }
        Some(name)
    }
}

fn image(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<(ImageUse, Span)> {
    let fields = decoder.fields(tree, "an image", &["name", "use"])?;
    let (name, image) = (decoder.image(&fields, "name"), decoder.image(&fields, "use"));
    let span = fields.get("name").map_or(tree.span, |tree| tree.span);
    Some((ImageUse { name: name?, image: image? }, span))
}
