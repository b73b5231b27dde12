//! A power failure, played inside of the container: every process is killed at once, and what only the memory of a
//! machine holds is gone: mounts, interfaces, packet filter rules, and the content of memory file systems.
//!
//! The engine could kill and start the container instead, but not one that is to be removed when it ends: Docker
//! Engine 20.10 then removes it now and then in spite of the restart.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::unistd::Pid;

use crate::mountinfo::{self, Mount};
use crate::{cgroup, reap};

/// A killed process is collected at once, unless the kernel holds it for a disk or a network that does not answer.
const COLLECT: Duration = Duration::from_secs(10);
/// Where nothing outlives a machine that is switched off.
const MEMORY: [&str; 3] = ["/run", "/tmp", "/dev/shm"];
const TABLES: [&str; 4] = ["raw", "mangle", "nat", "filter"];

/// What the engine gave to the container, before the first boot added anything.
#[derive(Debug)]
pub(crate) struct Bare {
    mounts: BTreeSet<u64>,
    interfaces: BTreeSet<String>,
    rules: String,
}

impl Bare {
    /// # Errors
    ///
    /// What is there cannot be read, as a message.
    pub(crate) fn look() -> Result<Bare, String> {
        Ok(Bare {
            mounts: mountinfo::read()?.into_iter().map(|mount| mount.id).collect(),
            interfaces: interfaces()?.into_iter().collect(),
            // The engine's own resolver has rules here. Where none can be read none are put back.
            rules: output("iptables-save").unwrap_or_default(),
        })
    }

    /// Kills everything but this process and takes away whatever was added since.
    ///
    /// # Errors
    ///
    /// The first thing that stayed, as a message: a boot after that would not be one after a power failure.
    pub(crate) fn return_to(&self, signals: &SignalFd) -> Result<(), String> {
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        if !reap::collect_all(signals, COLLECT) {
            return Err(format!("a killed process has not ended within {}s", COLLECT.as_secs()));
        }
        self.unmount()?;
        MEMORY.iter().try_for_each(|folder| empty(Path::new(folder)))?;
        cgroup::remove_children();
        for interface in interfaces()?.iter().filter(|interface| !self.interfaces.contains(*interface)) {
            delete_interface(interface)?;
        }
        input("iptables-restore", &restored(&self.rules))?;
        // There may be no second protocol, and no connection to forget.
        let _ = input("ip6tables-restore", &restored(""));
        let _ = quiet(Command::new("conntrack").arg("-F")).status();
        Ok(())
    }

    /// Mounts are shared, so one may take others with it; what counts is what is left.
    fn unmount(&self) -> Result<(), String> {
        let mut left = self.added(&mountinfo::read()?);
        while !left.is_empty() {
            let refused: Vec<_> =
                left.iter().filter_map(|point| Some((point, umount2(point, MntFlags::MNT_DETACH).err()?))).collect();
            let now = self.added(&mountinfo::read()?);
            if let Some((point, error)) = refused.first().filter(|_| now.len() >= left.len()) {
                return Err(format!("could not unmount `{}`: {}", point.display(), error.desc()));
            }
            left = now;
        }
        Ok(())
    }

    /// Mounts that were not there before, the last first, as they lie on each other.
    fn added(&self, mounts: &[Mount]) -> Vec<PathBuf> {
        mounts.iter().rev().filter(|mount| !self.mounts.contains(&mount.id)).map(|mount| mount.point.clone()).collect()
    }
}

fn interfaces() -> Result<Vec<String>, String> {
    let folder = "/sys/class/net";
    let failed = |error: std::io::Error| format!("could not read `{folder}`: {error}");
    let entries = fs::read_dir(folder).map_err(failed)?;
    entries.map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned())).collect()
}

/// One of two that belong together takes the other with it, so one that is gone is no error.
fn delete_interface(name: &str) -> Result<(), String> {
    let status = quiet(Command::new("ip").args(["link", "delete", name])).status();
    match status {
        Ok(status) if status.success() || !Path::new("/sys/class/net").join(name).exists() => Ok(()),
        Ok(status) => Err(format!("could not delete interface `{name}`: {status}")),
        Err(error) => Err(format!("could not run `ip`: {error}")),
    }
}

fn empty(folder: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("could not empty `{}`: {error}", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) }.map_err(failed)?;
    }
    Ok(())
}

/// The rules as they were; a table without any is named too, because only tables that are named are emptied.
fn restored(rules: &str) -> String {
    let missing = TABLES.iter().filter(|table| !rules.lines().any(|line| line.strip_prefix('*') == Some(table)));
    let missing: String = missing.map(|table| format!("*{table}\nCOMMIT\n")).collect();
    format!("{rules}{missing}")
}

/// What a program writes. The boot's own way with commands does not wait for them; these take milliseconds, and
/// nothing else goes on meanwhile.
fn output(program: &str) -> Option<String> {
    let output = quiet(&mut Command::new(program)).stdout(Stdio::piped()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn input(program: &str, text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("could not run `{program}`: {error}");
    let mut child = quiet(&mut Command::new(program)).stdin(Stdio::piped()).spawn().map_err(failed)?;
    // Dropped at the end of the statement, so that the program sees the end of its input.
    child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes())).map_err(failed)?;
    let status = child.wait().map_err(failed)?;
    if status.success() { Ok(()) } else { Err(format!("`{program}` ended with {status}")) }
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(id: u64, point: &str) -> Mount {
        Mount { id, point: point.into(), kind: "tmpfs".to_owned() }
    }

    #[test]
    fn what_was_mounted_since_goes_in_reverse_and_the_rest_stays() {
        let bare = Bare { mounts: BTreeSet::from([1, 2]), interfaces: BTreeSet::new(), rules: String::new() };
        let mounts = [mount(1, "/"), mount(2, "/run"), mount(7, "/a"), mount(9, "/a/b"), mount(8, "/run")];
        let added: Vec<_> = bare.added(&mounts).into_iter().map(|point| point.display().to_string()).collect();
        assert_eq!(added, ["/run", "/a/b", "/a"]);
    }

    #[test]
    fn tables_without_rules_are_emptied_too() {
        let rules = "*nat\n:DOCKER_OUTPUT - [0:0]\nCOMMIT\n";
        let text = restored(rules);
        assert!(text.starts_with(rules), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with('*')).count(), TABLES.len());
        assert_eq!(text.matches("*nat").count(), 1);
    }

    #[test]
    fn a_folder_is_emptied_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("c"), "").unwrap();
        std::os::unix::fs::symlink("/nowhere", folder.path().join("d")).unwrap();
        empty(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        empty(&folder.path().join("none")).unwrap();
    }
}
