//! What happens between power-on and the first process: hostname, kernel settings, files, and commands run once.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::Pid;

use crate::arguments::Settings;
use crate::config::{Config, FileSpec};
use crate::mounts;
use crate::reap::Exit;
use crate::spawn::{self, Log};

/// A boot command takes milliseconds; one that hangs must not hang the node without a word.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// Kernel settings that reset others when written, so they go first.
const FIRST: &str = "net.ipv4.ip_forward";

/// # Errors
///
/// The first step that failed, as a message. What does not matter comes back as warnings.
pub(crate) fn prepare(config: &Config, settings: &Settings) -> Result<Vec<String>, String> {
    let mut warnings = Vec::new();
    if settings.owns_machine {
        warnings = mounts::prepare()?;
        if let Some(hostname) = &config.hostname {
            nix::unistd::sethostname(hostname)
                .map_err(|error| format!("could not set the hostname to `{hostname}`: {}", error.desc()))?;
        }
        set_kernel(&config.sysctls)?;
    }
    fs::create_dir_all(&settings.log_dir)
        .map_err(|error| format!("could not make `{}`: {error}", settings.log_dir.display()))?;
    config.files.iter().try_for_each(|(path, file)| write_file(path, file))?;
    Ok(warnings)
}

fn set_kernel(sysctls: &BTreeMap<String, String>) -> Result<(), String> {
    let mut ordered: Vec<_> = sysctls.iter().collect();
    ordered.sort_by_key(|(name, _)| *name != FIRST);
    for (name, value) in ordered {
        let path = sysctl_path(name);
        fs::write(&path, value)
            .map_err(|error| format!("could not write `{value}` to `{}`: {error}", path.display()))?;
    }
    Ok(())
}

/// As sysctl(8) does: a name with slashes is a path already, because interface names may hold dots.
fn sysctl_path(name: &str) -> PathBuf {
    let relative = if name.contains('/') { name.to_owned() } else { name.replace('.', "/") };
    Path::new("/proc/sys").join(relative.trim_start_matches('/'))
}

fn write_file(path: &Path, file: &FileSpec) -> Result<(), String> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))
        .and_then(|()| fs::write(path, &file.content))
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(file.mode.0)))
        .map_err(|error| format!("could not write file `{}`: {error}", path.display()))
}

/// What has become of the commands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    Done,
    Failed(String),
}

/// The commands, run one after the other without holding up the loop.
#[derive(Debug)]
pub(crate) struct Commands {
    commands: Vec<Vec<String>>,
    log: Log,
    next: usize,
    running: Option<(Pid, Duration)>,
}

impl Commands {
    pub(crate) fn new(commands: Vec<Vec<String>>, log_dir: &Path) -> Commands {
        Commands { commands, log: Log::new(log_dir, "boot"), next: 0, running: None }
    }

    /// Starts the next command when none is running.
    pub(crate) fn advance(&mut self, now: Duration) -> Progress {
        if let Some((_, started)) = self.running {
            return if now < started + COMMAND_LIMIT {
                Progress::Running
            } else {
                Progress::Failed(format!("`{}` did not end within {}s", self.current(), COMMAND_LIMIT.as_secs()))
            };
        }
        let Some(command) = self.commands.get(self.next) else {
            return Progress::Done;
        };
        match spawn::start(command, &BTreeMap::new(), &mut self.log, &command.join(" ")) {
            Ok(pid) => {
                self.running = Some((pid, now));
                Progress::Running
            }
            Err(message) => Progress::Failed(message),
        }
    }

    /// Takes note of an end; false when the process was not one of these.
    ///
    /// # Errors
    ///
    /// The command failed: which one, how, and the last thing it said.
    pub(crate) fn ended(&mut self, pid: Pid, exit: Exit) -> Result<bool, String> {
        if self.running.is_none_or(|(running, _)| running != pid) {
            return Ok(false);
        }
        self.running = None;
        if exit != Exit::Code(0) {
            let said = self.log.last_line().map(|line| format!(": {line}")).unwrap_or_default();
            return Err(format!("`{}` ended with {exit}{said}", self.current()));
        }
        self.next += 1;
        Ok(true)
    }

    pub(crate) fn wake(&self) -> Option<Duration> {
        self.running.map(|(_, started)| started + COMMAND_LIMIT)
    }

    pub(crate) fn pid(&self) -> Option<Pid> {
        self.running.map(|(pid, _)| pid)
    }

    fn current(&self) -> String {
        self.commands.get(self.next).map(|command| command.join(" ")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FileMode;

    #[test]
    fn kernel_settings_are_paths_below_proc_sys() {
        assert_eq!(sysctl_path("net.ipv4.ip_forward"), Path::new("/proc/sys/net/ipv4/ip_forward"));
        assert_eq!(
            sysctl_path("net/ipv4/conf/eth0.1/proxy_arp"),
            Path::new("/proc/sys/net/ipv4/conf/eth0.1/proxy_arp")
        );
    }

    #[test]
    fn a_file_is_written_with_its_parents_and_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/secret");
        write_file(&path, &FileSpec { content: "x".to_owned(), mode: FileMode(0o600) }).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let message =
            write_file(Path::new("/proc/none/file"), &FileSpec { content: String::new(), mode: FileMode(0o600) });
        assert!(message.unwrap_err().starts_with("could not write file `/proc/none/file`"));
    }

    #[test]
    fn without_commands_the_boot_goes_on_at_once() {
        assert_eq!(Commands::new(vec![], Path::new("/")).advance(Duration::ZERO), Progress::Done);
    }
}
