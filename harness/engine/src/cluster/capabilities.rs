//! The Linux capabilities a node container asks of Docker: what a container runtime and a kubelet need, and no more.

/// Without these no node works. Each has its reason.
const REQUIRED: &[&str] = &[
    "SYS_ADMIN",  // mounts, namespaces and cgroups of pods
    "NET_ADMIN",  // interfaces, routes, iptables
    "SYS_PTRACE", // the kubelet and `nsenter` look into other processes
    "SYSLOG",     // the kubelet reads the kernel's log
    "SYS_NICE",   // out-of-memory scores and priorities
    "IPC_LOCK",   // pods that lock memory
    "SYS_TIME",   // below: pods of time agents
    "SYS_BOOT",   // below: privileged pods get what the node has
    "SYS_PACCT",
    "SYS_RAWIO",
    "SYS_TTY_CONFIG",
    "DAC_READ_SEARCH", // agents that open files by handle
    "LINUX_IMMUTABLE",
    "IPC_OWNER",
    "LEASE",
    "NET_BROADCAST",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "BLOCK_SUSPEND",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "WAKE_ALARM",
    "SYS_MODULE",
];

/// Taken where the engine can give it: it lets the kubelet lower out-of-memory scores.
const OPTIONAL: (&str, u32) = ("SYS_RESOURCE", 24);

/// What to ask of the engine of this host.
///
/// An engine cannot give what it does not have itself. Where it runs on this machine, its bounding set is ours.
pub(super) fn wanted() -> Vec<String> {
    let mut names: Vec<String> = REQUIRED.iter().map(|name| (*name).to_owned()).collect();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if bounding_set(&status).is_none_or(|set| set & (1 << OPTIONAL.1) != 0) {
        names.push(OPTIONAL.0.to_owned());
    }
    names
}

/// The same without what an engine may be unable to give.
pub(super) fn without_optional(names: &[String]) -> Vec<String> {
    names.iter().filter(|name| *name != OPTIONAL.0).cloned().collect()
}

fn bounding_set(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::bounding_set;

    #[test]
    fn the_bounding_set_is_read_from_the_process_status() {
        assert_eq!(bounding_set("Name:\tx\nCapBnd:\t000001fffeffffff\n"), Some(0x1ff_feff_ffff));
        assert_eq!(bounding_set("Name:\tx\n"), None);
    }
}
