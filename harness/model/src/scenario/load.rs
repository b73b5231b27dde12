//! From the text of a file to a valid scenario, or to everything that is wrong with it.

use super::decode::{Decoder, DraftStep, root, validation};
use super::validate::{Unclear, validate};
use super::{ClusterSpec, Scenario, tree};
use crate::diagnostic::Problems;
use crate::validate::Settings;

impl Scenario {
    /// Reads a scenario: decodes it, reads the manifests it names and validates the whole.
    ///
    /// `file` is only used in messages.
    /// `files` reads a manifest by the path the scenario names, which is relative to the scenario's own folder.
    ///
    /// # Errors
    /// Every problem of the file at once, each with its position.
    pub fn load(file: &str, source: &str, files: &dyn Fn(&str) -> Result<String, String>) -> Result<Self, Problems> {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let tree = match tree::parse(source) {
            Ok(tree) => tree,
            Err(problem) => {
                // The text of a file that was too large to read is of no use in a message either.
                let source = if source.len() > tree::MAX_BYTES { "" } else { source };
                return Err(Problems::new(file, source, vec![problem]));
            }
        };
        let mut decoder = Decoder::new(files);
        let draft = root(&mut decoder, &tree);
        let unclear = Unclear { nodes: decoder.nodes_unclear, manifests: decoder.manifests_unclear };
        let mut problems = decoder.problems;
        problems.extend(validate(&draft, unclear));
        if !problems.is_empty() {
            return Err(Problems::new(file, source, problems).with_used(decoder.used));
        }
        Ok(Self {
            file: file.to_owned(),
            metadata: draft.metadata,
            cluster: ClusterSpec {
                nodes: draft.nodes.into_iter().map(|(node, _)| node).collect(),
                simulated: draft.simulated.into_iter().map(|(group, _)| group).collect(),
                kubernetes: draft.kubernetes,
                shared: draft.shared,
            },
            images: draft.images.into_iter().map(|(image, _)| image).collect(),
            invariants: draft.invariants.into_iter().map(|draft| draft.invariant).collect(),
            steps: draft.steps.into_iter().map(DraftStep::into_step).collect(),
            on_failure: draft.on_failure.into_iter().map(DraftStep::into_step).collect(),
        })
    }
}

impl Settings {
    /// Reads a file of kind `Validation`. `file` is only used in messages.
    ///
    /// # Errors
    /// Every problem of the file at once, each with its position.
    pub fn load(file: &str, source: &str) -> Result<Self, Problems> {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let tree = tree::parse(source).map_err(|problem| {
            let source = if source.len() > tree::MAX_BYTES { "" } else { source };
            Problems::new(file, source, vec![problem])
        })?;
        let mut decoder = Decoder::new(&|_| Err("it uses no other file".to_owned()));
        let settings = validation(&mut decoder, &tree);
        if decoder.problems.is_empty() { Ok(settings) } else { Err(Problems::new(file, source, decoder.problems)) }
    }
}
