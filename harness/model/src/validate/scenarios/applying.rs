//! How the candidate's objects get into the cluster, and its images.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Scenario;

impl Scenario<'_> {
    /// Every file; with a patch over the DaemonSets of the one that has the candidate's.
    pub(super) fn apply(&self, patch: Option<&Value>) -> String {
        let mut text = String::new();
        if self.candidate.inline {
            return self.apply_inline(patch);
        }
        for manifest in &self.candidate.manifests {
            let path = json!(manifest.path);
            let has_it = manifest.daemon_sets().iter().any(|(found, _)| *found == self.candidate.daemon_set);
            match patch.filter(|_| has_it) {
                Some(patch) => {
                    let _ = write!(text, "  - apply:\n      file: {path}\n      merge: {patch}\n");
                }
                None => {
                    let _ = writeln!(text, "  - apply: {{file: {path}}}");
                }
            }
        }
        text
    }

    /// Every object by itself, where there is no file with them.
    fn apply_inline(&self, patch: Option<&Value>) -> String {
        let mut text = String::new();
        for document in self.candidate.manifests.iter().flat_map(|manifest| &manifest.documents) {
            let mut object = document.clone();
            if let Some(patch) = patch.filter(|_| document == self.candidate.daemon_set_object()) {
                json_patch::merge(&mut object, patch);
            }
            let _ = writeln!(text, "  - apply: {{object: {object}}}");
        }
        text
    }

    /// What names of images stand for, as far as local images do.
    pub(super) fn images(&self) -> String {
        let used = self.candidate.used.iter();
        let lines: String =
            used.map(|(name, local)| format!("  - {{name: {}, use: {}}}\n", json!(name), json!(local))).collect();
        if lines.is_empty() { lines } else { format!("images:\n{lines}") }
    }
}
