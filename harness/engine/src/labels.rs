//! The labels on containers and networks. They are the only record of what exists: `ls`, `down` and `clean` read
//! nothing else, so they work after a crash and on another terminal.

use std::collections::HashMap;

/// On everything rollcall makes; the value is the cluster's name.
pub(crate) const CLUSTER: &str = "rollcall.cluster";
/// The node's name in Kubernetes.
pub(crate) const NODE: &str = "rollcall.node";
/// The last octet of the node's address: an engine need not say it of a container that does not run.
pub(crate) const NUMBER: &str = "rollcall.number";
/// `control-plane`, `worker`, or [`SERVICES`].
pub(crate) const ROLE: &str = "rollcall.role";
/// The role of the container beside the nodes that has the registry and kwok. It has no [`NODE`].
pub(crate) const SERVICES: &str = "services";
/// The distro that knows how to make more nodes of this cluster.
pub(crate) const DISTRO: &str = "rollcall.distro";
/// The process the cluster belongs to, see [`Owner`].
pub(crate) const OWNER: &str = "rollcall.owner";
/// `true` where the cluster outlives the process that made it.
pub(crate) const KEEP: &str = "rollcall.keep";
/// `true` on the control-plane node of a cluster that can have simulated nodes.
pub(crate) const SIMULATED: &str = "rollcall.simulated";
/// The node image.
pub(crate) const IMAGE: &str = "rollcall.image";

/// A process, told apart from every other of this and of other machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The boot and the process-number space it lives in: a process number says nothing elsewhere.
    place: String,
    pid: u32,
    /// Process numbers are used again; start times (clock ticks since boot) are not.
    started: u64,
}

impl Owner {
    /// This process.
    pub(crate) fn current() -> Self {
        let pid = std::process::id();
        Self { place: place(), pid, started: start_time(pid).unwrap_or(0) }
    }

    /// Reads what [`Owner`]'s `Display` wrote.
    pub(crate) fn parse(label: &str) -> Option<Self> {
        let mut parts = label.rsplitn(3, '/');
        let started = parts.next()?.parse().ok()?;
        let pid = parts.next()?.parse().ok()?;
        Some(Self { place: parts.next()?.to_owned(), pid, started })
    }

    /// Whether the process is known to be gone. One that cannot be looked up from here counts as alive.
    pub(crate) fn is_dead(&self) -> bool {
        self.place == place() && start_time(self.pid) != Some(self.started)
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.place, self.pid, self.started)
    }
}

/// Boot and process-number space of this process.
fn place() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = std::fs::read_link("/proc/self/ns/pid").map(|path| path.display().to_string()).unwrap_or_default();
    format!("{}.{space}", boot.trim())
}

/// The start time of a process in clock ticks since boot, `None` where there is no such process (a zombie counts as
/// gone: it holds nothing any more).
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command name is in parentheses and may contain anything, so count from the last one.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    // Field 22 of proc(5); the two before the split and the state are gone already.
    fields.nth(18)?.parse().ok()
}

/// The labels every object of a cluster carries.
pub(crate) fn of_cluster(cluster: &str, distro: &str, image: &str, keep: bool) -> HashMap<String, String> {
    HashMap::from([
        (CLUSTER.to_owned(), cluster.to_owned()),
        (DISTRO.to_owned(), distro.to_owned()),
        (IMAGE.to_owned(), image.to_owned()),
        (OWNER.to_owned(), Owner::current().to_string()),
        (KEEP.to_owned(), keep.to_string()),
    ])
}

#[cfg(test)]
mod tests {
    use super::Owner;

    #[test]
    fn an_owner_survives_being_written_as_a_label() {
        let owner = Owner::current();
        assert_eq!(Owner::parse(&owner.to_string()), Some(owner));
    }

    #[test]
    fn this_process_is_alive_and_one_with_another_start_time_is_dead() {
        let owner = Owner::current();
        assert!(!owner.is_dead());
        let reused = Owner { started: owner.started + 1, ..owner };
        assert!(reused.is_dead());
    }

    #[test]
    fn a_process_of_another_machine_is_never_called_dead() {
        let elsewhere = Owner { place: "other-boot.pid:[1]".into(), ..Owner::current() };
        let elsewhere = Owner { started: elsewhere.started + 1, ..elsewhere };
        assert!(!elsewhere.is_dead());
    }
}
