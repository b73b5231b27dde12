//! Random labels, taints, conditions and `unschedulable` flags, put onto nodes that exist.
//!
//! Some taints of `node.kubernetes.io/` are not a matter of whoever writes the Node object: the node lifecycle
//! controller makes those of effect `NoSchedule` from conditions and from `unschedulable`, and takes away those that
//! have no such reason (`pkg/controller/nodelifecycle/node_lifecycle_controller.go`, `doNoScheduleTaintingPass`). So
//! these are asked for by their reason. With another effect they stand as they are written.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Node, Taint};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use rollcall::model::world::view;
use serde_json::{Value, json};

use super::Random;

/// How many requests are on their way at once.
const AT_ONCE: usize = 24;

/// How often a patch is tried that somebody else's change came before.
const TRIES: usize = 20;

/// Label keys and their values. Numbers are on the edges of what is one; `gpu` is there without a value.
pub const LABELS: &[(&str, &[&str])] = &[
    ("zone", &["a", "b", "c", ""]),
    ("disk", &["ssd", "hdd"]),
    ("size", &["0", "1", "7", "9", "10", "007", "100", "9223372036854775807", "9223372036854775808", "big", "1.5", ""]),
    ("example.com/rack", &["r1", "r2", "r3", "r4", "r5"]),
    ("gpu", &[""]),
];

/// How many of a hundred nodes have a label, in the order of [`LABELS`].
const LABELLED: [usize; 5] = [85, 70, 80, 60, 30];

/// Keys of taints that anybody may give, and the values beside none.
pub const TAINT_KEYS: &[&str] = &["dedicated", "team", "example.com/spot", "maintenance"];
/// Values of taints; the empty one is none.
pub const TAINT_VALUES: &[&str] = &["", "gpu", "db"];
/// Effects of taints.
pub const EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Taints with keys of Kubernetes' own that stand although nothing is the matter with the node.
const STANDING: &[(&str, &str, &str)] = &[
    ("node.kubernetes.io/memory-pressure", "", "NoExecute"),
    ("node.kubernetes.io/pid-pressure", "", "PreferNoSchedule"),
    ("node.kubernetes.io/unschedulable", "", "NoExecute"),
    ("node.kubernetes.io/not-ready", "", "PreferNoSchedule"),
    ("node.kubernetes.io/out-of-service", "nodeshutdown", "NoExecute"),
    ("node.cloudprovider.kubernetes.io/uninitialized", "true", "NoSchedule"),
    ("node-role.kubernetes.io/control-plane", "", "NoSchedule"),
];

/// Conditions that the node lifecycle controller answers with a taint `NoSchedule`.
const CONDITIONS: &[(&str, &str)] = &[
    ("MemoryPressure", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "node.kubernetes.io/disk-pressure"),
    ("PIDPressure", "node.kubernetes.io/pid-pressure"),
    ("NetworkUnavailable", "node.kubernetes.io/network-unavailable"),
];

const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

/// Every taint key that a random node may have.
pub fn taint_keys() -> Vec<&'static str> {
    let own = CONDITIONS.iter().map(|(_, key)| *key).chain([UNSCHEDULABLE, NOT_READY, UNREACHABLE]);
    TAINT_KEYS.iter().copied().chain(STANDING.iter().map(|(key, ..)| *key)).chain(own).collect()
}

/// What a node is to be like.
#[derive(Debug, Clone)]
pub struct Shape {
    labels: BTreeMap<&'static str, &'static str>,
    taints: Vec<(&'static str, &'static str, &'static str)>,
    unschedulable: bool,
    conditions: Vec<(&'static str, &'static str)>,
}

impl Shape {
    /// A random one. Two of three have a taint that counts.
    pub fn random(random: &mut Random) -> Self {
        let mut shape = Self {
            labels: BTreeMap::new(),
            taints: Vec::new(),
            unschedulable: random.chance(10),
            conditions: CONDITIONS.iter().copied().filter(|_| random.chance(5)).collect(),
        };
        shape.relabel(random);
        shape.retaint(random);
        shape
    }

    /// Changes it: other labels, other taints, or one taint more. Conditions stay, because what follows from them
    /// follows later, and in between the node would be as nobody meant it.
    pub fn change(&mut self, random: &mut Random) {
        match random.below(4) {
            0 => self.relabel(random),
            1 => self.retaint(random),
            2 => self.taint(random.one(TAINT_KEYS), random.one(TAINT_VALUES), "NoSchedule"),
            _ => self.taint(random.one(TAINT_KEYS), random.one(TAINT_VALUES), "NoExecute"),
        }
        self.unschedulable ^= random.chance(10);
    }

    fn relabel(&mut self, random: &mut Random) {
        let labels = LABELS.iter().zip(LABELLED).filter_map(|((key, values), percent)| {
            let value = random.one(values);
            random.chance(percent).then_some((*key, value))
        });
        self.labels = labels.collect();
    }

    fn retaint(&mut self, random: &mut Random) {
        self.taints.clear();
        if random.chance(30) {
            return;
        }
        for _ in 0..=random.below(2) {
            self.taint(random.one(TAINT_KEYS), random.one(TAINT_VALUES), random.one(EFFECTS));
        }
        if random.chance(20) {
            let (key, value, effect) = random.one(STANDING);
            self.taint(key, value, effect);
        }
    }

    /// A node has one taint of a key and an effect.
    fn taint(&mut self, key: &'static str, value: &'static str, effect: &'static str) {
        self.taints.retain(|known| (known.0, known.2) != (key, effect));
        self.taints.push((key, value, effect));
    }

    /// The patch that gives a node its labels, taints and flag, all at once, if nobody has changed it since.
    fn patch(&self, node: &Node) -> Value {
        let labels: BTreeMap<&str, Option<&str>> =
            LABELS.iter().map(|(key, _)| (*key, self.labels.get(key).copied())).collect();
        let own = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
        let mut taints: Vec<Value> = own.filter(|taint| is_of_lifecycle(taint)).map(|taint| json!(taint)).collect();
        taints.extend(
            self.taints.iter().map(|(key, value, effect)| json!({"key": key, "value": value, "effect": effect})),
        );
        json!({
            "metadata": {"resourceVersion": node.metadata.resource_version, "labels": labels},
            "spec": {"taints": taints, "unschedulable": self.unschedulable},
        })
    }

    /// What is not yet as it is to be, if anything: what follows from conditions and the flag follows later.
    fn missing(&self, node: &Node) -> Option<String> {
        let name = view::name_of(&node.metadata);
        let taints: Vec<&Taint> = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten()).collect();
        if let Some(taint) = taints.iter().find(|taint| is_sick(taint)) {
            return Some(format!("`{name}` has `{}:{}`", taint.key, taint.effect));
        }
        for (key, wanted) in CONDITIONS
            .iter()
            .map(|condition| (condition.1, self.conditions.contains(condition)))
            .chain([(UNSCHEDULABLE, self.unschedulable)])
        {
            let has = taints.iter().any(|taint| taint.key == key && taint.effect == "NoSchedule");
            if has != wanted {
                return Some(format!("`{name}` has{} `{key}:NoSchedule`", if has { "" } else { " no" }));
            }
        }
        None
    }
}

/// Whether the node lifecycle controller gives and takes this taint.
fn is_of_lifecycle(taint: &Taint) -> bool {
    let noted = CONDITIONS.iter().any(|(_, key)| *key == taint.key) || taint.key == UNSCHEDULABLE;
    (taint.effect == "NoSchedule" && noted) || is_sick(taint)
}

/// Whether the node is not Ready, by its taints.
pub(super) fn is_sick(taint: &Taint) -> bool {
    matches!(taint.key.as_str(), NOT_READY | UNREACHABLE) && taint.effect != "PreferNoSchedule"
}

/// Gives nodes their shapes and waits until what follows from them has followed.
///
/// # Errors
/// When the API server refuses one, or a taint does not come.
pub async fn shape(nodes: &Api<Node>, shapes: &BTreeMap<String, Shape>, deadline: std::time::Duration) -> Result<()> {
    stream::iter(shapes)
        .map(|(name, shape)| async move {
            // The status first: its taints are in a patch of everything else then, or come after it.
            let conditions: Vec<Value> =
                shape.conditions.iter().map(|(condition, _)| json!({"type": condition, "status": "True"})).collect();
            if !conditions.is_empty() {
                let status = Patch::Strategic(json!({"status": {"conditions": conditions}}));
                nodes.patch_status(name, &PatchParams::default(), &status).await?;
            }
            for _ in 0..TRIES {
                let node = nodes.get(name).await?;
                match nodes.patch(name, &PatchParams::default(), &Patch::Merge(shape.patch(&node))).await {
                    Ok(_) => return Ok(()),
                    Err(kube::Error::Api(status)) if status.code == 409 => {}
                    Err(error) => {
                        return Err(error).with_context(|| format!("could not shape node `{name}`: {shape:?}"));
                    }
                }
            }
            bail!("node `{name}` was changed by somebody else {TRIES} times")
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    super::settled::nodes_are(nodes, deadline, |name, node| shapes.get(name).and_then(|shape| shape.missing(node)))
        .await
}

/// Makes a node that nobody keeps alive: it was Ready, and will soon be unreachable.
///
/// # Errors
/// When the API server refuses it.
pub async fn make_silent(nodes: &Api<Node>, name: &str) -> Result<()> {
    let node = json!({
        "metadata": {"name": name, "labels": {"zone": "a", "kubernetes.io/hostname": name}},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "allocatable": {"cpu": "8", "memory": "16Gi", "pods": "110"},
        },
    });
    nodes.create(&PostParams::default(), &serde_json::from_value(node)?).await?;
    Ok(())
}

/// Waits until a silent node has both taints of one that nobody can reach.
///
/// # Errors
/// When it does not get them.
pub async fn is_unreachable(nodes: &Api<Node>, silent: &str, deadline: std::time::Duration) -> Result<()> {
    super::settled::nodes_are(nodes, deadline, |name, node| {
        let taints: Vec<&Taint> = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten()).collect();
        let has = |effect| taints.iter().any(|taint| taint.key == UNREACHABLE && taint.effect == effect);
        (name == silent && !(has("NoSchedule") && has("NoExecute"))).then(|| format!("`{name}` is not unreachable yet"))
    })
    .await
}
