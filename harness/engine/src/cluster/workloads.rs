//! Objects in the cluster: applied, deleted, given another image.

use std::{borrow::Cow, time::Duration};

use k8s_openapi::{api::apps::v1::DaemonSet, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Api, Discovery,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PropagationPolicy},
    core::GroupVersionKind,
    discovery::Scope,
};
use rollcall_model::{
    DaemonSetRef, Judgement, Report,
    scenario::{Cascade, ObjectRef},
};
use serde_json::{Value, json};

use super::{
    Cluster, VERB_DEADLINE,
    ask_again::{Answer, ask_again},
    found::ObjectId,
    remove::absent,
};
use crate::{
    attach::Undo,
    clock,
    error::{Error, KubernetesContext, Result},
    patience,
};

/// Under which name the API server remembers which fields rollcall set.
const FIELD_MANAGER: &str = "rollcall";

impl Cluster {
    /// Applies objects on the server, strictly: a field that the API does not know is an error, not ignored.
    ///
    /// # Errors
    /// When a kind is unknown or the API server refuses an object, with its reason.
    pub async fn apply(&self, objects: &[Value]) -> Result<Duration> {
        let started = clock::instant();
        for object in objects {
            let object = &self.outward(object).await?;
            let (api, name, label) = self.api_of(object).await?;
            let parameters = PatchParams::apply(FIELD_MANAGER).force().validation_strict();
            let applied = api.patch(&name, &parameters, &Patch::Apply(object)).await.doing("apply", || label)?;
            self.applied.lock().await.insert(ObjectId::of(&applied));
            self.seen_daemon_set(&applied).await?;
            if object["kind"] == "CustomResourceDefinition" {
                self.served(object).await?;
            }
        }
        Ok(started.elapsed())
    }

    /// Waits until the API server serves the kind of a definition in each version that it is to be served in, so that its
    /// objects may stand in the same file. It lists a kind some time after it has taken its definition, and has no other
    /// way to tell.
    async fn served(&self, definition: &Value) -> Result<()> {
        let deadline = patience::stretched(VERB_DEADLINE);
        let started = clock::instant();
        for kind in &served_kinds(definition) {
            let what = format!("kind `{}` ({}) of the definition that was applied", kind.kind, kind.version);
            let ask = || async {
                match self.resolve(kind).await {
                    Ok(None) => Answer::NotYet("the API server does not list it".into()),
                    found => Answer::Last(found.map(drop)),
                }
            };
            ask_again(&what, deadline.saturating_sub(started.elapsed()), ask).await?;
        }
        Ok(())
    }

    /// An object as the cluster is to have it. A guest writes down that it makes one that no namespace takes along.
    async fn outward<'a>(&self, object: &'a Value) -> Result<Cow<'a, Value>> {
        let Some(attached) = self.attached() else { return Ok(Cow::Borrowed(object)) };
        let field = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        if self.scope_of(object).await? == Scope::Cluster {
            let (api_version, kind, name) = (field("/apiVersion"), field("/kind"), field("/metadata/name"));
            attached.record(&Undo::Object { api_version, kind, name }).await?;
        }
        Ok(Cow::Owned(attached.outward(object)))
    }

    /// Deletes objects and returns when the DaemonSets among them are gone; one that is gone already is no error.
    ///
    /// # Errors
    /// When a kind is unknown, the API server refuses, or a DaemonSet does not go in time.
    pub async fn delete(&self, objects: &[Value], cascade: Cascade, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        for object in objects.iter().rev() {
            if object["kind"] == "DaemonSet" {
                let reference = DaemonSetRef::new(object["metadata"]["name"].as_str().unwrap_or_default())
                    .in_namespace(object["metadata"]["namespace"].as_str().unwrap_or("default"));
                self.delete_daemon_set(&reference, cascade, deadline.saturating_sub(started.elapsed())).await?;
                continue;
            }
            let (api, name, label) = self.api_of(object).await?;
            absent(api.delete(&name, &delete_params(cascade))).await.doing("delete", || label)?;
        }
        Ok(started.elapsed())
    }

    /// Deletes one object of any kind; one that is gone already is no error.
    ///
    /// # Errors
    /// When the kind is unknown or the API server refuses.
    pub async fn delete_object(&self, object: &ObjectRef, cascade: Cascade, deadline: Duration) -> Result<Duration> {
        let metadata = json!({"name": object.name, "namespace": object.namespace});
        let object = json!({"apiVersion": object.api_version, "kind": object.kind, "metadata": metadata});
        self.delete(&[object], cascade, deadline).await
    }

    /// Deletes a DaemonSet and returns when it and, unless they are orphaned, its pods are gone.
    ///
    /// # Errors
    /// When the API server refuses or something does not go in time.
    pub async fn delete_daemon_set(
        &self,
        daemon_set: &DaemonSetRef,
        cascade: Cascade,
        deadline: Duration,
    ) -> Result<Duration> {
        let started = clock::instant();
        let known = self.world().daemon_set(daemon_set).cloned();
        let daemon_sets: Api<DaemonSet> = Api::namespaced(self.client.clone(), &daemon_set.namespace);
        absent(daemon_sets.delete(&daemon_set.name, &delete_params(cascade)))
            .await
            .doing("delete", || format!("daemonset `{daemon_set}`"))?;
        self.observer
            .wait(format!("end of daemonset `{daemon_set}`"), deadline, |world, _| {
                let there = world
                    .daemon_set(daemon_set)
                    .is_some_and(|found| known.as_ref().is_none_or(|known| known.metadata.uid == found.metadata.uid));
                let pods = match (&known, cascade) {
                    (Some(known), Cascade::Background | Cascade::Foreground) => world.pods_of(known).len(),
                    _ => 0,
                };
                if !there && pods == 0 {
                    return Judgement::Done;
                }
                let summary = format!("it is {}, {pods} of its pods are left", if there { "there" } else { "gone" });
                Judgement::NotYet(Report { summary, nodes: Vec::new() })
            })
            .await?;
        Ok(started.elapsed())
    }

    /// Changes the image of a container of a DaemonSet's template.
    ///
    /// # Errors
    /// When there is no such DaemonSet or container, or the API server refuses.
    pub async fn set_image(&self, daemon_set: &DaemonSetRef, container: &str, image: &str) -> Result<Duration> {
        let started = clock::instant();
        let daemon_sets: Api<DaemonSet> = Api::namespaced(self.client.clone(), &daemon_set.namespace);
        let object = || format!("daemonset `{daemon_set}`");
        let found = daemon_sets.get(&daemon_set.name).await.doing("read", object)?;
        let pod = found.spec.and_then(|spec| spec.template.spec).unwrap_or_default();
        let has = |containers: &[k8s_openapi::api::core::v1::Container]| containers.iter().any(|c| c.name == container);
        let field = if has(&pod.containers) {
            "containers"
        } else if has(pod.init_containers.as_deref().unwrap_or_default()) {
            "initContainers"
        } else {
            let names: Vec<String> = pod.containers.iter().map(|container| format!("`{}`", container.name)).collect();
            return Err(Error::usage_hint(
                format!("daemonset `{daemon_set}` has no container `{container}`"),
                format!("it has {}", names.join(", ")),
            ));
        };
        let image = self.attached().map_or(image, |attached| attached.image(image));
        let patch = json!({"spec": {"template": {"spec": {field: [{"name": container, "image": image}]}}}});
        let changed = daemon_sets
            .patch(&daemon_set.name, &PatchParams::default(), &Patch::Strategic(patch))
            .await
            .doing("set the image of", object)?;
        self.seen_change(daemon_set, &changed.metadata).await?;
        Ok(started.elapsed())
    }

    /// Waits until the watches have seen an applied DaemonSet, so that no later question is answered from before it.
    pub(super) async fn seen_daemon_set(&self, applied: &DynamicObject) -> Result<()> {
        if applied.types.as_ref().is_none_or(|types| types.kind != "DaemonSet") {
            return Ok(());
        }
        let mut metadata = applied.metadata.clone();
        if let Some(attached) = self.attached() {
            attached.lens().inward_object(&mut metadata);
        }
        let reference = DaemonSetRef::new(metadata.name.as_deref().unwrap_or_default())
            .in_namespace(metadata.namespace.as_deref().unwrap_or("default"));
        self.seen_change(&reference, &applied.metadata).await
    }

    pub(super) async fn seen_change(&self, daemon_set: &DaemonSetRef, changed: &ObjectMeta) -> Result<()> {
        self.observer
            .wait(format!("a change of daemonset `{daemon_set}`"), patience::stretched(VERB_DEADLINE), |world, _| {
                if has_seen(world.daemon_set(daemon_set).map(|found| &found.metadata), changed) {
                    return Judgement::Done;
                }
                Judgement::NotYet(Report { summary: "the change has not been seen yet".into(), nodes: Vec::new() })
            })
            .await
            .map(drop)
    }

    /// The endpoint, name and description of an object of any kind.
    pub(super) async fn api_of(&self, object: &Value) -> Result<(Api<DynamicObject>, String, String)> {
        let field = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = field("/metadata/name");
        let label = format!("{} `{name}`", field("/kind").to_lowercase());
        let (resource, scope) = self.kind_of(object).await?;
        let namespace = match field("/metadata/namespace") {
            empty if empty.is_empty() => "default".to_owned(),
            namespace => namespace,
        };
        let api = match scope {
            Scope::Cluster => Api::all_with(self.client.clone(), &resource),
            Scope::Namespaced => Api::namespaced_with(self.client.clone(), &namespace, &resource),
        };
        Ok((api, name, label))
    }

    async fn scope_of(&self, object: &Value) -> Result<Scope> {
        self.kind_of(object).await.map(|(_, scope)| scope)
    }

    async fn kind_of(&self, object: &Value) -> Result<(ApiResource, Scope)> {
        let field = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (field("/apiVersion"), field("/kind"));
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.resolve(&GroupVersionKind::gvk(group, version, kind)).await?.ok_or_else(|| {
            Error::usage_hint(
                format!("the API server knows no kind `{kind}` in `{api_version}`"),
                "check `apiVersion` and `kind`, and apply a CustomResourceDefinition in a step before its objects",
            )
        })
    }

    async fn resolve(&self, gvk: &GroupVersionKind) -> Result<Option<(ApiResource, Scope)>> {
        let find = |discovery: &Discovery| {
            discovery.resolve_gvk(gvk).map(|(resource, capabilities)| (resource, capabilities.scope))
        };
        let discover = || async {
            Discovery::new(self.client.clone())
                .run_aggregated()
                .await
                .doing("list", || "the kinds of the API server".to_owned())
        };
        let known = self.discovery.get_or_try_init(discover).await?;
        if let Some(found) = find(known) {
            return Ok(Some(found));
        }
        // It may have been defined since.
        Ok(find(&discover().await?))
    }
}

/// The kind of a definition in each version that it is served in.
fn served_kinds(definition: &Value) -> Vec<GroupVersionKind> {
    let field = |path: &str| definition.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let (group, kind) = (field("/spec/group"), field("/spec/names/kind"));
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    let served = versions.filter(|version| version["served"] == true);
    served.filter_map(|version| version["name"].as_str()).map(|name| GroupVersionKind::gvk(group, name, kind)).collect()
}

/// Whether what is known of an object is from after a change. An object that is being deleted and loses its last finalizer
/// is gone with that very change: no watch tells of it, only that the object is not there, and by then there may be
/// another of its name.
fn has_seen(found: Option<&ObjectMeta>, changed: &ObjectMeta) -> bool {
    match found {
        Some(found) if found.uid == changed.uid => found.generation >= changed.generation,
        _ => changed.deletion_timestamp.is_some(),
    }
}

pub(super) fn delete_params(cascade: Cascade) -> DeleteParams {
    let policy = match cascade {
        Cascade::Background => PropagationPolicy::Background,
        Cascade::Foreground => PropagationPolicy::Foreground,
        Cascade::Orphan => PropagationPolicy::Orphan,
    };
    DeleteParams { propagation_policy: Some(policy), ..DeleteParams::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(uid: &str, generation: i64, deleted: bool) -> ObjectMeta {
        let deleted = deleted.then_some("2026-01-01T00:00:00Z");
        serde_json::from_value(json!({"uid": uid, "generation": generation, "deletionTimestamp": deleted})).unwrap()
    }

    #[test]
    fn a_definition_is_waited_for_in_the_versions_that_it_is_served_in() {
        let definition = json!({"spec": {"group": "example.com", "names": {"kind": "Probe"}, "versions": [
            {"name": "v1alpha1", "served": false}, {"name": "v1", "served": true}, {"name": "v2", "served": true},
        ]}});
        let of = |version| GroupVersionKind::gvk("example.com", version, "Probe");
        assert_eq!(served_kinds(&definition), [of("v1"), of("v2")]);
    }

    #[test]
    fn a_change_is_seen_in_its_generation_or_a_later_one() {
        let changed = metadata("a", 3, false);
        assert!(!has_seen(None, &changed) && !has_seen(Some(&metadata("a", 2, false)), &changed));
        assert!(has_seen(Some(&metadata("a", 3, false)), &changed));
        // One of the same name from before is not it.
        assert!(!has_seen(Some(&metadata("b", 9, false)), &changed));
    }

    #[test]
    fn a_change_that_ends_an_object_is_seen_when_it_is_not_there() {
        let last = metadata("a", 3, true);
        assert!(!has_seen(Some(&metadata("a", 2, true)), &last));
        assert!(has_seen(None, &last) && has_seen(Some(&metadata("b", 1, false)), &last));
    }
}
