//! Where images come from.

use std::{
    fmt,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    pin::pin,
};

use futures::TryStreamExt;
use rollcall_model::diagnostic::nearest;

use super::{
    archive::Files,
    image::{Image, Wanted, host_architecture},
    reference::Reference,
};
use crate::{
    docker::Docker,
    error::{Error, Result},
};

/// How many names a hint lists at most.
const MOST_NAMES: usize = 3;

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// The local container engine, by name or id.
    Local(String),
    /// A tar of `docker save`, of any age, or of an OCI layout.
    Archive(PathBuf),
    /// The directory of an OCI layout.
    Layout(PathBuf),
}

impl fmt::Display for ImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(name) => write!(f, "local image `{name}`"),
            Self::Archive(path) => write!(f, "archive `{}`", path.display()),
            Self::Layout(path) => write!(f, "OCI layout `{}`", path.display()),
        }
    }
}

impl ImageSource {
    /// Makes the image readable: opens the archive or layout, or has the engine export it.
    ///
    /// `name` chooses among several images in one archive.
    pub(crate) async fn read(&self, docker: &Docker, name: &Reference) -> Result<Image> {
        let (opened, wanted) = match self {
            Self::Local(local) => {
                let exported = export(docker, local).await?;
                // The export has that one image, whatever name it will go by.
                (Opened::Archive(exported), Reference::parse(local).unwrap_or_else(|_| name.clone()))
            }
            Self::Archive(path) => (Opened::Archive(open(path)?), name.clone()),
            Self::Layout(path) => (Opened::Directory(path.clone()), name.clone()),
        };
        let read = move || {
            let files = match opened {
                Opened::Archive(file) => Files::archive(file)?,
                Opened::Directory(path) => Files::directory(&path)?,
            };
            Image::read(&files, Wanted { name: &wanted, architecture: host_architecture() })
        };
        let image = tokio::task::spawn_blocking(read).await.expect("reading an image does not panic");
        image.map_err(|why| Error::Image { image: name.familiar(), message: format!("{self}: {why}") })
    }
}

enum Opened {
    Archive(File),
    Directory(PathBuf),
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|source| Error::file("open image archive", path, source))
}

/// Has the engine write the image to a file that has no name, so nothing is left whatever happens.
async fn export(docker: &Docker, name: &str) -> Result<File> {
    let directory = std::env::temp_dir();
    let failed = |source| Error::file("write the export of an image to", &directory, source);
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut pieces = pin!(docker.export_image(name));
    while let Some(piece) = pieces.try_next().await? {
        // To the page cache mostly; handing each of thousands of small pieces to another thread would cost more.
        file.write_all(piece.as_ref()).map_err(failed)?;
    }
    Ok(file)
}

/// The error for a name that the engine does not know, with what may have been meant.
pub(crate) async fn missing(docker: &Docker, name: &str) -> Error {
    // Without the list there is still the main message.
    let names = docker.image_names().await.unwrap_or_default();
    Error::ImageMissing { image: name.to_owned(), hint: hint(name, &names) }
}

fn hint(name: &str, names: &[String]) -> String {
    let near: Vec<String> = near(name, names).into_iter().map(|name| format!("`{name}`")).collect();
    let near = if near.is_empty() { String::new() } else { format!("there is {}; ", near.join(", ")) };
    if name.starts_with("rollcall/") {
        return format!("{near}`make image` builds the images of rollcall");
    }
    format!(
        "{near}build it, or `docker load` it from an archive; `docker images` lists what is there, and \
         `docker pull {name}` fetches it where there is a network"
    )
}

/// Local images of the same repository, and the one whose name is nearest.
fn near<'a>(name: &str, names: &'a [String]) -> Vec<&'a str> {
    let Ok(wanted) = Reference::parse(name) else { return Vec::new() };
    let names = || names.iter().map(String::as_str);
    let is_same_repository = |name: &&str| Reference::parse(name).is_ok_and(|other| other.path() == wanted.path());
    let mut near: Vec<&str> = names().filter(is_same_repository).collect();
    if let Some(nearest) = nearest(&wanted.familiar(), names())
        && !near.contains(&nearest)
    {
        near.insert(0, nearest);
    }
    near.truncate(MOST_NAMES);
    near
}

#[cfg(test)]
mod tests {
    use super::{hint, near};

    fn names() -> Vec<String> {
        ["fluentd:v1", "rollcall/agent:1", "rollcall/agent:2", "rollcall/agent:3", "rollcall/agent:4", "busybox:latest"]
            .map(String::from)
            .into()
    }

    #[test]
    fn near_names_are_those_of_the_same_repository_and_slips() {
        assert_eq!(near("fluentd", &names()), ["fluentd:v1"]);
        assert_eq!(near("docker.io/library/fluentd:v2", &names()), ["fluentd:v1"]);
        assert_eq!(near("busibox", &names()), ["busybox:latest"]);
        assert_eq!(near("rollcall/agent:9", &names()).len(), 3);
        assert!(near("nothing/like/it", &names()).is_empty());
        assert!(near("Not A Name", &names()).is_empty());
    }

    #[test]
    fn the_hint_says_what_makes_the_image() {
        assert!(hint("rollcall/node:1", &[]).starts_with("`make image`"));
        let hint = hint("busibox", &names());
        assert!(hint.starts_with("there is `busybox:latest`; ") && hint.contains("docker pull busibox"), "{hint}");
    }
}
