//! Objects of manifests as they are sent to a cluster that was there before.

use std::collections::BTreeMap;

use serde_json::Value;

/// The fields of pod templates that hold containers, wherever a kind has them.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Puts an object where it belongs: what names the namespace `default` means that of the run.
pub(super) fn placed(mut object: Value, own: &str) -> Value {
    // By `get_mut`: an index would add what is not there.
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && metadata.get("namespace").is_some_and(|namespace| namespace == "default")
    {
        metadata.remove("namespace");
    }
    // Those who are given a role.
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if subject["namespace"] == "default" {
            subject["namespace"] = own.into();
        }
    }
    object
}

/// Gives containers the images that take the place of those they name. There is no registry here that could have them
/// under that name.
pub(super) fn substituted(value: &mut Value, images: &BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if CONTAINERS.contains(&key.as_str()) {
                    for container in value.as_array_mut().into_iter().flatten() {
                        if let Some(image) = container["image"].as_str().and_then(|name| images.get(name)) {
                            container["image"] = image.as_str().into();
                        }
                    }
                } else {
                    substituted(value, images);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| substituted(item, images)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_plain_namespace_is_that_of_the_run_for_objects_and_for_those_who_are_given_a_role() {
        let binding = json!({
            "metadata": {"name": "a", "namespace": "default"},
            "subjects": [{"namespace": "default"}, {"namespace": "kube-system"}, {"kind": "Group"}],
        });
        assert_eq!(
            placed(binding, "rollcall-a1"),
            json!({
                "metadata": {"name": "a"},
                "subjects": [{"namespace": "rollcall-a1"}, {"namespace": "kube-system"}, {"kind": "Group"}],
            })
        );
    }

    #[test]
    fn nothing_is_added_to_what_has_no_namespace() {
        let patch = json!({"spec": {"minReadySeconds": 3}});
        assert_eq!(placed(patch.clone(), "rollcall-a1"), patch);
    }

    #[test]
    fn images_are_substituted_in_containers_and_nowhere_else() {
        let images = BTreeMap::from([("fluentd:latest".to_owned(), "registry/agent:7".to_owned())]);
        let mut object = json!({
            "metadata": {"annotations": {"image": "fluentd:latest"}},
            "spec": {"template": {"spec": {
                "initContainers": [{"image": "busybox"}],
                "containers": [{"image": "fluentd:latest"}, {"name": "none"}],
            }}},
        });
        substituted(&mut object, &images);
        assert_eq!(object["spec"]["template"]["spec"]["containers"][0]["image"], "registry/agent:7");
        assert_eq!(object["spec"]["template"]["spec"]["initContainers"][0]["image"], "busybox");
        assert_eq!(object["metadata"]["annotations"]["image"], "fluentd:latest");
    }
}
