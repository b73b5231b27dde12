//! kwok, which keeps simulated nodes: one process of PID 1, on the control-plane node or beside the nodes, and only
//! where a cluster may have such nodes.

use std::net::Ipv4Addr;

use serde_json::json;

use super::init::Process;
use crate::{
    distro::{
        Layout, SIMULATED_LABEL, SIMULATED_POD_RANGE, SIMULATION_PREPARED, figures::node_grace_seconds,
        kubeconfig_file, plain, yaml,
    },
    docker::FileSpec,
    error::Result,
    pki::Authority,
};

const CONFIGURATION: &str = "/etc/kwok/kwok.yaml";
const KUBECONFIG: &str = "/etc/kubernetes/kwok.conf";

pub(in crate::distro) fn process() -> Process {
    Process::new(
        "kwok",
        [
            format!("--config={CONFIGURATION}"),
            format!("--kubeconfig={KUBECONFIG}"),
            // It tells each pod and each lease otherwise: hundreds of lines a second.
            "--v=WARN".to_owned(),
        ],
    )
    .when_file(SIMULATION_PREPARED)
}

pub(in crate::distro) fn files(authority: &Authority, api_server: Ipv4Addr, layout: &Layout) -> Result<Vec<FileSpec>> {
    let configuration = json!({
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokConfiguration",
        "options": {
            // What nodes and pods do is told by objects, because faults come with groups that are added later.
            "enableCRDs": ["Stage"],
            "manageNodesWithLabelSelector": SIMULATED_LABEL,
            "cidr": SIMULATED_POD_RANGE,
            // kwok renews a lease after a quarter of its time: twice in the time a node may be silent, so that one late
            // renewal makes no node NotReady.
            "nodeLeaseDurationSeconds": 2 * node_grace_seconds(layout),
            // The defaults of 4, 4, 4 and 1 wait for answers of the API server most of the time.
            "nodeLeaseParallelism": 16,
            "nodePlayStageParallelism": 16,
            "podPlayStageParallelism": 16,
            "podsOnNodeSyncParallelism": 4,
        },
    });
    Ok(vec![
        // In the group `system:masters`, as the other parts of the control plane and for the same reason.
        kubeconfig_file(authority, KUBECONFIG, api_server, "system:kwok", Some("system:masters"))?,
        plain(CONFIGURATION, yaml(&configuration)),
    ])
}
