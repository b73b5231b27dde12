//! What kubeadm is told: one file with a document for each of its kinds, as JSON.

use rollcall_model::Role;
use serde_json::{Value, json};

use crate::distro::{API_PORT, DNS_SERVICE_ADDRESS, Layout, Member, POD_RANGE, SERVICE_RANGE, figures};

/// What kubeadm reads.
pub(super) const PATH: &str = "/kind/kubeadm.conf";
/// The same before the image's version is in it.
pub(super) const TEMPLATE: &str = "/kind/rollcall-kubeadm.conf";
/// What stands for the version in the template.
pub(super) const VERSION: &str = "@VERSION@";

const API: &str = "kubeadm.k8s.io/v1beta4";
const CONTAINERD: &str = "unix:///run/containerd/containerd.sock";

/// A bootstrap token: six characters that may be known, and sixteen that may not.
pub(super) fn token(secret: &str) -> String {
    format!("{}.{}", &secret[..6], &secret[6..22])
}

/// The documents for one node. Each command of kubeadm takes those that concern it.
pub(super) fn documents(layout: &Layout, member: &Member, token: &str) -> String {
    let documents = match member.role {
        Role::ControlPlane => {
            vec![cluster(layout), init(layout, member, token), kubelet(), kube_proxy()]
        }
        Role::Worker => vec![join(layout, member, token)],
    };
    documents.iter().map(|document| format!("{document:#}\n")).collect::<Vec<_>>().join("---\n")
}

/// Flags as kubeadm takes them.
fn arguments(flags: impl IntoIterator<Item = (&'static str, String)>) -> Vec<Value> {
    flags.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn endpoint(layout: &Layout) -> String {
    format!("{}:{API_PORT}", layout.control_plane)
}

fn cluster(layout: &Layout) -> Value {
    json!({
        "apiVersion": API, "kind": "ClusterConfiguration",
        "kubernetesVersion": VERSION,
        "clusterName": layout.cluster,
        "controlPlaneEndpoint": endpoint(layout),
        // The host reaches the API server by its published port.
        "apiServer": {"certSANs": ["localhost", "127.0.0.1"]},
        "controllerManager": {"extraArgs": arguments(
            figures::node_monitor_flags(layout).into_iter().chain(figures::request_flags()),
        )},
        "scheduler": {"extraArgs": arguments(figures::request_flags())},
        // A test cluster that loses power is made anew; waiting for the disk would cost start time.
        "etcd": {"local": {"extraArgs": arguments([("unsafe-no-fsync", "true".to_owned())])}},
        "networking": {"podSubnet": POD_RANGE, "serviceSubnet": SERVICE_RANGE},
    })
}

fn init(layout: &Layout, member: &Member, token: &str) -> Value {
    json!({
        "apiVersion": API, "kind": "InitConfiguration",
        // For good: nodes may join as long as the cluster lives.
        "bootstrapTokens": [{"token": token, "ttl": "0s"}],
        "localAPIEndpoint": {"advertiseAddress": layout.control_plane, "bindPort": API_PORT},
        "nodeRegistration": registration(layout, member),
    })
}

fn join(layout: &Layout, member: &Member, token: &str) -> Value {
    json!({
        "apiVersion": API, "kind": "JoinConfiguration",
        "nodeRegistration": registration(layout, member),
        "discovery": {"bootstrapToken": {
            "apiServerEndpoint": endpoint(layout),
            "token": token,
            // The token is the cluster's own and the network nobody else's.
            "unsafeSkipCAVerification": true,
        }},
    })
}

fn registration(layout: &Layout, member: &Member) -> Value {
    let mut flags = vec![
        ("node-ip", layout.network.address(member.number).to_string()),
        // As kind gives it to its nodes.
        ("provider-id", format!("kind://docker/{}/{}", layout.cluster, member.name)),
    ];
    let labels: Vec<String> = member.labels_by_kubelet().map(|(key, value)| format!("{key}={value}")).collect();
    if !labels.is_empty() {
        flags.push(("node-labels", labels.join(",")));
    }
    json!({
        "name": member.name,
        "criSocket": CONTAINERD,
        // Given at all, the list is taken as it is, so the control plane's own taint is in it.
        "taints": member.taints,
        "kubeletExtraArgs": arguments(flags),
    })
}

/// One for all nodes: those that join read it from the cluster.
fn kubelet() -> Value {
    figures::with(
        figures::kubelet(),
        json!({
            // systemd is PID 1 of the image, and containerd there is set up for it; the root is kind's.
            "cgroupDriver": "systemd",
            "cgroupRoot": "/kubelet",
            "clusterDNS": [DNS_SERVICE_ADDRESS],
        }),
    )
}

fn kube_proxy() -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "iptables": {"minSyncPeriod": "1s"},
        // The connection table belongs to the host; a node may not resize it.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_worker_joins_by_a_token_with_its_labels_and_taints() {
        let member = Member {
            name: "worker-1".into(),
            role: Role::Worker,
            number: 11,
            labels: BTreeMap::from([("node-type".into(), "worker".into())]),
            taints: vec!["dedicated=gpu:NoSchedule".parse().unwrap()],
        };
        let text = documents(&figures::layout(None), &member, "abcdef.0123456789abcdef");
        insta::assert_snapshot!(text, @r#"
        {
          "apiVersion": "kubeadm.k8s.io/v1beta4",
          "discovery": {
            "bootstrapToken": {
              "apiServerEndpoint": "10.200.0.10:6443",
              "token": "abcdef.0123456789abcdef",
              "unsafeSkipCAVerification": true
            }
          },
          "kind": "JoinConfiguration",
          "nodeRegistration": {
            "criSocket": "unix:///run/containerd/containerd.sock",
            "kubeletExtraArgs": [
              {
                "name": "node-ip",
                "value": "10.200.0.11"
              },
              {
                "name": "provider-id",
                "value": "kind://docker/test/worker-1"
              },
              {
                "name": "node-labels",
                "value": "node-type=worker"
              }
            ],
            "name": "worker-1",
            "taints": [
              {
                "effect": "NoSchedule",
                "key": "dedicated",
                "value": "gpu"
              }
            ]
          }
        }
        "#);
    }

    #[test]
    fn a_token_has_the_form_that_kubeadm_takes() {
        assert_eq!(token(&"0123456789abcdef".repeat(4)), "012345.6789abcdef012345");
    }
}
