//! A recorded history: changes with resource versions and times, handed to a monitor one by one.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Node, Pod};
use rollcall_model::invariant::{Budget, Fault, Rule};
use rollcall_model::{
    Action, Breach, Change, Condition, DaemonSetRef, Invariant, Kind, Memory, Monitor, Object, Span, Timestamp, World,
};
use serde_json::{Value, json};

pub(crate) fn ds() -> DaemonSetRef {
    DaemonSetRef::new("ds")
}

pub(crate) fn one_pod_per_node() -> Rule {
    Rule::OnePodPerNode { daemon_set: ds() }
}

pub(crate) fn max_unavailable(budget: Option<Budget>) -> Rule {
    Rule::MaxUnavailable { daemon_set: ds(), budget }
}

pub(crate) fn max_surge() -> Rule {
    Rule::MaxSurge { daemon_set: ds(), budget: None }
}

pub(crate) fn invariant(rule: Rule) -> Invariant {
    Invariant { location: Span { file: 0, line: 1, column: 1, len: 1 }, from: None, until: None, rule }
}

/// The moment so many seconds after the beginning.
pub(crate) fn second(number: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + number).expect("a time")
}

/// A world that a monitor watches. Each change is one second and one resource version after the last.
pub(crate) struct History {
    pub(crate) world: World,
    pub(crate) monitor: Monitor,
    pub(crate) memory: Memory,
    pub(crate) now: i64,
    version: u64,
    breaches: Vec<Breach>,
}

impl History {
    /// Watches over some rules that are never broken here, and over this one after them.
    pub(crate) fn of(rule: Rule) -> Self {
        let harmless = Rule::Always(Condition::All(Vec::new()));
        Self::with(&[invariant(harmless), invariant(rule)])
    }

    pub(crate) fn with(invariants: &[Invariant]) -> Self {
        let mut world = World::new();
        for kind in Kind::ALL {
            world.apply(Change::Resync { kind, objects: Vec::new() });
        }
        let monitor = Monitor::new(invariants);
        Self { world, monitor, memory: Memory::default(), now: 0, version: 100, breaches: Vec::new() }
    }

    /// Three nodes, the DaemonSet, and a ready pod of revision `h1` on each: `a` on `n1`, `b` on `n2`, `c` on `n3`.
    pub(crate) fn settled(rule: Rule, daemon_set_change: Value) -> Self {
        let mut history = Self::of(rule);
        history.settle(daemon_set_change);
        history
    }

    pub(crate) fn settle(&mut self, daemon_set_change: Value) {
        for name in ["n1", "n2", "n3"] {
            self.set(node(name, json!({})));
        }
        self.set(daemon_set(daemon_set_change));
        for (name, node) in [("a", "n1"), ("b", "n2"), ("c", "n3")] {
            let since = self.now;
            self.set(pod(name, node).ready(since).build());
        }
    }

    /// An object is added or changed.
    pub(crate) fn set(&mut self, object: impl Into<Object>) {
        self.version += 1;
        self.set_at(self.version, object);
    }

    /// An object that was written at an earlier version, and of which the watch tells only now.
    pub(crate) fn set_at(&mut self, version: u64, object: impl Into<Object>) {
        self.change(Change::Set(versioned(object.into(), version)));
    }

    /// Keeps a version for a change that will be seen late.
    pub(crate) fn take_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    pub(crate) fn delete(&mut self, object: impl Into<Object>) {
        self.version += 1;
        self.change(Change::Delete(versioned(object.into(), self.version)));
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.now += 1;
        self.change_now(change);
    }

    /// A change at the same moment as the last.
    pub(crate) fn change_now(&mut self, change: Change) {
        self.world.apply(change.clone());
        let now = second(self.now);
        self.breaches.extend(self.monitor.observe(&change, &self.world, now, &self.memory));
    }

    /// A daemon pod is replaced as the controller does it: deleted, gone, made anew, ready.
    pub(crate) fn replace(&mut self, old: PodIs, new: PodIs) {
        self.set(old.clone().terminating().build());
        self.delete(old.build());
        self.set(new.clone().build());
        let since = self.now;
        self.set(new.ready(since).build());
    }

    /// A step that is a fault begins.
    pub(crate) fn begin(&mut self, action: &Action) -> Fault {
        let fault = Fault::of(action, &self.world).expect("the step is a fault");
        self.monitor.fault_begins(&fault, second(self.now));
        fault
    }

    pub(crate) fn end(&mut self, fault: &Fault) {
        self.monitor.fault_ends(fault);
    }

    pub(crate) fn step_ended(&mut self, label: &str) {
        let now = second(self.now);
        self.memory.remember(label, &self.world);
        self.breaches.extend(self.monitor.step_ended(label, &self.world, now, &self.memory));
    }

    /// Breaches so far, without those that are only suspected.
    pub(crate) fn so_far(&self) -> &[Breach] {
        &self.breaches
    }

    pub(crate) fn finish(mut self) -> Vec<Breach> {
        let end = self.monitor.finish(second(self.now));
        self.breaches.extend(end);
        self.breaches
    }

    #[track_caller]
    pub(crate) fn held(self) {
        let breaches = self.finish();
        assert!(breaches.is_empty(), "{breaches:#?}");
    }

    /// Exactly one breach, of the rule that the history is about, at this second and on these nodes.
    #[track_caller]
    pub(crate) fn broke(self, at: i64, nodes: &[&str]) -> String {
        let breaches = self.finish();
        let [breach] = &breaches[..] else { panic!("one breach is expected: {breaches:#?}") };
        assert_eq!(breach.index, 1, "{breach:#?}");
        assert_eq!(breach.at, second(at), "{breach:#?}");
        let found: BTreeSet<&str> = breach.report.nodes.iter().map(|node| node.node.as_str()).collect();
        assert_eq!(found, nodes.iter().copied().collect(), "{breach:#?}");
        breach.report.to_string()
    }
}

pub(crate) fn versioned(mut object: Object, version: u64) -> Object {
    let metadata = match &mut object {
        Object::Node(node) => &mut Arc::make_mut(node).metadata,
        Object::Pod(pod) => &mut Arc::make_mut(pod).metadata,
        Object::DaemonSet(daemon_set) => &mut Arc::make_mut(daemon_set).metadata,
        Object::Revision(revision) => &mut Arc::make_mut(revision).metadata,
        Object::Event(event) => &mut Arc::make_mut(event).metadata,
    };
    metadata.resource_version = Some(version.to_string());
    object
}

pub(crate) fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change,
    }
}

pub(crate) fn node(name: &str, change: Value) -> Node {
    let mut value = json!({
        "metadata": {"name": name, "labels": {"name": name}},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    });
    merge(&mut value, change);
    serde_json::from_value(value).expect("a node")
}

pub(crate) fn tainted(name: &str) -> Node {
    node(name, json!({"spec": {"taints": [{"key": "maintenance", "effect": "NoExecute"}]}}))
}

pub(crate) fn daemon_set(change: Value) -> DaemonSet {
    let mut value = json!({
        "metadata": {"name": "ds", "namespace": "default", "uid": "ds-uid", "generation": 1},
        "spec": {"selector": {}, "template": {"spec": {"containers": []}}},
    });
    merge(&mut value, change);
    serde_json::from_value(value).expect("a daemonset")
}

/// A DaemonSet whose rolling update has these numbers.
pub(crate) fn rolling(max_unavailable: Value, max_surge: Value) -> Value {
    let rolling = json!({"maxUnavailable": max_unavailable, "maxSurge": max_surge});
    json!({"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}})
}

/// What a daemon pod is at a moment.
#[derive(Clone)]
pub(crate) struct PodIs(Value);

/// A pod of revision `h1` that has just been made.
pub(crate) fn pod(name: &str, node: &str) -> PodIs {
    PodIs(json!({
        "metadata": {
            "name": name, "namespace": "default", "uid": format!("uid-{name}"),
            "creationTimestamp": second(0),
            "labels": {"controller-revision-hash": "h1"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "ds", "uid": "ds-uid", "controller": true}],
        },
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "agent:1"}]},
        "status": {"phase": "Pending"},
    }))
}

impl PodIs {
    fn but(mut self, change: Value) -> Self {
        merge(&mut self.0, change);
        self
    }

    pub(crate) fn revision(self, hash: &str) -> Self {
        self.but(json!({"metadata": {"labels": {"controller-revision-hash": hash}}}))
    }

    pub(crate) fn created(self, at: i64) -> Self {
        self.but(json!({"metadata": {"creationTimestamp": second(at)}}))
    }

    pub(crate) fn ready(self, since: i64) -> Self {
        let ready = json!([{"type": "Ready", "status": "True", "lastTransitionTime": second(since)}]);
        self.but(json!({"status": {"phase": "Running", "conditions": ready}}))
    }

    pub(crate) fn unready(self, since: i64) -> Self {
        let ready = json!([{"type": "Ready", "status": "False", "lastTransitionTime": second(since)}]);
        self.but(json!({"status": {"phase": "Running", "conditions": ready}}))
    }

    pub(crate) fn terminating(self) -> Self {
        self.but(json!({"metadata": {"deletionTimestamp": second(1)}}))
    }

    pub(crate) fn failed(self) -> Self {
        self.but(json!({"status": {"phase": "Failed", "reason": "Evicted", "conditions": []}}))
    }

    pub(crate) fn restarts(self, number: i32) -> Self {
        let status = json!([{"name": "c", "image": "", "imageID": "", "ready": true, "restartCount": number}]);
        self.but(json!({"status": {"containerStatuses": status}}))
    }

    pub(crate) fn owner(self, uid: &str) -> Self {
        self.but(json!({"metadata": {"ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "ds", "uid": uid, "controller": true}
        ]}}))
    }

    pub(crate) fn build(self) -> Pod {
        serde_json::from_value(self.0).expect("a pod")
    }
}
