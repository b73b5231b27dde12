//! Files that a scenario names. A path is relative to the folder of the file that names it.

use super::Decoder;
use crate::diagnostic::Span;

impl Decoder<'_> {
    /// Reads a file that is named at a place.
    pub(super) fn read(&self, at: Span, path: &str) -> Result<String, String> {
        (self.files)(&self.path_from(at, path))
    }

    /// The path from the scenario's own folder.
    pub(super) fn path_from(&self, at: Span, path: &str) -> String {
        let using = at.file.checked_sub(1).and_then(|number| self.used.get(number));
        match using.and_then(|source| source.file.rsplit_once('/')) {
            Some((folder, _)) if !path.starts_with('/') => format!("{folder}/{path}"),
            _ => path.to_owned(),
        }
    }
}
