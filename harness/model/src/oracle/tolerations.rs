//! The tolerations of a daemon pod and whether one matches a taint.

use k8s_openapi::api::core::v1::{PodSpec, Taint, Toleration};

/// What the controller adds to every pod, `Exists` without a time limit, in its order
/// (`pkg/controller/daemon/util/daemonset_util.go`, `AddOrUpdateDaemonPodTolerations`).
const DEFAULTS: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// Only for pods on the host network, which need none of the network that is not there yet.
const HOST_NETWORK: (&str, &str) = ("node.kubernetes.io/network-unavailable", "NoSchedule");

/// The tolerations a daemon pod of this template gets: the template's own and the controller's after them.
/// One of the template's that is equal in key, effect, operator and value is replaced in place.
#[must_use]
pub fn daemon_tolerations(pod: &PodSpec) -> Vec<Toleration> {
    let mut all: Vec<Toleration> = pod.tolerations.clone().unwrap_or_default();
    let host_network = (pod.host_network == Some(true)).then_some(HOST_NETWORK);
    for (key, effect) in DEFAULTS.into_iter().chain(host_network) {
        let toleration = Toleration {
            key: Some(key.to_owned()),
            operator: Some("Exists".to_owned()),
            effect: Some(effect.to_owned()),
            ..Toleration::default()
        };
        let same = |other: &Toleration| Toleration { toleration_seconds: None, ..other.clone() } == toleration;
        match all.iter().position(same) {
            Some(index) => all[index] = toleration,
            None => all.push(toleration),
        }
    }
    all
}

/// Whether a pod of this template tolerates a taint: what [`daemon_tolerations`] says, without making them, since this
/// is asked for every taint of every node at every change.
pub(super) fn is_tolerated(pod: &PodSpec, taint: &Taint) -> bool {
    let host_network = (pod.host_network == Some(true)).then_some(HOST_NETWORK);
    // One that is replaced by a default matches what the default matches: they differ in their time limit alone.
    let by_default = DEFAULTS.into_iter().chain(host_network).any(|own| own == (&*taint.key, &*taint.effect));
    by_default || pod.tolerations.iter().flatten().any(|toleration| tolerates(toleration, taint))
}

/// Whether a pod, which has the controller's tolerations among its own, tolerates a taint.
pub(crate) fn tolerates_pod(pod: &PodSpec, taint: &Taint) -> bool {
    pod.tolerations.iter().flatten().any(|toleration| tolerates(toleration, taint))
}

/// Whether a toleration matches a taint (`k8s.io/component-helpers/scheduling/corev1`, `ToleratesTaint`).
///
/// An empty effect matches every effect, an empty key every key, and the default operator is `Equal`.
/// `Lt` and `Gt` compare whole numbers; an API server takes them only with the feature gate
/// `TaintTolerationComparisonOperators` (alpha in 1.35), so a stored one is meant.
fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    fn text(field: &Option<String>) -> &str {
        field.as_deref().unwrap_or_default()
    }
    let (effect, key, value) = (text(&toleration.effect), text(&toleration.key), text(&toleration.value));
    if (!effect.is_empty() && effect != taint.effect) || (!key.is_empty() && key != taint.key) {
        return false;
    }
    let found = text(&taint.value);
    let numbers = || Some((found.parse::<i64>().ok()?, value.parse::<i64>().ok()?));
    match text(&toleration.operator) {
        "" | "Equal" => found == value,
        "Exists" => true,
        "Lt" => numbers().is_some_and(|(found, limit)| found < limit),
        "Gt" => numbers().is_some_and(|(found, limit)| found > limit),
        _ => false,
    }
}
