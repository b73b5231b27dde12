//! What the control-plane node runs beside what every node runs: registry, etcd, API server, controller manager,
//! scheduler and CoreDNS.

use serde_json::json;

use super::{
    AUTHORITY_CERTIFICATE, AUTHORITY_KEY, BoxDistro,
    init::{Process, Ready},
    plain, secret,
};
use crate::{
    distro::{API_PORT, Layout, Member, POD_RANGE, REGISTRY_PORT, SERVICE_RANGE},
    docker::FileSpec,
    error::Result,
    patience,
    pki::service_account_keys,
};

const ETCD: &str = "http://127.0.0.1:2379";

/// How many seconds a node may be silent before it is NotReady. Kubernetes waits 50; a test would rather know at once,
/// and the kubelets of this distro renew their leases every 2.
///
/// Each renewal costs some 4 ms of a core, so that five hundred simulated nodes are what 6 s allow on two cores beside
/// anything else. With more of them everybody may be silent for longer.
pub(super) fn node_grace_seconds(layout: &Layout) -> u32 {
    6 * layout.simulated.unwrap_or(0).div_ceil(500).max(1) * patience::factor()
}

pub(super) fn processes(layout: &Layout) -> Vec<Process> {
    vec![
        Process::new(
            "etcd",
            [
                "--data-dir=/var/lib/etcd".to_owned(),
                format!("--listen-client-urls={ETCD}"),
                format!("--advertise-client-urls={ETCD}"),
                "--listen-peer-urls=http://127.0.0.1:2380".to_owned(),
                // A test cluster that loses power is made anew; waiting for the disk would cost a second of start.
                "--unsafe-no-fsync".to_owned(),
                "--log-level=warn".to_owned(),
            ],
        )
        .ready(Ready::Tcp("127.0.0.1:2379".into())),
        Process::new(
            "registry",
            [
                format!("--listen={}:{REGISTRY_PORT}", std::net::Ipv4Addr::UNSPECIFIED),
                // The harness comes by the published port, so from the network's gateway; nodes and pods do not.
                format!("--control-from={}", layout.network.address(1)),
                // The sandbox image of every pod.
                "--preload=/usr/local/share/rollcall/pause.tar".to_owned(),
            ],
        )
        .ready(Ready::Tcp(format!("127.0.0.1:{REGISTRY_PORT}"))),
        Process::new("kube-apiserver", api_server_flags(layout))
            .after(&["etcd"])
            .ready(Ready::Tcp(format!("127.0.0.1:{API_PORT}"))),
        Process::new("kube-controller-manager", controller_manager_flags(layout))
            // It gives up when the API server does not answer within seconds, and competes with it for the processor.
            .after(&["kube-apiserver"]),
        Process::new("kube-scheduler", ["--config=/etc/kubernetes/scheduler.yaml", "--v=1"]).after(&["kube-apiserver"]),
        // A process and not pods: a scenario that taints and drains everything still has names, and no pod of ours
        // stands among the user's.
        Process::new("coredns", ["-conf", "/etc/coredns/Corefile", "-quiet"]).after(&["kube-apiserver"]),
    ]
}

fn api_server_flags(layout: &Layout) -> Vec<String> {
    vec![
        format!("--etcd-servers={ETCD}"),
        format!("--advertise-address={}", layout.control_plane),
        format!("--secure-port={API_PORT}"),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        // DaemonSets are the workloads that ask for privilege.
        "--allow-privileged=true".into(),
        // As kubeadm sets them.
        "--authorization-mode=Node,RBAC".into(),
        "--enable-admission-plugins=NodeRestriction".into(),
        format!("--client-ca-file={AUTHORITY_CERTIFICATE}"),
        "--tls-cert-file=/etc/kubernetes/pki/apiserver.crt".into(),
        "--tls-private-key-file=/etc/kubernetes/pki/apiserver.key".into(),
        "--kubelet-client-certificate=/etc/kubernetes/pki/apiserver-kubelet-client.crt".into(),
        "--kubelet-client-key=/etc/kubernetes/pki/apiserver-kubelet-client.key".into(),
        // Node names are not resolvable here; their addresses are.
        "--kubelet-preferred-address-types=InternalIP".into(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".into(),
        "--service-account-key-file=/etc/kubernetes/pki/sa.pub".into(),
        "--service-account-signing-key-file=/etc/kubernetes/pki/sa.key".into(),
        "--profiling=false".into(),
        "--v=1".into(),
    ]
}

fn controller_manager_flags(layout: &Layout) -> Vec<String> {
    vec![
        "--kubeconfig=/etc/kubernetes/controller-manager.conf".into(),
        "--service-account-private-key-file=/etc/kubernetes/pki/sa.key".into(),
        format!("--root-ca-file={AUTHORITY_CERTIFICATE}"),
        format!("--cluster-signing-cert-file={AUTHORITY_CERTIFICATE}"),
        format!("--cluster-signing-key-file={AUTHORITY_KEY}"),
        // An account for each controller is made and asked for one by one: five seconds of start.
        "--use-service-account-credentials=false".into(),
        "--kube-api-qps=2000".into(),
        "--kube-api-burst=4000".into(),
        // There is one of each.
        "--leader-elect=false".into(),
        // The pods' ranges are chosen with the nodes' addresses, before the controller manager runs.
        "--allocate-node-cidrs=false".into(),
        format!("--cluster-cidr={POD_RANGE}"),
        "--node-monitor-period=1s".into(),
        format!("--node-monitor-grace-period={}s", node_grace_seconds(layout)),
        "--profiling=false".into(),
        "--v=1".into(),
    ]
}

pub(super) fn files(distro: &BoxDistro, layout: &Layout, member: &Member) -> Result<Vec<FileSpec>> {
    let authority = &distro.authority;
    let server = distro.server_certificate(layout, member)?;
    let kubelet_client = authority.client("kube-apiserver-kubelet-client", Some("system:masters"))?;
    let (account_key, account_public_key) = service_account_keys()?;
    // In the group `system:masters`, which needs no roles: the roles do not exist until the API server has made them,
    // and the programs would exit and wait until then.
    let part = |path: &str, user: &str| distro.kubeconfig_file(path, layout, true, user, Some("system:masters"));
    let scheduler = json!({
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": "/etc/kubernetes/scheduler.conf", "qps": 2000, "burst": 4000},
        "leaderElection": {"leaderElect": false},
    });
    Ok(vec![
        plain(AUTHORITY_CERTIFICATE, authority.certificate.clone()),
        secret(AUTHORITY_KEY, authority.key.clone()),
        plain("/etc/kubernetes/pki/apiserver.crt", server.certificate),
        secret("/etc/kubernetes/pki/apiserver.key", server.key),
        plain("/etc/kubernetes/pki/apiserver-kubelet-client.crt", kubelet_client.certificate),
        secret("/etc/kubernetes/pki/apiserver-kubelet-client.key", kubelet_client.key),
        plain("/etc/kubernetes/pki/sa.pub", account_public_key),
        secret("/etc/kubernetes/pki/sa.key", account_key),
        part("/etc/kubernetes/controller-manager.conf", "system:kube-controller-manager")?,
        part("/etc/kubernetes/scheduler.conf", "system:kube-scheduler")?,
        part("/etc/kubernetes/coredns.conf", "system:coredns")?,
        plain("/etc/kubernetes/scheduler.yaml", format!("{scheduler:#}\n")),
        plain("/etc/coredns/Corefile", COREFILE),
    ])
}

/// Names of the cluster and nothing else: a name outside it does not exist.
const COREFILE: &str = ".:53 {
    bind eth0
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig /etc/kubernetes/coredns.conf
        pods insecure
        ttl 5
    }
    cache 5
    loadbalance
}
";
