//! kwok, which keeps simulated nodes: one process of the control-plane node, and only where a cluster may have such
//! nodes.

use serde_json::json;

use super::{BoxDistro, control_plane::node_grace_seconds, init::Process, plain};
use crate::{
    distro::{Layout, SIMULATED_LABEL, SIMULATED_POD_RANGE, SIMULATION_PREPARED},
    docker::FileSpec,
    error::Result,
};

const CONFIGURATION: &str = "/etc/kwok/kwok.yaml";
const KUBECONFIG: &str = "/etc/kubernetes/kwok.conf";

pub(super) fn process() -> Process {
    Process::new(
        "kwok",
        [
            format!("--config={CONFIGURATION}"),
            format!("--kubeconfig={KUBECONFIG}"),
            // It tells each pod and each lease otherwise: hundreds of lines a second.
            "--v=WARN".to_owned(),
        ],
    )
    // Asked for a kind that is not there yet, it asks again only seconds later.
    .after(&["kube-apiserver"])
    .when_file(SIMULATION_PREPARED)
}

pub(super) fn files(distro: &BoxDistro, layout: &Layout) -> Result<Vec<FileSpec>> {
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
        distro.kubeconfig_file(KUBECONFIG, layout, true, "system:kwok", Some("system:masters"))?,
        plain(CONFIGURATION, format!("{configuration:#}\n")),
    ])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::docker::Network;

    fn layout(simulated: Option<u32>) -> Layout {
        let network = Network { name: "rollcall-test".into(), prefix: [10, 200, 0] };
        let control_plane = network.address(10);
        Layout { cluster: "test".into(), network, control_plane, keep: false, simulated, api_port: 1, registry_port: 2 }
    }

    #[rstest]
    #[case(None, 6)]
    #[case(Some(0), 6)]
    #[case(Some(500), 6)]
    #[case(Some(501), 12)]
    #[case(Some(2000), 24)]
    fn the_more_nodes_are_simulated_the_longer_all_may_be_silent(#[case] simulated: Option<u32>, #[case] seconds: u32) {
        assert_eq!(node_grace_seconds(&layout(simulated)), seconds * crate::patience::factor());
    }
}
