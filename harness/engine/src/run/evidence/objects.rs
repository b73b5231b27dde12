//! `objects/`: what the watches last saw, whole, as lists that kubectl takes. It needs no API server, and it is the
//! very state that the verdict was judged on.
//!
//! Secrets are not watched, so none can be here. Of ConfigMaps and Services the names alone are asked for, and their
//! contents never leave the API server.

use std::{fmt::Debug, sync::Arc};

use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::{Api, Client, Resource, api::ListParams};
use rollcall_model::World;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::folder::Folder;
use crate::error::{KubernetesContext, Result};

/// Writes a list for each kind that is watched.
pub(super) fn write(world: &World, folder: &Folder) {
    list(folder, "nodes", world.nodes.values());
    list(folder, "pods", world.pods.values());
    list(folder, "daemonsets", world.daemon_sets.values());
    list(folder, "controllerrevisions", world.revisions.values());
    list(folder, "events", world.events.values());
    for kind in world.missing() {
        folder.lacks(&format!("objects, {}", kind.plural()), "the API server had not listed them yet");
    }
}

fn list<'a, K: Serialize + 'a>(folder: &Folder, kind: &str, objects: impl Iterator<Item = &'a Arc<K>>) {
    let name = format!("objects/{kind}.json");
    let items: Vec<&K> = objects.map(AsRef::as_ref).collect();
    match serde_json::to_vec_pretty(&json!({"apiVersion": "v1", "kind": "List", "items": items})) {
        Ok(text) => folder.write(&name, &text),
        Err(error) => folder.lacks(&name, format!("it could not be written as JSON: {error}")),
    }
}

/// The names of the Services.
pub(super) async fn services(client: &Client) -> Result<Vec<u8>> {
    names::<Service>(client, "services").await
}

/// The names of the ConfigMaps.
pub(super) async fn config_maps(client: &Client) -> Result<Vec<u8>> {
    names::<ConfigMap>(client, "configmaps").await
}

async fn names<K>(client: &Client, kind: &'static str) -> Result<Vec<u8>>
where
    K: Resource + Clone + DeserializeOwned + Debug,
    K::DynamicType: Default,
{
    let found = Api::<K>::all(client.clone()).list_metadata(&ListParams::default()).await;
    let found = found.doing("list", || format!("the names of the {kind}"))?;
    let names = found.items.iter().map(|object| {
        let metadata = &object.metadata;
        json!({"namespace": metadata.namespace, "name": metadata.name})
    });
    Ok(format!("{:#}\n", serde_json::Value::from_iter(names)).into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::run::evidence::testing;

    #[test]
    fn each_kind_is_a_list_with_kinds_and_versions() {
        let (parent, folder) = testing::folder();
        write(&testing::world(), &folder);
        let path = folder.finish().unwrap();
        let read = |name: &str| -> Value {
            serde_json::from_slice(&std::fs::read(path.join("objects").join(name)).unwrap()).unwrap()
        };
        for (name, kind, count) in [
            ("nodes.json", "Node", 2),
            ("pods.json", "Pod", 2),
            ("daemonsets.json", "DaemonSet", 1),
            ("controllerrevisions.json", "ControllerRevision", 1),
            ("events.json", "Event", 2),
        ] {
            let list = read(name);
            assert_eq!((&list["kind"], &list["apiVersion"]), (&"List".into(), &"v1".into()));
            let items = list["items"].as_array().unwrap();
            assert_eq!(items.len(), count, "{name}");
            assert!(items.iter().all(|item| item["kind"] == kind && item["apiVersion"].is_string()), "{list}");
        }
        assert!(!path.join("missing.txt").exists());
        drop(parent);
    }

    #[test]
    fn kinds_that_were_never_listed_are_missing() {
        let (_parent, folder) = testing::folder();
        write(&World::new(), &folder);
        let text = std::fs::read_to_string(folder.finish().unwrap().join("missing.txt")).unwrap();
        assert!(text.contains("objects, pods: the API server had not listed them yet"), "{text}");
    }
}
