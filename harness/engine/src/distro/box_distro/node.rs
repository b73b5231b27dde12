//! What every node runs: containerd, the kubelet, kube-proxy, and the pod network's configuration.

use rollcall_model::Role;
use serde_json::{Value, json};

use super::{
    BoxDistro, KUBELET_CONFIGURATION,
    init::{Process, Ready},
    registry,
};
use crate::{
    distro::{DNS_SERVICE_ADDRESS, Layout, Member, POD_RANGE, PROVIDER, figures, plain, yaml},
    docker::FileSpec,
    error::Result,
};

const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

pub(super) fn processes(member: &Member) -> Vec<Process> {
    let mut kubelet = vec![
        format!("--config={KUBELET_CONFIGURATION}"),
        "--kubeconfig=/etc/kubernetes/kubelet.conf".to_owned(),
        format!("--hostname-override={}", member.name),
        // Errors and warnings only: the kubelet's log is read after a failure, and writing it costs start time.
        "--v=1".to_owned(),
    ];
    let labels: Vec<String> = member.labels_by_kubelet().map(|(key, value)| format!("{key}={value}")).collect();
    if !labels.is_empty() {
        kubelet.push(format!("--node-labels={}", labels.join(",")));
    }
    vec![
        Process::new("containerd", ["--config", "/etc/containerd/config.toml", "--log-level", "warn"])
            .ready(Ready::UnixSocket(CONTAINERD_SOCKET)),
        // The kubelet exits if the runtime's socket is not there yet.
        Process::new("kubelet", kubelet).after(&["containerd"]).ready(Ready::Http("127.0.0.1:10248/healthz")),
        // Services are not needed for a node to be Ready, so kube-proxy leaves the first second to the kubelet.
        Process::new("kube-proxy", ["--config=/etc/kubernetes/kube-proxy.yaml", "--v=1"]).after(&["containerd"]),
    ]
}

pub(super) fn files(distro: &BoxDistro, layout: &Layout, member: &Member) -> Result<Vec<FileSpec>> {
    let on_control_plane = member.role == Role::ControlPlane;
    Ok(vec![
        distro.kubeconfig_file(
            "/etc/kubernetes/kubelet.conf",
            layout,
            on_control_plane,
            // The name and group by which the Node authorizer knows a kubelet.
            &format!("system:node:{}", member.name),
            Some("system:nodes"),
        )?,
        distro.kubeconfig_file(
            "/etc/kubernetes/kube-proxy.conf",
            layout,
            on_control_plane,
            // Bound to `system:node-proxier` by the API server itself.
            "system:kube-proxy",
            None,
        )?,
        plain("/etc/kubernetes/pki/kubelet-client-ca.crt", distro.authority.certificate.clone()),
        plain(KUBELET_CONFIGURATION, yaml(&kubelet_configuration(layout, member))),
        plain("/etc/kubernetes/kube-proxy.yaml", yaml(&kube_proxy_configuration())),
        plain("/etc/containerd/config.toml", containerd_configuration(layout)),
        // Every image name of every manifest is asked of the inner registry and of nothing else.
        plain("/etc/containerd/certs.d/_default/hosts.toml", figures::containerd_hosts(layout)),
        plain("/etc/cni/net.d/10-rollcall.conflist", yaml(&pod_network(member))),
        // Pods that ask for the node's resolver get one that knows nothing, so no name leaves the machine.
        plain("/etc/rollcall/resolv.conf", "# Nothing outside the cluster is resolved.\n"),
    ])
}

fn kubelet_configuration(layout: &Layout, member: &Member) -> Value {
    figures::with(
        figures::kubelet(),
        json!({
            "authentication": {
                "anonymous": {"enabled": false},
                "webhook": {"enabled": true},
                "x509": {"clientCAFile": "/etc/kubernetes/pki/kubelet-client-ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "clusterDNS": [DNS_SERVICE_ADDRESS],
            "clusterDomain": "cluster.local",
            "containerRuntimeEndpoint": format!("unix://{CONTAINERD_SOCKET}"),
            "resolvConf": "/etc/rollcall/resolv.conf",
            // By this a cluster is known as one of rollcall's when somebody else's would be asked about twice.
            "providerID": format!("{PROVIDER}{}/{}", layout.cluster, member.name),
            "registerWithTaints": member.taints,
            "podCIDR": member.pod_range(),
            "address": layout.network.address(member.number).to_string(),
            "healthzBindAddress": "127.0.0.1",
            "logging": {"flushFrequency": "1s"},
        }),
    )
}

fn kube_proxy_configuration() -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": "/etc/kubernetes/kube-proxy.conf"},
        "clusterCIDR": POD_RANGE,
        "mode": "iptables",
        // The connection table belongs to the host; a node may not resize it.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    })
}

fn pod_network(member: &Member) -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "rollcall",
        "plugins": [
            {
                "type": "ptp",
                "mtu": 1500,
                "ipam": {
                    "type": "host-local",
                    // Memory: after a reboot no pod holds an address any more.
                    "dataDir": "/run/rollcall/cni",
                    "ranges": [[{"subnet": member.pod_range()}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
}

fn containerd_configuration(layout: &Layout) -> String {
    let options = if layout.volatile { r#""volatile""# } else { "" };
    CONTAINERD_CONFIGURATION.replace("@PAUSE@", registry::PAUSE_IMAGE).replace("@OPTIONS@", options)
}

/// containerd's configuration, format version 3 (containerd 2).
///
/// Nothing waits for the disk: a node that loses power keeps what the kernel has in memory, and one whose machine loses
/// power is made anew. Without `volatile` the end of each container writes back everything that anybody on the machine
/// has written to the file system that the node is on.
const CONTAINERD_CONFIGURATION: &str = r#"version = 3

# The plug-ins of these kinds are not used by a kubelet and cost start time.
disabled_plugins = [
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.differ.v1.erofs",
  "io.containerd.nri.v1.nri",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]

[plugins."io.containerd.metadata.v1.bolt"]
  no_sync = true

[plugins."io.containerd.snapshotter.v1.overlayfs"]
  mount_options = [@OPTIONS@]

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "@PAUSE@"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
  # Lowering a score takes CAP_SYS_RESOURCE, which a node does not always have.
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/opt/cni/bin"]
    conf_dir = "/etc/cni/net.d"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_container_waits_for_no_disk_where_the_kernel_can_do_that() {
        let mut layout = figures::layout(None);
        assert!(containerd_configuration(&layout).contains("\n  mount_options = [\"volatile\"]\n"));
        // An older one would refuse the mount.
        layout.volatile = false;
        assert!(containerd_configuration(&layout).contains("\n  mount_options = []\n"));
    }
}
