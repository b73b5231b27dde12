//! What several verbs and conditions have in common: texts to be found, containers, pods.

use regex::Regex;

use super::{Decoder, Fields, shorten};
use crate::condition::{PodSelection, Text};
use crate::scenario::names;
use crate::scenario::tree::{Tree, Value};

impl Decoder<'_> {
    /// A text to be found as it stands, or `{matches: EXPRESSION}`.
    pub(super) fn text(&mut self, tree: &Tree, what: &str) -> Option<Text> {
        let Value::Map(_) = tree.value else { return self.string(tree, format!("`{what}`")).map(Text::Contains) };
        let fields = self.fields(tree, "a text", &["contains", "matches"])?;
        match (fields.get("contains"), fields.get("matches")) {
            (Some(tree), None) => self.string(tree, "`contains`").map(Text::Contains),
            (None, Some(tree)) => {
                let pattern = self.string(tree, "`matches`")?;
                match Regex::new(&pattern) {
                    Ok(pattern) => Some(Text::Matches(pattern)),
                    Err(error) => {
                        let why = error.to_string();
                        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                        self.problem(tree.span, format!("`{}` is not a regular expression: {why}", shorten(&pattern)));
                        None
                    }
                }
            }
            _ => {
                self.incomplete(&fields, "a text needs either `contains` or `matches`", None);
                None
            }
        }
    }

    /// The name of a container, where one is given.
    pub(super) fn container(&mut self, fields: &Fields<'_>) -> Option<Option<String>> {
        self.optional(fields, "container", |decoder, tree| decoder.name(tree, "container name", names::dns_label))
    }

    /// One word of a command; it may be empty.
    pub(super) fn argument(&mut self, tree: &Tree) -> Option<String> {
        match &tree.value {
            Value::String(text) => Some(text.clone()),
            _ => self.wrong_type(tree, "a word of a command", "a string"),
        }
    }

    /// A DaemonSet's pods on some nodes.
    pub(super) fn pod_selection(&mut self, fields: &Fields<'_>) -> Option<PodSelection> {
        let nodes = self.selection(fields, false);
        Some(PodSelection { daemon_set: self.daemon_set(fields)?, nodes: nodes? })
    }
}
