//! Which labels a selector of the API takes (`k8s.io/apimachinery/pkg/apis/meta/v1/helpers.go`, `LabelSelectorAsSelector`).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

/// Whether a selector takes these labels. An empty one takes everything, none at all nothing, and one that breaks the
/// API's rules nothing either, as those who use it skip it.
#[must_use]
pub fn selects(selector: Option<&LabelSelector>, labels: Option<&BTreeMap<String, String>>) -> bool {
    let Some(selector) = selector else { return false };
    let has = |key: &str| labels.and_then(|labels| labels.get(key)).map(String::as_str);
    let mut pairs = selector.match_labels.iter().flatten();
    let mut expressions = selector.match_expressions.iter().flatten();
    pairs.all(|(key, value)| has(key) == Some(value)) && expressions.all(|wanted| takes(wanted, has(&wanted.key)))
}

fn takes(wanted: &LabelSelectorRequirement, found: Option<&str>) -> bool {
    let values = wanted.values.as_deref().unwrap_or_default();
    let listed = found.is_some_and(|found| values.iter().any(|value| value == found));
    match wanted.operator.as_str() {
        "In" => listed,
        "NotIn" => !values.is_empty() && !listed,
        "Exists" => values.is_empty() && found.is_some(),
        "DoesNotExist" => values.is_empty() && found.is_none(),
        _ => false,
    }
}

/// Whether a selector says nothing, so that it takes everything.
#[must_use]
pub fn is_empty(selector: &LabelSelector) -> bool {
    selector.match_labels.iter().flatten().next().is_none()
        && selector.match_expressions.iter().flatten().next().is_none()
}

/// A selector as `kubectl -l` takes it: `app=agent,tier in (a,b),!old`.
#[must_use]
pub fn text(selector: &LabelSelector) -> String {
    let pairs = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten().map(|wanted| {
        let (key, values) = (&wanted.key, wanted.values.as_deref().unwrap_or_default().join(","));
        match wanted.operator.as_str() {
            "Exists" => key.clone(),
            "DoesNotExist" => format!("!{key}"),
            "NotIn" => format!("{key} notin ({values})"),
            _ => format!("{key} in ({values})"),
        }
    });
    pairs.chain(expressions).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn from(value: Value) -> LabelSelector {
        serde_json::from_value(value).expect("a selector")
    }

    #[rstest]
    #[case::everything(json!({}), true)]
    #[case::a_label(json!({"matchLabels": {"app": "agent"}}), true)]
    #[case::another_value(json!({"matchLabels": {"app": "other"}}), false)]
    #[case::one_of_two(json!({"matchLabels": {"app": "agent", "tier": "x"}}), false)]
    #[case::listed(json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["agent", "b"]}]}), true)]
    #[case::not_listed(json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["b"]}]}), true)]
    #[case::absent_is_not_in(json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["b"]}]}), true)]
    #[case::there(json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]}), true)]
    #[case::not_there(json!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}), false)]
    #[case::absent(json!({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}), true)]
    #[case::without_values(json!({"matchExpressions": [{"key": "app", "operator": "NotIn"}]}), false)]
    #[case::with_values(json!({"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["agent"]}]}), false)]
    #[case::unknown(json!({"matchExpressions": [{"key": "app", "operator": "Like", "values": ["agent"]}]}), false)]
    #[case::both(json!({"matchLabels": {"app": "agent"}, "matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}), false)]
    fn labels_are_taken_as_the_api_server_takes_them(#[case] selector: Value, #[case] taken: bool) {
        let labels = BTreeMap::from([("app".to_owned(), "agent".to_owned())]);
        assert_eq!(selects(Some(&from(selector)), Some(&labels)), taken);
    }

    #[test]
    fn no_selector_takes_nothing_and_an_empty_one_what_has_no_labels_too() {
        assert!(!selects(None, None));
        assert!(selects(Some(&LabelSelector::default()), None));
        assert!(is_empty(&from(json!({"matchLabels": {}}))));
        assert!(!is_empty(&from(json!({"matchExpressions": [{"key": "a", "operator": "Exists"}]}))));
    }

    #[test]
    fn a_selector_is_written_as_kubectl_takes_it() {
        let selector = from(json!({"matchLabels": {"app": "agent"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "zone", "operator": "NotIn", "values": ["c"]},
            {"key": "old", "operator": "DoesNotExist"},
            {"key": "new", "operator": "Exists"},
        ]}));
        insta::assert_snapshot!(text(&selector), @"app=agent,tier in (a,b),zone notin (c),!old,new");
    }
}
