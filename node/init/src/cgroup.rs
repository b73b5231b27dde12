//! Control groups: made writable for the kubelet and containerd, in version 1 and in version 2.

use std::fs;
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;

use crate::mountinfo::{self, Mount};
use crate::mounts::remount;

const ROOT: &str = "/sys/fs/cgroup";
/// The group of this process and of those it starts, in version 2.
const OWN: &str = "init";
/// The kubelet does not start without these.
const NEEDED: [&str; 4] = ["cpu", "cpuset", "memory", "pids"];
/// Moving is repeated because a process may fork while it is being moved.
const ROUNDS: usize = 10;

/// # Errors
///
/// The step without which the kubelet cannot make groups for pods, as a message. Controllers that the kubelet can do
/// without come back as warnings.
pub(crate) fn prepare(mounts: &[Mount]) -> Result<Vec<String>, String> {
    let root = Path::new(ROOT);
    if mountinfo::kind_at(mounts, root) == Some("cgroup2") {
        return version_2(root);
    }
    for mount in controllers(mounts) {
        // A plain remount says busy: the hierarchy is shared with the machine, and only this mount is read-only.
        remount(&mount.point, MsFlags::MS_BIND)?;
    }
    Ok(Vec::new())
}

/// The mounts of version 1, and that of version 2 beside them on hybrid machines.
fn controllers(mounts: &[Mount]) -> impl Iterator<Item = &Mount> {
    let below = |mount: &&Mount| mount.point != Path::new(ROOT) && mount.point.starts_with(ROOT);
    mounts.iter().filter(below).filter(|mount| matches!(mount.kind.as_str(), "cgroup" | "cgroup2"))
}

fn version_2(root: &Path) -> Result<Vec<String>, String> {
    remount(root, MsFlags::MS_BIND)?;
    let child = root.join(OWN);
    if let Err(error) = make(&child) {
        if error.kind() != std::io::ErrorKind::ReadOnlyFilesystem {
            return Err(format!("could not make `{}`: {error}", child.display()));
        }
        // The file system itself is read-only, not only this mount of it.
        remount(root, MsFlags::empty())?;
        make(&child).map_err(|error| format!("could not make `{}`: {error}", child.display()))?;
    }
    move_processes(root, &child)?;
    enable_controllers(root)
}

/// Removes what pods left behind. Groups that the kernel still holds for a moment stay, and harm nobody.
pub(crate) fn remove_children() {
    let mounts = mountinfo::read().unwrap_or_default();
    let roots = mounts.iter().filter(|mount| mount.point.starts_with(ROOT));
    for root in roots.filter(|mount| matches!(mount.kind.as_str(), "cgroup" | "cgroup2")) {
        for child in children(&root.point).filter(|child| !child.ends_with(OWN)) {
            remove(&child);
        }
    }
}

fn children(group: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

/// A group can be removed when it has no children; the files in it do not count.
fn remove(group: &Path) {
    children(group).for_each(|child| remove(&child));
    let _ = fs::remove_dir(group);
}

fn make(folder: &Path) -> std::io::Result<()> {
    match fs::create_dir(folder) {
        // After a restart of the container it may be there already.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// A group that passes controllers on to children may not hold processes itself (the kernel's "no internal processes"
/// rule), so all of them go into a child first.
fn move_processes(from: &Path, to: &Path) -> Result<(), String> {
    let (source, target) = (from.join("cgroup.procs"), to.join("cgroup.procs"));
    let mut failure = None;
    for _ in 0..ROUNDS {
        let pids =
            fs::read_to_string(&source).map_err(|error| format!("could not read `{}`: {error}", source.display()))?;
        let pids = movable(&pids);
        if pids.is_empty() {
            return Ok(());
        }
        failure = None;
        for pid in pids {
            // A process that has ended meanwhile is refused, and then no longer listed either.
            if let Err(error) = fs::write(&target, pid) {
                failure = Some(format!("could not move process {pid} to `{}`: {error}", to.display()));
            }
        }
    }
    Err(failure.unwrap_or(format!("new processes keep appearing in `{}`", source.display())))
}

/// Processes outside of our PID namespace are listed as 0; writing that would move the writer.
fn movable(listed: &str) -> Vec<&str> {
    listed.lines().filter(|pid| !pid.is_empty() && *pid != "0").collect()
}

fn enable_controllers(root: &Path) -> Result<Vec<String>, String> {
    let list = root.join("cgroup.controllers");
    let available =
        fs::read_to_string(&list).map_err(|error| format!("could not read `{}`: {error}", list.display()))?;
    let mut warnings = Vec::new();
    // One at a time: in one write a single refusal would lose all of them.
    for controller in available.split_whitespace() {
        if let Err(error) = fs::write(root.join("cgroup.subtree_control"), format!("+{controller}")) {
            let message = format!("could not enable cgroup controller `{controller}`: {error}");
            if NEEDED.contains(&controller) {
                return Err(message);
            }
            // Nothing that runs on a node asks for the others.
            warnings.push(message);
        }
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(point: &str, kind: &str) -> Mount {
        Mount { id: 0, point: point.into(), kind: kind.to_owned() }
    }

    #[test]
    fn only_control_groups_below_the_root_are_remounted() {
        let mounts = [
            mount("/sys/fs/cgroup", "tmpfs"),
            mount("/sys/fs/cgroup/memory", "cgroup"),
            mount("/sys/fs/cgroup/unified", "cgroup2"),
            mount("/sys/fs/bpf", "bpf"),
            mount("/sys/fs/cgroup-other", "cgroup"),
        ];
        let found: Vec<_> = controllers(&mounts).map(|mount| mount.point.to_str().unwrap()).collect();
        assert_eq!(found, ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"]);
    }

    #[test]
    fn processes_of_other_namespaces_stay_where_they_are() {
        assert_eq!(movable("1\n0\n27\n"), ["1", "27"]);
    }
}
