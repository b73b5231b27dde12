//! Why the scheduler has found no place for a pod on its node: what it said, and how that comes about there.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Container, Node, Pod, PodSpec},
    apimachinery::pkg::api::resource::Quantity,
};

use super::{Cause, Finding, Look, pod_object};
use crate::{
    condition::trouble,
    oracle::tolerates_pod,
    quantity::quantity,
    scenario::{Taint, TaintEffect},
    world::view,
};

/// Says that the scheduler misses something (`pkg/scheduler/framework/plugins/noderesources/fit.go`).
const INSUFFICIENT: &str = "Insufficient ";
/// And that a node has as many pods as it may have.
const TOO_MANY_PODS: &str = "Too many pods";
/// `nodeports/node_ports.go`.
const PORTS: &str = "didn't have free ports";
/// `tainttoleration/taint_toleration.go`, of all releases: `had untolerated taint {…}`, `had untolerated taint(s)`.
const TAINT: &str = "untolerated taint";

impl Look<'_> {
    /// Findings of a pod that no node has been chosen for.
    pub(super) fn unscheduled(self, node: &Node, pod: &Pod) -> Vec<Finding> {
        let Some(condition) = trouble::unscheduled(pod) else { return Vec::new() };
        let message = condition.message.as_deref().unwrap_or_default();
        let mut findings = Vec::new();
        let short = self.short_of(node, pod);
        for (resource, asked, free) in &short {
            let what = format!(
                "node `{}` has {} {resource} left, and the pod asks for {}: {} too little",
                view::name_of(&node.metadata),
                amount(resource, *free),
                amount(resource, *asked),
                amount(resource, asked - free)
            );
            findings.push(
                Finding::proven(Cause::InsufficientResource, pod_object(pod), what)
                    .seen(
                        "status.allocatable, less what its pods request",
                        format!("{resource}: {}", amount(resource, *free)),
                    )
                    .seen("spec.containers.resources.requests", format!("{resource}: {}", amount(resource, *asked)))
                    .remedy("lower the request, move other pods away, or give the DaemonSet a priority class"),
            );
        }
        if message.contains(PORTS) {
            findings.extend(self.ports(node, pod));
        }
        if message.contains(TAINT) {
            findings.extend(self.taints_of(node, pod));
        }
        if findings.is_empty() && (message.contains(INSUFFICIENT) || message.contains(TOO_MANY_PODS)) {
            findings.push(
                Finding::likely(
                    Cause::InsufficientResource,
                    pod_object(pod),
                    "its node has not enough left of something",
                )
                .remedy("lower the requests, or look at what the other pods of the node request"),
            );
        }
        if findings.is_empty() {
            findings.push(
                Finding::proven(Cause::Unschedulable, pod_object(pod), "the scheduler finds no place for it")
                    .remedy("do what the message says"),
            );
        }
        let reason = condition.reason.as_deref().unwrap_or_default();
        findings
            .into_iter()
            .map(|finding| finding.seen("status.conditions[PodScheduled]", format!("{reason}: {message}")))
            .collect()
    }

    /// What a pod asks for and its node does not have left: resource, asked, left.
    fn short_of(self, node: &Node, pod: &Pod) -> Vec<(String, f64, f64)> {
        let name = view::name_of(&node.metadata);
        let Some(allocatable) = node.status.as_ref().and_then(|status| status.allocatable.as_ref()) else {
            return Vec::new();
        };
        let others: Vec<&Pod> = self
            .world
            .pods
            .values()
            .map(AsRef::as_ref)
            .filter(|other| other.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(name))
            .filter(|other| !matches!(view::phase_of(other), "Succeeded" | "Failed"))
            .collect();
        let Some(spec) = pod.spec.as_ref() else { return Vec::new() };
        let mut asked = requests(spec);
        asked.insert("pods".to_owned(), 1.0);
        let mut short = Vec::new();
        for (resource, asked) in asked {
            // One that the node does not name at all is none of its own.
            let has = allocatable.get(&resource).and_then(|has| quantity(&has.0)).unwrap_or(0.0);
            let used: f64 = match resource.as_str() {
                "pods" => others.len() as f64,
                _ => others.iter().filter_map(|other| requests(other.spec.as_ref()?).get(&resource).copied()).sum(),
            };
            let free = has - used;
            if asked > 0.0 && asked > free + 1e-9 {
                short.push((resource, asked, free.max(0.0)));
            }
        }
        short
    }

    fn ports(self, node: &Node, pod: &Pod) -> Vec<Finding> {
        let name = view::name_of(&node.metadata);
        let wanted = host_ports(pod);
        let others = self.world.pods.values().filter(|other| {
            let bound = other.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(name);
            bound && other.metadata.uid != pod.metadata.uid && !matches!(view::phase_of(other), "Succeeded" | "Failed")
        });
        let mut findings = Vec::new();
        for other in others {
            for port in host_ports(other).iter().filter(|port| wanted.iter().any(|wanted| clash(wanted, port))) {
                let who = pod_object(other);
                findings.push(
                    Finding::proven(
                        Cause::HostPortTaken,
                        pod_object(pod),
                        format!("host port {}/{} of node `{name}` is taken by {who}", port.number, port.protocol),
                    )
                    .seen(format!("spec.containers.ports of {who}"), format!("{}/{}", port.number, port.protocol))
                    .remedy("choose another host port, or remove the other pod"),
                );
            }
        }
        if findings.is_empty() {
            findings.push(
                Finding::likely(
                    Cause::HostPortTaken,
                    pod_object(pod),
                    format!("a host port of it is taken on node `{name}`"),
                )
                .remedy("look which pod of that node has the port; pods of other namespaces may be out of sight"),
            );
        }
        findings
    }

    fn taints_of(self, node: &Node, pod: &Pod) -> Vec<Finding> {
        let Some(spec) = pod.spec.as_ref() else { return Vec::new() };
        let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
        taints
            .filter(|taint| !tolerates_pod(spec, taint))
            .filter_map(|taint| {
                let effect = match taint.effect.as_str() {
                    "NoSchedule" => TaintEffect::NoSchedule,
                    "NoExecute" => TaintEffect::NoExecute,
                    _ => return None,
                };
                let taint = Taint { key: taint.key.clone(), value: taint.value.clone().unwrap_or_default(), effect };
                Some(self.taint(&format!("node {}", view::name_of(&node.metadata)), &taint))
            })
            .collect()
    }
}

struct HostPort {
    address: String,
    protocol: String,
    number: i32,
}

fn host_ports(pod: &Pod) -> Vec<HostPort> {
    let Some(spec) = pod.spec.as_ref() else { return Vec::new() };
    let on_host = spec.host_network == Some(true);
    let ports = spec.containers.iter().flat_map(|container| container.ports.iter().flatten());
    ports
        .filter_map(|port| {
            let number = port.host_port.or(on_host.then_some(port.container_port)).filter(|number| *number > 0)?;
            Some(HostPort {
                address: port.host_ip.clone().unwrap_or_default(),
                protocol: port.protocol.clone().unwrap_or_else(|| "TCP".to_owned()),
                number,
            })
        })
        .collect()
}

/// `pkg/scheduler/framework/types.go`, `HostPortInfo.CheckConflict`: no address is every address.
fn clash(one: &HostPort, other: &HostPort) -> bool {
    let any = |address: &str| address.is_empty() || address == "0.0.0.0";
    one.number == other.number
        && one.protocol == other.protocol
        && (any(&one.address) || any(&other.address) || one.address == other.address)
}

/// What the scheduler counts for a pod (`k8s.io/component-helpers/resource`, `PodRequests`): its containers and the init
/// containers that stay, or one init container if that is more, and the overhead.
fn requests(spec: &PodSpec) -> BTreeMap<String, f64> {
    let mut all: BTreeMap<String, f64> = BTreeMap::new();
    let mut add = |requests: &BTreeMap<String, Quantity>| {
        for (resource, asked) in requests {
            *all.entry(resource.clone()).or_default() += quantity(&asked.0).unwrap_or(0.0);
        }
    };
    let stays = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let init = spec.init_containers.as_deref().unwrap_or_default();
    for container in spec.containers.iter().chain(init.iter().filter(stays)) {
        if let Some(requests) = container.resources.as_ref().and_then(|resources| resources.requests.as_ref()) {
            add(requests);
        }
    }
    for container in init.iter().filter(|container| !stays(container)) {
        for (resource, asked) in container.resources.iter().flat_map(|resources| resources.requests.iter().flatten()) {
            let asked = quantity(&asked.0).unwrap_or(0.0);
            let all = all.entry(resource.clone()).or_default();
            *all = all.max(asked);
        }
    }
    for (resource, asked) in spec.overhead.iter().flatten() {
        *all.entry(resource.clone()).or_default() += quantity(&asked.0).unwrap_or(0.0);
    }
    all
}

/// A number of a resource as people write it.
fn amount(resource: &str, number: f64) -> String {
    match resource {
        "cpu" => format!("{}m", (number * 1000.0).round()),
        "memory" | "ephemeral-storage" => format!("{:.0}Mi", number / 1_048_576.0),
        _ => format!("{number}"),
    }
}
