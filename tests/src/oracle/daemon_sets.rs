//! Random DaemonSets: every way of saying where pods go, in every combination that the API takes.

use serde_json::{Value, json};

use super::{
    Random,
    nodes::{EFFECTS, LABELS, TAINT_VALUES, taint_keys},
    settled::{LAST_LABEL, SENTINEL},
};

/// The image of the pods. Those of real nodes run it; for the others it is a name.
pub const IMAGE: &str = "rollcall/agent:1";

/// Limits that labels are compared with: on the edges of what is a number, and beyond.
const LIMITS: &[&str] = &["0", "5", "7", "9", "10", "99", "9223372036854775806", "9223372036854775808", "nine"];

/// So many of a hundred have pods that the scheduler binds. Where pods go is settled before that, so the others wait
/// for a scheduler that there is not, and cost nothing.
const SCHEDULED: usize = 25;

/// So many DaemonSets, some of which are there for what others would seldom have.
#[must_use]
pub fn random(random: &mut Random, count: usize, nodes: &[String]) -> Vec<Value> {
    (1..=count)
        .map(|number| {
            let mut pod = pod(random, nodes);
            match number {
                1 => pod["nodeName"] = json!(random.one(nodes)),
                // Named and selected: the two need not agree.
                2 => {
                    pod["nodeName"] = json!(random.one(nodes));
                    pod["nodeSelector"] = json!({"disk": "ssd"});
                }
                // Everything, and everything that carries no taint.
                3 => pod = json!({"tolerations": [{"operator": "Exists"}], "schedulerName": "none"}),
                4 => pod = json!({}),
                // An unreachable node has two taints, and everybody tolerates the other one.
                5 => pod = tolerating(json!({"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"})),
                // A time limit that is over before it begins is none to the controller.
                6 => pod = tolerating(json!({"effect": "NoExecute", "tolerationSeconds": 0})),
                _ => {}
            }
            daemon_set(&format!("random-{number}"), pod)
        })
        .collect()
}

/// The DaemonSet by which [`super::settle`] knows that the controller has seen the last change of a node.
#[must_use]
pub fn sentinel() -> Value {
    let term = json!({"matchExpressions": [{"key": LAST_LABEL, "operator": "Exists"}]});
    let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}});
    let pod = json!({
        "affinity": {"nodeAffinity": required},
        "tolerations": [{"operator": "Exists"}],
        "schedulerName": "none",
    });
    daemon_set(SENTINEL, pod)
}

fn daemon_set(name: &str, mut pod: Value) -> Value {
    // A deleted pod is gone at once, on nodes that have no kubelet too.
    pod["terminationGracePeriodSeconds"] = json!(0);
    pod["containers"] = json!([{"name": "agent", "image": IMAGE}]);
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            // No pod is replaced for any other reason than where it is.
            "updateStrategy": {"type": "OnDelete"},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    })
}

/// Pods that nobody binds, with one toleration of any value.
fn tolerating(mut toleration: Value) -> Value {
    toleration["operator"] = json!("Exists");
    json!({"tolerations": [toleration], "schedulerName": "none"})
}

fn pod(random: &mut Random, nodes: &[String]) -> Value {
    let mut pod = json!({});
    let scheduled = random.chance(SCHEDULED);
    if !scheduled {
        pod["schedulerName"] = json!("none");
    }
    if random.chance(30) {
        pod["hostNetwork"] = json!(true);
    }
    if random.chance(50) {
        let labels =
            random.some(LABELS, 2).into_iter().map(|(key, values)| (key.to_owned(), json!(random.one(values))));
        pod["nodeSelector"] = labels.collect();
    }
    if random.chance(70) {
        let terms: Vec<Value> = (0..=random.below(2)).map(|_| term(random, nodes)).collect();
        pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
            json!({"nodeSelectorTerms": terms});
    }
    if random.chance(30) {
        let preference = json!({"matchExpressions": [requirement(random)]});
        pod["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] =
            json!([{"weight": 1 + random.below(100), "preference": preference}]);
    }
    let tolerations: Vec<Value> = (0..random.below(4)).map(|_| toleration(random, scheduled)).collect();
    pod["tolerations"] = json!(tolerations);
    pod
}

/// Alternatives of required node affinity; one in twelve says nothing.
fn term(random: &mut Random, nodes: &[String]) -> Value {
    if random.chance(8) {
        return json!({});
    }
    let mut term = json!({});
    let fields = random.chance(20);
    if fields {
        let operator = random.one(&["In", "NotIn"]);
        term["matchFields"] = json!([{"key": "metadata.name", "operator": operator, "values": [random.one(nodes)]}]);
    }
    if !fields || random.chance(50) {
        let expressions: Vec<Value> = (0..=random.below(2)).map(|_| requirement(random)).collect();
        term["matchExpressions"] = json!(expressions);
    }
    term
}

fn requirement(random: &mut Random) -> Value {
    let operator = random.one(&["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]);
    let (key, values) = match operator {
        // Mostly of the label that has numbers.
        "Gt" | "Lt" if random.chance(85) => LABELS[2],
        _ => random.one(LABELS),
    };
    match operator {
        "In" | "NotIn" => json!({"key": key, "operator": operator, "values": random.some(values, 3)}),
        "Gt" | "Lt" => json!({"key": key, "operator": operator, "values": [random.one(LIMITS)]}),
        _ => json!({"key": key, "operator": operator}),
    }
}

/// A toleration. Where the scheduler binds the pods, time limits are never over: pods would come and go for ever.
fn toleration(random: &mut Random, scheduled: bool) -> Value {
    let mut toleration = json!({});
    let effect = random.chance(70).then(|| random.one(EFFECTS));
    if let Some(effect) = effect {
        toleration["effect"] = json!(effect);
    }
    // Without a key it must be `Exists`.
    if random.chance(12) {
        toleration["operator"] = json!("Exists");
    } else {
        toleration["key"] = json!(random.one(&taint_keys()));
        match random.below(3) {
            0 => toleration["operator"] = json!("Exists"),
            1 => toleration["operator"] = json!("Equal"),
            _ => {}
        }
        if toleration["operator"] != "Exists" {
            toleration["value"] = json!(random.one(TAINT_VALUES));
        }
    }
    if effect == Some("NoExecute") && random.chance(50) {
        let seconds = if scheduled { 3600 } else { random.one(&[-1, 0, 1, 3600]) };
        toleration["tolerationSeconds"] = json!(seconds);
    }
    toleration
}
