//! A whole folder of a container, for those who look into what went wrong there.

use std::io::Read;

use futures::StreamExt;
use testcontainers::bollard::query_parameters::DownloadFromContainerOptionsBuilder;

use super::Docker;
use crate::error::{Error, Result};

/// The files of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DownloadedFolder {
    /// Name and content of each regular file that lies directly in the folder.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// Whether there was more than was asked for. The last of the files may lack its end then.
    pub(crate) truncated: bool,
}

impl Docker {
    /// Reads the files of a folder, up to so many bytes in all. The engine reads them itself, so the container need
    /// not run.
    ///
    /// # Errors
    /// When there is no such container or folder.
    pub(crate) async fn download_folder(&self, container: &str, path: &str, limit: usize) -> Result<DownloadedFolder> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let mut chunks = Box::pin(self.api.download_from_container(container, Some(options)));
        let mut archive = Vec::new();
        let mut truncated = false;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|source| Error::Engine {
                action: "read a folder of container",
                object: format!("{container}:{path}"),
                source,
            })?;
            archive.extend_from_slice(&chunk);
            if archive.len() > limit {
                archive.truncate(limit);
                truncated = true;
                break;
            }
        }
        let files = unpack(&archive, truncated)
            .map_err(|source| Error::file("unpack", format!("{container}:{path}"), source))?;
        Ok(DownloadedFolder { files, truncated })
    }
}

/// The files of an archive whose end may be missing.
fn unpack(archive: &[u8], truncated: bool) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(_) if truncated => break,
            Err(error) => return Err(error),
        };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.into_owned();
        // The folder itself is the first part of every path.
        if path.components().count() != 2 {
            continue;
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let mut content = Vec::new();
        if let Err(error) = entry.read_to_end(&mut content)
            && !truncated
        {
            return Err(error);
        }
        files.push((name.to_owned(), content));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::unpack;

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut folder = tar::Header::new_gnu();
        folder.set_entry_type(tar::EntryType::Directory);
        folder.set_size(0);
        builder.append_data(&mut folder, "rollcall/", &[][..]).unwrap();
        for (path, content) in [("rollcall/a.log", "a\n"), ("rollcall/deep/b.log", "b\n"), ("rollcall/c.log", "c\n")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, path, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn the_files_of_the_folder_itself_are_read() {
        let files = unpack(&archive(), false).unwrap();
        assert_eq!(files, [("a.log".to_owned(), b"a\n".to_vec()), ("c.log".to_owned(), b"c\n".to_vec())]);
    }

    #[test]
    fn of_an_archive_that_was_cut_what_is_there_is_read() {
        let archive = archive();
        // One header for the folder, one for the file, and the first byte of its content.
        let cut = &archive[..512 + 512 + 1];
        assert_eq!(unpack(cut, true).unwrap(), [("a.log".to_owned(), b"a".to_vec())]);
        assert!(unpack(cut, false).is_err());
    }
}
