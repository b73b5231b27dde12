//! Whether a JSON value has a part: mappings may have more keys and lists more items than the part.

use serde_json::Value;

/// The first place where `found` does not have `wanted`, as `spec.replicas is 3, not 4`.
pub(super) fn mismatch(found: &Value, wanted: &Value) -> Option<String> {
    at("", found, wanted)
}

fn at(path: &str, found: &Value, wanted: &Value) -> Option<String> {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted.iter().find_map(|(key, wanted)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match (found.get(key), wanted) {
                (Some(found), wanted) => at(&path, found, wanted),
                // A key that is not there is what `null` asks for.
                (None, Value::Null) => None,
                (None, _) => Some(format!("`{path}` is not there")),
            }
        }),
        (Value::Array(found), Value::Array(wanted)) => wanted.iter().find_map(|wanted| {
            let has = found.iter().any(|found| at(path, found, wanted).is_none());
            (!has).then(|| format!("`{path}` has no item like {wanted}"))
        }),
        (found, wanted) if found == wanted => None,
        (found, wanted) => Some(format!("`{path}` is {}, not {wanted}", short(found))),
    }
}

/// A value short enough for a message.
fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 120 { text } else { format!("{}…", text.chars().take(120).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::mismatch;

    #[test]
    fn a_part_is_found_and_the_first_difference_is_named() {
        let found = json!({"spec": {"a": 1, "list": [{"name": "x", "v": 1}, {"name": "y"}], "none": null}});
        assert_eq!(mismatch(&found, &json!({"spec": {"list": [{"name": "y"}], "none": null, "gone": null}})), None);
        let said = |wanted| mismatch(&found, &wanted).unwrap_or_default();
        assert_eq!(said(json!({"spec": {"a": 2}})), "`spec.a` is 1, not 2");
        assert_eq!(said(json!({"spec": {"b": 2}})), "`spec.b` is not there");
        assert_eq!(
            said(json!({"spec": {"list": [{"name": "x", "v": 2}]}})),
            r#"`spec.list` has no item like {"name":"x","v":2}"#
        );
        assert_eq!(said(json!({"spec": {"a": null}})), "`spec.a` is 1, not null");
        assert_eq!(said(json!({"spec": {"list": {}}})), r#"`spec.list` is [{"name":"x","v":1},{"name":"y"}], not {}"#);
    }
}
