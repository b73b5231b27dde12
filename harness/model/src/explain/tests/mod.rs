//! Each cause from what an API server has where it is at work, and none where it is not.

mod budgets;
mod markdown;
mod ownership;
mod pods;
mod several;
mod text;
mod update;

use k8s_openapi::{
    api::{
        apps::v1::{ControllerRevision, DaemonSet},
        core::v1::{Event, Node, Pod},
    },
    jiff::Timestamp,
};
use rstest::rstest;
use serde_json::{Value, json};

use super::{Cause, Diagnosis, Extras, NodeState, WantedLog, explain};
use crate::{Change, DaemonSetRef, Kind, Object, World};

const NOW: &str = "2026-01-01T00:10:00Z";

/// A cluster of two workers with an agent that works on both.
struct Cluster {
    daemon_set: Value,
    nodes: Vec<Value>,
    pods: Vec<Value>,
    events: Vec<Value>,
    extras: Extras,
}

impl Cluster {
    fn healthy() -> Self {
        Self {
            daemon_set: json!({
                "metadata": {"name": "agent", "namespace": "default", "uid": "ds", "generation": 1},
                "spec": {
                    "selector": {"matchLabels": {"app": "agent"}},
                    "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
                    "template": {
                        "metadata": {"labels": {"app": "agent"}},
                        "spec": {"containers": [{"name": "agent", "image": "agent:1"}]},
                    },
                },
                "status": {"observedGeneration": 1},
            }),
            nodes: vec![node("w1"), node("w2")],
            pods: vec![pod("w1"), pod("w2")],
            events: Vec::new(),
            extras: Extras::default(),
        }
    }

    fn world(&self) -> World {
        let mut world = World::new();
        let revision: ControllerRevision = from(&json!({
            "metadata": {
                "name": "agent-2", "namespace": "default", "creationTimestamp": "2026-01-01T00:05:00Z", "labels": {"controller-revision-hash": "new"},
                "ownerReferences": [owner()],
            },
            "revision": 2,
        }));
        let lists: [(Kind, Vec<Object>); 5] = [
            (Kind::Node, self.nodes.iter().map(|node| from::<Node>(node).into()).collect()),
            (Kind::Pod, self.pods.iter().map(|pod| from::<Pod>(pod).into()).collect()),
            (Kind::DaemonSet, vec![from::<DaemonSet>(&self.daemon_set).into()]),
            (Kind::Revision, vec![revision.into()]),
            (Kind::Event, self.events.iter().map(|event| from::<Event>(event).into()).collect()),
        ];
        for (kind, objects) in lists {
            world.apply(Change::Resync { kind, objects });
        }
        world
    }

    fn explain(&self) -> Diagnosis {
        let now: Timestamp = NOW.parse().unwrap();
        explain(&self.world(), &self.extras, &DaemonSetRef::new("agent"), now).unwrap()
    }

    /// The state and causes of `w1`; `w2` must be in order and without a finding, and so must the whole.
    fn on_w1(&self) -> (NodeState, Vec<Cause>) {
        let found = self.explain();
        let w2 = &found.nodes[1];
        assert_eq!((w2.state, w2.findings.len()), (NodeState::Ok, 0), "a false finding: {found}");
        assert_eq!(found.findings, [], "{found}");
        let w1 = &found.nodes[0];
        assert_eq!(found.in_order, w1.state.is_in_order());
        for finding in &w1.findings {
            assert!(!finding.evidence.is_empty(), "without evidence: {finding:?}");
            assert!(!finding.remedy.is_empty(), "without a remedy: {finding:?}");
        }
        (w1.state, w1.findings.iter().map(|finding| finding.cause).collect())
    }

    fn event(mut self, uid: &str, reason: &str, message: &str) -> Self {
        self.events.push(json!({
            "metadata": {"name": format!("event-{}", self.events.len()), "namespace": "default"},
            "involvedObject": {"uid": uid},
            "reason": reason,
            "message": message,
            "lastTimestamp": "2026-01-01T00:09:50Z",
        }));
        self
    }

    fn log(mut self, previous: bool, text: &str) -> Self {
        let wanted =
            WantedLog { namespace: "default".into(), pod: "agent-w1".into(), container: "agent".into(), previous };
        self.extras.logs.insert(wanted, text.to_owned());
        self
    }

    /// With the status of `w1`'s container.
    fn container(mut self, state: Value) -> Self {
        self.pods[0]["status"]["conditions"] =
            json!([{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}]);
        let container = &mut self.pods[0]["status"]["containerStatuses"][0];
        container["ready"] = json!(false);
        for (key, value) in state.as_object().unwrap() {
            container[key] = value.clone();
        }
        self
    }

    fn waiting(self, reason: &str, message: &str) -> Self {
        self.container(json!({"state": {"waiting": {"reason": reason, "message": message}}}))
    }

    /// With a container that ended and waits to be started again.
    fn crashed(self, terminated: Value) -> Self {
        self.container(json!({
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container=agent"}},
            "lastState": {"terminated": terminated},
            "restartCount": 3,
            "containerID": "containerd://x",
        }))
    }

    /// Without a node for `w1`'s pod.
    fn unscheduled(mut self, message: &str) -> Self {
        self.pods[0]["spec"].as_object_mut().unwrap().remove("nodeName");
        self.pods[0]["status"] = json!({
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}],
        });
        self
    }
}

fn from<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn owner() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "ds", "controller": true})
}

fn node(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "node-type": "worker"}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    })
}

fn pod(node: &str) -> Value {
    json!({
        "metadata": {
            "name": format!("agent-{node}"), "namespace": "default", "uid": node,
            "labels": {"app": "agent", "controller-revision-hash": "new"},
            "ownerReferences": [owner()],
        },
        "spec": {
            "nodeName": node,
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]},
            ]}}},
            "containers": [{"name": "agent", "image": "agent:1"}],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            "containerStatuses": [{
                "name": "agent", "ready": true, "restartCount": 0, "image": "agent:1", "imageID": "x", "containerID": "",
                "started": true, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
            }],
        },
    })
}

#[test]
fn what_works_has_no_finding() {
    let cluster = Cluster::healthy();
    assert_eq!(cluster.on_w1(), (NodeState::Ok, vec![]));
    insta::assert_snapshot!(cluster.explain(), @r"
    daemonset default/agent: ok on 2 of 2 nodes that are meant

    NODE  STATE  POD       WHY
    w1    ok     agent-w1
    w2    ok     agent-w2
    ");
}

#[test]
fn a_node_without_the_label_is_not_meant_and_a_near_miss_is_shown() {
    let mut cluster = Cluster::healthy();
    cluster.daemon_set["spec"]["template"]["spec"]["nodeSelector"] = json!({"node-type": "worker"});
    cluster.nodes[0]["metadata"]["labels"] = json!({"node-typ": "worker"});
    cluster.pods.remove(0);
    assert_eq!(cluster.on_w1(), (NodeState::NotMeant, vec![Cause::NodeSelectorMismatch]));
    let finding = &cluster.explain().nodes[0].findings[0];
    assert_eq!(finding.evidence[1].says, "node-typ: worker");
    assert!(finding.what.ends_with("; it has `node-typ: worker`, which is nearly that"), "{}", finding.what);
    assert_eq!(finding.command.as_deref(), Some("kubectl label node w1 node-type=worker"));
    cluster.nodes[0]["metadata"]["labels"] = json!({"node-type": "wroker"});
    let finding = &cluster.explain().nodes[0].findings[0];
    assert_eq!(finding.evidence[1].says, "node-type: wroker");
    assert_eq!(finding.command.as_deref(), Some("kubectl label --overwrite node w1 node-type=worker"));
}

#[test]
fn affinity_and_node_name_are_told_apart() {
    let mut cluster = Cluster::healthy();
    cluster.pods.remove(0);
    cluster.daemon_set["spec"]["template"]["spec"]["affinity"] = json!({"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["w1"]}]},
        ]},
    }});
    assert_eq!(cluster.on_w1(), (NodeState::NotMeant, vec![Cause::NodeAffinityMismatch]));
    cluster.daemon_set["spec"]["template"]["spec"] = json!({"nodeName": "w2", "containers": []});
    assert_eq!(cluster.on_w1(), (NodeState::NotMeant, vec![Cause::NodeNameMismatch]));
}

#[test]
fn a_taint_that_is_not_tolerated_comes_with_the_patch_and_with_the_toleration_that_nearly_matches() {
    let mut cluster = Cluster::healthy();
    cluster.nodes[0]["spec"]["taints"] = json!([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]);
    assert_eq!(cluster.on_w1(), (NodeState::Kept, vec![Cause::TaintNotTolerated]));
    cluster.pods.remove(0);
    assert_eq!(cluster.on_w1(), (NodeState::NotMeant, vec![Cause::TaintNotTolerated]));
    cluster.daemon_set["spec"]["template"]["spec"]["tolerations"] =
        json!([{"key": "dedicated", "operator": "Equal", "value": "gpus", "effect": "NoSchedule"}]);
    let finding = cluster.explain().nodes[0].findings[0].clone();
    insta::assert_snapshot!(finding.evidence[1].says, @r#"{"effect":"NoSchedule","key":"dedicated","operator":"Equal","value":"gpus"} does not match it"#);
    insta::assert_snapshot!(finding.command.unwrap_or_default(), @r#"kubectl -n default patch daemonset agent --type=json -p '[{"op":"add","path":"/spec/template/spec/tolerations/-","value":{"effect":"NoSchedule","key":"dedicated","operator":"Exists"}}]'"#);
}

#[test]
fn a_node_that_is_down_is_the_cause_before_its_taints() {
    let mut cluster = Cluster::healthy();
    cluster.nodes[0]["spec"]["taints"] = json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}]);
    cluster.nodes[0]["status"]["conditions"] =
        json!([{"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting node status."}]);
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::NodeUnreachable]));
    cluster.pods.remove(0);
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![Cause::NodeUnreachable]));
    // One that was never meant is not, up or down.
    cluster.nodes[0]["spec"]["taints"] = json!([
        {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"},
        {"key": "dedicated", "effect": "NoSchedule"},
    ]);
    assert_eq!(cluster.on_w1(), (NodeState::NotMeant, vec![Cause::NodeUnreachable, Cause::TaintNotTolerated]));
    cluster.nodes[0]["spec"]["taints"] = json!([]);
    // A template that tolerates everything makes the node one of its own.
    cluster.daemon_set["spec"]["template"]["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![Cause::NodeUnreachable]));
    cluster.nodes[0]["status"]["conditions"] = json!([{
        "type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "container runtime network not ready",
    }]);
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![Cause::NodeNotReady]));
}

#[test]
fn a_missing_pod_without_a_reason_is_not_guessed_at() {
    let mut cluster = Cluster::healthy();
    cluster.pods.remove(0);
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![Cause::NotKnown]));
}

#[rstest]
#[case(
    "Error creating: pods \"agent-x\" is forbidden: exceeded quota: small, requested: pods=1",
    Cause::RefusedByQuota
)]
#[case("Error creating: admission webhook \"policy.example.com\" denied the request: no", Cause::RefusedByAdmission)]
#[case(
    "Error creating: pods \"agent-x\" is forbidden: violates PodSecurity \"restricted:latest\"",
    Cause::RefusedByAdmission
)]
#[case("Error creating: Internal error occurred: something", Cause::CreateFailed)]
#[case(
    "Error creating: pods \"agent-\" is forbidden: error looking up service account default/agent: serviceaccount \"agent\" not found",
    Cause::CreateFailed
)]
#[case("Error creating: pods \"agent-\" is forbidden: no PriorityClass with name high was found", Cause::CreateFailed)]
#[case(
    "Error creating: pods \"agent-\" is forbidden: pod rejected: RuntimeClass \"gvisor\" not found",
    Cause::CreateFailed
)]
fn what_the_api_server_refuses_is_told_by_its_answer(#[case] message: &str, #[case] cause: Cause) {
    let mut cluster = Cluster::healthy().event("ds", "FailedCreate", message);
    // Where every pod is there, an old refusal is no finding.
    assert_eq!(cluster.on_w1(), (NodeState::Ok, vec![]));
    cluster.pods.remove(0);
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![cause]));
}

#[test]
fn what_is_too_little_is_said_in_numbers() {
    let mut cluster = Cluster::healthy()
        .unscheduled("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity].");
    cluster.pods[0]["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "500m", "memory": "64Mi"}});
    cluster.pods.push(json!({
        "metadata": {"name": "other", "namespace": "default", "uid": "other"},
        "spec": {"nodeName": "w1", "containers": [{"name": "a", "resources": {"requests": {"cpu": "1900m"}}}]},
        "status": {"phase": "Running"},
    }));
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::InsufficientResource]));
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[0].what, @"node `w1` has 100m cpu left, and the pod asks for 500m: 400m too little");
    // A pod that has ended holds nothing.
    cluster.pods[2]["status"]["phase"] = json!("Succeeded");
    assert_eq!(cluster.explain().nodes[0].findings[0].certainty, super::Certainty::Likely);
}

#[test]
fn too_many_pods_are_too_little_room() {
    let mut cluster = Cluster::healthy().unscheduled("0/2 nodes are available: 1 Too many pods.");
    cluster.nodes[0]["status"]["allocatable"]["pods"] = json!("1");
    cluster.pods.push(json!({
        "metadata": {"name": "other", "namespace": "default", "uid": "other"},
        "spec": {"nodeName": "w1", "containers": []},
    }));
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[0].what, @"node `w1` has 0 pods left, and the pod asks for 1: 1 too little");
}

#[test]
fn a_host_port_is_taken_by_somebody() {
    let mut cluster = Cluster::healthy()
        .unscheduled("0/2 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.");
    let ports = json!([{"containerPort": 80, "hostPort": 9100, "protocol": "TCP"}]);
    cluster.pods[0]["spec"]["containers"][0]["ports"] = ports.clone();
    cluster.pods.push(json!({
        "metadata": {"name": "exporter", "namespace": "metrics", "uid": "other"},
        "spec": {"nodeName": "w1", "containers": [{"name": "a", "ports": ports}]},
        "status": {"phase": "Running"},
    }));
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::HostPortTaken]));
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[0].what, @"host port 9100/TCP of node `w1` is taken by pod metrics/exporter");
}

#[test]
fn what_only_takes_time_is_waited_for() {
    let mut cluster = Cluster::healthy();
    cluster.daemon_set["spec"]["minReadySeconds"] = json!(30);
    cluster.pods[0]["status"]["conditions"][0]["lastTransitionTime"] = json!("2026-01-01T00:09:50Z");
    assert_eq!(cluster.on_w1(), (NodeState::Waiting, vec![Cause::MinReadySecondsNotOver]));
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[0].what, @"pod `agent-w1` is ready, but not yet for 30s, 20s to go");
    let mut cluster = Cluster::healthy();
    cluster.pods[0]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:10:20Z");
    cluster.pods[0]["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    assert_eq!(cluster.on_w1(), (NodeState::Waiting, vec![Cause::TerminatingGracePeriod]));
}

#[test]
fn what_stays_on_its_way_out_says_what_holds_it() {
    let mut cluster = Cluster::healthy();
    cluster.pods[0]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:09:00Z");
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![Cause::NotKnown]));
    cluster.pods[0]["metadata"]["finalizers"] = json!(["example.com/keep"]);
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![Cause::TerminatingFinalizer]));
    cluster.nodes[0]["status"]["conditions"] = json!([{"type": "Ready", "status": "Unknown"}]);
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![Cause::TerminatingDeadNode]));
    // What the node is tainted with for that is no other cause.
    cluster.nodes[0]["spec"]["taints"] = json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}]);
    assert_eq!(cluster.on_w1(), (NodeState::Missing, vec![Cause::TerminatingDeadNode]));
    // Another taint is.
    cluster.nodes[0]["spec"]["taints"] = json!([{"key": "maintenance", "effect": "NoExecute"}]);
    assert_eq!(cluster.on_w1(), (NodeState::Extra, vec![Cause::TerminatingDeadNode, Cause::TaintNotTolerated]));
}

#[test]
fn a_pod_that_does_not_go_is_found_beside_the_one_that_took_its_place() {
    let mut cluster = Cluster::healthy();
    let mut left = pod("w1");
    left["metadata"]["name"] = json!("agent-left");
    left["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:09:00Z");
    left["status"] = json!({"phase": "Failed"});
    cluster.pods.push(left);
    // Its kubelet may be about to let it go.
    assert_eq!(cluster.on_w1(), (NodeState::Ok, vec![]));
    cluster.pods[2]["metadata"]["finalizers"] = json!(["example.com/keep"]);
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::TerminatingFinalizer]));
    assert_eq!(cluster.explain().nodes[0].pod.as_deref(), Some("agent-left"));
}

#[test]
fn an_old_pod_says_what_keeps_it_from_being_replaced() {
    let mut cluster = Cluster::healthy();
    cluster.pods[0]["metadata"]["labels"]["controller-revision-hash"] = json!("old");
    assert_eq!(cluster.on_w1(), (NodeState::Outdated, vec![Cause::UpdateUnderWay]));
    cluster.daemon_set["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    assert_eq!(cluster.on_w1(), (NodeState::Outdated, vec![Cause::UpdateOnDelete]));
    cluster.daemon_set["spec"]["updateStrategy"] = json!({"type": "RollingUpdate"});
    cluster.pods[1]["status"]["conditions"][0]["status"] = json!("False");
    let found = cluster.explain();
    insta::assert_snapshot!(found.nodes[0].findings[0].what, @"pod `agent-w1` waits: 1 of 1 that may be unavailable are: `w2` (new pod `agent-w2`: not-known)");
}

#[test]
fn a_pod_that_should_be_gone_is_extra() {
    let mut cluster = Cluster::healthy();
    cluster.nodes[0]["spec"]["taints"] = json!([{"key": "maintenance", "effect": "NoExecute"}]);
    assert_eq!(cluster.on_w1(), (NodeState::Extra, vec![Cause::PodNotRemoved, Cause::TaintNotTolerated]));
    let mut cluster = Cluster::healthy();
    cluster.pods.push(pod("gone"));
    let found = cluster.explain();
    assert_eq!((found.nodes.len(), found.in_order), (3, false));
    assert_eq!((found.nodes[0].node.as_str(), found.nodes[0].state), ("gone", NodeState::Extra));
}

#[test]
fn a_daemon_set_that_fits_nowhere_or_was_not_seen_says_so_as_a_whole() {
    let mut cluster = Cluster::healthy();
    cluster.pods.clear();
    cluster.daemon_set["spec"]["template"]["spec"]["nodeSelector"] = json!({"gpu": "true"});
    cluster.daemon_set["metadata"]["generation"] = json!(2);
    insta::assert_snapshot!(cluster.explain(), @r"
    daemonset default/agent: no node is meant

    NODE  STATE      POD  WHY
    w1    not meant  -    node-selector-mismatch
    w2    not meant  -    node-selector-mismatch

    controller-behind of daemonset default/agent (proven)
      the controller has not seen its latest change
      seen: status.observedGeneration: 1, and metadata.generation is 2
      remedy: wait; if it stays so, see that the kube-controller-manager runs and read its log: a quota or a webhook may refuse the revision that it keeps of each template

    no-eligible-node of daemonset default/agent (proven)
      none of 2 nodes is eligible
      seen: nodes: each says below why it is not
      remedy: change what every node fails by: `nodeSelector`, required affinity, or tolerations

    node-selector-mismatch on w1, w2 (proven)
      label `gpu` is missing, and `nodeSelector` wants `true`
      seen: spec.template.spec.nodeSelector: gpu: true
      remedy: label the node, if it is meant, or correct `nodeSelector`
      command: kubectl label node w1 gpu=true
    ");
}

#[test]
fn every_cause_has_a_name_of_its_own() {
    let mut codes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.code()).collect();
    codes.sort_unstable();
    let all = codes.len();
    codes.dedup();
    assert_eq!((codes.len(), all), (55, 55));
}
