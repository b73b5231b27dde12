//! The place of a run in a cluster that was there before: its namespace, and what its manifests would make elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Discovery,
    api::{ApiResource, DynamicObject, PostParams},
    core::GroupVersionKind,
    discovery::Scope,
};
use rollcall_model::{Action, Plan, scenario::DeleteTarget};
use serde_json::{Value, json};

use super::{Attach, needs::Right};
use crate::{
    error::{Error, KubernetesContext, Result},
    labels::Owner,
};

/// On every namespace of a run.
pub(super) const ATTACHED: &str = "rollcall.dev/attached";
/// The process that the namespace belongs to.
pub(super) const OWNER: &str = "rollcall.dev/owner";

/// Refuses a cluster of another Kubernetes than the scenario asks for.
pub(super) async fn check_version(client: &Client, attach: &Attach, plan: &Plan) -> Result<()> {
    let found = client
        .apiserver_version()
        .await
        .doing("ask", || format!("the API server of context `{}` for its version", attach.context))?;
    let Some(wanted) = &plan.cluster.kubernetes else { return Ok(()) };
    let parts = |version: &str| {
        let mut parts = version.trim_start_matches('v').split(['.', '-', '+']).map(str::to_owned);
        (parts.next(), parts.next())
    };
    if parts(wanted) == parts(&found.git_version) {
        return Ok(());
    }
    Err(Error::usage_hint(
        format!(
            "scenario `{}` is for Kubernetes {wanted}, and context `{}` has {}",
            plan.name, attach.context, found.git_version
        ),
        "leave `cluster.kubernetes` out, or use another context",
    ))
}

/// Makes the namespace of a run.
pub(super) async fn make_namespace(client: &Client, name: &str, scenario: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let object = || format!("namespace `{name}`");
    let described = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            // Agents of nodes use the host's network and folders, which the stricter levels forbid.
            "labels": {ATTACHED: "true", "pod-security.kubernetes.io/enforce": "privileged"},
            "annotations": {OWNER: Owner::current().to_string(), "rollcall.dev/scenario": scenario},
        },
    });
    let made: Namespace = match serde_json::from_value(described) {
        Ok(made) => made,
        Err(source) => return Err(kube::Error::SerdeError(source)).doing("describe", object),
    };
    namespaces.create(&PostParams::default(), &made).await.map(drop).doing("make", object)
}

/// Everything that the steps of a plan would make, change or remove by manifest.
pub(super) struct Manifests {
    objects: Vec<Known>,
}

/// One object, and what the API server calls its kind.
struct Known {
    label: String,
    name: String,
    namespace: Option<String>,
    /// `None` for a kind that the API server does not have (yet).
    kind: Option<(ApiResource, Scope)>,
    /// Whether it is made; else it is changed or removed.
    made: bool,
}

impl Manifests {
    pub(super) async fn of(plan: &Plan, client: &Client) -> Result<Self> {
        let mut named: Vec<(Value, bool)> = Vec::new();
        for step in plan.flat() {
            let reference = |object: &rollcall_model::scenario::ObjectRef| {
                let metadata = json!({"name": object.name, "namespace": object.namespace});
                json!({"apiVersion": object.api_version, "kind": object.kind, "metadata": metadata})
            };
            match &step.action {
                Action::Apply { manifest } => named.extend(manifest.documents.iter().map(|it| (it.clone(), true))),
                Action::Delete { target: DeleteTarget::Manifest(manifest), .. } => {
                    named.extend(manifest.documents.iter().map(|object| (object.clone(), false)));
                }
                Action::Delete { target: DeleteTarget::Object(object), .. } => named.push((reference(object), false)),
                Action::Patch { target, .. } => named.push((reference(target), false)),
                _ => {}
            }
        }
        if named.is_empty() {
            return Ok(Self { objects: Vec::new() });
        }
        let discovery = Discovery::new(client.clone())
            .run_aggregated()
            .await
            .doing("list", || "the kinds of the API server".to_owned())?;
        let objects = named.iter().map(|(object, made)| known(object, *made, &discovery)).collect();
        Ok(Self { objects })
    }

    /// The rights without which an object could not be made, changed or removed.
    pub(super) fn rights(&self) -> BTreeSet<Right> {
        let mut rights = BTreeSet::new();
        for object in &self.objects {
            let Some((resource, scope)) = &object.kind else { continue };
            let verbs: &[&'static str] = match (object.made, scope) {
                // To see that it is not there, and to remove it again.
                (true, Scope::Cluster) => &["get", "create", "patch", "delete"],
                // Applying is a patch, which makes what is not there.
                (true, Scope::Namespaced) => &["create", "patch"],
                (false, _) => &["get", "patch", "delete"],
            };
            rights.extend(verbs.iter().map(|verb| Right {
                verb,
                group: resource.group.clone(),
                resource: resource.plural.clone(),
                subresource: "",
                in_own: *scope == Scope::Namespaced,
            }));
        }
        rights
    }

    /// Refuses what would touch something that the run has not made.
    pub(super) async fn check(&self, client: &Client, plan: &Plan) -> Result<()> {
        let own: BTreeMap<(&str, &str), &Known> = self
            .objects
            .iter()
            .filter(|object| object.made && matches!(object.kind, Some((_, Scope::Cluster))))
            .filter_map(|object| Some(((object.kind.as_ref()?.0.kind.as_str(), object.name.as_str()), object)))
            .collect();
        let mut found = BTreeSet::new();
        for object in &self.objects {
            let Some((resource, scope)) = &object.kind else { continue };
            match scope {
                Scope::Namespaced => {
                    let elsewhere = object.namespace.as_deref().filter(|namespace| *namespace != "default");
                    if let Some(namespace) = elsewhere.filter(|it| !own.contains_key(&("Namespace", *it))) {
                        found.insert(format!("{} is in namespace `{namespace}`", object.label));
                    }
                }
                Scope::Cluster if !own.contains_key(&(resource.kind.as_str(), object.name.as_str())) => {
                    found.insert(format!("{} is not made by the scenario", object.label));
                }
                Scope::Cluster if object.made => {
                    let objects: Api<DynamicObject> = Api::all_with(client.clone(), resource);
                    if objects.get_opt(&object.name).await.doing("read", || object.label.clone())?.is_some() {
                        found.insert(format!("{} is there already", object.label));
                    }
                }
                Scope::Cluster => {}
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let list: Vec<String> = found.iter().map(|why| format!("\n  {why}")).collect();
        Err(Error::usage_hint(
            format!("scenario `{}` would change what belongs to others:{}", plan.name, list.concat()),
            "leave the namespace out, which puts the object into that of the run, or choose other names",
        ))
    }
}

fn known(object: &Value, made: bool, discovery: &Discovery) -> Known {
    let field = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind, name) = (field("/apiVersion"), field("/kind"), field("/metadata/name"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let found = discovery.resolve_gvk(&GroupVersionKind::gvk(group, version, &kind));
    Known {
        label: format!("{} `{name}`", kind.to_lowercase()),
        name,
        namespace: Some(field("/metadata/namespace")).filter(|namespace| !namespace.is_empty()),
        kind: found.map(|(resource, capabilities)| (resource, capabilities.scope)),
        made,
    }
}
