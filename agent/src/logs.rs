//! Reads log files as a log agent does: all `*.log` below a folder, the end of each, within bounds.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const MOST_FILES: usize = 200;
const TAIL: u64 = 64 * 1024;
const DEEPEST: usize = 8;

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Logs {
    pub(crate) files: u64,
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
}

/// Files and folders that cannot be read are passed over, as they may vanish at any time.
pub(crate) fn read(folder: &Path) -> Logs {
    let mut files = Vec::new();
    find(folder, DEEPEST, &mut files);
    let mut logs = Logs::default();
    for tail in files.iter().filter_map(|file| tail(file).ok()) {
        logs.files += 1;
        logs.bytes += tail.len() as u64;
        logs.lines += tail.iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    logs
}

/// Symbolic links are not followed: `/var/log/containers` has nothing else, and its files are counted where they are.
fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if files.len() >= MOST_FILES {
            return;
        }
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let path = entry.path();
        if kind.is_dir() && depth > 0 {
            find(&path, depth - 1, files);
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "log") {
            files.push(path);
        }
    }
}

fn tail(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    Ok(tail)
}

/// Whether a file can be made there; on a mount that should be read-only this must be false.
pub(crate) fn is_writable(folder: &Path) -> bool {
    let path = folder.join(format!(".rollcall-agent-{}", std::process::id()));
    let made = File::create_new(&path).is_ok();
    if made {
        let _ = std::fs::remove_file(&path);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_in_log_files_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("pods/a")).unwrap();
        std::fs::write(folder.path().join("pods/a/0.log"), "one\ntwo\n").unwrap();
        std::fs::write(folder.path().join("boot.log"), "three\nunfinished").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "four\n").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("boot.log", folder.path().join("again.log")).unwrap();
        assert_eq!(read(folder.path()), Logs { files: 2, lines: 3, bytes: 24 });
    }

    #[test]
    fn only_the_end_of_a_long_file_and_only_so_many_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..MOST_FILES + 5 {
            std::fs::write(folder.path().join(format!("{number}.log")), "").unwrap();
        }
        assert_eq!(read(folder.path()).files, MOST_FILES as u64);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.log"), "x\n".repeat(100_000)).unwrap();
        assert_eq!(read(folder.path()).bytes, TAIL);
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_logs_and_cannot_be_written() {
        assert_eq!(read(Path::new("/nowhere")), Logs::default());
        assert!(!is_writable(Path::new("/nowhere")));
        let folder = tempfile::tempdir().unwrap();
        assert!(is_writable(folder.path()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
