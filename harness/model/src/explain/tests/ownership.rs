//! Orphans, pods of other controllers that the selector takes, and a DaemonSet that is being deleted.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Cause, Cluster, NodeState, pod};

/// A pod on `w1` as an agent of somebody's own, without a controller.
fn orphan() -> Value {
    let mut pod = pod("w1");
    pod["metadata"]["name"] = json!("stray");
    pod["metadata"]["uid"] = json!("stray");
    pod["metadata"]["ownerReferences"] = json!([]);
    pod
}

fn of_another(name: &str, kind: &str, owner: &str) -> Value {
    let mut pod = orphan();
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["uid"] = json!(name);
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": format!("uid of {owner}"), "controller": true}]);
    pod
}

fn being_deleted(finalizers: Value) -> Cluster {
    let mut cluster = Cluster::healthy();
    // A deletion that waits is a change of the object, too (`rest.BeforeDelete`).
    cluster.daemon_set["metadata"]["generation"] = json!(2);
    cluster.daemon_set["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:09:00Z");
    cluster.daemon_set["metadata"]["finalizers"] = finalizers;
    cluster
}

#[test]
fn a_daemon_set_that_is_being_deleted_says_what_that_waits_for() {
    let mut cluster = being_deleted(json!(["foregroundDeletion"]));
    cluster.pods.remove(0);
    let found = cluster.explain();
    assert!(!found.in_order);
    insta::assert_snapshot!(found, @r"
    daemonset default/agent: ok on 1 of 2 nodes that are meant

    NODE  STATE    POD       WHY
    w1    missing  -         daemon-set-being-deleted
    w2    ok       agent-w2

    daemon-set-being-deleted of daemonset default/agent (proven)
      it is being deleted, and its controller makes, replaces and removes no pod of it any more
      seen: metadata.deletionTimestamp: 2026-01-01T00:09:00Z
      seen: metadata.finalizers: foregroundDeletion
      seen: pods of the DaemonSet: 1 left
      remedy: wait until its pods have ended; see to those that do not end

    daemon-set-being-deleted on w1 (proven)
      node `w1` gets no pod, since the DaemonSet is being deleted
      seen: metadata.deletionTimestamp: 2026-01-01T00:09:00Z
      remedy: wait until the DaemonSet is gone, and make it anew if it is wanted
    ");
}

#[rstest]
#[case::nothing(json!([]))]
#[case::orphans(json!(["orphan"]))]
#[case::somebody(json!(["foregroundDeletion", "example.com/keep"]))]
fn what_a_deletion_waits_for_is_told_by_its_finalizers(#[case] finalizers: Value) {
    let found = being_deleted(finalizers.clone()).explain();
    let causes: Vec<Cause> = found.findings.iter().map(|finding| finding.cause).collect();
    assert_eq!((causes, found.in_order), (vec![Cause::DaemonSetBeingDeleted], false), "{found}");
    let finding = &found.findings[0];
    let text = format!("{}\n{}", finding.remedy, finding.command.as_deref().unwrap_or("no command"));
    match finalizers.as_array().map_or(0, Vec::len) {
        0 => insta::assert_snapshot!(text, @r"
            wait, it is about to be gone
            no command
            "),
        1 => insta::assert_snapshot!(text, @r"
            wait for the garbage collector, which leaves its pods and takes its name off them
            no command
            "),
        _ => insta::assert_snapshot!(text, @r#"
            see to whoever has to take the finalizer `example.com/keep` away, or take it away yourself
            kubectl -n default patch daemonset agent --type=merge -p '{"metadata":{"finalizers":null}}'
            "#),
    }
}

#[test]
fn of_a_daemon_set_that_is_being_deleted_nothing_is_updated_or_removed() {
    let mut cluster = being_deleted(json!(["foregroundDeletion"]));
    cluster.pods[0]["metadata"]["labels"]["controller-revision-hash"] = json!("old");
    cluster.nodes[1]["spec"]["taints"] = json!([{"key": "maintenance", "effect": "NoExecute"}]);
    let found = cluster.explain();
    let of = |node: usize| found.nodes[node].findings[0].what.clone();
    assert_eq!((found.nodes[0].state, found.nodes[1].state), (NodeState::Outdated, NodeState::Extra));
    insta::assert_snapshot!(of(0), @"pod `agent-w1` is not replaced, since the DaemonSet is being deleted");
    insta::assert_snapshot!(of(1), @"pod `agent-w2` is not removed, since the DaemonSet is being deleted");
}

#[test]
fn an_orphan_on_a_node_without_a_pod_is_why_there_is_none_yet() {
    let mut cluster = Cluster::healthy();
    cluster.pods[0] = orphan();
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![Cause::OrphanNotAdopted]));
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[0].what, @"pod `stray` on `w1` matches the selector and has no controller, and the controller has not adopted it yet");
    // One on its way out keeps no pod from being made.
    cluster.pods[0]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:10:20Z");
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![Cause::NotKnown]));
}

#[test]
fn an_orphan_is_not_adopted_by_a_daemon_set_that_is_being_deleted() {
    let mut cluster = being_deleted(json!(["example.com/keep"]));
    cluster.pods[0] = orphan();
    let found = cluster.explain();
    let causes: Vec<Cause> = found.nodes[0].findings.iter().map(|finding| finding.cause).collect();
    assert_eq!(causes, [Cause::DaemonSetBeingDeleted, Cause::OrphanNotAdopted]);
    insta::assert_snapshot!(found.nodes[0].findings[1].what, @"pod `stray` on `w1` matches the selector and has no controller, and it is not adopted because the DaemonSet is being deleted");
    // Beside a pod that works it is nobody's concern then.
    let mut cluster = being_deleted(json!(["example.com/keep"]));
    cluster.pods.push(orphan());
    assert_eq!(cluster.explain().nodes[0].state, NodeState::Ok);
}

#[test]
fn an_orphan_on_its_way_out_may_hold_what_the_pod_beside_it_waits_for() {
    let ports = json!([{"containerPort": 80, "hostPort": 9100, "protocol": "TCP"}]);
    let mut cluster = Cluster::healthy()
        .unscheduled("0/2 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.");
    cluster.pods[0]["spec"]["containers"][0]["ports"] = ports.clone();
    let mut stray = orphan();
    stray["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:09:00Z");
    stray["spec"]["containers"][0]["ports"] = ports;
    cluster.pods.push(stray);
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::HostPortTaken, Cause::OrphanNotAdopted]));
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[1].what, @"pod `stray` on `w1` matches the selector and has no controller, and it is not adopted because it is being deleted");
}

#[test]
fn an_orphan_beside_a_pod_that_works_is_still_to_be_adopted() {
    let mut cluster = Cluster::healthy();
    cluster.pods.push(orphan());
    assert_eq!(cluster.on_w1(), (NodeState::Waiting, vec![Cause::OrphanNotAdopted]));
}

#[rstest]
#[case::of_another_namespace("namespace", json!("other"))]
#[case::with_other_labels("labels", json!({"app": "other"}))]
#[case::on_its_way_out("deletionTimestamp", json!("2026-01-01T00:10:20Z"))]
#[case::mirror("annotations", json!({"kubernetes.io/config.mirror": "x"}))]
fn pods_that_the_daemon_set_has_nothing_to_do_with_are_no_orphans(#[case] key: &str, #[case] value: Value) {
    let mut cluster = Cluster::healthy();
    let mut pod = orphan();
    pod["metadata"][key] = value;
    cluster.pods.push(pod);
    assert_eq!(cluster.on_w1(), (NodeState::Ok, vec![]));
}

#[test]
fn an_orphan_that_has_ended_is_in_nobodys_way() {
    let mut cluster = Cluster::healthy();
    let mut pod = orphan();
    pod["status"]["phase"] = json!("Succeeded");
    cluster.pods.push(pod);
    assert_eq!(cluster.on_w1(), (NodeState::Ok, vec![]));
}

#[test]
fn pods_of_another_controller_that_the_selector_takes_are_named_once_and_the_daemon_set_is_in_order() {
    let mut cluster = Cluster::healthy();
    cluster.pods.push(of_another("web-1", "ReplicaSet", "web"));
    insta::assert_snapshot!(cluster.explain().findings[0].what, @"1 pod that its selector takes is another controller's, and the DaemonSet does not count it: of replicaset `web`");
    cluster.pods.push(of_another("web-2", "ReplicaSet", "web"));
    cluster.pods.push(of_another("other-x", "DaemonSet", "other"));
    let found = cluster.explain();
    assert!(found.in_order);
    insta::assert_snapshot!(found, @r"
    daemonset default/agent: ok on 2 of 2 nodes that are meant

    NODE  STATE  POD       WHY
    w1    ok     agent-w1
    w2    ok     agent-w2

    selector-overlaps of daemonset default/agent (proven)
      3 pods that its selector takes are other controllers', and the DaemonSet does not count them: of daemonset `other`, replicaset `web`
      seen: spec.selector: app=agent
      seen: metadata.ownerReferences of pod default/other-x: daemonset `other`
      seen: metadata.ownerReferences of pod default/web-1: replicaset `web`, and so 1 more
      remedy: give the pods of each controller a label that the other's selector does not take; a selector cannot be changed, so one of them has to be made anew
      command: kubectl -n default get pods -l 'app=agent'
    ");
    for number in 0..9 {
        cluster.pods.push(of_another(&format!("job-{number}"), "Job", &format!("job-{number}")));
    }
    insta::assert_snapshot!(cluster.explain().findings[0].what, @"12 pods that its selector takes are other controllers', and the DaemonSet does not count them: of daemonset `other`, job `job-0`, job `job-1`, job `job-2`, job `job-3` and 6 more");
    assert_eq!(cluster.explain().findings[0].evidence.len(), 6);
}

#[test]
fn pods_of_others_are_no_overlap_where_nobody_could_mistake_them() {
    let overlaps = |change: &dyn Fn(&mut Value)| {
        let mut cluster = Cluster::healthy();
        let mut pod = of_another("web-1", "ReplicaSet", "web");
        change(&mut pod);
        cluster.pods.push(pod);
        cluster.explain().findings.len()
    };
    assert_eq!(overlaps(&|_| ()), 1);
    assert_eq!(overlaps(&|pod| pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:10:20Z")), 0);
    assert_eq!(overlaps(&|pod| pod["metadata"]["labels"]["app"] = json!("web")), 0);
    assert_eq!(overlaps(&|pod| pod["metadata"]["namespace"] = json!("shop")), 0);
    assert_eq!(overlaps(&|pod| pod["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"})), 0);
    // Pods of a DaemonSet of that name that was deleted just now.
    assert_eq!(overlaps(&|pod| *pod = of_another("agent-x", "DaemonSet", "agent")), 0);
}

#[test]
fn an_empty_selector_from_before_it_was_refused_takes_no_pod() {
    let mut cluster = Cluster::healthy();
    cluster.daemon_set["spec"]["selector"] = json!({});
    cluster.pods.push(of_another("web-1", "ReplicaSet", "web"));
    assert_eq!(cluster.on_w1(), (NodeState::Ok, vec![]));
}
