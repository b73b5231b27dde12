//! `--image NAME[=USE]`, and where an image is looked for.

use std::path::Path;

use rollcall::ImageSource;

/// An image under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageFlag {
    /// The name in manifests.
    pub(crate) name: String,
    /// The local image, archive or OCI layout that is found under it.
    pub(crate) source: ImageSource,
}

impl std::str::FromStr for ImageFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // No image name has a `=`, and a path may.
        let (name, used) = text.split_once('=').unwrap_or((text, text));
        if name.is_empty() || used.is_empty() {
            return Err("must be NAME or NAME=USE, where USE is a local image, an archive or an OCI layout".into());
        }
        let source = source(used);
        if name == used && !matches!(source, ImageSource::Local(_)) {
            return Err(format!("`{used}` is a file: say under which name pods find it, as NAME={used}"));
        }
        Ok(Self { name: name.to_owned(), source })
    }
}

/// What is meant by the name of an image, an archive or a directory.
///
/// A directory is meant only if it is an OCI layout: many an image has the name of the directory it is built from.
pub(crate) fn source(text: &str) -> ImageSource {
    let path = Path::new(text);
    if path.is_file() {
        ImageSource::Archive(path.to_owned())
    } else if path.join("index.json").is_file() || (path.is_dir() && text.ends_with('/')) {
        ImageSource::Layout(path.to_owned())
    } else {
        ImageSource::Local(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_is_a_local_image_and_its_own_name() {
        let flag: ImageFlag = "rollcall/agent:1".parse().unwrap();
        assert_eq!(
            flag,
            ImageFlag { name: "rollcall/agent:1".into(), source: ImageSource::Local("rollcall/agent:1".into()) }
        );
    }

    #[test]
    fn files_are_archives_and_directories_are_layouts_only_if_they_are() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(path("agent.tar"), "").unwrap();
        std::fs::create_dir_all(path("source")).unwrap();
        std::fs::create_dir_all(path("layout")).unwrap();
        std::fs::write(path("layout/index.json"), "{}").unwrap();
        let flag: ImageFlag = format!("agent={}", path("agent.tar")).parse().unwrap();
        assert_eq!(flag.source, ImageSource::Archive(path("agent.tar").into()));
        assert_eq!(source(&path("layout")), ImageSource::Layout(path("layout").into()));
        assert_eq!(source(&path("source")), ImageSource::Local(path("source")));
    }

    #[test]
    fn half_a_flag_and_a_file_without_a_name_are_refused() {
        insta::assert_snapshot!("agent=".parse::<ImageFlag>().unwrap_err(), @"must be NAME or NAME=USE, where USE is a local image, an archive or an OCI layout");
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = file.path().display().to_string().parse::<ImageFlag>().unwrap_err();
        assert!(error.contains("is a file: say under which name"), "{error}");
    }
}
