//! Figures and rules that are the same for every distro: how soon a dead node is noticed, and what a kubelet of a test
//! may do.

use serde_json::{Value, json};

use super::Layout;
use crate::patience;

/// How many seconds a node may be silent before it is NotReady. Kubernetes waits 50; a test would rather know at once,
/// and the kubelets of every distro here renew their leases every 2.
///
/// Each renewal costs some 4 ms of a core, and simulated nodes renew twice in this time: a hundred of them take 13 % of
/// a core. More must not take more, because renewals that come late on a busy machine cost more than those in time: the
/// nodes and all of their pods are marked and mended, which makes the next ones late. So everybody may be silent for
/// longer then.
pub(super) fn node_grace_seconds(layout: &Layout) -> u32 {
    6 * patience::factor() * layout.simulated.unwrap_or(0).div_ceil(100).max(1)
}

/// The controller manager's side of how soon a dead node is noticed, as flags without dashes.
pub(super) fn node_monitor_flags(layout: &Layout) -> [(&'static str, String); 2] {
    [
        ("node-monitor-period", "1s".to_owned()),
        ("node-monitor-grace-period", format!("{}s", node_grace_seconds(layout))),
    ]
}

/// How much controllers and scheduler may ask of the API server, as flags without dashes. The defaults of 20 to 50
/// requests a second protect it in production; here they would make hundreds of nodes wait.
pub(super) fn request_flags() -> [(&'static str, String); 2] {
    [("kube-api-qps", "2000".to_owned()), ("kube-api-burst", "4000".to_owned())]
}

/// The part of a kubelet's configuration that is a test's and not a distro's.
pub(super) fn kubelet() -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        // From 1.35 on a kubelet refuses to start on cgroup v1 without this; hosts with v1 are still many.
        "failCgroupV1": false,
        // The host's swap is not ours to turn off.
        "failSwapOn": false,
        // A node shares the host's disk: how full that is must not evict a test's pods.
        "localStorageCapacityIsolation": false,
        "evictionHard": {"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        // Heartbeats often enough that a dead node is noticed in seconds (the API server's side is
        // `--node-monitor-grace-period`): the lease is renewed every quarter of this.
        "nodeLeaseDurationSeconds": 8,
        "nodeStatusUpdateFrequency": "4s",
        // Said too, because it follows the one before only where both are defaults of one file: a drop-in file over
        // another leaves it at 5 minutes, and a node that is back would not be seen to have reported.
        "nodeStatusReportFrequency": "4s",
        // A test waits for these; there is no load to protect anything from.
        "eventRecordQPS": 0,
        "kubeAPIQPS": 500,
        "kubeAPIBurst": 1000,
        "registryPullQPS": 0,
        "serializeImagePulls": false,
    })
}

/// A document with more fields.
pub(super) fn with(mut document: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut document, more) {
        fields.extend(more);
    }
    document
}

/// Whether a kubelet may label its own node so; the rest is labelled by an administrator. From the NodeRestriction
/// admission plug-in and the kubelet's own check of `--node-labels`.
pub(super) fn kubelet_may_set(key: &str) -> bool {
    let Some((prefix, _)) = key.split_once('/') else { return true };
    let reserved = |domain: &str| prefix == domain || prefix.ends_with(&format!(".{domain}"));
    if !reserved("kubernetes.io") && !reserved("k8s.io") {
        return true;
    }
    ["kubelet.kubernetes.io", "node.kubernetes.io"]
        .iter()
        .any(|allowed| prefix == *allowed || prefix.ends_with(&format!(".{allowed}")))
}

/// containerd's word to ask the inner registry for every image name of every manifest, and nothing else.
pub(super) fn containerd_hosts(layout: &Layout) -> String {
    let registry = registry_url(layout);
    format!("server = \"{registry}\"\n\n[host.\"{registry}\"]\n  capabilities = [\"pull\", \"resolve\"]\n")
}

/// The inner registry as nodes reach it.
pub(super) fn registry_url(layout: &Layout) -> String {
    format!("http://{}:{}", layout.registry, super::REGISTRY_PORT)
}

#[cfg(test)]
pub(super) fn layout(simulated: Option<u32>) -> Layout {
    let network = crate::docker::Network { name: "rollcall-test".into(), prefix: [10, 200, 0] };
    Layout {
        cluster: "test".into(),
        control_plane: network.address(10),
        registry: network.address(9),
        network,
        keep: false,
        simulated,
        volatile: true,
        api_port: 1,
        registry_port: 2,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_kubelet_sets_a_users_labels_and_not_its_role() {
        assert!(kubelet_may_set("node-type"));
        assert!(kubelet_may_set("example.com/rack"));
        assert!(kubelet_may_set("node.kubernetes.io/instance-type"));
        assert!(!kubelet_may_set("node-role.kubernetes.io/control-plane"));
        assert!(!kubelet_may_set("topology.kubernetes.io/zone"));
        assert!(!kubelet_may_set("example.k8s.io/rack"));
    }

    #[rstest]
    #[case(None, 6)]
    #[case(Some(0), 6)]
    #[case(Some(100), 6)]
    #[case(Some(101), 12)]
    #[case(Some(500), 30)]
    fn the_more_nodes_are_simulated_the_longer_all_may_be_silent(#[case] simulated: Option<u32>, #[case] seconds: u32) {
        assert_eq!(node_grace_seconds(&layout(simulated)), seconds * patience::factor());
    }
}
