//! What holds of the oracle whatever the node and the DaemonSet are, and a second reading of the rules on plain JSON
//! that agrees with it.

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Node, PodSpec};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use rollcall_model::oracle::daemon_tolerations;
use rollcall_model::{Eligibility, Ineligible, eligible};
use serde_json::{Value, json};

const LABEL_KEYS: [&str; 3] = ["zone", "size", "gpu"];
/// Numbers that are ordered otherwise as text, and what is no number.
const LABEL_VALUES: [&str; 8] = ["", "a", "b", "7", "10", "007", "9223372036854775808", "-3"];
const TAINT_KEYS: [&str; 8] = [
    "dedicated",
    "team",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/network-unavailable",
    "node.kubernetes.io/memory-pressure",
];
const TAINT_VALUES: [&str; 3] = ["", "x", "7"];
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const NAMES: [&str; 3] = ["n1", "n2", "n3"];

fn taint() -> impl Strategy<Value = Value> {
    (select(&TAINT_KEYS[..]), select(&TAINT_VALUES[..]), select(&EFFECTS[..]))
        .prop_map(|(key, value, effect)| json!({"key": key, "value": value, "effect": effect}))
}

fn node() -> impl Strategy<Value = Value> {
    let labels = prop::collection::btree_map(select(&LABEL_KEYS[..]), select(&LABEL_VALUES[..]), 0..=3);
    // Mostly few, so that there are nodes that nothing is against.
    let taints = prop_oneof![1 => Just(Vec::new()), 2 => prop::collection::vec(taint(), 0..3)];
    (select(&NAMES[..]), labels, taints).prop_map(
        |(name, labels, taints)| json!({"metadata": {"name": name, "labels": labels}, "spec": {"taints": taints}}),
    )
}

fn toleration() -> impl Strategy<Value = Value> {
    let operator = prop::option::of(select(&["Exists", "Equal", "Gt", "Lt", "Like"][..]));
    let key = prop::option::of(select(&TAINT_KEYS[..]));
    let (value, effect) = (prop::option::of(select(&TAINT_VALUES[..])), prop::option::of(select(&EFFECTS[..])));
    (key, operator, value, effect, prop::option::of(-1i64..100)).prop_map(|(key, operator, value, effect, seconds)| {
        json!({"key": key, "operator": operator, "value": value, "effect": effect, "tolerationSeconds": seconds})
    })
}

fn requirement() -> impl Strategy<Value = Value> {
    // An operator that there is not, and numbers of values that are not allowed, match nothing.
    let operator = select(&["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Like"][..]);
    let values = subsequence(&LABEL_VALUES[..], 0..=3);
    let valid = any::<bool>();
    (select(&LABEL_KEYS[..]), operator, values, valid).prop_map(|(key, operator, mut values, valid)| {
        if valid {
            match operator {
                "Exists" | "DoesNotExist" => values.clear(),
                "Gt" | "Lt" => values = vec![values.first().copied().unwrap_or("7")],
                _ if values.is_empty() => values.push("a"),
                _ => {}
            }
        }
        json!({"key": key, "operator": operator, "values": values})
    })
}

fn field() -> impl Strategy<Value = Value> {
    let key = prop_oneof![9 => Just("metadata.name"), 1 => Just("metadata.namespace")];
    let operator = prop_oneof![9 => select(&["In", "NotIn"][..]), 1 => Just("Exists")];
    (key, operator, subsequence(&NAMES[..], 0..=2))
        .prop_map(|(key, operator, values)| json!({"key": key, "operator": operator, "values": values}))
}

fn term() -> impl Strategy<Value = Value> {
    let fields = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(field(), 1..3)];
    (prop::collection::vec(requirement(), 0..3), fields)
        .prop_map(|(expressions, fields)| json!({"matchExpressions": expressions, "matchFields": fields}))
}

fn pod() -> impl Strategy<Value = Value> {
    let name = prop_oneof![8 => Just(None), 1 => select(&NAMES[..]).prop_map(Some), 1 => Just(Some(""))];
    let selector = prop::collection::btree_map(select(&LABEL_KEYS[..]), select(&LABEL_VALUES[..]), 1..2);
    let selector = prop_oneof![3 => Just(std::collections::BTreeMap::new()), 1 => selector];
    let terms = prop_oneof![1 => Just(None), 1 => prop::collection::vec(term(), 0..4).prop_map(Some)];
    let tolerations = prop::collection::vec(toleration(), 0..4);
    (name, selector, terms, tolerations, prop::option::of(any::<bool>())).prop_map(
        |(name, selector, terms, tolerations, host_network)| {
            let mut pod = json!({
                "nodeName": name,
                "nodeSelector": selector,
                "tolerations": tolerations,
                "hostNetwork": host_network,
            });
            if let Some(terms) = terms {
                pod["affinity"] = affinity(terms);
            }
            pod
        },
    )
}

fn affinity(terms: Vec<Value>) -> Value {
    json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}})
}

const TERMS: &str = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

fn judge(node: &Value, pod: &Value) -> Eligibility {
    let node: Node = serde_json::from_value(node.clone()).expect("a node");
    let mut pod = pod.clone();
    pod["containers"] = json!([]);
    let daemon_set = json!({"spec": {"selector": {}, "template": {"spec": pod}}});
    let daemon_set: DaemonSet = serde_json::from_value(daemon_set).expect("a daemonset");
    eligible(&node, &daemon_set)
}

/// The answer without its reasons.
fn answer(node: &Value, pod: &Value) -> (bool, bool) {
    let found = judge(node, pod);
    (found.should_run, found.should_continue)
}

/// No pod runs or stays that would not have otherwise.
fn is_at_most(less: (bool, bool), more: (bool, bool)) -> bool {
    less.0 <= more.0 && less.1 <= more.1
}

fn list<'a>(value: &'a mut Value, pointer: &str) -> &'a mut Vec<Value> {
    value.pointer_mut(pointer).and_then(Value::as_array_mut).expect("a list")
}

/// The rules once more, on JSON and as they are written down; nothing of the code under test is used.
mod second {
    use serde_json::Value;

    fn text<'a>(value: &'a Value, key: &str) -> &'a str {
        value[key].as_str().unwrap_or("")
    }

    fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
        value[key].as_array().map_or(&[], Vec::as_slice)
    }

    /// Whole numbers of 64 bits, as Go reads them: digits with at most a sign before them.
    fn number(text: &str) -> Option<i128> {
        let (minus, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        if digits.is_empty() || digits.len() > 30 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let magnitude = digits.bytes().fold(0i128, |sum, byte| sum * 10 + i128::from(byte - b'0'));
        let number = if minus { -magnitude } else { magnitude };
        (-(1i128 << 63)..1i128 << 63).contains(&number).then_some(number)
    }

    fn label_fits(labels: &Value, requirement: &Value) -> bool {
        let found = labels.get(text(requirement, "key")).and_then(Value::as_str);
        let values: Vec<&str> = items(requirement, "values").iter().filter_map(Value::as_str).collect();
        match (text(requirement, "operator"), found, values.len()) {
            ("In", Some(found), _) => values.contains(&found),
            ("NotIn", None, 1..) | ("Exists", Some(_), 0) | ("DoesNotExist", None, 0) => true,
            ("NotIn", Some(found), 1..) => !values.contains(&found),
            (operator @ ("Gt" | "Lt"), Some(found), 1) => match (number(found), number(values[0])) {
                (Some(found), Some(limit)) => found != limit && (found > limit) == (operator == "Gt"),
                _ => false,
            },
            _ => false,
        }
    }

    fn field_fits(name: &str, requirement: &Value) -> bool {
        let values = items(requirement, "values");
        let found = if requirement["key"] == "metadata.name" { name } else { "" };
        match text(requirement, "operator") {
            "In" => values.len() == 1 && values[0] == found,
            "NotIn" => values.len() == 1 && values[0] != found,
            _ => false,
        }
    }

    fn placed(node: &Value, pod: &Value) -> bool {
        let name = text(&node["metadata"], "name");
        let labels = &node["metadata"]["labels"];
        let named = text(pod, "nodeName");
        if !named.is_empty() && named != name {
            return false;
        }
        let selector = pod["nodeSelector"].as_object().into_iter().flatten();
        if selector.into_iter().any(|(key, value)| labels.get(key) != Some(value)) {
            return false;
        }
        let required = &pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
        if required.is_null() {
            return true;
        }
        for term in items(required, "nodeSelectorTerms") {
            let (expressions, fields) = (items(term, "matchExpressions"), items(term, "matchFields"));
            let says_something = expressions.len() + fields.len() > 0;
            let fits =
                expressions.iter().all(|one| label_fits(labels, one)) && fields.iter().all(|one| field_fits(name, one));
            if says_something && fits {
                return true;
            }
        }
        false
    }

    fn tolerated(taint: &Value, pod: &Value) -> bool {
        let (key, effect) = (text(taint, "key"), text(taint, "effect"));
        // What every daemon pod tolerates.
        let own = match (key.strip_prefix("node.kubernetes.io/").unwrap_or(""), effect) {
            ("not-ready" | "unreachable", "NoExecute") => true,
            ("disk-pressure" | "memory-pressure" | "pid-pressure" | "unschedulable", "NoSchedule") => true,
            ("network-unavailable", "NoSchedule") => pod["hostNetwork"] == true,
            _ => false,
        };
        let by_template = items(pod, "tolerations").iter().any(|toleration| {
            let wanted = |field, found| ["", found].contains(&text(toleration, field));
            let (value, limit) = (text(taint, "value"), text(toleration, "value"));
            wanted("key", key)
                && wanted("effect", effect)
                && match text(toleration, "operator") {
                    "Exists" => true,
                    "" | "Equal" => value == limit,
                    operator @ ("Gt" | "Lt") => match (number(value), number(limit)) {
                        (Some(value), Some(limit)) => value != limit && (value > limit) == (operator == "Gt"),
                        _ => false,
                    },
                    _ => false,
                }
        });
        own || by_template
    }

    pub(super) fn answer(node: &Value, pod: &Value) -> (bool, bool) {
        if !placed(node, pod) {
            return (false, false);
        }
        let against = |wanted: &str| {
            items(&node["spec"], "taints").iter().any(|taint| taint["effect"] == wanted && !tolerated(taint, pod))
        };
        let evicts = against("NoExecute");
        (!evicts && !against("NoSchedule"), !evicts)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_second_reading_of_the_rules_agrees(node in node(), pod in pod()) {
        prop_assert_eq!(answer(&node, &pod), second::answer(&node, &pod), "{}", judge(&node, &pod).why_not());
    }

    #[test]
    fn what_may_run_may_stay_and_what_may_not_run_has_a_reason(node in node(), pod in pod()) {
        let found = judge(&node, &pod);
        prop_assert!(found.should_continue || !found.should_run);
        prop_assert_eq!(found.reasons.is_empty(), found.should_run);
        prop_assert_eq!(found.why_not().is_empty(), found.should_run);
        let only_taints = found.reasons.iter().all(|reason| matches!(reason, Ineligible::Taint { .. }));
        prop_assert!(only_taints || !found.should_continue);
    }

    #[test]
    fn a_toleration_more_takes_no_node_away(node in node(), pod in pod(), more in toleration(), at in any::<Index>()) {
        let before = answer(&node, &pod);
        let mut changed = pod.clone();
        let tolerations = list(&mut changed, "/tolerations");
        tolerations.insert(at.index(tolerations.len() + 1), more);
        prop_assert!(is_at_most(before, answer(&node, &changed)));
    }

    #[test]
    fn a_taint_with_its_toleration_changes_nothing(node in node(), pod in pod(), mut taint in taint()) {
        // A key that no other taint has: its toleration helps no other.
        taint["key"] = json!("new");
        let before = answer(&node, &pod);
        let (mut tainted, mut tolerating) = (node.clone(), pod.clone());
        list(&mut tainted, "/spec/taints").push(taint.clone());
        list(&mut tolerating, "/tolerations").push(json!({"key": "new", "value": taint["value"], "effect": taint["effect"]}));
        prop_assert_eq!(answer(&tainted, &tolerating), before);
    }

    #[test]
    fn a_taint_more_gives_no_node(node in node(), pod in pod(), more in taint(), at in any::<Index>()) {
        let before = answer(&node, &pod);
        let mut changed = node.clone();
        let taints = list(&mut changed, "/spec/taints");
        taints.insert(at.index(taints.len() + 1), more);
        prop_assert!(is_at_most(answer(&changed, &pod), before));
    }

    #[test]
    fn only_a_taint_that_evicts_takes_a_pod_away(node in node(), pod in pod(), mut more in taint()) {
        let before = answer(&node, &pod);
        more["effect"] = json!("NoSchedule");
        let mut changed = node.clone();
        list(&mut changed, "/spec/taints").push(more);
        prop_assert_eq!(answer(&changed, &pod).1, before.1);
    }

    #[test]
    fn a_preference_changes_nothing(node in node(), pod in pod(), mut more in taint(), preferred in term()) {
        let before = judge(&node, &pod);
        more["effect"] = json!("PreferNoSchedule");
        let mut changed = node.clone();
        list(&mut changed, "/spec/taints").push(more);
        let mut preferring = pod.clone();
        preferring["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] =
            json!([{"weight": 1, "preference": preferred}]);
        prop_assert_eq!(judge(&changed, &preferring), before);
    }

    #[test]
    fn the_order_of_taints_tolerations_terms_and_requirements_does_not_matter(
        (node, pod, shuffled, reordered) in (node(), pod()).prop_flat_map(|(node, pod)| {
            let taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
            let tolerations = pod["tolerations"].as_array().cloned().unwrap_or_default();
            let terms = pod.pointer(TERMS).and_then(Value::as_array).cloned().unwrap_or_default();
            let taints = Just(taints).prop_shuffle();
            (Just(node), Just(pod), taints, (Just(tolerations).prop_shuffle(), Just(terms).prop_shuffle()))
        }),
    ) {
        let before = judge(&node, &pod);
        let (mut other_node, mut other_pod) = (node.clone(), pod.clone());
        other_node["spec"]["taints"] = json!(shuffled);
        other_pod["tolerations"] = json!(reordered.0);
        if let Some(terms) = other_pod.pointer_mut(TERMS) {
            *terms = json!(reordered.1);
            for term in terms.as_array_mut().into_iter().flatten() {
                for key in ["matchExpressions", "matchFields"] {
                    term[key].as_array_mut().into_iter().for_each(|requirements| requirements.reverse());
                }
            }
        }
        let after = judge(&other_node, &other_pod);
        prop_assert_eq!((after.should_run, after.should_continue), (before.should_run, before.should_continue));
        prop_assert_eq!(after.reasons.len(), before.reasons.len());
    }

    #[test]
    fn a_term_less_and_a_requirement_more_give_no_node(
        node in node(), pod in pod(), more in requirement(), at in any::<Index>(),
    ) {
        let before = answer(&node, &pod);
        let mut narrower = pod.clone();
        let some = |pod: &mut Value, change: &dyn Fn(&mut Vec<Value>)| {
            let terms = pod.pointer_mut(TERMS).and_then(Value::as_array_mut);
            terms.filter(|terms| !terms.is_empty()).into_iter().for_each(change);
        };
        some(&mut narrower, &|terms| {
            let at = at.index(terms.len());
            // An empty term matches nothing, and one that says something may match.
            if terms[at] != json!({"matchExpressions": [], "matchFields": []}) {
                list(&mut terms[at], "/matchExpressions").push(more.clone());
            }
        });
        prop_assert!(is_at_most(answer(&node, &narrower), before));
        some(&mut narrower, &|terms| {
            terms.remove(at.index(terms.len()));
        });
        prop_assert!(is_at_most(answer(&node, &narrower), before));
    }

    #[test]
    fn what_the_controller_does_not_look_at_changes_nothing(node in node(), pod in pod(), seconds in -1i64..100) {
        let before = judge(&node, &pod);
        let (mut other_node, mut other_pod) = (node.clone(), pod.clone());
        other_node["spec"]["unschedulable"] = json!(true);
        other_node["status"] = json!({
            "conditions": [{"type": "Ready", "status": "False"}, {"type": "NetworkUnavailable", "status": "True"}],
            "allocatable": {"pods": "0"},
        });
        for toleration in list(&mut other_pod, "/tolerations") {
            toleration["tolerationSeconds"] = json!(seconds);
        }
        other_pod["affinity"]["podAntiAffinity"] =
            json!({"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]});
        prop_assert_eq!(judge(&other_node, &other_pod), before);
    }

    #[test]
    fn the_tolerations_that_are_told_are_those_that_count(node in node(), pod in pod(), taint in taint()) {
        let (mut tainted, mut plain) = (node.clone(), pod.clone());
        tainted["spec"]["taints"] = json!([taint]);
        plain["tolerations"] = json!([]);
        let mut untainted = node;
        untainted["spec"]["taints"] = json!([]);
        let spec: PodSpec = serde_json::from_value(json!({"containers": [], "hostNetwork": plain["hostNetwork"]}))
            .expect("a pod");
        let told = daemon_tolerations(&spec);
        let listed = told.iter().any(|one| {
            one.operator.as_deref() == Some("Exists")
                && one.key.as_deref() == taint["key"].as_str()
                && one.effect.as_deref() == taint["effect"].as_str()
        });
        let runs_without = judge(&untainted, &plain).should_run;
        let counts = listed || taint["effect"] == "PreferNoSchedule";
        prop_assert_eq!(judge(&tainted, &plain).should_run, runs_without && counts);
        // With every toleration as the template's own the answer is the same.
        let own: PodSpec = serde_json::from_value(json!({
            "containers": [], "hostNetwork": pod["hostNetwork"], "tolerations": pod["tolerations"],
        })).expect("a pod");
        let mut explicit = pod.clone();
        explicit["tolerations"] = json!(daemon_tolerations(&own));
        explicit["hostNetwork"] = json!(false);
        prop_assert_eq!(judge(&tainted, &explicit), judge(&tainted, &pod));
    }

    #[test]
    fn who_tolerates_everything_is_placed_by_labels_alone(node in node(), pod in pod()) {
        let (mut bare, mut tolerant) = (node.clone(), pod.clone());
        bare["spec"]["taints"] = json!([]);
        list(&mut tolerant, "/tolerations").push(json!({"operator": "Exists"}));
        prop_assert_eq!(judge(&node, &tolerant), judge(&bare, &pod));
    }
}

/// Random input on which every answer is the same would prove nothing.
#[test]
fn the_random_input_has_every_answer() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..1000 {
        let node = node().new_tree(&mut runner).expect("a node").current();
        let pod = pod().new_tree(&mut runner).expect("a pod").current();
        *counts.entry(answer(&node, &pod)).or_insert(0) += 1;
    }
    let often = counts.values().filter(|count| **count >= 30).count();
    assert_eq!(often, 3, "too seldom: {counts:?}");
}
