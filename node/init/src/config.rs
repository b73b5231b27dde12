//! The configuration the harness writes before the node starts: its shape, defaults and validation.
//!
//! Strict on unknown fields. Syntax errors stop at the first; every problem of meaning is reported together.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::order;

/// Everything a node is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Config {
    /// The node outlives the harness: standard input is ignored and the node boots at once.
    #[serde(default)]
    pub(crate) keep: bool,
    #[serde(default)]
    pub(crate) power_on: PowerOn,
    #[serde(default = "default_handshake")]
    pub(crate) handshake_seconds: u64,
    pub(crate) hostname: Option<String>,
    #[serde(default)]
    pub(crate) sysctls: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) commands: Vec<Vec<String>>,
    #[serde(default)]
    pub(crate) files: BTreeMap<PathBuf, FileSpec>,
    #[serde(default)]
    pub(crate) processes: Vec<ProcessSpec>,
}

/// What starts the boot.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PowerOn {
    #[default]
    Stdin,
    Now,
}

/// One file to write at boot.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSpec {
    pub(crate) content: String,
    #[serde(default)]
    pub(crate) mode: FileMode,
}

/// Permission bits, written in octal as a string because JSON has no octal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct FileMode(pub(crate) u32);

impl Default for FileMode {
    fn default() -> Self {
        FileMode(0o644)
    }
}

impl TryFrom<String> for FileMode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if mode <= 0o7777 => Ok(FileMode(mode)),
            _ => Err(format!("`{text}` is not an octal file mode such as `0644`")),
        }
    }
}

/// One supervised process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ProcessSpec {
    pub(crate) name: String,
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) after: Vec<String>,
    /// It is not started before this file is there: somebody outside of the node has the word.
    pub(crate) when_file: Option<PathBuf>,
    pub(crate) ready: Option<Ready>,
    /// Without it the process may take as long as it likes.
    pub(crate) ready_within_seconds: Option<u64>,
    #[serde(default)]
    pub(crate) restart: Restart,
    /// Lower stops first.
    #[serde(default)]
    pub(crate) stop_order: i32,
}

/// Bounds of the back-off between restarts.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Restart {
    #[serde(default = "default_initial")]
    pub(crate) initial_ms: u64,
    #[serde(default = "default_max")]
    pub(crate) max_ms: u64,
}

impl Default for Restart {
    fn default() -> Self {
        Restart { initial_ms: default_initial(), max_ms: default_max() }
    }
}

/// How a process shows that it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Ready {
    UnixSocket(PathBuf),
    Tcp(SocketAddr),
    Http(HttpTarget),
    File(PathBuf),
}

/// `ADDRESS:PORT/PATH`; plain HTTP by address, because a static program cannot look names up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct HttpTarget {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
}

impl TryFrom<String> for HttpTarget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (address, path) = text.split_once('/').unwrap_or((&text, ""));
        let address =
            address.parse().map_err(|_| format!("`{text}` is not an HTTP target such as `127.0.0.1:10248/healthz`"))?;
        Ok(HttpTarget { address, path: format!("/{path}") })
    }
}

fn default_handshake() -> u64 {
    15
}

fn default_initial() -> u64 {
    200
}

fn default_max() -> u64 {
    10_000
}

/// Why a configuration cannot be used.
#[derive(Debug)]
pub(crate) enum Error {
    Read {
        file: PathBuf,
        source: std::io::Error,
    },
    /// Not JSON, or not of this shape; the line is shown because the parser does not always name the field.
    Parse {
        file: PathBuf,
        source: serde_json::Error,
        line: String,
    },
    Invalid {
        file: PathBuf,
        problems: Vec<String>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Read { file, source } => {
                write!(formatter, "could not read `{}`: {source}", file.display())
            }
            Error::Parse { file, source, line } => {
                write!(formatter, "`{}` is not a valid configuration: {source}", file.display())?;
                if line.is_empty() { Ok(()) } else { write!(formatter, "\n  {line}") }
            }
            Error::Invalid { file, problems } => {
                let noun = if problems.len() == 1 { "problem" } else { "problems" };
                write!(formatter, "`{}` has {} {noun}", file.display(), problems.len())?;
                problems.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
            }
        }
    }
}

/// # Errors
///
/// The file cannot be read, is not JSON of this shape, or says something that cannot be done.
pub(crate) fn load(file: &Path) -> Result<Config, Error> {
    let text = std::fs::read_to_string(file).map_err(|source| Error::Read { file: file.to_path_buf(), source })?;
    parse(file, &text)
}

fn parse(file: &Path, text: &str) -> Result<Config, Error> {
    let config: Config = serde_json::from_str(text).map_err(|source| {
        let line = text.lines().nth(source.line().saturating_sub(1)).unwrap_or_default();
        Error::Parse { file: file.to_path_buf(), source, line: line.trim().chars().take(200).collect() }
    })?;
    let problems = problems(&config);
    if problems.is_empty() { Ok(config) } else { Err(Error::Invalid { file: file.to_path_buf(), problems }) }
}

fn problems(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, command) in config.commands.iter().enumerate() {
        if command.is_empty() {
            problems.push(format!("`commands[{index}]` is empty"));
        }
    }
    for path in config.files.keys() {
        if !path.is_absolute() || path.file_name().is_none() {
            problems.push(format!("`files`: `{}` is not an absolute path of a file", path.display()));
        }
    }
    for name in config.sysctls.keys() {
        if name.is_empty() || name.split(['.', '/']).any(|part| part.is_empty()) {
            problems.push(format!("`sysctls`: `{name}` is not the name of a kernel setting"));
        }
    }
    for (index, process) in config.processes.iter().enumerate() {
        let name = &process.name;
        let well_formed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(well_formed) {
            // The name becomes that of the log file.
            problems.push(format!("`processes[{index}].name`: `{name}` may hold only a-z, 0-9 and `-`"));
        }
        if config.processes[..index].iter().any(|earlier| earlier.name == *name) {
            problems.push(format!("`processes[{index}].name`: `{name}` is used twice"));
        }
        if process.command.first().is_none_or(String::is_empty) {
            problems.push(format!("`processes[{index}].command` of `{name}` is empty"));
        }
        if let Some(path) = process.when_file.as_ref().filter(|path| !path.is_absolute()) {
            problems.push(format!(
                "`processes[{index}].whenFile` of `{name}`: `{}` is not an absolute path",
                path.display()
            ));
        }
        if process.restart.initial_ms == 0 || process.restart.initial_ms > process.restart.max_ms {
            problems.push(format!(
                "`processes[{index}].restart` of `{name}`: `initialMs` must be at least 1 and at most `maxMs`"
            ));
        }
        for earlier in &process.after {
            if !config.processes.iter().any(|other| other.name == *earlier) {
                problems.push(format!("`processes[{index}].after` of `{name}`: there is no process `{earlier}`"));
            }
        }
    }
    if problems.is_empty()
        && let Err(names) = order::start_order(&config.processes)
    {
        problems.push(format!("`processes[].after`: {} wait for each other", names.join(", ")));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("init.json"), text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_object_is_a_node_that_waits_for_power() {
        let config = parse(Path::new("init.json"), "{}").unwrap();
        assert_eq!(config.power_on, PowerOn::Stdin);
        assert_eq!(config.handshake_seconds, 15);
        assert!(!config.keep);
    }

    #[test]
    fn a_full_configuration_is_read() {
        let config = parse(
            Path::new("init.json"),
            r#"{"keep": true, "powerOn": "now", "handshakeSeconds": 3, "hostname": "worker-1",
                "sysctls": {"net.ipv4.ip_forward": "1"}, "commands": [["ip", "route"]],
                "files": {"/etc/foo": {"content": "x", "mode": "0600"}},
                "processes": [
                  {"name": "a", "command": ["a"], "environment": {"A": "b"}, "ready": {"unixSocket": "/run/a"},
                   "readyWithinSeconds": 30, "restart": {"initialMs": 5, "maxMs": 9}, "stopOrder": 2},
                  {"name": "b", "command": ["b"], "after": ["a"], "ready": {"http": "127.0.0.1:10248/healthz"}},
                  {"name": "c", "command": ["c"], "ready": {"tcp": "127.0.0.1:6443"}},
                  {"name": "d", "command": ["d"], "ready": {"file": "/run/d"}}]}"#,
        )
        .unwrap();
        assert_eq!(config.files[Path::new("/etc/foo")].mode, FileMode(0o600));
        let target = HttpTarget { address: "127.0.0.1:10248".parse().unwrap(), path: "/healthz".to_owned() };
        assert_eq!(config.processes[1].ready, Some(Ready::Http(target)));
        assert_eq!(config.processes[1].restart.initial_ms, 200);
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        let text = "{\n  \"keep\": false,\n  \"powerOff\": \"stdin\"\n}";
        let message = error(text);
        assert!(message.contains("unknown field `powerOff`"), "{message}");
        assert!(message.contains("line 3"), "{message}");
    }

    #[test]
    fn a_value_of_the_wrong_type_shows_the_line_that_holds_it() {
        let message = error("{\n  \"handshakeSeconds\": \"soon\"\n}");
        assert!(message.ends_with("\"handshakeSeconds\": \"soon\""), "{message}");
    }

    #[test]
    fn wrong_targets_and_modes_are_named() {
        let message = error(r#"{"processes": [{"name": "a", "command": ["a"], "ready": {"http": "localhost/x"}}]}"#);
        assert!(message.contains("`localhost/x` is not an HTTP target"), "{message}");
        let message = error(r#"{"files": {"/a": {"content": "", "mode": "rw"}}}"#);
        assert!(message.contains("`rw` is not an octal file mode"), "{message}");
        let message = error(r#"{"processes": [{"name": "a", "command": ["a"], "ready": {"socket": "/x"}}]}"#);
        assert!(message.contains("unknown variant `socket`"), "{message}");
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let message = error(
            r#"{"commands": [[]], "files": {"etc/foo": {"content": ""}},
                "processes": [{"name": "a/b", "command": []}, {"name": "c", "command": ["c"], "after": ["nobody"]},
                              {"name": "c", "command": ["c"], "restart": {"initialMs": 9, "maxMs": 5}, "whenFile": "here"}]}"#,
        );
        for part in [
            "has 8 problems",
            ".whenFile` of `c`: `here` is not an absolute path",
            "`commands[0]` is empty",
            "`etc/foo` is not an absolute path",
            "`a/b` may hold only",
            "`processes[0].command` of `a/b` is empty",
            "there is no process `nobody`",
            "`c` is used twice",
            "`initialMs` must be at least 1",
        ] {
            assert!(message.contains(part), "{part} is missing in: {message}");
        }
    }

    #[test]
    fn a_circle_of_dependencies_is_refused() {
        let message = error(
            r#"{"processes": [{"name": "a", "command": ["a"], "after": ["b"]},
                              {"name": "b", "command": ["b"], "after": ["a"]}]}"#,
        );
        assert!(message.contains("`a`, `b` wait for each other"), "{message}");
    }
}
