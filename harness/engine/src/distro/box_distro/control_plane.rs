//! What the control-plane node runs beside what every node runs: registry, etcd, API server, controller manager,
//! scheduler and CoreDNS.

use std::net::Ipv4Addr;

use serde_json::json;

use super::{
    AUTHORITY_CERTIFICATE, AUTHORITY_KEY, BoxDistro,
    init::{Process, Ready},
    names, registry,
};
use crate::{
    distro::{API_PORT, Layout, Member, POD_RANGE, SERVICE_RANGE, figures, plain, secret, yaml},
    docker::FileSpec,
    error::Result,
    pki::service_account_keys,
};

const ETCD: &str = "http://127.0.0.1:2379";

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
        registry::process(layout),
        Process::new("kube-apiserver", api_server_flags(layout))
            .after(&["etcd"])
            .ready(Ready::Tcp(format!("127.0.0.1:{API_PORT}"))),
        Process::new("kube-controller-manager", controller_manager_flags(layout))
            // It gives up when the API server does not answer within seconds, and competes with it for the processor.
            .after(&["kube-apiserver"]),
        Process::new("kube-scheduler", ["--config=/etc/kubernetes/scheduler.yaml", "--v=1"]).after(&["kube-apiserver"]),
        names::process().after(&["kube-apiserver"]),
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
    let mut flags: Vec<String> = vec![
        "--kubeconfig=/etc/kubernetes/controller-manager.conf".into(),
        "--service-account-private-key-file=/etc/kubernetes/pki/sa.key".into(),
        format!("--root-ca-file={AUTHORITY_CERTIFICATE}"),
        format!("--cluster-signing-cert-file={AUTHORITY_CERTIFICATE}"),
        format!("--cluster-signing-key-file={AUTHORITY_KEY}"),
        // An account for each controller is made and asked for one by one: five seconds of start.
        "--use-service-account-credentials=false".into(),
        // There is one of each.
        "--leader-elect=false".into(),
        // The pods' ranges are chosen with the nodes' addresses, before the controller manager runs.
        "--allocate-node-cidrs=false".into(),
        format!("--cluster-cidr={POD_RANGE}"),
        "--profiling=false".into(),
        "--v=1".into(),
    ];
    let figures = figures::node_monitor_flags(layout).into_iter().chain(figures::request_flags());
    flags.extend(figures.map(|(flag, value)| format!("--{flag}={value}")));
    flags
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
    let mut files = vec![
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
        plain("/etc/kubernetes/scheduler.yaml", yaml(&scheduler)),
    ];
    files.extend(names::files(authority, Ipv4Addr::LOCALHOST)?);
    Ok(files)
}
