//! The files of a dump: which hold objects, and where logs lie.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rollcall_model::{explain::WantedLog, scenario::names};

use crate::error::{Error, Result};

/// The files that may hold objects, in the order of their paths. One that is named is taken whatever its name is.
///
/// Folders that are hidden or links are left out: they may lead anywhere, and around in circles.
pub(super) fn of_objects(path: &Path) -> Result<Vec<PathBuf>> {
    let is_folder = match fs::metadata(path) {
        Ok(metadata) => metadata.is_dir(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::usage_hint(
                format!("there is no dump `{}`", path.display()),
                "name a folder of objects that `kubectl get … -o json` has written, or one such file",
            ));
        }
        Err(error) => return Err(Error::file("read", path, error)),
    };
    if !is_folder {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error| Error::file("read folder", &folder, error);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (kind, path) = (entry.file_type().map_err(failed)?, entry.path());
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if kind.is_dir() && !is_hidden {
                folders.push(path);
            } else if !is_hidden && form(&path).is_some() && path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Yaml,
}

/// As its name says.
pub(super) fn form(path: &Path) -> Option<Form> {
    match path.extension()?.to_str()? {
        "json" => Some(Form::Json),
        "yaml" | "yml" => Some(Form::Yaml),
        _ => None,
    }
}

/// Where a log may lie below a dump: by folders, or as `rollcall run` leaves it for a scenario that failed. Nowhere, if
/// what the objects say would lead elsewhere.
pub(super) fn of_log(log: &WantedLog) -> Option<[String; 2]> {
    let WantedLog { namespace, pod, container, previous } = log;
    let parts = [namespace, pod, container];
    if parts.iter().any(|part| names::dns_subdomain(part).is_err()) {
        return None;
    }
    let end = if *previous { ".previous.log" } else { ".log" };
    Some([
        format!("logs/{namespace}/{pod}/{container}{end}"),
        // `run/evidence/pod_logs.rs`
        format!("pods/{namespace}_{pod}_{container}{end}"),
    ])
}

/// The end of a log that is a file of its own; nothing where there is none.
pub(super) fn end_of(path: &Path, most_bytes: u64, lines: usize) -> io::Result<Option<String>> {
    use io::{Read, Seek};

    let size = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => return Ok(None),
        // A dump may be one file.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut file = fs::File::open(path)?;
    file.seek(io::SeekFrom::Start(size.saturating_sub(most_bytes)))?;
    let mut bytes = Vec::new();
    file.take(most_bytes).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    let last = all.get(all.len().saturating_sub(lines)..).unwrap_or_default();
    Ok(Some(last.iter().map(|line| format!("{line}\n")).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(pod: &str, previous: bool) -> WantedLog {
        WantedLog { namespace: "default".into(), pod: pod.into(), container: "agent".into(), previous }
    }

    #[test]
    fn files_of_objects_are_found_at_any_depth_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a/pods.json", "a/deep/c.yml", "a/agent.log", "recording.jsonl", ".git/x.json"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), folder.path().join("around")).unwrap();
        let found = of_objects(folder.path()).unwrap();
        let names: Vec<&str> =
            found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a/deep/c.yml", "a/pods.json", "b.yaml"]);
        let one = folder.path().join("recording.jsonl");
        assert_eq!(of_objects(&one).unwrap(), [one]);
    }

    #[test]
    fn a_dump_that_is_not_there_is_the_users() {
        let error = of_objects(Path::new("/no/such/dump")).unwrap_err();
        insta::assert_snapshot!(format!("{error}\n{}", error.hint().unwrap_or_default()), @r"
        there is no dump `/no/such/dump`
        name a folder of objects that `kubectl get … -o json` has written, or one such file
        ");
    }

    #[test]
    fn what_an_object_says_never_leads_out_of_the_dump() {
        assert_eq!(of_log(&wanted("../../../etc", false)), None);
        assert_eq!(of_log(&wanted("/etc/x", false)), None);
        assert_eq!(
            of_log(&wanted("agent-x", true)).unwrap(),
            ["logs/default/agent-x/agent.previous.log", "pods/default_agent-x_agent.previous.log"]
        );
    }

    #[test]
    fn of_a_long_log_the_end_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.log");
        assert_eq!(end_of(&path, 100, 2).unwrap(), None);
        fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(end_of(&path, 100, 2).unwrap().as_deref(), Some("two\nthree\n"));
        assert_eq!(end_of(&path, 8, 9).unwrap().as_deref(), Some("o\nthree\n"));
        let link = folder.path().join("link.log");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(end_of(&link, 100, 2).unwrap(), None);
    }
}
