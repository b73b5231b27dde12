//! The files of an image, in a tar archive or in a directory, found by name and read where they lie.
//!
//! An archive is never unpacked: only its headers are read, and a file in it is a range of the archive. So a layer
//! costs no second copy on the disk and no memory, and a name in the archive can lead nowhere.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tar::EntryType;

/// No manifest, index or configuration is longer: the limit that registries put on a manifest.
const LONGEST_DOCUMENT: u64 = 4 * 1024 * 1024;
/// Links from one name to the next in a legacy archive; one is what `docker save` wrote.
const MOST_LINKS: usize = 8;

/// The files of an image.
#[derive(Debug)]
pub(crate) enum Files {
    /// A tar archive with the place of each of its files.
    Archive { file: Arc<File>, entries: HashMap<String, Entry> },
    /// A directory.
    Directory { path: PathBuf },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    File {
        offset: u64,
        size: u64,
    },
    /// To another name in the same archive.
    Link(String),
    /// What no image is made of, such as a device.
    Other(&'static str),
}

/// A run of bytes in an open file, which stays readable when its name is gone.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    file: Arc<File>,
    offset: u64,
    pub(crate) size: u64,
}

impl Part {
    /// Some of its bytes, counted from its own beginning; none at its end.
    pub(crate) fn read_at(&self, buffer: &mut [u8], position: u64) -> std::io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(position)).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        self.file.read_at(&mut buffer[..most], self.offset + position)
    }

    pub(crate) fn reader(&self) -> PartReader<'_> {
        PartReader { part: self, position: 0 }
    }
}

/// Reads a [`Part`] from its beginning. Several can read one file at a time.
pub(crate) struct PartReader<'a> {
    part: &'a Part,
    position: u64,
}

impl Read for PartReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.part.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

/// All that is needed of a result here: every caller adds the image's name.
type Result<T> = std::result::Result<T, String>;

impl Files {
    /// Reads the headers of an archive.
    pub(crate) fn archive(file: File) -> Result<Self> {
        let found = file.metadata().map_err(unreadable)?;
        if found.is_dir() {
            return Err("it is a directory and not an archive".into());
        }
        check_format(&file)?;
        let entries = read_entries(&file, found.len())?;
        Ok(Self::Archive { file: Arc::new(file), entries })
    }

    pub(crate) fn directory(path: &Path) -> Result<Self> {
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => Ok(Self::Directory { path: path.to_owned() }),
            Ok(_) => Err("it is not a directory".into()),
            Err(error) => Err(unreadable(error)),
        }
    }

    /// `archive` or `directory`, for messages.
    pub(crate) fn container(&self) -> &'static str {
        match self {
            Self::Archive { .. } => "archive",
            Self::Directory { .. } => "directory",
        }
    }

    /// Where a file lies, `None` where there is none of this name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Part>> {
        let wanted = plain_name(name).ok_or_else(|| format!("it refers to `{name}`, which is outside of it"))?;
        match self {
            Self::Directory { path } => {
                let path = path.join(wanted);
                let failed = |error| format!("`{name}` in it could not be read: {error}");
                let file = match File::open(path) {
                    Ok(file) => file,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(failed(error)),
                };
                let found = file.metadata().map_err(failed)?;
                if !found.is_file() {
                    return Err(format!("`{name}` in it is not a file"));
                }
                Ok(Some(Part { file: Arc::new(file), offset: 0, size: found.len() }))
            }
            Self::Archive { file, entries } => {
                let mut name = wanted;
                for _ in 0..MOST_LINKS {
                    match entries.get(&name) {
                        None => return Ok(None),
                        Some(Entry::File { offset, size }) => {
                            return Ok(Some(Part { file: Arc::clone(file), offset: *offset, size: *size }));
                        }
                        Some(Entry::Link(target)) => name.clone_from(target),
                        Some(Entry::Other(kind)) => return Err(format!("`{name}` in it is a {kind} and not a file")),
                    }
                }
                Err(format!("the links from `{name}` in it go round in a circle"))
            }
        }
    }

    /// The whole of a small file.
    pub(crate) fn document(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(part) = self.find(name)? else { return Ok(None) };
        read_document(&part, name).map(Some)
    }
}

/// The whole of a small file.
pub(crate) fn read_document(part: &Part, name: &str) -> Result<Vec<u8>> {
    if part.size > LONGEST_DOCUMENT {
        return Err(format!("`{name}` has {} bytes, more than any image's document", part.size));
    }
    let mut content = Vec::new();
    let failed = |error| format!("`{name}` in it could not be read: {error}");
    let read = part.reader().read_to_end(&mut content).map_err(failed)?;
    if read as u64 != part.size {
        return Err(format!("`{name}` in it was cut while it was read"));
    }
    Ok(content)
}

/// Tells what is certainly not a plain tar archive, and what it is instead.
fn check_format(file: &File) -> Result<()> {
    let mut start = Vec::new();
    let part = Part { file: Arc::new(file.try_clone().map_err(unreadable)?), offset: 0, size: 512 };
    part.reader().read_to_end(&mut start).map_err(unreadable)?;
    if start.is_empty() {
        return Err("it is empty".into());
    }
    let compressions: [(&[u8], &str, &str); 4] = [
        (b"\x1f\x8b", "gzip", "gunzip"),
        (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
        (b"\xfd7zXZ\0", "xz", "unxz"),
        (b"BZh", "bzip2", "bunzip2"),
    ];
    for (magic, name, tool) in compressions {
        if start.starts_with(magic) {
            return Err(format!(
                "it is compressed with {name}, and only plain tar archives are read; unpack it with `{tool}`"
            ));
        }
    }
    // An archive can begin with its end: 512 zeroes. That one is empty, and is told so later.
    if start.get(257..262) != Some(b"ustar") && start.iter().any(|&byte| byte != 0) {
        return Err("it is not a tar archive, as `docker save` writes one".into());
    }
    Ok(())
}

fn unreadable(error: std::io::Error) -> String {
    format!("it could not be read: {error}")
}

fn read_entries(mut file: &File, length: u64) -> Result<HashMap<String, Entry>> {
    // Whoever has just written it stands at its end.
    file.rewind().map_err(unreadable)?;
    let broken = |error: std::io::Error| format!("it is a damaged or truncated tar archive: {error}");
    let mut archive = tar::Archive::new(file);
    let mut entries = HashMap::new();
    for entry in archive.entries_with_seek().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(plain) = plain_name(&name) else {
            return Err(format!("it has an entry with the unsafe name `{name}`"));
        };
        let (offset, size) = (entry.raw_file_position(), entry.size());
        // Skipping is seeking, and one can seek beyond the end: a cut would go unnoticed.
        if offset.checked_add(size).is_none_or(|end| end > length) {
            return Err(format!("it is truncated: `{name}` in it has {size} bytes, and the archive ends before them"));
        }
        let kind = entry.header().entry_type();
        let found = match kind {
            EntryType::Regular | EntryType::Continuous => Entry::File { offset, size },
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            EntryType::Symlink | EntryType::Link => {
                let target = entry.link_name_bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                let target = target.unwrap_or_default();
                // A hard link counts from the top of the archive, a symbolic one from where it lies.
                let base = if kind == EntryType::Symlink { parent(&plain) } else { "" };
                match resolve(base, &target) {
                    Some(target) => Entry::Link(target),
                    None => return Err(format!("it has a link `{name}` to `{target}`, which is outside of it")),
                }
            }
            EntryType::GNUSparse => Entry::Other("sparse file"),
            _ => Entry::Other("special file"),
        };
        // As in unpacking: of two files of one name the later one counts.
        entries.insert(plain, found);
    }
    Ok(entries)
}

/// A name without `./` and doubled slashes, `None` where it is absolute or leads upwards.
fn plain_name(name: &str) -> Option<String> {
    if name.starts_with('/') || name.contains('\0') || name.split('/').any(|part| part == "..") {
        return None;
    }
    resolve("", name)
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The name that `target` means in the directory `base`, `None` where that is outside the archive.
fn resolve(base: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::{Entry, Files};
    use crate::images::testing::{Tar, temp_file};

    #[test]
    fn a_file_is_read_where_it_lies_and_a_link_is_followed() {
        let archive = Tar::new().file("./a/layer.tar", b"content").link("b/layer.tar", "../a/layer.tar").into_file();
        let files = Files::archive(archive.reopen().unwrap()).unwrap();
        for name in ["a/layer.tar", "b/layer.tar", "./a//layer.tar"] {
            let mut content = String::new();
            files.find(name).unwrap().unwrap().reader().read_to_string(&mut content).unwrap();
            assert_eq!(content, "content", "{name}");
        }
        assert!(files.find("c").unwrap().is_none());
    }

    #[test]
    fn an_archive_that_was_just_written_is_read_from_its_beginning() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&Tar::new().file("a", b"content").into_bytes()).unwrap();
        assert_eq!(Files::archive(file).unwrap().document("a").unwrap().unwrap(), b"content");
    }

    #[test]
    fn of_two_files_of_one_name_the_later_counts() {
        let archive = Tar::new().file("a", b"first").file("a", b"second").into_file();
        assert_eq!(Files::archive(archive.reopen().unwrap()).unwrap().document("a").unwrap().unwrap(), b"second");
    }

    #[test]
    fn links_in_a_circle_end() {
        let archive = Tar::new().link("a", "b").link("b", "a").into_file();
        let error = Files::archive(archive.reopen().unwrap()).unwrap().find("a").unwrap_err();
        assert!(error.contains("circle"), "{error}");
    }

    #[track_caller]
    fn check_bad(content: &[u8], part: &str) {
        let file = temp_file(content);
        let error = Files::archive(file.reopen().unwrap()).unwrap_err();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn what_is_not_a_plain_tar_archive_is_told() {
        check_bad(b"", "is empty");
        check_bad(b"\x1f\x8b\x08rest", "compressed with gzip");
        check_bad(b"\x28\xb5\x2f\xfdrest", "compressed with zstd");
        check_bad(b"#!/bin/sh\n", "is not a tar archive");
        check_bad(&[b'x'; 4096], "is not a tar archive");
    }

    #[test]
    fn a_cut_archive_is_told_wherever_it_is_cut() {
        let whole = Tar::new().file("a", &[1; 1000]).file("b", &[2; 1000]).into_bytes();
        check_bad(&whole[..700], "truncated");
        check_bad(&whole[..512 + 1024 + 100], "truncated");
        check_bad(&whole[..512 + 1024 + 512 + 999], "truncated");
    }

    #[test]
    fn a_name_or_link_that_leads_out_of_the_archive_is_refused() {
        check_bad(&Tar::new().raw("../../etc/passwd", b"x").into_bytes(), "unsafe name `../../etc/passwd`");
        check_bad(&Tar::new().raw("a/../../b", b"x").into_bytes(), "unsafe name");
        check_bad(&Tar::new().raw("/etc/passwd", b"x").into_bytes(), "unsafe name");
        check_bad(&Tar::new().link("a", "/etc/passwd").into_bytes(), "outside");
        check_bad(&Tar::new().link("a/b", "../../etc/passwd").into_bytes(), "outside");
    }

    #[test]
    fn a_reference_from_a_manifest_cannot_leave_a_directory_either() {
        let directory = tempfile::tempdir().unwrap();
        let error = Files::directory(directory.path()).unwrap().find("../x").unwrap_err();
        assert!(error.contains("outside"), "{error}");
    }

    #[test]
    fn a_device_is_not_a_file() {
        let files = Files::Archive {
            file: std::sync::Arc::new(tempfile::tempfile().unwrap()),
            entries: [("layer.tar".to_owned(), Entry::Other("special file"))].into(),
        };
        assert!(files.find("layer.tar").unwrap_err().contains("special file"));
    }

    #[test]
    fn a_document_has_a_limit() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&Tar::new().file("manifest.json", &vec![b' '; 5 << 20]).into_bytes()).unwrap();
        let error = Files::archive(file.reopen().unwrap()).unwrap().document("manifest.json").unwrap_err();
        assert!(error.contains("more than"), "{error}");
    }
}
