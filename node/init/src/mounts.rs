//! The mounts and devices that a container engine withholds and a Kubernetes node needs.
//!
//! Done once, before any process starts. A volume and the writable layer survive a restart of the container, the
//! tmpfs on `/run` does not: sockets and PID files of an earlier boot are therefore never seen.

use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use crate::cgroup;
use crate::mountinfo::{self, Mount};

/// Flags that kernel file systems carry anyway; a remount that leaves them out would take them away.
const KERNEL_FS: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

/// # Errors
///
/// The first step without which containers cannot run, as a message. What does not matter comes back as warnings.
pub(crate) fn prepare() -> Result<Vec<String>, String> {
    let mounts = mountinfo::read()?;
    remount(Path::new("/sys"), MsFlags::empty())?;
    share_root()?;
    let warnings = cgroup::prepare(&mounts)?;
    for path in ["/run", "/tmp"] {
        temporary(&mounts, Path::new(path))?;
    }
    std::fs::create_dir_all("/dev/shm").map_err(|error| format!("could not make `/dev/shm`: {error}"))?;
    kernel_log()?;
    Ok(warnings)
}

/// Makes a mount of a kernel file system writable; with `MS_BIND` only this mount and not the file system behind it.
pub(crate) fn remount(path: &Path, how: MsFlags) -> Result<(), String> {
    let flags = MsFlags::MS_REMOUNT | KERNEL_FS | how;
    mount(None::<&str>, path, None::<&str>, flags, None::<&str>)
        .map_err(|error| format!("could not remount `{}` for writing: {}", path.display(), error.desc()))
}

/// Pods with `mountPropagation` need it, and the kubelet refuses volumes without it.
fn share_root() -> Result<(), String> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_SHARED, None::<&str>)
        .map_err(|error| format!("could not make the mounts below `/` shared: {}", error.desc()))
}

/// The harness asks the engine for these; this covers a container that somebody started by hand.
fn temporary(mounts: &[Mount], path: &Path) -> Result<(), String> {
    if mountinfo::kind_at(mounts, path).is_some() {
        return Ok(());
    }
    let mode = if path == Path::new("/tmp") { "mode=1777" } else { "mode=755" };
    std::fs::create_dir_all(path)
        .map_err(|error| error.to_string())
        .and_then(|()| {
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
            mount(Some("tmpfs"), path, Some("tmpfs"), flags, Some(mode)).map_err(|error| error.desc().to_owned())
        })
        .map_err(|error| format!("could not mount a tmpfs on `{}`: {error}", path.display()))
}

/// The kubelet ends when it cannot open `/dev/kmsg`. Where the device is refused it gets a file that can be opened
/// and says nothing: what it reads there (out-of-memory kills) is of no use to a test node.
fn kernel_log() -> Result<(), String> {
    let path = Path::new("/dev/kmsg");
    match mknod(path, SFlag::S_IFCHR, Mode::from_bits_truncate(0o600), makedev(1, 11)) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(_) => return link_to_console(path),
    }
    // A device can be made and still be refused by the device rules of the container, which only opening shows.
    match std::fs::File::open(path) {
        Ok(_) => Ok(()),
        Err(_) => std::fs::remove_file(path).map_err(|error| error.to_string()).and_then(|()| link_to_console(path)),
    }
}

fn link_to_console(path: &Path) -> Result<(), String> {
    let target = if Path::new("/dev/console").exists() { "/dev/console" } else { "/dev/null" };
    std::os::unix::fs::symlink(target, path)
        .map_err(|error| format!("could not link `{}` to `{target}`: {error}", path.display()))
}
