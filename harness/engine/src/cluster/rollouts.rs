//! DaemonSets and other objects changed by patches: by hand, restarted, rolled back.

use std::time::Duration;

use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet};
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams},
};
use rollcall_model::{
    DaemonSetRef,
    scenario::{ObjectRef, PatchKind},
    world::view,
};
use serde_json::{Value, json};

use super::Cluster;
use crate::{
    clock,
    error::{Error, KubernetesContext, Result},
};

/// The annotation by which `kubectl rollout restart` makes a template another one.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

impl Cluster {
    /// Changes an object by a patch, strictly: a field that the API does not know is an error.
    ///
    /// # Errors
    /// When there is no such object or kind, or the API server refuses, with its reason.
    pub async fn patch_object(
        &self,
        target: &ObjectRef,
        kind: PatchKind,
        patch: &Value,
        subresource: Option<&str>,
    ) -> Result<Duration> {
        let started = clock::instant();
        let object = json!({
            "apiVersion": target.api_version,
            "kind": target.kind,
            "metadata": {"name": target.name, "namespace": target.namespace},
        });
        let (api, name, label) = self.api_of(&object).await?;
        let parameters =
            PatchParams { field_validation: Some(kube::api::ValidationDirective::Strict), ..Default::default() };
        let patch = &self.attached().map_or_else(|| patch.clone(), |attached| attached.outward(patch));
        let patch = match kind {
            PatchKind::Strategic => Patch::Strategic(patch.clone()),
            PatchKind::Merge => Patch::Merge(patch.clone()),
            PatchKind::Json => Patch::Json(serde_json::from_value(patch.clone()).map_err(|error| {
                Error::usage_hint(
                    format!("the patch of {label} is no JSON patch: {error}"),
                    "each item needs `op` and `path`",
                )
            })?),
        };
        let changed = match subresource {
            None => api.patch(&name, &parameters, &patch).await.doing("patch", || label)?,
            Some(part) => api.patch_subresource(part, &name, &parameters, &patch).await.doing("patch", || label)?,
        };
        self.seen_daemon_set(&changed).await?;
        Ok(started.elapsed())
    }

    /// Replaces every pod of a DaemonSet by its update strategy, as `kubectl rollout restart` does it.
    ///
    /// # Errors
    /// When there is no such DaemonSet, or the API server refuses.
    pub async fn restart_daemon_set(&self, daemon_set: &DaemonSetRef) -> Result<Duration> {
        let started = clock::instant();
        let annotations = json!({RESTARTED_AT: clock::now().to_string()});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        self.patch_template(daemon_set, "restart", patch).await?;
        Ok(started.elapsed())
    }

    /// Makes a DaemonSet's template that of an earlier revision, as `kubectl rollout undo` does it: the one before the
    /// current one, unless a revision is named.
    ///
    /// # Errors
    /// When there is no such DaemonSet or revision, or the API server refuses.
    pub async fn roll_back(&self, daemon_set: &DaemonSetRef, to_revision: Option<i64>) -> Result<Duration> {
        let started = clock::instant();
        let daemon_sets: Api<DaemonSet> = Api::namespaced(self.client.clone(), &daemon_set.namespace);
        let revisions: Api<ControllerRevision> = Api::namespaced(self.client.clone(), &daemon_set.namespace);
        let object = || format!("daemonset `{daemon_set}`");
        let owner = daemon_sets.get(&daemon_set.name).await.doing("read", object)?;
        let found = revisions.list(&ListParams::default()).await.doing("list the revisions of", object)?;
        let mut own: Vec<ControllerRevision> = found
            .items
            .into_iter()
            .filter(|revision| view::is_controlled_by(&revision.metadata, &owner.metadata))
            .collect();
        own.sort_by_key(|revision| revision.revision);
        let numbers: Vec<String> = own.iter().map(|revision| revision.revision.to_string()).collect();
        let chosen = match to_revision {
            Some(number) => own.iter().find(|revision| revision.revision == number),
            None => own.iter().rev().nth(1),
        };
        let Some(chosen) = chosen else {
            let what = to_revision.map_or("no earlier revision".to_owned(), |number| format!("no revision {number}"));
            return Err(Error::usage_hint(
                format!("daemonset `{daemon_set}` has {what} to be rolled back to"),
                format!("its revisions are {}", numbers.join(", ")),
            ));
        };
        // A revision holds the patch that brings its template back (`pkg/controller/daemon/update.go`, `getPatch`).
        let patch = chosen.data.as_ref().map(|data| data.0.clone()).unwrap_or_default();
        self.patch_template(daemon_set, "roll back", patch).await?;
        Ok(started.elapsed())
    }

    async fn patch_template(&self, daemon_set: &DaemonSetRef, action: &'static str, patch: Value) -> Result<()> {
        let daemon_sets: Api<DaemonSet> = Api::namespaced(self.client.clone(), &daemon_set.namespace);
        let changed = daemon_sets
            .patch(&daemon_set.name, &PatchParams::default(), &Patch::Strategic(patch))
            .await
            .doing(action, || format!("daemonset `{daemon_set}`"))?;
        self.seen_change(daemon_set, &changed.metadata).await
    }
}
