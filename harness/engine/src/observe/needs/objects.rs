//! The objects of a kind, watched.

use std::{collections::BTreeMap, sync::Arc};

use futures::StreamExt;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, Discovery,
    api::DynamicObject,
    core::GroupVersionKind,
    runtime::{WatchStreamExt, watcher},
};
use rollcall_model::world::{Fact, Key};
use serde_json::Value;

use super::Answers;

pub(super) async fn follow(client: Client, api_version: String, kind: String, answers: Answers) {
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let wanted = GroupVersionKind::gvk(group, version, &kind);
    // A kind that is not served may be in a moment, when a definition has been applied and accepted.
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut definitions = Box::pin(watcher(definitions, watcher::Config::default()).default_backoff());
    let resource = loop {
        match Discovery::new(client.clone()).run_aggregated().await {
            Ok(discovery) => match discovery.resolve_gvk(&wanted) {
                Some((resource, _)) => break resource,
                None => {
                    answers.send(Fact::Unknown(format!("the API server serves no kind `{kind}` of `{api_version}`")))
                }
            },
            Err(error) => answers.send(Fact::Unknown(format!("the API server does not say what it serves: {error}"))),
        }
        if definitions.next().await.is_none() {
            return;
        }
    };
    let api: Api<DynamicObject> = Api::all_with(client, &resource);
    let mut events = Box::pin(watcher(api, watcher::Config::default().any_semantic()).default_backoff());
    let mut objects: BTreeMap<Key, Arc<Value>> = BTreeMap::new();
    let mut listed = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => {
                listed = false;
                objects.clear();
            }
            Ok(watcher::Event::InitApply(object) | watcher::Event::Apply(object)) => {
                objects.insert(key(&object), Arc::new(serde_json::to_value(&object).unwrap_or_default()));
            }
            Ok(watcher::Event::Delete(object)) => drop(objects.remove(&key(&object))),
            Ok(watcher::Event::InitDone) => listed = true,
            Err(error) => tracing::trace!(kind, %error, "watch interrupted"),
        }
        // Half a list says nothing of what is absent.
        if listed {
            answers.send(Fact::Objects(objects.clone()));
        }
    }
}

fn key(object: &DynamicObject) -> Key {
    (object.metadata.namespace.clone().unwrap_or_default(), object.metadata.name.clone().unwrap_or_default())
}
