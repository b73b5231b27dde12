//! The arguments. A node passes none; the flags serve checks of a configuration and tests on a developer's machine.

use std::ffi::OsString;
use std::path::PathBuf;

/// What the program was asked to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Run,
    Version,
    Check(PathBuf),
    /// Become this command: see `spawn.rs`.
    Exec(Vec<OsString>),
}

/// Where things are and whether the machine itself may be changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) config: PathBuf,
    pub(crate) run_dir: PathBuf,
    pub(crate) log_dir: PathBuf,
    /// False only in tests: no mounts, cgroups, sysctls or hostname, and the program need not be PID 1.
    pub(crate) owns_machine: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            config: PathBuf::from("/etc/rollcall/init.json"),
            run_dir: PathBuf::from("/run/rollcall"),
            log_dir: PathBuf::from("/var/log/rollcall"),
            owns_machine: true,
        }
    }
}

/// The whole command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) mode: Mode,
    pub(crate) settings: Settings,
}

impl Arguments {
    /// # Errors
    ///
    /// An unknown flag or one without its value, as a message for standard error.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
        let mut arguments = arguments.into_iter();
        let mut parsed = Arguments { mode: Mode::Run, settings: Settings::default() };
        while let Some(flag) = arguments.next() {
            let flag = flag.to_string_lossy().into_owned();
            let mut value = || arguments.next().map(PathBuf::from).ok_or(format!("`{flag}` needs a path"));
            match flag.as_str() {
                "--version" => parsed.mode = Mode::Version,
                "--check" => parsed.mode = Mode::Check(value()?),
                "--config" => parsed.settings.config = value()?,
                "--run-dir" => parsed.settings.run_dir = value()?,
                "--log-dir" => parsed.settings.log_dir = value()?,
                "--no-mounts" => parsed.settings.owns_machine = false,
                "--exec" => {
                    parsed.mode = Mode::Exec(arguments.collect());
                    break;
                }
                _ => {
                    return Err(format!(
                        "unknown argument `{flag}`\n(hint: a node passes none; `--check FILE` and `--version` are for people)"
                    ));
                }
            }
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn no_argument_means_a_node() {
        let parsed = parse(&[]).unwrap();
        assert_eq!(parsed, Arguments { mode: Mode::Run, settings: Settings::default() });
        assert!(parsed.settings.owns_machine);
    }

    #[test]
    fn what_follows_exec_belongs_to_the_command() {
        let parsed = parse(&["--exec", "sh", "--version"]).unwrap();
        assert_eq!(parsed.mode, Mode::Exec(vec!["sh".into(), "--version".into()]));
    }

    #[test]
    fn a_flag_without_its_value_is_named() {
        assert_eq!(parse(&["--check"]).unwrap_err(), "`--check` needs a path");
        assert!(parse(&["--frob"]).unwrap_err().starts_with("unknown argument `--frob`"));
    }
}
