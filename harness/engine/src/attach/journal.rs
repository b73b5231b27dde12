//! What a run changed outside of its namespace, written down in the cluster before it is done, so that anybody can undo
//! it: the run itself when it ends, or `rollcall clean` after a crash.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{ConfigMap, Node, Taint},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
    discovery::pinned_kind,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, KubernetesContext, Result, is_not_found};

/// The ConfigMap in the namespace of the run.
pub(super) const NAME: &str = "rollcall-journal";

/// How one change is undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Undo {
    /// A node had these taints of these keys, and no others.
    Taints {
        /// The node.
        node: String,
        /// The keys.
        keys: Vec<String>,
        /// The taints.
        were: Vec<Taint>,
    },
    /// A node had these labels; `None` is one that it had not.
    Labels {
        /// The node.
        node: String,
        /// The labels.
        were: BTreeMap<String, Option<String>>,
    },
    /// Whether a node was unschedulable.
    Unschedulable {
        /// The node.
        node: String,
        /// Whether it was.
        was: bool,
    },
    /// An object without a namespace was not there.
    Object {
        /// As `rbac.authorization.k8s.io/v1`.
        api_version: String,
        /// As `ClusterRole`.
        kind: String,
        /// The name.
        name: String,
    },
}

impl std::fmt::Display for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Taints { node, keys, .. } => write!(f, "taints {} of node `{node}`", keys.join(", ")),
            Self::Labels { node, were } => {
                write!(f, "labels {} of node `{node}`", were.keys().cloned().collect::<Vec<_>>().join(", "))
            }
            Self::Unschedulable { node, .. } => write!(f, "schedulability of node `{node}`"),
            Self::Object { kind, name, .. } => write!(f, "{} `{name}`", kind.to_lowercase()),
        }
    }
}

/// The taints of these keys that a node has.
pub(super) fn taints(node: &Node, keys: &[String]) -> Vec<Taint> {
    let all = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    all.into_iter().filter(|taint| keys.contains(&taint.key)).collect()
}

/// Makes the ConfigMap, with nothing in it.
pub(super) async fn begin(client: &Client, namespace: &str) -> Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let metadata = ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() };
    maps.create(&PostParams::default(), &ConfigMap { metadata, ..ConfigMap::default() })
        .await
        .map(drop)
        .doing("make", || format!("configmap `{namespace}/{NAME}`"))
}

/// Writes down a change that is about to be made, as the `number`th.
pub(super) async fn write(client: &Client, namespace: &str, number: usize, undo: &Undo) -> Result<()> {
    let text = serde_json::to_string(undo).map_err(|source| Error::File {
        action: "write down a change for",
        path: namespace.to_owned(),
        source: source.into(),
    })?;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let patch = json!({"data": {key(number): text}});
    maps.patch(NAME, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map(drop)
        .doing("write down a change in", || format!("configmap `{namespace}/{NAME}`"))
}

/// In the order of their numbers as text, too.
fn key(number: usize) -> String {
    format!("{number:06}")
}

/// Undoes everything that is written down, the last first. What cannot be undone does not keep the rest from it.
pub(super) async fn undo_all(client: &Client, namespace: &str) -> Result<usize> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let written = match maps.get(NAME).await {
        Ok(map) => map.data.unwrap_or_default(),
        Err(error) if is_not_found(&error) => return Ok(0),
        Err(error) => return Err(error).doing("read", || format!("configmap `{namespace}/{NAME}`")),
    };
    let mut first_error = None;
    for text in written.values().rev() {
        let undone = match serde_json::from_str::<Undo>(text) {
            Ok(undo) => undo_one(client, &undo).await,
            Err(source) => Err(Error::File {
                action: "read a change of",
                path: format!("configmap `{namespace}/{NAME}`"),
                source: source.into(),
            }),
        };
        if let Err(error) = undone {
            first_error.get_or_insert(error);
        }
    }
    first_error.map_or(Ok(written.len()), Err)
}

async fn undo_one(client: &Client, undo: &Undo) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let patched = match undo {
        Undo::Taints { node, keys, were } => return put_back_taints(&nodes, node, keys, were).await,
        Undo::Labels { node, were } => patch_node(&nodes, node, json!({"metadata": {"labels": were}})).await,
        Undo::Unschedulable { node, was } => {
            // The API server leaves out what is false; so does this.
            let value = if *was { Value::Bool(true) } else { Value::Null };
            patch_node(&nodes, node, json!({"spec": {"unschedulable": value}})).await
        }
        Undo::Object { api_version, kind, name } => delete_object(client, api_version, kind, name).await,
    };
    gone_is_undone(patched).doing("undo the change of", || undo.to_string())
}

async fn patch_node(nodes: &Api<Node>, node: &str, patch: Value) -> kube::Result<()> {
    nodes.patch(node, &PatchParams::default(), &Patch::Merge(patch)).await.map(drop)
}

async fn put_back_taints(nodes: &Api<Node>, node: &str, keys: &[String], were: &[Taint]) -> Result<()> {
    let object = || format!("the taints of node `{node}`");
    loop {
        let found = match nodes.get_opt(node).await.doing("read", object)? {
            Some(found) => found,
            None => return Ok(()),
        };
        let mut all = found.spec.and_then(|spec| spec.taints).unwrap_or_default();
        all.retain(|taint| !keys.contains(&taint.key));
        all.extend(were.iter().cloned());
        let patch = json!({"metadata": {"resourceVersion": found.metadata.resource_version}, "spec": {"taints": all}});
        match patch_node(nodes, node, patch).await {
            // A controller has changed the node meanwhile, and its taints have to be kept.
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            other => return gone_is_undone(other).doing("put back", object),
        }
    }
}

async fn delete_object(client: &Client, api_version: &str, kind: &str, name: &str) -> kube::Result<()> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = match pinned_kind(client, &GroupVersionKind::gvk(group, version, kind)).await {
        Ok((resource, _)) => resource,
        // The kind went with its definition, and its objects with it.
        Err(kube::Error::Discovery(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let objects: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    objects.delete(name, &DeleteParams::background()).await.map(drop)
}

fn gone_is_undone(result: kube::Result<()>) -> kube::Result<()> {
    match result {
        Err(error) if is_not_found(&error) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read_again() {
        let taint = Taint { key: "a".into(), value: Some("b".into()), effect: "NoSchedule".into(), time_added: None };
        for undo in [
            Undo::Taints { node: "n".into(), keys: vec!["a".into()], were: vec![taint] },
            Undo::Labels { node: "n".into(), were: [("a".into(), None), ("b".into(), Some("c".into()))].into() },
            Undo::Unschedulable { node: "n".into(), was: true },
            Undo::Object { api_version: "v1".into(), kind: "Namespace".into(), name: "x".into() },
        ] {
            let text = serde_json::to_string(&undo).unwrap();
            assert_eq!(serde_json::from_str::<Undo>(&text).unwrap(), undo, "{text}");
        }
    }

    #[test]
    fn keys_sort_as_their_numbers() {
        let mut keys = [10, 9, 100, 1].map(key);
        keys.sort();
        assert_eq!(keys, [1, 9, 10, 100].map(key));
    }
}
