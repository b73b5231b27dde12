//! Required node affinity (`k8s.io/component-helpers/scheduling/corev1/nodeaffinity`).
//! Preferred terms and affinity between pods have no part in a DaemonSet's placement.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec};

/// Nothing when the affinity is absent or matches; else per term the first requirement that does not.
///
/// Terms are alternatives, requirements within one must all match, and an empty term matches nothing.
pub(super) fn mismatch(pod: &PodSpec, node: &Node) -> Option<Vec<String>> {
    let affinity = pod.affinity.as_ref()?.node_affinity.as_ref()?;
    let required = affinity.required_during_scheduling_ignored_during_execution.as_ref()?;
    let mut unmatched = Vec::new();
    for term in required.node_selector_terms.iter().filter(|term| !is_empty(term)) {
        unmatched.push(term_mismatch(term, node)?);
    }
    Some(unmatched)
}

fn is_empty(term: &NodeSelectorTerm) -> bool {
    let none = |list: &Option<Vec<NodeSelectorRequirement>>| list.as_ref().is_none_or(Vec::is_empty);
    none(&term.match_expressions) && none(&term.match_fields)
}

/// The first requirement of a term that does not match.
fn term_mismatch(term: &NodeSelectorTerm, node: &Node) -> Option<String> {
    let empty = BTreeMap::new();
    let labels = node.metadata.labels.as_ref().unwrap_or(&empty);
    let expressions = term.match_expressions.iter().flatten();
    for requirement in expressions {
        let found = labels.get(&requirement.key).map(String::as_str);
        if !expression_matches(requirement, found) {
            return Some(describe(requirement, found));
        }
    }
    let name = node.metadata.name.as_deref().unwrap_or_default();
    for requirement in term.match_fields.iter().flatten() {
        let found = if requirement.key == "metadata.name" { name } else { "" };
        if !field_matches(requirement, found) {
            return Some(describe(requirement, Some(found)));
        }
    }
    None
}

/// One requirement on a label. One that breaks the API's rules matches nothing, as the controller ignores the error
/// (`k8s.io/apimachinery/pkg/labels/selector.go`, `NewRequirement` and `Matches`).
fn expression_matches(requirement: &NodeSelectorRequirement, found: Option<&str>) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    let listed = found.is_some_and(|found| values.iter().any(|value| value == found));
    let numbers = || match values {
        [limit] => Some((found?.parse::<i64>().ok()?, limit.parse::<i64>().ok()?)),
        _ => None,
    };
    match requirement.operator.as_str() {
        "In" => listed,
        "NotIn" => !values.is_empty() && !listed,
        "Exists" => values.is_empty() && found.is_some(),
        "DoesNotExist" => values.is_empty() && found.is_none(),
        "Gt" => numbers().is_some_and(|(found, limit)| found > limit),
        "Lt" => numbers().is_some_and(|(found, limit)| found < limit),
        _ => false,
    }
}

/// One requirement on a field: `In` and `NotIn` with exactly one value; the only field there is is `metadata.name`.
fn field_matches(requirement: &NodeSelectorRequirement, found: &str) -> bool {
    match (requirement.operator.as_str(), requirement.values.as_deref()) {
        ("In", Some([value])) => found == value,
        ("NotIn", Some([value])) => found != value,
        _ => false,
    }
}

fn describe(requirement: &NodeSelectorRequirement, found: Option<&str>) -> String {
    let values = requirement.values.as_deref().unwrap_or_default();
    let values = if values.is_empty() { String::new() } else { format!(" [{}]", values.join(", ")) };
    let found = match found {
        Some(found) => format!("it is `{found}`"),
        None => "it is missing".to_owned(),
    };
    format!("`{} {}{values}` does not match, {found}", requirement.key, requirement.operator)
}
