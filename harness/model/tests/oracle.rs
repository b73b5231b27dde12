//! The oracle against a table written from the specification, and against a second model written apart from it.

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Node;
use proptest::prelude::*;
use rollcall_model::eligible;
use rstest::rstest;
use serde_json::{Value, json};

fn node(labels: Value, taints: Value) -> Node {
    let node = json!({"metadata": {"name": "n1", "labels": labels}, "spec": {"taints": taints}});
    serde_json::from_value(node).expect("a node")
}

fn daemon_set(spec: Value) -> DaemonSet {
    let mut spec = spec;
    spec["containers"] = json!([]);
    let value = json!({
        "metadata": {"name": "ds"},
        "spec": {"selector": {}, "template": {"spec": spec}},
    });
    serde_json::from_value(value).expect("a daemonset")
}

fn taint(text: &str) -> Value {
    let taint: rollcall_model::Taint = text.parse().expect("a taint");
    json!({"key": taint.key, "value": taint.value, "effect": taint.effect.as_str()})
}

fn judge(labels: Value, taints: &[&str], spec: Value) -> (bool, bool, String) {
    let taints: Vec<Value> = taints.iter().map(|text| taint(text)).collect();
    let found = eligible(&node(labels, json!(taints)), &daemon_set(spec));
    assert_eq!(found.should_run, found.reasons.is_empty());
    assert!(found.should_continue || !found.should_run);
    (found.should_run, found.should_continue, found.why_not())
}

/// The decision table of the specification: a DaemonSet without tolerations of its own.
#[rstest]
#[case::plain(&[], true, true)]
#[case::cordoned(&["node.kubernetes.io/unschedulable:NoSchedule"], true, true)]
#[case::memory_pressure(&["node.kubernetes.io/memory-pressure:NoSchedule"], true, true)]
#[case::disk_pressure(&["node.kubernetes.io/disk-pressure:NoSchedule"], true, true)]
#[case::pid_pressure(&["node.kubernetes.io/pid-pressure:NoSchedule"], true, true)]
#[case::not_ready_no_execute(&["node.kubernetes.io/not-ready:NoExecute"], true, true)]
#[case::unreachable_no_execute(&["node.kubernetes.io/unreachable:NoExecute"], true, true)]
#[case::not_ready_no_schedule(&["node.kubernetes.io/not-ready:NoSchedule"], false, true)]
#[case::unreachable_both(
    &["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"], false, true
)]
#[case::network_unavailable(&["node.kubernetes.io/network-unavailable:NoSchedule"], false, true)]
#[case::control_plane(&["node-role.kubernetes.io/control-plane:NoSchedule"], false, true)]
#[case::custom_no_schedule(&["a=b:NoSchedule"], false, true)]
#[case::custom_no_execute(&["a=b:NoExecute"], false, false)]
#[case::custom_both(&["a=b:NoSchedule", "c:NoExecute"], false, false)]
#[case::prefer_no_schedule(&["a=b:PreferNoSchedule"], true, true)]
#[case::out_of_service(&["node.kubernetes.io/out-of-service=x:NoExecute"], false, false)]
fn taints_without_tolerations(#[case] taints: &[&str], #[case] run: bool, #[case] stay: bool) {
    let (found_run, found_stay, why) = judge(json!({}), taints, json!({}));
    assert_eq!((found_run, found_stay), (run, stay), "{why}");
}

#[test]
fn host_network_tolerates_an_unavailable_network() {
    let taints = ["node.kubernetes.io/network-unavailable:NoSchedule"];
    assert!(judge(json!({}), &taints, json!({"hostNetwork": true})).0);
}

#[rstest]
#[case::equal(json!({"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute"}), true)]
#[case::default_operator_is_equal(json!({"key": "a", "value": "b", "effect": "NoExecute"}), true)]
#[case::other_value(json!({"key": "a", "value": "c", "effect": "NoExecute"}), false)]
#[case::no_value(json!({"key": "a", "effect": "NoExecute"}), false)]
#[case::exists(json!({"key": "a", "operator": "Exists", "effect": "NoExecute"}), true)]
#[case::other_effect(json!({"key": "a", "operator": "Exists", "effect": "NoSchedule"}), false)]
#[case::every_effect(json!({"key": "a", "operator": "Exists"}), true)]
#[case::every_key(json!({"operator": "Exists", "effect": "NoExecute"}), true)]
#[case::everything(json!({"operator": "Exists"}), true)]
#[case::other_key(json!({"key": "x", "operator": "Exists"}), false)]
#[case::seconds_count_as_forever(json!({"key": "a", "operator": "Exists", "tolerationSeconds": 0}), true)]
#[case::unknown_operator(json!({"key": "a", "operator": "Matches", "value": "b"}), false)]
fn tolerations(#[case] toleration: Value, #[case] tolerated: bool) {
    assert_eq!(judge(json!({}), &["a=b:NoExecute"], json!({"tolerations": [toleration]})).0, tolerated);
}

#[rstest]
#[case::greater("Gt", "5", true)]
#[case::not_greater("Gt", "7", false)]
#[case::less("Lt", "9", true)]
#[case::not_less("Lt", "7", false)]
#[case::not_a_number("Lt", "x", false)]
fn tolerations_compare_numbers(#[case] operator: &str, #[case] value: &str, #[case] tolerated: bool) {
    let toleration = json!({"key": "a", "operator": operator, "value": value});
    assert_eq!(judge(json!({}), &["a=7:NoSchedule"], json!({"tolerations": [toleration]})).0, tolerated);
}

#[test]
fn an_equal_toleration_is_replaced_and_a_like_one_is_kept() {
    let pod = daemon_set(json!({"tolerations": [
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 9},
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists"},
    ]}));
    let pod = pod.spec.and_then(|spec| spec.template.spec).expect("a pod");
    let all = rollcall_model::oracle::daemon_tolerations(&pod);
    assert_eq!(all.len(), 7);
    assert_eq!(all[0].toleration_seconds, None);
    assert_eq!(all[1].effect, None);
}

fn affinity(terms: Value) -> Value {
    let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}});
    json!({"affinity": {"nodeAffinity": required}})
}

/// The node has `zone: a` and `size: "10"`, and its name is `n1`.
#[rstest]
#[case::within(json!([{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]}]}]), true)]
#[case::not_within(json!([{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]}]), false)]
#[case::not_in(json!([{"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["b"]}]}]), true)]
#[case::not_in_but_is(json!([{"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}]), false)]
#[case::not_in_of_a_missing_label(json!([{"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["a"]}]}]), true)]
#[case::exists(json!([{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]), true)]
#[case::does_not_exist(json!([{"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}]), false)]
#[case::missing_does_not_exist(json!([{"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}]), true)]
#[case::greater(json!([{"matchExpressions": [{"key": "size", "operator": "Gt", "values": ["9"]}]}]), true)]
#[case::not_greater(json!([{"matchExpressions": [{"key": "size", "operator": "Gt", "values": ["10"]}]}]), false)]
#[case::less(json!([{"matchExpressions": [{"key": "size", "operator": "Lt", "values": ["11"]}]}]), true)]
#[case::number_wanted_of_a_word(json!([{"matchExpressions": [{"key": "zone", "operator": "Lt", "values": ["11"]}]}]), false)]
#[case::number_of_a_missing_label(json!([{"matchExpressions": [{"key": "x", "operator": "Lt", "values": ["11"]}]}]), false)]
#[case::one_of_two_terms(json!([
    {"matchExpressions": [{"key": "x", "operator": "Exists"}]}, {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}
]), true)]
#[case::both_requirements(json!([
    {"matchExpressions": [{"key": "x", "operator": "Exists"}, {"key": "zone", "operator": "Exists"}]}
]), false)]
#[case::no_terms(json!([]), false)]
#[case::an_empty_term(json!([{}]), false)]
#[case::an_empty_term_beside_a_good_one(json!([{}, {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]), true)]
#[case::field(json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]), true)]
#[case::other_field(json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}]), false)]
#[case::field_not_in(json!([{"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n2"]}]}]), true)]
#[case::field_of_two_values(json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1", "n2"]}]}]), false)]
#[case::field_and_expression(json!([{
    "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}],
    "matchExpressions": [{"key": "x", "operator": "Exists"}],
}]), false)]
fn required_affinity(#[case] terms: Value, #[case] matches: bool) {
    let (run, stay, why) = judge(json!({"zone": "a", "size": "10"}), &[], affinity(terms));
    assert_eq!((run, stay), (matches, matches), "{why}");
}

#[test]
fn preferred_affinity_and_pod_affinity_are_ignored() {
    let spec = json!({"affinity": {
        "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "preference": {"matchExpressions": [{"key": "x", "operator": "Exists"}]}}
        ]},
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]},
    }});
    assert!(judge(json!({}), &[], spec).0);
}

#[test]
fn a_named_node_is_the_only_one() {
    assert!(judge(json!({}), &[], json!({"nodeName": "n1"})).0);
    assert!(!judge(json!({}), &[], json!({"nodeName": "n2"})).1);
}

#[test]
fn what_the_controller_does_not_look_at_does_not_matter() {
    let mut node = node(json!({}), json!([]));
    node.spec.get_or_insert_default().unschedulable = Some(true);
    node.status =
        serde_json::from_value(json!({"conditions": [{"type": "Ready", "status": "False"}]})).expect("a status");
    assert!(eligible(&node, &daemon_set(json!({}))).should_run);
}

#[test]
fn every_reason_is_told() {
    let spec = json!({
        "nodeName": "other",
        "nodeSelector": {"disk": "ssd", "gpu": "yes"},
        "affinity": affinity(json!([{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b", "c"]}]}, {"matchExpressions": [{"key": "x", "operator": "Exists"}]}]))["affinity"],
    });
    let (.., why) = judge(json!({"disk": "hdd", "zone": "a"}), &["dedicated=gpu:NoSchedule", "m:NoExecute"], spec);
    insta::assert_snapshot!(why.replace("; ", "\n"));
    let (.., why) = judge(json!({}), &[], affinity(json!([])));
    insta::assert_snapshot!(why);
}

/// The key of a label, an operator and its values.
type Requirement = (usize, u8, Vec<u8>);

/// The second model: a node is a few numbers, and the answer is plain logic on them.
/// Nothing of the code under test is used to compute it.
#[derive(Debug, Clone)]
struct Small {
    /// The value of labels `k0` to `k2`, if there.
    labels: [Option<u8>; 3],
    /// Key, value and effect of taints; the effects are 0 `NoSchedule`, 1 `PreferNoSchedule`, 2 `NoExecute`.
    taints: Vec<(u8, u8, u8)>,
    /// Key and value of the node selector.
    selector: Option<(usize, u8)>,
    /// Terms of requirements: key, operator 0 to 5, values.
    terms: Option<Vec<Vec<Requirement>>>,
    /// Key, value (none is `Exists`) and effect, each of which may be left out.
    tolerations: Vec<(Option<u8>, Option<u8>, Option<u8>)>,
}

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const OPERATORS: [&str; 6] = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];

fn small() -> impl Strategy<Value = Small> {
    let requirement =
        (0usize..3, 0u8..6, prop::collection::vec(0u8..3, 1..3)).prop_map(|(key, operator, mut values)| {
            match operator {
                2 | 3 => values.clear(),
                4 | 5 => values.truncate(1),
                _ => {}
            }
            (key, operator, values)
        });
    (
        prop::array::uniform3(prop::option::of(0u8..3)),
        prop::collection::vec((0u8..3, 0u8..2, 0u8..3), 0..3),
        prop::option::of((0usize..3, 0u8..3)),
        prop::option::of(prop::collection::vec(prop::collection::vec(requirement, 0..3), 0..3)),
        prop::collection::vec(
            (prop::option::of(0u8..3), prop::option::of(0u8..2), prop::option::of(0u8..3))
                .prop_map(|(key, value, effect)| (key, if key.is_none() { None } else { value }, effect)),
            0..3,
        ),
    )
        .prop_map(|(labels, taints, selector, terms, tolerations)| Small {
            labels,
            taints,
            selector,
            terms,
            tolerations,
        })
}

impl Small {
    fn answer(&self) -> (bool, bool) {
        let requirement = |(key, operator, values): &Requirement| match (self.labels[*key], operator) {
            (Some(label), 0) => values.contains(&label),
            (Some(label), 1) => !values.contains(&label),
            (Some(_), 2) => true,
            (Some(label), 4) => label > values[0],
            (Some(label), 5) => label < values[0],
            (Some(_), _) => false,
            (None, operator) => matches!(operator, 1 | 3),
        };
        let selected = self.selector.is_none_or(|(key, value)| self.labels[key] == Some(value));
        let affine = self
            .terms
            .as_ref()
            .is_none_or(|terms| terms.iter().any(|term| !term.is_empty() && term.iter().all(requirement)));
        if !selected || !affine {
            return (false, false);
        }
        let untolerated = |wanted: u8| {
            self.taints.iter().filter(move |taint| taint.2 == wanted).any(|(key, value, effect)| {
                !self.tolerations.iter().any(|toleration| {
                    toleration.0.is_none_or(|wanted| wanted == *key)
                        && toleration.1.is_none_or(|wanted| wanted == *value)
                        && toleration.2.is_none_or(|wanted| wanted == *effect)
                })
            })
        };
        (!untolerated(0) && !untolerated(2), !untolerated(2))
    }

    fn objects(&self) -> (Node, DaemonSet) {
        let mut labels = serde_json::Map::new();
        for (index, value) in self.labels.iter().enumerate() {
            if let Some(value) = value {
                labels.insert(format!("k{index}"), json!(value.to_string()));
            }
        }
        let taints: Vec<Value> = self
            .taints
            .iter()
            .map(|(key, value, effect)| json!({"key": format!("t{key}"), "value": value.to_string(), "effect": EFFECTS[usize::from(*effect)]}))
            .collect();
        let mut spec = json!({});
        if let Some((key, value)) = self.selector {
            spec["nodeSelector"] = json!({format!("k{key}"): value.to_string()});
        }
        if let Some(terms) = &self.terms {
            let term = |term: &Vec<Requirement>| {
                let requirements: Vec<Value> = term
                    .iter()
                    .map(|(key, operator, values)| {
                        let values: Vec<String> = values.iter().map(u8::to_string).collect();
                        json!({"key": format!("k{key}"), "operator": OPERATORS[usize::from(*operator)], "values": values})
                    })
                    .collect();
                json!({"matchExpressions": requirements})
            };
            spec["affinity"] = affinity(terms.iter().map(term).collect())["affinity"].clone();
        }
        let tolerations: Vec<Value> = self
            .tolerations
            .iter()
            .map(|(key, value, effect)| {
                let mut toleration = json!({"operator": if value.is_some() { "Equal" } else { "Exists" }});
                if let Some(key) = key {
                    toleration["key"] = json!(format!("t{key}"));
                }
                if let Some(value) = value {
                    toleration["value"] = json!(value.to_string());
                }
                if let Some(effect) = effect {
                    toleration["effect"] = json!(EFFECTS[usize::from(*effect)]);
                }
                toleration
            })
            .collect();
        spec["tolerations"] = json!(tolerations);
        (node(Value::Object(labels), json!(taints)), daemon_set(spec))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_oracle_agrees_with_the_second_model(small in small()) {
        let (node, daemon_set) = small.objects();
        let found = eligible(&node, &daemon_set);
        prop_assert_eq!((found.should_run, found.should_continue), small.answer(), "{}", found.why_not());
    }
}
