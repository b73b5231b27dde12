//! Which pods wait for something that will not come.
//!
//! A state is the end of a wait only where nothing that may be under way in the cluster changes it: the pod's own spec, an
//! image that the registry does not have, the size of a node. A missing secret is not among them, for some other pod may
//! be about to make it, and neither is a missing extended resource, which a device plug-in may be about to offer, nor a
//! node that does not exist. What other steps of the scenario may change while one waits is the decoder's to see.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Node, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::trouble;
use crate::quantity::quantity;

/// Reasons for waiting that depend on the pod's own spec alone (`pkg/kubelet/images/types.go`).
const ALONE: [&str; 2] = ["InvalidImageName", "ErrImageNeverPull"];

/// What the messages of `CreateContainerConfigError` have in common that depend on the pod's spec and its image alone
/// (`pkg/kubelet/kuberuntime/security_context.go`, `verifyRunAsNonRoot`).
const NOT_ROOT: [&str; 2] = ["runAsNonRoot", "breaks non-root policy"];

/// Resources of which a node has what it has. Others come and go with device plug-ins.
const FIXED: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// Why waiting for a pod that is not on its way out is in vain, if it is: the rest of a sentence that says what is wrong
/// with it, which may be empty.
pub(super) fn why(pod: &Pod, node: &Node) -> Option<String> {
    let is_in_vain = |(reason, message): (&str, Option<&str>)| {
        let says = |part: &str| message.is_some_and(|message| message.contains(part));
        match reason {
            // The kubelet has asked the registry, and asks it again; the registry has no such image.
            "ImagePullBackOff" => says("not found"),
            "CreateContainerConfigError" => NOT_ROOT.into_iter().any(says),
            _ => ALONE.contains(&reason),
        }
    };
    if trouble::waiting(pod).any(is_in_vain) {
        return Some(String::new());
    }
    trouble::unscheduled(pod)?;
    too_large(pod, node)
}

/// What a pod asks for and the whole of its node does not have.
fn too_large(pod: &Pod, node: &Node) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let has = node.status.as_ref()?.allocatable.as_ref()?;
    FIXED.into_iter().find_map(|resource| {
        let has = has.get(resource)?;
        let all: f64 = spec.containers.iter().filter_map(|container| amount(requested(container)?, resource)).sum();
        let init = spec.init_containers.iter().flatten();
        let largest = init.filter_map(|container| amount(requested(container)?, resource)).fold(all, f64::max);
        (largest > quantity(&has.0)?).then(|| format!("; it asks for more {resource} than the node has ({})", has.0))
    })
}

fn requested(container: &Container) -> Option<&BTreeMap<String, Quantity>> {
    container.resources.as_ref()?.requests.as_ref()
}

fn amount(of: &BTreeMap<String, Quantity>, resource: &str) -> Option<f64> {
    quantity(&of.get(resource)?.0)
}
