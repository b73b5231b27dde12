//! What a DaemonSet asks for, by the Pod Security Standards
//! (<https://kubernetes.io/docs/concepts/security/pod-security-standards/>, as of Kubernetes 1.37).
//! What is not here: what the program really needs; that shows only when it runs without.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A level of the Pod Security Standards, the strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Hardened.
    Restricted,
    /// Nothing by which a pod could get more rights than it has.
    Baseline,
    /// Anything.
    Privileged,
}

impl Level {
    /// The name, as the standards have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::Baseline => "baseline",
            Self::Privileged => "privileged",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Restricted, Self::Baseline, Self::Privileged]
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| format!("unknown level `{text}`: it is restricted, baseline or privileged"))
    }
}

/// What a pod template asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privileges {
    /// What baseline does not allow, each with its place.
    pub beyond_baseline: Vec<String>,
    /// What restricted does not allow beside that.
    pub beyond_restricted: Vec<String>,
}

/// Capabilities that baseline lets a container add; they are what runtimes give anyway.
const BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
/// The same in the restricted level.
const RESTRICTED: [&str; 1] = ["NET_BIND_SERVICE"];
/// Volumes of the restricted level.
const VOLUMES: [&str; 8] =
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
const SYSCTLS: [&str; 10] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
];

impl Privileges {
    /// What the spec of a pod template asks for.
    #[must_use]
    pub fn of(pod: &Value) -> Self {
        let mut found = Self { beyond_baseline: Vec::new(), beyond_restricted: Vec::new() };
        found.of_pod(pod);
        for (kind, containers) in [("initContainers", &pod["initContainers"]), ("containers", &pod["containers"])] {
            for container in containers.as_array().into_iter().flatten() {
                let place = format!("{kind}[{}]", container["name"].as_str().unwrap_or_default());
                found.of_container(&place, container, &pod["securityContext"]);
            }
        }
        found
    }

    /// The strictest level that allows it.
    #[must_use]
    pub fn level(&self) -> Level {
        match (self.beyond_baseline.is_empty(), self.beyond_restricted.is_empty()) {
            (false, _) => Level::Privileged,
            (true, false) => Level::Baseline,
            (true, true) => Level::Restricted,
        }
    }

    /// What a level does not allow.
    #[must_use]
    pub fn beyond(&self, level: Level) -> Vec<&str> {
        let (baseline, restricted) = (self.beyond_baseline.iter(), self.beyond_restricted.iter());
        match level {
            Level::Privileged => Vec::new(),
            Level::Baseline => baseline.map(String::as_str).collect(),
            Level::Restricted => baseline.chain(restricted).map(String::as_str).collect(),
        }
    }

    fn of_pod(&mut self, pod: &Value) {
        for key in ["hostNetwork", "hostPID", "hostIPC"] {
            if pod[key] == true {
                self.beyond_baseline.push(format!("{key}: true"));
            }
        }
        for volume in pod["volumes"].as_array().into_iter().flatten() {
            let name = volume["name"].as_str().unwrap_or_default();
            if let Some(path) = volume["hostPath"]["path"].as_str() {
                self.beyond_baseline.push(format!("volumes[{name}]: hostPath {path}{}", access(pod, name)));
                continue;
            }
            let kinds = volume.as_object().into_iter().flatten().map(|(kind, _)| kind.as_str());
            if let Some(kind) = kinds.into_iter().find(|kind| *kind != "name" && !VOLUMES.contains(kind)) {
                self.beyond_restricted.push(format!("volumes[{name}]: {kind}"));
            }
        }
        for sysctl in pod["securityContext"]["sysctls"].as_array().into_iter().flatten() {
            let name = sysctl["name"].as_str().unwrap_or_default();
            if !SYSCTLS.contains(&name) {
                self.beyond_baseline.push(format!("sysctl {name}"));
            }
        }
        self.of_context("securityContext", &pod["securityContext"]);
    }

    /// What pods and containers say alike.
    fn of_context(&mut self, place: &str, context: &Value) {
        if context["seccompProfile"]["type"] == "Unconfined" {
            self.beyond_baseline.push(format!("{place}.seccompProfile: Unconfined"));
        }
        if context["appArmorProfile"]["type"] == "Unconfined" {
            self.beyond_baseline.push(format!("{place}.appArmorProfile: Unconfined"));
        }
        let options = &context["seLinuxOptions"];
        if !matches!(
            options["type"].as_str(),
            None | Some("" | "container_t" | "container_init_t" | "container_kvm_t" | "container_engine_t")
        ) || ["user", "role"].iter().any(|key| options[*key].as_str().is_some_and(|text| !text.is_empty()))
        {
            self.beyond_baseline.push(format!("{place}.seLinuxOptions"));
        }
        if context["windowsOptions"]["hostProcess"] == true {
            self.beyond_baseline.push(format!("{place}.windowsOptions.hostProcess: true"));
        }
        if context["runAsUser"] == 0 {
            self.beyond_restricted.push(format!("{place}.runAsUser: 0"));
        }
    }

    fn of_container(&mut self, place: &str, container: &Value, pod: &Value) {
        let context = &container["securityContext"];
        self.of_context(&format!("{place}.securityContext"), context);
        if context["privileged"] == true {
            self.beyond_baseline.push(format!("{place}: privileged"));
        }
        for port in container["ports"].as_array().into_iter().flatten() {
            if let Some(number) = port["hostPort"].as_u64().filter(|number| *number != 0) {
                self.beyond_baseline.push(format!("{place}: hostPort {number}"));
            }
        }
        if matches!(context["procMount"].as_str(), Some(mount) if mount != "Default") {
            self.beyond_baseline
                .push(format!("{place}: procMount {}", context["procMount"].as_str().unwrap_or_default()));
        }
        let added = context["capabilities"]["add"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for capability in added {
            if !BASELINE.contains(&capability) {
                self.beyond_baseline.push(format!("{place}: capability {capability}"));
            } else if !RESTRICTED.contains(&capability) {
                self.beyond_restricted.push(format!("{place}: capability {capability}"));
            }
        }
        let dropped = context["capabilities"]["drop"].as_array().into_iter().flatten();
        if !dropped.into_iter().any(|capability| capability == "ALL") {
            self.beyond_restricted.push(format!("{place}: capabilities.drop without ALL"));
        }
        if context["allowPrivilegeEscalation"] != false {
            self.beyond_restricted.push(format!("{place}: allowPrivilegeEscalation is not false"));
        }
        let either = |key: &str| if context[key].is_null() { &pod[key] } else { &context[key] };
        if *either("runAsNonRoot") != true {
            self.beyond_restricted.push(format!("{place}: runAsNonRoot is not true"));
        }
        if !matches!(either("seccompProfile")["type"].as_str(), Some("RuntimeDefault" | "Localhost" | "Unconfined")) {
            self.beyond_restricted.push(format!("{place}: no seccompProfile"));
        }
    }
}

/// Whether every mount of a volume is read-only.
fn access(pod: &Value, volume: &str) -> &'static str {
    let lists = [&pod["initContainers"], &pod["containers"]];
    let containers = lists.into_iter().filter_map(Value::as_array).flatten();
    let mut mounts = containers
        .filter_map(|container| container["volumeMounts"].as_array())
        .flatten()
        .filter(|mount| mount["name"] == volume)
        .peekable();
    if mounts.peek().is_some() && mounts.all(|mount| mount["readOnly"] == true) { " (read-only)" } else { "" }
}
