//! Files of the repository.

use std::path::{Path, PathBuf};

/// Every file below a folder that ends like this, in no certain order.
pub(crate) fn below(folder: &Path, extension: &str, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folders are readable") {
        let path = entry.expect("entries are readable").path();
        if path.is_dir() {
            below(&path, extension, into);
        } else if path.extension().is_some_and(|found| found == extension) {
            into.push(path);
        }
    }
}
