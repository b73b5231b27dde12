//! The Linux capabilities a node container asks of Docker beside Docker's own default set: what a node needs, and what
//! it must have to give it to pods that ask for it. A node cannot grant what it does not have.

/// Without these a node does not work.
const NODE: &[&str] = &[
    "SYS_ADMIN",       // mounts, namespaces and control groups of pods
    "NET_ADMIN",       // interfaces, routes, packet filter
    "SYS_PTRACE",      // the kubelet and container runtimes look into other processes
    "SYSLOG",          // the kubelet reads the kernel's log
    "SYS_NICE",        // priorities of the node's programs
    "DAC_READ_SEARCH", // the runtime opens files by handle
];

/// DaemonSets are the workloads that ask for these, one by one or by `privileged: true`.
const PODS: &[&str] = &[
    "AUDIT_CONTROL",   // security agents: audit rules
    "AUDIT_READ",      // security agents: audit records
    "BLOCK_SUSPEND",   // part of `privileged`
    "IPC_LOCK",        // agents that lock memory: eBPF maps, secrets
    "IPC_OWNER",       // part of `privileged`
    "LEASE",           // part of `privileged`
    "LINUX_IMMUTABLE", // agents that protect files
    "MAC_ADMIN",       // agents that load security profiles
    "MAC_OVERRIDE",    // part of `privileged`
    "NET_BROADCAST",   // part of `privileged`
    "SYS_BOOT",        // agents that reboot nodes; inside the container's own namespace it ends the node
    "SYS_MODULE",      // CNI and storage agents that load modules
    "SYS_PACCT",       // part of `privileged`
    "SYS_RAWIO",       // storage agents
    "SYS_TIME",        // time agents
    "SYS_TTY_CONFIG",  // part of `privileged`
    "WAKE_ALARM",      // part of `privileged`
];

/// Taken where the engine can give it: it lets the kubelet lower out-of-memory scores.
const OPTIONAL: (&str, u32) = ("SYS_RESOURCE", 24);

/// What to ask of the engine of this host.
///
/// An engine cannot give what it does not have itself. Where it runs on this machine, its bounding set is ours.
pub(super) fn wanted() -> Vec<String> {
    let mut names: Vec<String> = NODE.iter().chain(PODS).map(|name| (*name).to_owned()).collect();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if bounding_set(&status).is_none_or(|set| set & (1 << OPTIONAL.1) != 0) {
        names.push(OPTIONAL.0.to_owned());
    }
    names
}

/// What every container needs whose PID 1 is rollcall's: it mounts, and sets up its network.
pub(super) fn of_any() -> Vec<String> {
    NODE[..2].iter().map(|name| (*name).to_owned()).collect()
}

/// The wanted ones without what an engine may be unable to give.
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
