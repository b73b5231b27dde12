//! The configuration of the node's PID 1: what it sets up and which programs it supervises in which order.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use crate::{
    distro::{Layout, Member, POD_RANGE, SERVICE_RANGE, plain, yaml},
    docker::FileSpec,
    patience,
};

/// A program that PID 1 keeps running.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::distro) struct Process {
    pub(super) name: &'static str,
    pub(super) command: Vec<String>,
    /// Programs that must have been ready once before this one starts.
    pub(super) after: Vec<&'static str>,
    /// A file that must be there too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) when_file: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ready: Option<Ready>,
}

/// When a program counts as ready.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::distro) enum Ready {
    UnixSocket(&'static str),
    Tcp(String),
    Http(&'static str),
}

impl Process {
    /// A program with its arguments; the program's name is the process's.
    pub(super) fn new(name: &'static str, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut command = vec![name.to_owned()];
        command.extend(arguments.into_iter().map(Into::into));
        Self { name, command, after: Vec::new(), when_file: None, ready: None }
    }

    pub(super) fn after(mut self, names: &[&'static str]) -> Self {
        self.after.extend_from_slice(names);
        self
    }

    pub(super) fn when_file(mut self, path: &'static str) -> Self {
        self.when_file = Some(path);
        self
    }

    pub(super) fn ready(mut self, ready: Ready) -> Self {
        self.ready = Some(ready);
        self
    }
}

/// Where the image's PID 1 looks.
const PATH: &str = "/etc/rollcall/init.json";

/// What PID 1 sets up before it starts the processes.
#[derive(Debug, Default)]
pub(in crate::distro) struct SetUp {
    pub(in crate::distro) hostname: String,
    pub(in crate::distro) sysctls: BTreeMap<&'static str, &'static str>,
    pub(in crate::distro) commands: Vec<Vec<String>>,
}

/// The configuration of a node's PID 1.
pub(super) fn config(layout: &Layout, member: &Member, processes: Vec<Process>) -> FileSpec {
    let set_up = SetUp {
        hostname: member.name.clone(),
        sysctls: BTreeMap::from([
            // Pods and Services are reached through the node.
            ("net.ipv4.ip_forward", "1"),
            // Host ports answer on loopback too (the portmap plug-in).
            ("net.ipv4.conf.all.route_localnet", "1"),
            // Every node answers for its pods' addresses, so no node needs routes to the others.
            ("net.ipv4.conf.eth0.proxy_arp", "1"),
            // A proxied answer is delayed by up to 0.8 s otherwise (`proxy_delay`, in hundredths of a second).
            ("net.ipv4.neigh.eth0.proxy_delay", "0"),
        ]),
        commands: vec![
            no_way_out(),
            command(&format!("ip route replace {POD_RANGE} dev eth0")),
            // Before kube-proxy has written its rules, packets to a Service must go nowhere: to a bridge without
            // ports. (A `dummy` interface would say it better, but is a module that not every kernel has.)
            command("ip link add rollcall0 type bridge"),
            command("ip link set rollcall0 up"),
            command(&format!("ip route replace {SERVICE_RANGE} dev rollcall0")),
        ],
    };
    document(layout, set_up, processes)
}

/// Nothing may leave the cluster's network, whatever a pod asks for.
pub(in crate::distro) fn no_way_out() -> Vec<String> {
    command("ip route flush exact default")
}

fn command(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// The configuration of PID 1 in a container of the node image.
pub(in crate::distro) fn document(layout: &Layout, set_up: SetUp, processes: Vec<Process>) -> FileSpec {
    let config = json!({
        "keep": layout.keep,
        // A node that goes with the harness waits for its word, so that a killed one can stay off; nobody is there to
        // give that word to a node that stays.
        "powerOn": if layout.keep { "now" } else { "stdin" },
        "handshakeSeconds": 15 * patience::factor(),
        "hostname": set_up.hostname,
        "sysctls": set_up.sysctls,
        "commands": set_up.commands,
        "files": {},
        "processes": processes,
    });
    plain(PATH, yaml(&config))
}
