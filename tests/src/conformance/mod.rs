//! What every distro does alike: one list of behaviours, run on real clusters of each.

mod boot;
mod by_hand;
mod images;
mod node_verbs;
mod object_verbs;
mod removal;
mod simulated;

use std::{process::ExitCode, time::Duration};

use rollcall::{Cluster, ClusterBuilder, DistroName, ImageSource, model::Role};

use crate::{distros, nodes::worker, suite, tests, unique_name};

/// The image of the manifests, and of every pod here.
const IMAGE: &str = "fluentd:latest";
/// What it is.
const AGENT: &str = "rollcall/agent:1";
/// How long a verb may take. The slowest distro makes a node a member in some fifteen seconds of two cores.
const VERB: Duration = Duration::from_secs(120);

/// Runs the suite on a distro.
#[must_use]
pub fn run(distro: DistroName) -> ExitCode {
    let gate = distros::gate(distro);
    suite::on_one_cluster_behind(
        gate.clone(),
        &unique_name(distro.as_str()),
        move || builder(distro),
        tests![
            boot_every_node_is_ready_with_its_labels_and_taints,
            boot_every_node_has_a_range_of_pod_addresses_of_its_own,
            boot_ports_are_published_on_loopback_only,
            images_an_unmodified_daemon_set_runs_on_every_node_that_takes_it,
            images_one_that_is_not_there_cannot_be_pulled,
            images_pods_are_asked_for_logs_and_run_commands,
            join_a_node_has_its_labels_and_taints,
            nodes_a_stopped_one_keeps_its_pods_and_has_them_when_it_is_back,
            nodes_a_restarted_one_has_the_same_pods,
            nodes_a_paused_one_becomes_not_ready_and_comes_back,
            nodes_a_cut_off_one_becomes_not_ready_and_comes_back,
            nodes_the_control_plane_comes_back_after_a_power_failure,
            nodes_pressure_is_the_kubelets_own_word_or_refused,
            nodes_taints_and_labels_come_and_go,
            nodes_a_drained_one_keeps_daemon_pods_only,
            nodes_simulated_ones_stand_beside_real_ones,
            removal_leaves_nothing_and_frees_the_name,
        ],
        vec![suite::gated_trial(gate, "by_hand_a_failure_is_kept_looked_at_and_removed", move || {
            by_hand::a_failure_is_kept_looked_at_and_removed(distro)
        })],
    )
}

use boot::*;
use images::*;
use node_verbs::*;
use object_verbs::*;
use removal::*;
use simulated::*;

/// A control plane, a worker with labels, and one that is tainted.
fn builder(distro: DistroName) -> ClusterBuilder {
    let mut control_plane = worker("control-plane");
    control_plane.role = Role::ControlPlane;
    let mut labelled = worker("worker-1");
    labelled.labels.extend(boot::LABELS.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let mut tainted = worker("worker-2");
    tainted.taints.extend(boot::TAINT.parse());
    let mut builder = Cluster::builder()
        .distro(distro)
        .node(control_plane)
        .node(labelled)
        .node(tainted)
        .image_as(IMAGE, ImageSource::Local(AGENT.into()))
        .simulated_nodes(true);
    // The gate has asked before, so the engine answers.
    if let Some(image) = distros::node_image(distro).unwrap_or_default() {
        builder = builder.node_image(image);
    }
    builder
}
