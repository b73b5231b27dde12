//! Budgets that hold up a drain, those that do not, and that none holds up a rollout.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Cause, Cluster, NodeState, from};

/// `w1` cordoned, with a pod of a ReplicaSet that a budget of one replica selects.
fn guarded() -> Cluster {
    let mut cluster = Cluster::healthy();
    cluster.nodes[0]["spec"]["unschedulable"] = json!(true);
    cluster.nodes[0]["spec"]["taints"] = json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]);
    cluster.pods.push(web());
    cluster.budget(budget())
}

fn web() -> Value {
    json!({
        "metadata": {
            "name": "web-1", "namespace": "shop", "uid": "web-1", "labels": {"app": "web"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "rs", "controller": true}],
        },
        "spec": {"nodeName": "w1", "containers": [{"name": "web"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn budget() -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "shop", "generation": 1},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
        "status": {
            "observedGeneration": 1, "disruptionsAllowed": 0,
            "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1,
        },
    })
}

impl Cluster {
    fn budget(mut self, budget: Value) -> Self {
        self.extras.budgets.push(from(&budget));
        self
    }

    /// What a change of `guarded()` is found to be: texts and remedies.
    #[track_caller]
    fn held_up(&self) -> Vec<String> {
        let found = self.explain();
        let all: Vec<_> =
            found.findings.iter().filter(|finding| finding.cause == Cause::DrainBlockedByBudget).collect();
        assert_eq!(all.len(), found.findings.len(), "{found}");
        all.iter().map(|finding| format!("{}\n{}", finding.what, finding.remedy)).collect()
    }
}

#[test]
fn a_budget_that_allows_nothing_holds_up_a_drain_and_the_daemon_set_is_in_order() {
    let found = guarded().explain();
    assert!(found.in_order);
    insta::assert_snapshot!(found, @r"
    daemonset default/agent: ok on 2 of 2 nodes that are meant

    NODE  STATE  POD       WHY
    w1    ok     agent-w1
    w2    ok     agent-w2

    drain-blocked-by-budget of poddisruptionbudget shop/web (proven)
      a drain of `w1` cannot evict pod `web-1`: budget `web` needs 1 healthy, and 1 are; this holds up the drain, and never a DaemonSet's rollout
      seen: spec.unschedulable: true on `w1`
      seen: spec of poddisruptionbudget shop/web: minAvailable: 1
      seen: status of poddisruptionbudget shop/web: disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1
      seen: pod shop/web-1: runs on `w1`, and the budget selects it
      seen: pod default/agent-w1: is this DaemonSet's on `w1`: a drain leaves it alone
      remedy: ask for more replicas than 1, or let the budget allow one to be away: as it is, it never does
      command: kubectl -n shop describe poddisruptionbudget web
    ");
}

#[test]
fn a_node_that_is_not_cordoned_is_not_to_be_drained() {
    let mut cluster = guarded();
    cluster.nodes[0]["spec"] = json!({});
    assert_eq!(cluster.on_w1(), (NodeState::Ok, vec![]));
}

#[test]
fn a_cordoned_node_that_the_daemon_set_has_nothing_to_do_with_is_left_out() {
    let mut cluster = guarded();
    cluster.daemon_set["spec"]["template"]["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": "w2"});
    cluster.pods.remove(0);
    assert_eq!(cluster.on_w1(), (NodeState::NotMeant, vec![Cause::NodeSelectorMismatch]));
}

#[rstest]
#[case::ended("/status/phase", json!("Succeeded"))]
#[case::not_begun("/status/phase", json!("Pending"))]
#[case::on_its_way_out("/metadata/deletionTimestamp", json!("2026-01-01T00:10:20Z"))]
#[case::of_a_daemon_set("/metadata/ownerReferences/0/kind", json!("DaemonSet"))]
#[case::mirror("/metadata/annotations", json!({"kubernetes.io/config.mirror": "x"}))]
#[case::of_another_node("/spec/nodeName", json!("w2"))]
#[case::of_another_namespace("/metadata/namespace", json!("other"))]
#[case::without_the_label("/metadata/labels", json!({}))]
fn pods_that_a_drain_does_not_evict_or_no_budget_minds_are_no_finding(#[case] path: &str, #[case] value: Value) {
    let mut cluster = guarded();
    set(cluster.pods.last_mut().unwrap(), path, value);
    assert_eq!(cluster.on_w1(), (NodeState::Ok, vec![]));
}

#[rstest]
#[case::allows_one("/status/disruptionsAllowed", json!(1))]
#[case::selects_nothing("/spec/selector", Value::Null)]
#[case::selects_others("/spec/selector", json!({"matchLabels": {"app": "db"}}))]
fn budgets_that_do_not_mind_are_no_finding(#[case] path: &str, #[case] value: Value) {
    let mut budget = budget();
    set(&mut budget, path, value);
    let mut cluster = guarded();
    cluster.extras.budgets.clear();
    assert_eq!(cluster.budget(budget).on_w1(), (NodeState::Ok, vec![]));
}

#[test]
fn an_empty_selector_selects_every_pod_of_its_namespace() {
    let mut budget = budget();
    budget["spec"]["selector"] = json!({});
    let mut cluster = guarded();
    cluster.extras.budgets.clear();
    assert_eq!(cluster.budget(budget).held_up().len(), 1);
}

#[test]
fn a_pod_that_is_not_ready_may_go_where_enough_others_are_or_the_budget_says_so() {
    let unready = |change: &[(&str, Value)]| {
        let mut cluster = guarded();
        cluster.extras.budgets.clear();
        set(cluster.pods.last_mut().unwrap(), "/status/conditions/0/status", json!("False"));
        let mut budget = budget();
        change.iter().for_each(|(path, value)| set(&mut budget, path, value.clone()));
        cluster.budget(budget).held_up().len()
    };
    assert_eq!(unready(&[]), 0);
    assert_eq!(unready(&[("/status/currentHealthy", json!(0))]), 1);
    let always = ("/spec/unhealthyPodEvictionPolicy", json!("AlwaysAllow"));
    assert_eq!(unready(&[("/status/currentHealthy", json!(0)), always]), 0);
}

#[test]
fn why_a_budget_allows_nothing_is_said_with_what_would_change_it() {
    let with = |change: &[(&str, Value)]| {
        let mut cluster = guarded();
        cluster.extras.budgets.clear();
        let mut budget = budget();
        change.iter().for_each(|(path, value)| set(&mut budget, path, value.clone()));
        cluster.budget(budget).held_up().join("\n")
    };
    insta::assert_snapshot!(with(&[("/status/desiredHealthy", json!(2)), ("/status/currentHealthy", json!(2)), ("/status/expectedPods", json!(3))]), @r"
    a drain of `w1` cannot evict pod `web-1`: budget `web` needs 2 healthy, and 2 are; this holds up the drain, and never a DaemonSet's rollout
    see to its pods that are not healthy, 1 of 3; once they are, the drain goes on by itself
    ");
    insta::assert_snapshot!(with(&[("/metadata/generation", json!(2))]), @r"
    a drain of `w1` cannot evict pod `web-1`: the disruption controller has not looked at budget `web` since it was changed; this holds up the drain, and never a DaemonSet's rollout
    wait; if it stays so, look whether the kube-controller-manager runs
    ");
    insta::assert_snapshot!(with(&[("/status", Value::Null)]), @r"
    a drain of `w1` cannot evict pod `web-1`: the disruption controller has not looked at budget `web` since it was changed; this holds up the drain, and never a DaemonSet's rollout
    wait; if it stays so, look whether the kube-controller-manager runs
    ");
    let failed = json!([{
        "type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "lastTransitionTime": "2026-01-01T00:00:00Z",
        "message": "found no controller ref for pod \"web-1\"",
    }]);
    insta::assert_snapshot!(with(&[("/status/conditions", failed)]), @r#"
    a drain of `w1` cannot evict pod `web-1`: budget `web` allows nothing, because its pods cannot be counted: found no controller ref for pod "web-1"; this holds up the drain, and never a DaemonSet's rollout
    write the budget with `minAvailable` as a number, which needs no scale of a controller, or let it select pods of one controller alone
    "#);
}

#[test]
fn two_budgets_on_one_pod_refuse_its_eviction_whatever_they_allow() {
    let mut other = budget();
    other["metadata"]["name"] = json!("all");
    other["spec"]["selector"] = json!({});
    other["status"]["disruptionsAllowed"] = json!(5);
    insta::assert_snapshot!(guarded().budget(other).held_up().join("\n"), @r"
    a drain of `w1` cannot evict pod `web-1`: 2 budgets select the same pod, and an eviction can respect one only; this holds up the drain, and never a DaemonSet's rollout
    leave one budget for each pod: narrow the selectors of the others
    ");
}

#[test]
fn pods_of_several_nodes_that_one_budget_holds_are_one_finding() {
    let mut cluster = guarded();
    cluster.nodes[1]["spec"]["unschedulable"] = json!(true);
    let mut second = web();
    second["metadata"]["name"] = json!("web-2");
    second["spec"]["nodeName"] = json!("w2");
    cluster.pods.push(second);
    insta::assert_snapshot!(cluster.held_up().join("\n"), @r"
    a drain of `w1`, `w2` cannot evict pods `web-1`, `web-2`: budget `web` needs 1 healthy, and 1 are; this holds up the drain, and never a DaemonSet's rollout
    ask for more replicas than 1, or let the budget allow one to be away: as it is, it never does
    ");
}

#[test]
fn an_update_that_waits_says_that_the_budget_of_its_pods_is_not_why() {
    let mut cluster = Cluster::healthy();
    cluster.pods[0]["metadata"]["labels"]["controller-revision-hash"] = json!("old");
    let mut budget = budget();
    budget["metadata"]["namespace"] = json!("default");
    budget["spec"]["selector"] = json!({"matchLabels": {"app": "agent"}});
    let cluster = cluster.budget(budget);
    assert_eq!(cluster.on_w1(), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
    let evidence = cluster.explain().nodes[0].findings[0].evidence.clone();
    let line = evidence.last().map(|seen| format!("{}: {}", seen.source, seen.says)).unwrap_or_default();
    insta::assert_snapshot!(line, @"poddisruptionbudget default/web: does not hold up a DaemonSet's rollout, only evictions");
}

/// Sets what a JSON pointer leads to, and makes what is missing of it.
fn set(object: &mut Value, path: &str, value: Value) {
    let mut at = object;
    for key in path.split('/').skip(1) {
        at = match key.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[key],
        };
    }
    *at = value;
}
