//! Conditions on small worlds: what is done, what is not yet, and what the report says.

mod common;

use common::world::{
    NOW, converged, daemon_set, done, judge, node, now, on, pod, pods, revision, rolled_out, text, unready,
    unready_node, with, without, world,
};
use rollcall_model::condition::{NodeSelection, PodsCondition, StatusCondition};
use rollcall_model::{Change, Condition, DaemonSetRef, Judgement, Kind, Memory, Object, World};
use rstest::{Context, rstest};
use serde_json::json;

#[test]
fn one_ready_pod_on_each_eligible_node_is_converged_and_rolled_out() {
    done(&converged(), &with([]));
    done(&rolled_out(), &with([]));
}

#[test]
fn nothing_is_judged_before_everything_was_listed() {
    let mut world = World::new();
    world.apply(Change::Resync { kind: Kind::Node, objects: Vec::new() });
    let not = Condition::Not(Box::new(converged()));
    insta::assert_snapshot!(text(&judge(&not, &world)));
}

/// Every way not to be converged. The snapshot is the report.
#[rstest]
#[case::no_pod(without(with([]), pod("b", "w2", json!({}))))]
#[case::two_pods(with([pod("c", "w2", json!({})).into()]))]
#[case::pod_waiting(with([pod("b", "w2", unready(json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"agent-token\" not found"}}))).into()]))]
#[case::pod_starting(with([pod("b", "w2", unready(json!({"waiting": {"reason": "ContainerCreating"}}))).into()]))]
#[case::container_ended(with([pod("b", "w2", unready(json!({"terminated": {"reason": "Error", "exitCode": 3}}))).into()]))]
#[case::pod_unready(with([pod("b", "w2", json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}})).into()]))]
#[case::pod_failed(with([pod("b", "w2", json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory", "conditions": []}})).into()]))]
#[case::pod_unscheduled(with([pod("b", "w2", json!({"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}]}})).into()]))]
#[case::pod_terminating(with([pod("b", "w2", json!({"metadata": {"deletionTimestamp": NOW}})).into()]))]
#[case::leftover_terminating(with([pod("c", "w2", json!({"metadata": {"deletionTimestamp": NOW}})).into()]))]
#[case::dead_node(with([unready_node("w2", &[]).into(), pod("b", "w2", json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}})).into()]))]
#[case::stray_pod(with([node("w2", &["m=x:NoExecute"]).into(), daemon_set([1, 1, 1, 1, 0], json!({})).into()]))]
#[case::pod_of_a_lost_node(without(with([]), node("w2", &[])))]
#[case::min_ready_seconds(with([daemon_set([2, 2, 2, 2, 0], json!({"spec": {"minReadySeconds": 10}})).into()]))]
#[case::not_observed(with([daemon_set([2, 2, 2, 2, 0], json!({"metadata": {"generation": 3}})).into()]))]
#[case::being_deleted(with([daemon_set([2, 2, 2, 2, 0], json!({"metadata": {"deletionTimestamp": NOW}})).into()]))]
#[case::status_behind(with([daemon_set([1, 1, 1, 1, 0], json!({})).into()]))]
#[case::status_ahead(with([daemon_set([3, 3, 3, 3, 0], json!({})).into()]))]
#[case::status_misscheduled(with([daemon_set([2, 2, 2, 2, 1], json!({})).into()]))]
#[case::no_daemon_set(without(with([]), daemon_set([0; 5], json!({}))))]
#[case::no_node_eligible(world(vec![daemon_set([0; 5], json!({})).into(), revision(1, "h1").into()]))]
#[case::hopeless(with([pod("b", "w2", unready(json!({"waiting": {"reason": "InvalidImageName", "message": "couldn't parse `A:B:C`"}}))).into()]))]
#[case::two_terminating_on_kept(with([node("w2", &["m:NoSchedule"]).into(), pod("b", "w2", json!({"metadata": {"deletionTimestamp": NOW}})).into()]))]
fn not_converged(#[context] context: Context, #[case] world: World) {
    let judgement = judge(&converged(), &world);
    assert!(!judgement.is_done());
    insta::assert_snapshot!(format!("not_converged_{}", context.description.unwrap_or_default()), text(&judgement));
}

#[test]
fn a_hopeless_pod_of_an_old_revision_is_not_the_end() {
    let broken = pod("b", "w2", unready(json!({"waiting": {"reason": "InvalidImageName"}})));
    let world = with([broken.clone().into(), revision(2, "h2").into()]);
    assert!(matches!(judge(&converged(), &world), Judgement::NotYet(_)));
    let unseen = with([broken.into(), daemon_set([2, 2, 1, 2, 0], json!({"metadata": {"generation": 3}})).into()]);
    assert!(matches!(judge(&converged(), &unseen), Judgement::NotYet(_)));
}

#[test]
fn zero_of_zero_is_converged_only_when_it_is_allowed() {
    let world = world(vec![daemon_set([0; 5], json!({})).into(), revision(1, "h1").into()]);
    done(&Condition::Converged { daemon_set: DaemonSetRef::new("ds"), allow_none: true }, &world);
}

/// A `NoSchedule` taint on a running node leads to no sync since 1.33, so the figures stay as they were.
#[rstest]
#[case::figures_as_before_the_taint([2, 2, 2, 2, 0], true)]
#[case::figures_after_a_sync([1, 1, 1, 1, 1], true)]
#[case::more_than_the_kept_pod_explains([3, 3, 3, 3, 0], false)]
#[case::fewer_than_are_eligible([0, 0, 0, 0, 1], false)]
#[case::more_misscheduled_than_kept([1, 1, 1, 1, 2], false)]
fn figures_may_be_stale_by_the_pods_that_are_kept(#[case] figures: [i32; 5], #[case] good: bool) {
    let world = with([node("w2", &["m:NoSchedule"]).into(), daemon_set(figures, json!({})).into()]);
    for condition in [converged(), rolled_out()] {
        let judgement = judge(&condition, &world);
        assert_eq!(judgement.is_done(), good, "{}", text(&judgement));
    }
}

/// A dead node is tainted by the control plane, its pod is kept and not ready.
#[test]
fn a_dead_node_keeps_its_pod_and_does_not_count() {
    let taints = ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"];
    let world = with([
        unready_node("w2", &taints).into(),
        pod("b", "w2", json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}})).into(),
        daemon_set([2, 2, 1, 2, 0], json!({})).into(),
    ]);
    done(&converged(), &world);
}

#[test]
fn the_deleted_nodes_pod_must_be_gone_and_then_the_figures_are_exact() {
    let lost = without(with([]), node("w2", &[]));
    let gone = without(lost, pod("b", "w2", json!({})));
    assert!(!judge(&converged(), &gone).is_done());
    let mut synced = gone;
    synced.apply(Change::Set(daemon_set([1, 1, 1, 1, 0], json!({})).into()));
    done(&converged(), &synced);
}

#[test]
fn rolled_out_wants_the_current_revision_everywhere() {
    let half = with([
        revision(2, "h2").into(),
        pod("b", "w2", json!({"metadata": {"labels": {"controller-revision-hash": "h2"}}})).into(),
        daemon_set([2, 2, 2, 1, 0], json!({})).into(),
    ]);
    done(&converged(), &half);
    insta::assert_snapshot!("rolled_out_half", text(&judge(&rolled_out(), &half)));
    let on_delete = json!({"spec": {"updateStrategy": {"type": "OnDelete"}}});
    let mut waiting = half.clone();
    waiting.apply(Change::Set(daemon_set([2, 2, 2, 1, 0], on_delete).into()));
    insta::assert_snapshot!("rolled_out_on_delete", text(&judge(&rolled_out(), &waiting)));
    let mut behind = half;
    behind
        .apply(Change::Set(pod("a", "w1", json!({"metadata": {"labels": {"controller-revision-hash": "h2"}}})).into()));
    insta::assert_snapshot!("rolled_out_status_behind", text(&judge(&rolled_out(), &behind)));
    behind.apply(Change::Set(daemon_set([2, 2, 2, 2, 0], json!({})).into()));
    done(&rolled_out(), &behind);
}

#[test]
fn rolled_out_does_not_believe_a_revision_list_that_is_behind_the_status() {
    // The status is of the new revision already, whose object has not been seen yet.
    let world = with([daemon_set([2, 2, 2, 0, 0], json!({})).into()]);
    assert!(!judge(&rolled_out(), &world).is_done());
    assert!(!judge(&rolled_out(), &without(with([]), revision(1, "h1"))).is_done());
}

#[test]
fn a_pod_is_of_its_pinned_node_before_it_is_bound() {
    let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["w2"]}]}
    ]}}});
    let pinned = pod("b", "", json!({"spec": {"affinity": affinity}}));
    done(&converged(), &with([pinned.into()]));
}

#[test]
fn pods_of_others_do_not_count() {
    let stranger = json!({"metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "ds", "uid": "other", "controller": true}]}});
    done(&converged(), &with([pod("x", "w1", stranger).into()]));
}

#[test]
fn time_alone_is_awaited_where_min_ready_seconds_runs() {
    let world = with([daemon_set([2, 2, 2, 2, 0], json!({"spec": {"minReadySeconds": 10}})).into()]);
    let next = converged().next_check(&world, now()).expect("a pod becomes available");
    assert_eq!(next.to_string(), "2026-01-01T00:01:05.001Z");
    assert!(!converged().judge(&world, "2026-01-01T00:01:05Z".parse().expect("a time"), &Memory::default()).is_done());
    assert!(converged().judge(&world, next, &Memory::default()).is_done());
    assert_eq!(converged().next_check(&world, next), None);
    assert_eq!(converged().next_check(&with([]), now()), None);
    assert_eq!(Condition::All(vec![converged()]).next_check(&world, now()), Some(next));
}

#[rstest]
#[case::two(PodsCondition { count: Some(2), ..pods() }, true)]
#[case::three(PodsCondition { count: Some(3), ..pods() }, false)]
#[case::one_here(PodsCondition { count: Some(1), nodes: on("w1"), ..pods() }, true)]
#[case::none_there(PodsCondition { count: Some(0), nodes: on("control-plane"), ..pods() }, true)]
#[case::none_here(PodsCondition { count: Some(0), nodes: on("w1"), ..pods() }, false)]
#[case::by_label(PodsCondition { count: Some(1), nodes: NodeSelection::Labels([("name".to_owned(), "w2".to_owned())].into()), ..pods() }, true)]
#[case::all_ready(PodsCondition { ready: Some(true), ..pods() }, true)]
#[case::none_ready(PodsCondition { ready: Some(false), ..pods() }, false)]
#[case::all_running(PodsCondition { phase: Some("Running".to_owned()), ..pods() }, true)]
#[case::all_of_an_image(PodsCondition { image: Some("agent:1".to_owned()), ..pods() }, true)]
#[case::other_image(PodsCondition { image: Some("agent:2".to_owned()), ..pods() }, false)]
#[case::none_is_not_all(PodsCondition { ready: Some(true), nodes: on("control-plane"), ..pods() }, false)]
#[case::terminating(PodsCondition { terminating: Some(true), count: Some(0), ..pods() }, true)]
fn pods_of_a_healthy_daemon_set(#[context] context: Context, #[case] condition: PodsCondition, #[case] good: bool) {
    let judgement = judge(&Condition::Pods(condition), &with([]));
    assert_eq!(judgement.is_done(), good, "{}", text(&judgement));
    if !good {
        insta::assert_snapshot!(format!("pods_{}", context.description.unwrap_or_default()), text(&judgement));
    }
}

#[test]
fn a_terminating_pod_is_there_until_it_is_gone() {
    let world = with([pod("a", "w1", json!({"metadata": {"deletionTimestamp": NOW}})).into()]);
    let none = Condition::Pods(PodsCondition { count: Some(0), nodes: on("w1"), ..pods() });
    assert!(!judge(&none, &world).is_done());
    done(&none, &without(world, pod("a", "w1", json!({}))));
}

#[test]
fn a_pod_of_no_node_counts_only_where_no_node_is_named() {
    let world = with([pod("c", "", json!({})).into()]);
    done(&Condition::Pods(PodsCondition { count: Some(3), ..pods() }), &world);
    let labels = NodeSelection::Labels(std::collections::BTreeMap::new());
    done(&Condition::Pods(PodsCondition { count: Some(2), nodes: labels, ..pods() }), &world);
    done(&converged(), &world);
}

#[test]
fn pods_outlive_the_daemon_set_that_owned_them() {
    let none = Condition::Pods(PodsCondition { count: Some(0), ..pods() });
    let world = without(with([]), daemon_set([0; 5], json!({})));
    assert!(!judge(&none, &world).is_done());
    done(&none, &without(without(world, pod("a", "w1", json!({}))), pod("b", "w2", json!({}))));
}

fn status() -> StatusCondition {
    StatusCondition {
        daemon_set: DaemonSetRef::new("ds"),
        desired: Some(2),
        current: None,
        ready: Some(2),
        available: None,
        unavailable: Some(0),
        updated: None,
        misscheduled: Some(0),
    }
}

#[test]
fn status_figures_are_exact() {
    done(&Condition::Status(status()), &with([]));
    let wrong = Condition::Status(StatusCondition { desired: Some(3), updated: Some(1), ..status() });
    insta::assert_snapshot!(text(&judge(&wrong, &with([]))));
}

#[test]
fn nodes_are_ready_or_not() {
    let ready = |nodes, ready| Condition::NodeReady { nodes, ready };
    done(&ready(NodeSelection::All, true), &with([]));
    let world = with([unready_node("w2", &[]).into()]);
    done(&ready(on("w2"), false), &world);
    insta::assert_snapshot!("nodes_unready", text(&judge(&ready(NodeSelection::All, true), &world)));
    insta::assert_snapshot!("nodes_ready", text(&judge(&ready(NodeSelection::All, false), &world)));
    insta::assert_snapshot!("nodes_missing", text(&judge(&ready(on("w9"), false), &world)));
    assert!(!judge(&ready(NodeSelection::Labels([("x".to_owned(), "y".to_owned())].into()), true), &world).is_done());
}

fn not_restarted(node: Option<&str>) -> Condition {
    Condition::NotRestarted {
        daemon_set: DaemonSetRef::new("ds"),
        since: "before".to_owned(),
        node: node.map(str::to_owned),
    }
}

#[test]
fn restarts_and_replacements_since_a_step_are_found() {
    let mut memory = Memory::default();
    assert!(matches!(not_restarted(None).judge(&with([]), now(), &memory), Judgement::Never(_)));
    memory.remember("before", &with([]));
    assert!(not_restarted(None).judge(&with([]), now(), &memory).is_done());
    let restarted = json!({"status": {"containerStatuses": [{"name": "c", "image": "", "imageID": "", "ready": true, "restartCount": 2}]}});
    let world =
        with([pod("a", "w1", restarted).into(), pod("b", "w2", json!({"metadata": {"uid": "another"}})).into()]);
    insta::assert_snapshot!(text(&not_restarted(None).judge(&world, now(), &memory)));
    let only = with([pod("b", "w2", json!({"metadata": {"uid": "another"}})).into()]);
    assert!(not_restarted(Some("w1")).judge(&only, now(), &memory).is_done());
    assert!(!not_restarted(Some("control-plane")).judge(&only, now(), &memory).is_done());
}

#[test]
fn conditions_are_joined() {
    let (good, bad) = (converged(), Condition::Pods(PodsCondition { count: Some(9), ..pods() }));
    let never = not_restarted(None);
    let world = with([]);
    let all = |list: &[&Condition]| judge(&Condition::All(list.iter().map(|c| (*c).clone()).collect()), &world);
    let any = |list: &[&Condition]| judge(&Condition::Any(list.iter().map(|c| (*c).clone()).collect()), &world);
    assert!(all(&[&good, &good]).is_done());
    assert!(matches!(all(&[&good, &bad]), Judgement::NotYet(_)));
    assert!(matches!(all(&[&bad, &never]), Judgement::Never(_)));
    assert!(any(&[&bad, &good]).is_done());
    assert!(matches!(any(&[&bad, &never]), Judgement::NotYet(_)));
    assert!(matches!(any(&[&never, &never]), Judgement::Never(_)));
    assert!(matches!(judge(&Condition::Not(Box::new(good.clone())), &world), Judgement::NotYet(_)));
    assert!(judge(&Condition::Not(Box::new(never)), &world).is_done());
}

#[test]
fn a_report_of_a_large_cluster_stays_short() {
    let mut objects = vec![Object::from(daemon_set([0; 5], json!({}))), revision(1, "h1").into()];
    objects.extend((0..500).map(|number| Object::from(node(&format!("n{number}"), &[]))));
    let judgement = judge(&converged(), &world(objects));
    let report = judgement.report().expect("a report");
    assert_eq!(report.nodes.len(), 50);
    assert!(report.summary.contains("500 of 500 eligible nodes have no ready pod"), "{}", report.summary);
}
