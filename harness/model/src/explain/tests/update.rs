//! What keeps a pod that works from being replaced: the other nodes, refusals, and the pod beside it.

use serde_json::{Value, json};

use super::{Cause, Cluster, NodeState, pod};
use crate::{DaemonSetRef, Timestamp, explain::next_moment};

/// `w1` has a pod of the new revision that cannot come up, and `w2` waits with one of the old.
fn broken() -> Cluster {
    let mut cluster = Cluster::healthy().waiting("ErrImagePull", "agent:2: not found");
    old(&mut cluster.pods[1]);
    cluster
}

fn old(pod: &mut Value) {
    pod["metadata"]["labels"]["controller-revision-hash"] = json!("old");
}

/// Both with old pods that work, and on `w1` one of the new revision beside it that cannot come up.
fn surging() -> Cluster {
    let mut cluster = broken();
    cluster.daemon_set["spec"]["updateStrategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}});
    let mut works = pod("w1");
    works["metadata"]["name"] = json!("agent-before");
    works["metadata"]["uid"] = json!("before");
    old(&mut works);
    cluster.pods.push(works);
    cluster
}

fn causes(cluster: &Cluster, node: usize) -> (NodeState, Vec<Cause>) {
    let found = cluster.explain();
    let node = &found.nodes[node];
    assert!(node.findings.iter().all(|finding| !finding.evidence.is_empty() && !finding.remedy.is_empty()), "{found}");
    (node.state, node.findings.iter().map(|finding| finding.cause).collect())
}

#[test]
fn a_new_revision_that_never_gets_ready_is_named_with_its_pods_and_what_is_wrong_with_them() {
    insta::assert_snapshot!(broken().explain(), @r"
    daemonset default/agent: ok on 0 of 2 nodes that are meant

    NODE  STATE      POD       WHY
    w1    unhealthy  agent-w1  image-not-found
    w2    outdated   agent-w2  update-budget-used-up

    image-not-found on w1 (proven)
      container `agent` has image `agent:1`, which the registry does not have
      seen: status.containerStatuses[agent].state.waiting: ErrImagePull: agent:2: not found
      remedy: correct name or tag, or push the image

    update-budget-used-up on w2 (proven)
      pod `agent-w2` waits: 1 of 1 that may be unavailable are: `w1` (new pod `agent-w1`: image-not-found)
      seen: spec.updateStrategy.rollingUpdate.maxUnavailable: 1
      seen: pod default/agent-w1 on w1: image-not-found: container `agent` has image `agent:1`, which the registry does not have
      seen: metadata.labels[controller-revision-hash]: old, and the latest is new
      remedy: see to those pods first; where the new revision is at fault, correct it, or go back to the last
      command: kubectl -n default rollout undo daemonset/agent
    ");
}

#[test]
fn an_update_goes_on_while_the_budget_has_room() {
    let mut cluster = broken();
    cluster.daemon_set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = json!("100%");
    assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
    cluster.daemon_set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = json!("50%");
    assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::UpdateBudgetUsedUp]));
}

#[test]
fn a_pod_that_only_needs_time_is_waited_for() {
    let mut cluster = Cluster::healthy();
    old(&mut cluster.pods[1]);
    cluster.daemon_set["spec"]["minReadySeconds"] = json!(30);
    cluster.pods[0]["status"]["conditions"][0]["lastTransitionTime"] = json!("2026-01-01T00:09:50Z");
    assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
    insta::assert_snapshot!(cluster.explain().nodes[1].findings[0].what, @"pod `agent-w2` has its turn when others are available: `w1` (new pod `agent-w1`: min-ready-seconds-not-over)");
}

#[test]
fn a_node_that_is_down_uses_up_the_budget() {
    let mut cluster = Cluster::healthy();
    old(&mut cluster.pods[1]);
    cluster.nodes[0]["spec"]["taints"] = json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}]);
    cluster.nodes[0]["status"]["conditions"] = json!([{"type": "Ready", "status": "Unknown"}]);
    cluster.pods[0]["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
    // Its own old pod is to be replaced first, and stays on its way out.
    old(&mut cluster.pods[0]);
    cluster.pods[0]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:09:00Z");
    assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::UpdateBudgetUsedUp]));
    insta::assert_snapshot!(cluster.explain().nodes[1].findings[0].what, @"pod `agent-w2` waits: 1 of 1 that may be unavailable are: `w1` (old pod `agent-w1`: terminating-dead-node)");
    // A node that was never meant counts for nothing.
    cluster.pods.remove(0);
    assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
}

#[test]
fn an_update_that_surges_waits_for_the_pod_beside_and_others_for_that_node() {
    assert_eq!(causes(&surging(), 0), (NodeState::Outdated, vec![Cause::ImageNotFound]));
    assert_eq!(causes(&surging(), 1), (NodeState::Outdated, vec![Cause::UpdateBudgetUsedUp]));
    insta::assert_snapshot!(surging().explain(), @r"
    daemonset default/agent: ok on 0 of 2 nodes that are meant

    NODE  STATE     POD           WHY
    w1    outdated  agent-before  image-not-found
    w2    outdated  agent-w2      update-budget-used-up

    image-not-found on w1 (proven)
      container `agent` has image `agent:1`, which the registry does not have
      seen: status.containerStatuses[agent].state.waiting: ErrImagePull: agent:2: not found
      remedy: correct name or tag, or push the image

    update-budget-used-up on w2 (proven)
      pod `agent-w2` waits: 1 of 1 that may be added are not available: `w1` (new pod `agent-w1`: image-not-found)
      seen: spec.updateStrategy.rollingUpdate.maxSurge: 1
      seen: pod default/agent-w1 on w1: image-not-found: container `agent` has image `agent:1`, which the registry does not have
      seen: metadata.labels[controller-revision-hash]: old, and the latest is new
      remedy: see to those pods first; where the new revision is at fault, correct it, or go back to the last
      command: kubectl -n default rollout undo daemonset/agent
    ");
}

#[test]
fn a_pod_beside_that_comes_up_or_has_come_up_is_only_waited_for() {
    let mut cluster = surging();
    cluster.pods[0]["status"] = json!({"phase": "Pending"});
    assert_eq!(causes(&cluster, 0), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
    assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[0].what, @"pod `agent-before` goes as soon as pod `agent-w1` beside it is available");
    // Ready and not yet available it does not count for the node, whatever the order of names.
    cluster.daemon_set["spec"]["minReadySeconds"] = json!(30);
    for name in ["agent-a", "agent-z"] {
        cluster.pods[0] = pod("w1");
        cluster.pods[0]["metadata"]["name"] = json!(name);
        cluster.pods[0]["status"]["conditions"][0]["lastTransitionTime"] = json!("2026-01-01T00:09:50Z");
        assert_eq!(causes(&cluster, 0), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
        assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
        // Available, it is what the node has, while the old one is still to go.
        cluster.pods[0]["status"]["conditions"][0]["lastTransitionTime"] = json!("2026-01-01T00:09:29Z");
        assert_eq!(causes(&cluster, 0), (NodeState::Waiting, vec![Cause::UpdateUnderWay]));
    }
    cluster.pods[0] = pod("w1");
    cluster.pods.remove(2);
    assert_eq!(causes(&cluster, 0), (NodeState::Ok, vec![]));
    assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
}

#[test]
fn an_old_pod_that_its_controller_has_forgotten_is_told_from_one_that_goes_now() {
    let mut cluster = surging();
    cluster.daemon_set["spec"]["minReadySeconds"] = json!(6);
    cluster.pods[0] = pod("w1");
    cluster.pods[0]["status"]["conditions"][0]["lastTransitionTime"] = json!("2026-01-01T00:09:50Z");
    assert_eq!(causes(&cluster, 0), (NodeState::Waiting, vec![Cause::UpdateUnderWay]));
    // Nothing but time has to pass for the other.
    let world = cluster.world();
    let now: Timestamp = "2026-01-01T00:09:57Z".parse().unwrap();
    let then = next_moment(&world, &[DaemonSetRef::new("agent")], now);
    assert_eq!(then.map(|then| then.to_string()).as_deref(), Some("2026-01-01T00:10:00Z"));
    cluster.pods[0]["status"]["conditions"][0]["lastTransitionTime"] = json!("2026-01-01T00:09:49Z");
    assert_eq!(causes(&cluster, 0), (NodeState::Unhealthy, vec![Cause::OldPodLeft]));
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[0].remedy);
    // One that is being deleted, or is of the same revision, is none.
    cluster.pods[2]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:09:58Z");
    assert_eq!(causes(&cluster, 0), (NodeState::Ok, vec![]));
}

const QUOTA: &str = "Error creating: pods \"agent-x\" is forbidden: exceeded quota: small, requested: pods=1";

#[test]
fn an_update_whose_pods_are_refused_says_so_on_every_node_that_waits() {
    let mut cluster = Cluster::healthy().event("ds", "FailedCreate", QUOTA);
    old(&mut cluster.pods[1]);
    // Where every node has its pod, nothing is refused now.
    assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
    cluster.pods.remove(0);
    assert_eq!(causes(&cluster, 0), (NodeState::Missing, vec![Cause::RefusedByQuota]));
    // Whatever the budget: after a creation that failed, the controller does not go on to the update.
    cluster.daemon_set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = json!(2);
    cluster.pods[0]["metadata"]["labels"]["controller-revision-hash"] = json!("old");
    assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::RefusedByQuota]));
    insta::assert_snapshot!(cluster.explain().nodes[1].findings[0].what, @r#"pod `agent-w2` is not replaced: the API server refuses its pods: pods "agent-x" is forbidden: exceeded quota: small, requested: pods=1"#);
}

#[test]
fn a_refusal_does_not_hide_that_others_are_away_for_reasons_of_their_own() {
    let mut cluster = broken().event("ds", "FailedCreate", QUOTA);
    cluster.nodes.push(super::node("w3"));
    assert_eq!(causes(&cluster, 1), (NodeState::Outdated, vec![Cause::RefusedByQuota, Cause::UpdateBudgetUsedUp]));
    assert_eq!(causes(&cluster, 2), (NodeState::Missing, vec![Cause::RefusedByQuota]));
}

#[test]
fn an_update_that_surges_and_is_refused_says_so_unless_the_refusal_is_of_before() {
    let refused = |at: &str| {
        let mut cluster =
            surging().event("ds", "FailedCreate", "Error creating: admission webhook \"x\" denied it: no");
        cluster.events[0]["lastTimestamp"] = json!(at);
        cluster.pods.remove(0);
        causes(&cluster, 0)
    };
    assert_eq!(refused("2026-01-01T00:09:50Z"), (NodeState::Outdated, vec![Cause::RefusedByAdmission]));
    assert_eq!(refused("2026-01-01T00:01:00Z"), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
}

#[test]
fn an_adopted_pod_has_no_hash_and_is_old() {
    let mut cluster = Cluster::healthy();
    cluster.pods[0]["metadata"]["labels"] = json!({"app": "agent"});
    assert_eq!(causes(&cluster, 0), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[0].evidence[0].says, @"missing, and the latest is new");
}
