//! Where reports go: which format is meant by a flag, whether the file can be written, and writing it.
//!
//! A reader never sees half a report, nor one of an earlier run in place of one that was not written.

use std::{
    fs::{self, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{junit, suite::SuiteReport};
use crate::error::CliError;

/// What programs can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportFormat {
    Junit,
    Json,
    Markdown,
    Html,
}

impl ReportFormat {
    fn as_str(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }
}

/// What a report can be made of.
pub(crate) trait Document {
    /// As readers of test results take it.
    ///
    /// # Errors
    /// Where there is no XML for it.
    fn junit(&self) -> io::Result<String>;

    /// As programs read it.
    ///
    /// # Errors
    /// Where there is no JSON for it.
    fn json(&self) -> io::Result<String>;

    /// For the summary of a job.
    ///
    /// # Errors
    /// Where there is none; [`prepare`] has refused it then.
    fn markdown(&self) -> io::Result<String> {
        Err(io::Error::other("there is none"))
    }

    /// As a page.
    ///
    /// # Errors
    /// Where there is none; [`prepare`] has refused it then.
    fn html(&self) -> io::Result<String> {
        Err(io::Error::other("there is none"))
    }
}

/// The formats of a [`SuiteReport`].
pub(crate) const OF_SUITES: [ReportFormat; 2] = [ReportFormat::Junit, ReportFormat::Json];

impl Document for SuiteReport {
    fn junit(&self) -> io::Result<String> {
        junit::xml(self).map_err(io::Error::other)
    }

    fn json(&self) -> io::Result<String> {
        Ok(self.to_json()?)
    }
}

/// The value of `--report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportFlag {
    format: ReportFormat,
    path: PathBuf,
}

impl FromStr for ReportFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const RIGHT: &str =
            "junit=FILE, json=FILE, markdown=FILE or html=FILE, or a FILE that ends with .xml, .json, .md or .html";
        let (format, path) = match text.split_once('=') {
            Some(("junit", path)) => (ReportFormat::Junit, path),
            Some(("json", path)) => (ReportFormat::Json, path),
            Some(("markdown", path)) => (ReportFormat::Markdown, path),
            Some(("html", path)) => (ReportFormat::Html, path),
            Some((other, _)) if !other.contains(['/', '.']) => {
                return Err(format!("unknown format `{other}`: it is {RIGHT}"));
            }
            _ => match Path::new(text).extension().and_then(|ending| ending.to_str()) {
                Some("xml") => (ReportFormat::Junit, text),
                Some("json") => (ReportFormat::Json, text),
                Some("md") => (ReportFormat::Markdown, text),
                Some("html") => (ReportFormat::Html, text),
                _ => return Err(format!("the format is not clear: it is {RIGHT}")),
            },
        };
        if path.is_empty() {
            return Err(format!("the file is missing: it is {RIGHT}"));
        }
        Ok(Self { format, path: path.into() })
    }
}

/// Makes sure that every report can be written, before anything is run, and removes those of earlier runs. `formats` are
/// those that the command has.
///
/// # Errors
/// When one cannot.
pub(crate) fn prepare(flags: &[ReportFlag], formats: &[ReportFormat]) -> Result<(), CliError> {
    for (index, flag) in flags.iter().enumerate() {
        if !formats.contains(&flag.format) {
            let all: Vec<&str> = formats.iter().map(|format| format.as_str()).collect();
            return Err(CliError::usage(format!("this command has no {} report", flag.format.as_str()))
                .hint(format!("it has {}", all.join(", "))));
        }
        if flags.iter().take(index).any(|other| other.path == flag.path) {
            return Err(CliError::usage(format!("two reports cannot be one file, `{}`", flag.path.display())));
        }
        flag.prepare().map_err(|why| {
            CliError::usage(format!("cannot write report `{}`: {why}", flag.path.display()))
                .hint("choose another file for `--report`")
        })?;
    }
    Ok(())
}

/// Writes every report, also where one cannot be written.
///
/// # Errors
/// The first that could not.
pub(crate) fn write(flags: &[ReportFlag], document: &dyn Document) -> Result<(), CliError> {
    let written: Vec<_> = flags.iter().map(|flag| (flag, flag.write(document))).collect();
    for (flag, result) in written {
        result
            .map_err(|why| CliError::environment(format!("could not write report `{}`: {why}", flag.path.display())))?;
    }
    Ok(())
}

/// Where evidence goes, if it goes anywhere. A folder that was asked for must be there before anything is run.
///
/// # Errors
/// When nothing can be written there.
pub(crate) fn evidence(none: bool, folder: Option<&Path>) -> Result<Option<PathBuf>, CliError> {
    if none {
        return Ok(None);
    }
    let Some(folder) = folder else { return Ok(Some(rollcall::evidence_folder())) };
    prepare_evidence(folder)?;
    Ok(Some(folder.to_owned()))
}

/// Makes sure that folders can be made in a folder.
///
/// # Errors
/// When they cannot.
fn prepare_evidence(folder: &Path) -> Result<(), CliError> {
    let made = fs::create_dir_all(folder).and_then(|()| tempfile::tempdir_in(folder).map(drop));
    made.map_err(|why| {
        CliError::usage(format!("cannot write evidence below `{}`: {why}", folder.display()))
            .hint("choose another folder for `--evidence`, or `--no-evidence`")
    })
}

impl ReportFlag {
    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        }
    }

    fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(self.folder())?;
        match fs::metadata(&self.path) {
            // A device or a pipe would be replaced by a file.
            Ok(there) if !there.is_file() => return Err(io::Error::other("it is there and is no file")),
            Ok(_) => fs::remove_file(&self.path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.beside().map(drop)
    }

    /// A file in the same folder, with the rights of any other new file.
    fn beside(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::Builder::new()
            .prefix(".rollcall-report-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(self.folder())
    }

    fn write(&self, document: &dyn Document) -> io::Result<()> {
        let text = match self.format {
            ReportFormat::Junit => document.junit()?,
            ReportFormat::Json => document.json()?,
            ReportFormat::Markdown => document.markdown()?,
            ReportFormat::Html => document.html()?,
        };
        let mut file = self.beside()?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exit_code::ExitCode, report::testing};

    fn flag(text: &str) -> Result<ReportFlag, String> {
        text.parse()
    }

    #[test]
    fn the_format_is_named_or_is_that_of_the_ending() {
        let of = |format, path: &str| Ok(ReportFlag { format, path: path.into() });
        assert_eq!(flag("junit=out/report"), of(ReportFormat::Junit, "out/report"));
        assert_eq!(flag("json=r.xml"), of(ReportFormat::Json, "r.xml"));
        assert_eq!(flag("out/r.xml"), of(ReportFormat::Junit, "out/r.xml"));
        assert_eq!(
            flag("a=b/../r.json"),
            Err(
                "unknown format `a`: it is junit=FILE, json=FILE, markdown=FILE or html=FILE, or a FILE that ends with \
                 .xml, .json, .md or .html"
                    .into()
            )
        );
        assert_eq!(flag("./a=b/r.json"), of(ReportFormat::Json, "./a=b/r.json"));
        assert_eq!(flag("r.md"), of(ReportFormat::Markdown, "r.md"));
        assert_eq!(flag("html=r"), of(ReportFormat::Html, "r"));
        assert!(flag("pdf=r.pdf").unwrap_err().contains("unknown format `pdf`"));
        assert!(flag("report.txt").unwrap_err().contains("the format is not clear"));
        assert!(flag("junit=").unwrap_err().contains("the file is missing"));
    }

    fn message(error: &CliError) -> String {
        testing::plain(&error.render())
    }

    #[test]
    fn reports_are_written_into_new_folders_and_replace_old_ones() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join("new/folder").join(name);
        let flags = [("json", "r.json"), ("junit", "r.xml")]
            .map(|(format, name)| flag(&format!("{format}={}", path(name).display())).unwrap());
        prepare(&flags, &OF_SUITES).unwrap();
        let suite = testing::suite();
        write(&flags, &suite).unwrap();
        assert_eq!(fs::read_to_string(path("r.json")).unwrap(), suite.to_json().unwrap());
        assert_eq!(fs::read_to_string(path("r.xml")).unwrap(), junit::xml(&suite).unwrap());
        assert_eq!(fs::read_dir(path("")).unwrap().count(), 2, "something else is left");
        // A run that is killed must not leave the report of the one before it.
        prepare(&flags, &OF_SUITES).unwrap();
        assert!(!path("r.json").exists());
    }

    #[test]
    fn what_cannot_be_written_is_the_users_mistake_before_anything_runs() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        // A device of the machine would be lost if this test had reason to fail.
        let socket = root.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (text, said) in [
            (format!("json={}", root.path().display()), "it is there and is no file"),
            (format!("json={}/file/r", root.path().display()), "File exists"),
            (format!("json={}", socket.display()), "it is there and is no file"),
        ] {
            let error = prepare(&[flag(&text).unwrap()], &OF_SUITES).unwrap_err();
            assert_eq!(error.code, ExitCode::USAGE);
            assert!(message(&error).contains(said), "{}", message(&error));
        }
        assert!(socket.exists());
        let twice = flag(&format!("json={}/r", root.path().display())).unwrap();
        assert!(
            message(&prepare(&[twice.clone(), twice], &OF_SUITES).unwrap_err())
                .contains("two reports cannot be one file")
        );
        let page = flag(&format!("html={}/r", root.path().display())).unwrap();
        assert!(message(&prepare(&[page], &OF_SUITES).unwrap_err()).contains("this command has no html report"));
        let error = prepare_evidence(&root.path().join("file/evidence")).unwrap_err();
        assert_eq!(error.code, ExitCode::USAGE);
        assert!(message(&error).contains("cannot write evidence below"), "{}", message(&error));
    }

    #[test]
    fn a_report_that_fails_takes_nothing_from_the_others() {
        let root = tempfile::tempdir().unwrap();
        let flags = ["gone/a.json", "b.json"].map(|name| flag(&root.path().join(name).display().to_string()).unwrap());
        prepare(&flags, &OF_SUITES).unwrap();
        fs::remove_dir(root.path().join("gone")).unwrap();
        let error = write(&flags, &testing::suite()).unwrap_err();
        assert_eq!(error.code, ExitCode::ENVIRONMENT);
        assert!(message(&error).contains("gone/a.json"), "{}", message(&error));
        assert!(root.path().join("b.json").exists());
    }
}
