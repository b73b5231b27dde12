//! The nodes of the cluster that gates are tried on, and which of them the manifest is meant for.

use k8s_openapi::api::{apps::v1::DaemonSet, core::v1::Node};
use serde_json::json;

use super::{CONTROL_PLANE, CONTROL_PLANE_TAINT, Scenario};
use crate::oracle::eligible;

impl Scenario<'_> {
    pub(super) fn workers(&self) -> Vec<String> {
        (1..self.settings.nodes).map(|number| format!("worker-{number}")).collect()
    }

    /// The nodes that the manifest is meant for, or why it is for none.
    pub(super) fn meant(&self) -> Result<Vec<String>, String> {
        let mut nodes = Vec::new();
        let mut reasons = Vec::new();
        for name in std::iter::once(CONTROL_PLANE.to_owned()).chain(self.workers()) {
            match self.why_not_on(&name) {
                None => nodes.push(name),
                Some(why) => reasons.push(format!("{name}: {why}")),
            }
        }
        if nodes.is_empty() { Err(reasons.join("; ")) } else { Ok(nodes) }
    }

    /// Why the manifest is not meant for a node, by the controller's own decision.
    pub(super) fn why_not_on(&self, name: &str) -> Option<String> {
        let daemon_set: DaemonSet = serde_json::from_value(self.candidate.daemon_set_object().clone()).ok()?;
        let found = eligible(&self.node(name), &daemon_set);
        (!found.should_run).then(|| found.why_not())
    }

    /// A worker that has a pod and on which something can be done to it.
    pub(super) fn worker(&self) -> Option<String> {
        self.workers().into_iter().find(|name| self.why_not_on(name).is_none())
    }

    /// A node of the cluster as its kubelet makes it: the labels are those of `pkg/kubelet/kubelet_node_status.go`.
    fn node(&self, name: &str) -> Node {
        let mut labels = json!({
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "beta.kubernetes.io/os": "linux",
        });
        if let Some(arch) = self.arch {
            labels["kubernetes.io/arch"] = json!(arch);
            labels["beta.kubernetes.io/arch"] = json!(arch);
        }
        let mut spec = json!({});
        if name == CONTROL_PLANE {
            labels["node-role.kubernetes.io/control-plane"] = json!("");
            spec = json!({"taints": [{"key": CONTROL_PLANE_TAINT, "effect": "NoSchedule"}]});
        } else {
            for (key, value) in &self.settings.node_labels {
                labels[key] = json!(value);
            }
        }
        let node = json!({"metadata": {"name": name, "labels": labels}, "spec": spec});
        serde_json::from_value(node).unwrap_or_default()
    }
}
