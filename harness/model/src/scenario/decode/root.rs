//! The top of a scenario file: what it is, its cluster and its images.

use super::invariants::{self, DraftInvariant};
use super::nodes::{Entry, entry};
use super::patience::be_patient;
use super::steps::DraftStep;
use super::{Decoder, Fields, shorten};
use crate::diagnostic::Span;
use crate::scenario::tree::{Tree, Value};
use crate::scenario::{API_VERSION, Action, ImageUse, KIND, Metadata, NodeSpec, SimulatedNodes, names};

/// What a file says, before names have been resolved. A part that could not be read is absent or empty.
#[derive(Debug, Default)]
pub(in crate::scenario) struct Draft {
    pub(in crate::scenario) metadata: Metadata,
    pub(in crate::scenario) kubernetes: Option<String>,
    pub(in crate::scenario) shared: bool,
    pub(in crate::scenario) nodes: Vec<(NodeSpec, Span)>,
    /// Where the nodes are listed, if they could be read at all.
    pub(in crate::scenario) nodes_span: Option<Span>,
    pub(in crate::scenario) simulated: Vec<(SimulatedNodes, Span)>,
    pub(in crate::scenario) images: Vec<(ImageUse, Span)>,
    pub(in crate::scenario) invariants: Vec<DraftInvariant>,
    pub(in crate::scenario) steps: Vec<DraftStep>,
    pub(in crate::scenario) on_failure: Vec<DraftStep>,
    /// Where the steps are listed, if every one of them could be read.
    pub(in crate::scenario) steps_span: Option<Span>,
}

const ROOT: [&str; 8] = ["apiVersion", "kind", "metadata", "cluster", "images", "invariants", "steps", "onFailure"];

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
    if let Some(tree) = fields.get("invariants") {
        // One that cannot be read does not keep the names in the others from being looked at.
        let read = decoder.list(tree, "`invariants`", |decoder, tree| Some(invariants::invariant(decoder, tree)));
        draft.invariants = read.unwrap_or_default().into_iter().flatten().collect();
    }
    if let Some(tree) = decoder.require(&fields, "steps")
        && let Some(steps) = step_list(decoder, tree, "`steps`")
    {
        let span = fields.key_span("steps").unwrap_or(tree.span);
        if steps.is_empty() {
            decoder.problem(span, "`steps` is empty");
        } else if steps.iter().all(Option::is_some) && !decoder.steps_unclear {
            draft.steps_span = Some(span);
        }
        draft.steps = steps.into_iter().flatten().collect();
        be_patient(&mut draft.steps);
    }
    if let Some(tree) = fields.get("onFailure") {
        let steps = step_list(decoder, tree, "`onFailure`").unwrap_or_default();
        draft.on_failure = steps.into_iter().flatten().collect();
        for step in &draft.on_failure {
            if !matches!(step.step.action, Action::Exec(_) | Action::Run { .. }) {
                let message =
                    format!("`onFailure` looks and changes nothing: `{}` has no place there", step.step.action.key());
                decoder.problem_with_hint(step.step.location, message, "`exec` and `run` have");
            }
        }
    }
    draft
}

fn step_list(decoder: &mut Decoder<'_>, tree: &Tree, what: &str) -> Option<Vec<Option<DraftStep>>> {
    let Value::List(items) = &tree.value else { return decoder.wrong_type(tree, what, "a list") };
    Some(decoder.step_list(items))
}

pub(super) fn constant(decoder: &mut Decoder<'_>, fields: &Fields<'_>, key: &str, wanted: &str) {
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
    let entries = decoder.list(list, "`nodes`", |decoder, tree| Some(entry(decoder, tree)));
    let Some(entries) = entries else { return };
    decoder.nodes_unclear = entries.iter().any(Option::is_none);
    draft.nodes_span = fields.key_span("nodes").filter(|_| !decoder.nodes_unclear);
    for entry in entries.into_iter().flatten() {
        match entry {
            Entry::Real(nodes, span) => draft.nodes.extend(nodes.into_iter().map(|node| (node, span))),
            Entry::Simulated(group, span) => draft.simulated.push((group, span)),
        }
    }
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
