//! What k3s is told in its files.

use rollcall_model::Role;
use serde_json::{Value, json};

use crate::distro::{
    API_PORT, DNS_SERVICE_ADDRESS, Layout, Member, POD_RANGE, SERVICE_RANGE, box_distro::registry, figures,
};

/// `config.yaml`: each key is a flag of `k3s server` or `k3s agent`.
pub(super) fn flags(layout: &Layout, member: &Member, token: &str) -> Value {
    let labels: Vec<String> = member.labels_by_kubelet().map(|(key, value)| format!("{key}={value}")).collect();
    let taints: Vec<String> = member.taints.iter().map(ToString::to_string).collect();
    let common = json!({
        "token": token,
        "node-name": member.name,
        "node-ip": layout.network.address(member.number).to_string(),
        "node-label": labels,
        "node-taint": taints,
        // Nothing is asked of anything but the inner registry, which has this one from the start.
        "pause-image": registry::PAUSE_IMAGE,
        "disable-default-registry-endpoint": true,
    });
    match member.role {
        Role::ControlPlane => figures::with(common, server(layout)),
        Role::Worker => {
            figures::with(common, json!({"server": format!("https://{}:{API_PORT}", layout.control_plane)}))
        }
    }
}

fn server(layout: &Layout) -> Value {
    let arguments = |flags: Vec<(&str, String)>| -> Vec<String> {
        flags.into_iter().map(|(flag, value)| format!("{flag}={value}")).collect()
    };
    let controllers = figures::node_monitor_flags(layout).into_iter().chain(figures::request_flags());
    json!({
        // The ranges of the other distros, so that scenarios mean the same everywhere.
        "cluster-cidr": POD_RANGE,
        "service-cidr": SERVICE_RANGE,
        "cluster-dns": DNS_SERVICE_ADDRESS.to_string(),
        // Nodes are on one network, and tunnels need a module that not every kernel has.
        "flannel-backend": "host-gw",
        // What stands among the user's pods and is nothing that a DaemonSet needs, and whose images would have to be
        // fetched from outside. Names are answered from beside the nodes.
        "disable": ["coredns", "traefik", "servicelb", "metrics-server", "local-storage"],
        "disable-helm-controller": true,
        "disable-network-policy": true,
        // It taints each node until it has looked at it, which is nothing that users' clusters do alike.
        "disable-cloud-controller": true,
        "kube-controller-manager-arg": arguments(controllers.collect()),
        "kube-scheduler-arg": arguments(figures::request_flags().into()),
        // The host reaches the API server by its published port.
        "tls-san": ["127.0.0.1"],
        "write-kubeconfig-mode": "0600",
    })
}

/// `registries.yaml`: every image name is asked of the inner registry.
pub(super) fn registries(layout: &Layout) -> Value {
    json!({"mirrors": {"*": {"endpoint": [figures::registry_url(layout)]}}})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn member(role: Role) -> Member {
        Member {
            name: "worker-1".into(),
            role,
            number: 11,
            labels: BTreeMap::from([
                ("node-type".into(), "worker".into()),
                ("topology.kubernetes.io/zone".into(), "a".into()),
            ]),
            taints: vec!["dedicated=gpu:NoSchedule".parse().unwrap()],
        }
    }

    #[test]
    fn an_agent_is_told_where_its_server_is_and_what_it_is() {
        let flags = flags(&figures::layout(None), &member(Role::Worker), "secret");
        insta::assert_snapshot!(format!("{flags:#}"), @r#"
        {
          "disable-default-registry-endpoint": true,
          "node-ip": "10.200.0.11",
          "node-label": [
            "node-type=worker"
          ],
          "node-name": "worker-1",
          "node-taint": [
            "dedicated=gpu:NoSchedule"
          ],
          "pause-image": "registry.k8s.io/pause:3.10",
          "server": "https://10.200.0.10:6443",
          "token": "secret"
        }
        "#);
    }

    #[test]
    fn a_server_has_the_ranges_of_the_other_distros_and_asks_the_inner_registry() {
        let layout = figures::layout(Some(501));
        let flags = flags(&layout, &member(Role::ControlPlane), "secret");
        assert_eq!(flags["cluster-cidr"], POD_RANGE);
        assert_eq!(
            flags["kube-controller-manager-arg"][1],
            format!("node-monitor-grace-period={}s", figures::node_grace_seconds(&layout))
        );
        assert!(flags.get("server").is_none());
        assert_eq!(registries(&layout)["mirrors"]["*"]["endpoint"][0], "http://10.200.0.9:5000");
    }
}
