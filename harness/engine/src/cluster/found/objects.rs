//! Every object of every kind: what is there, what a scenario applied, and what it left.
//!
//! Kinds are asked of the API server, so that those a scenario defines are looked at as well. Content is compared by
//! who set it: controllers change what they like, and a change by anybody else is the scenario's.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::{
    Api, Client, Discovery,
    api::{ApiResource, DynamicObject, ListParams, ObjectMeta},
    discovery::{Scope, verbs},
    runtime::wait::{await_condition, conditions},
};
use rollcall_model::{Judgement, Report, World, scenario::Cascade};
use tokio::time::Instant;

use super::{Cluster, NODES, OBJECTS};
use crate::{
    cluster::{remove::absent, workloads::delete_params},
    error::{KubernetesContext, Result, is_not_found},
    patience,
};

/// Kinds that are not looked at: Kubernetes writes them by itself all the time, they go by themselves, or they only
/// repeat what another kind says. Nodes are compared for themselves.
const LEFT_OUT: [&str; 8] = [
    "Event",
    "Lease",
    "LeaseCandidate",
    "Node",
    "CSINode",
    "Endpoints",
    "ComponentStatus",
    "CertificateSigningRequest",
];

/// Who sets fields in the name of Kubernetes itself: its programs, and those of their controllers that apply under a name
/// of their own, some of them seconds after the cluster is there (`FieldManager` in pkg/controller, pkg/controlplane and
/// pkg/registry, read at 1.37).
const KUBERNETES: [&str; 14] = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kwok",
    // All of them in one program.
    "k3s",
    "kubernetes-service-cidr-controller",
    "service-cidr-controller",
    "clusterrole-aggregation-controller",
    "ResourceClaimController",
    "validatingadmissionpolicy-status",
    "migration-runner-controller",
    "device-taint-eviction-controller",
    "api-priority-and-fairness-config-producer-v1",
];

/// How long something that nobody deletes is waited for: a controller may be about to.
const GRACE: Duration = Duration::from_secs(3);

/// What an API server answers that will answer later.
const TOO_MANY_REQUESTS: u16 = 429;

/// How many kinds are listed side by side.
const SIDE_BY_SIDE: usize = 16;

/// What tells an object from every other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cluster) struct ObjectId {
    kind: String,
    group: String,
    namespace: String,
    name: String,
}

impl ObjectId {
    /// Of an object as the API server answers with it.
    pub(in crate::cluster) fn of(object: &DynamicObject) -> Self {
        let types = object.types.clone().unwrap_or_default();
        Self {
            group: types.api_version.split_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default(),
            kind: types.kind,
            namespace: object.metadata.namespace.clone().unwrap_or_default(),
            name: object.metadata.name.clone().unwrap_or_default(),
        }
    }
}

/// ``ConfigMap `settings` in namespace `logging` ``
impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}`", self.kind, self.name)?;
        if self.namespace.is_empty() { Ok(()) } else { write!(f, " in namespace `{}`", self.namespace) }
    }
}

/// An object as the list of its kind has it.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) id: ObjectId,
    /// Which fields somebody else than Kubernetes set, and when: empty for most.
    pub(super) set_by_others: String,
    resource: ApiResource,
    uid: String,
    owners: Vec<String>,
    is_being_deleted: bool,
    /// By nobody but the API server: it follows from something else.
    is_derived: bool,
}

impl Listed {
    fn new(resource: &ApiResource, metadata: ObjectMeta) -> Self {
        let set = metadata.managed_fields.unwrap_or_default();
        let manager = |entry: &ManagedFieldsEntry| entry.manager.clone().unwrap_or_default();
        let others = set.iter().filter(|entry| !KUBERNETES.contains(&manager(entry).as_str()));
        let others: Vec<String> = others
            .map(|entry| {
                let fields = entry.fields_v1.as_ref().map(|fields| fields.0.to_string()).unwrap_or_default();
                let operation = entry.operation.clone().unwrap_or_default();
                format!("{} {operation} {:?} {fields}", manager(entry), entry.time)
            })
            .collect();
        Self {
            id: ObjectId {
                kind: resource.kind.clone(),
                group: resource.group.clone(),
                namespace: metadata.namespace.unwrap_or_default(),
                name: metadata.name.unwrap_or_default(),
            },
            set_by_others: others.join("\n"),
            resource: resource.clone(),
            uid: metadata.uid.unwrap_or_default(),
            owners: metadata.owner_references.unwrap_or_default().into_iter().map(|owner| owner.uid).collect(),
            is_being_deleted: metadata.deletion_timestamp.is_some(),
            is_derived: !set.is_empty() && set.iter().all(|entry| manager(entry) == "kube-apiserver"),
        }
    }

    /// Whether every namespace has one, made by Kubernetes when it likes.
    fn is_of_every_namespace(&self) -> bool {
        matches!((self.id.kind.as_str(), self.id.name.as_str()), ("ServiceAccount", "default"))
            || (self.id.kind == "ConfigMap" && self.id.name == "kube-root-ca.crt")
    }

    fn api(&self, client: &Client) -> Api<DynamicObject> {
        if self.id.namespace.is_empty() {
            Api::all_with(client.clone(), &self.resource)
        } else {
            Api::namespaced_with(client.clone(), &self.id.namespace, &self.resource)
        }
    }
}

/// Every object of every kind that can be listed, but for those that are left out.
pub(super) async fn list(client: &Client) -> Result<Vec<Listed>> {
    let discovery = Discovery::new(client.clone()).run_aggregated().await;
    let discovery = discovery.doing("list", || "the kinds of the API server".to_owned())?;
    let kinds = discovery.groups().flat_map(kube::discovery::ApiGroup::recommended_resources);
    let kinds: Vec<ApiResource> = kinds
        .filter(|(resource, can)| {
            can.supports_operation(verbs::LIST)
                && can.supports_operation(verbs::DELETE)
                && matches!(can.scope, Scope::Cluster | Scope::Namespaced)
                && !LEFT_OUT.contains(&resource.kind.as_str())
        })
        .map(|(resource, _)| resource)
        .collect();
    let lists = kinds.iter().map(|resource| of_kind(client, resource));
    let found: Vec<Vec<Listed>> = stream::iter(lists).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

async fn of_kind(client: &Client, resource: &ApiResource) -> Result<Vec<Listed>> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), resource);
    let end = Instant::now() + patience::stretched(NODES);
    loop {
        match api.list_metadata(&ListParams::default()).await {
            Ok(list) => {
                return Ok(list.items.into_iter().map(|object| Listed::new(resource, object.metadata)).collect());
            }
            // Its definition went away meanwhile.
            Err(error) if is_not_found(&error) => return Ok(Vec::new()),
            // Its definition has just come, or changed, and the server says when to ask again.
            Err(kube::Error::Api(status)) if status.code == TOO_MANY_REQUESTS && Instant::now() < end => {
                let seconds = status.details.as_ref().map_or(1, |details| details.retry_after_seconds.max(1));
                tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
            }
            Err(error) => return Err(error).doing("list", || resource.plural.clone()),
        }
    }
}

/// Deletes what was applied since: what could refuse a deletion first, what others live in last.
pub(super) async fn delete_applied(
    client: &Client,
    applied: &BTreeSet<ObjectId>,
    found: &BTreeMap<ObjectId, String>,
) -> Result<()> {
    let all = list(client).await?;
    let applied = all.into_iter().filter(|object| applied.contains(&object.id) && !found.contains_key(&object.id));
    let mut by_rank: BTreeMap<u8, Vec<Listed>> = BTreeMap::new();
    for object in applied {
        by_rank.entry(rank(&object.id.kind)).or_default().push(object);
    }
    for objects in by_rank.into_values() {
        let deletions = objects.iter().map(|object| async move {
            let api = object.api(client);
            let deleted = absent(api.delete(&object.id.name, &delete_params(Cascade::Background))).await;
            deleted.doing("delete", || object.id.to_string())
        });
        stream::iter(deletions).buffer_unordered(SIDE_BY_SIDE).try_collect::<()>().await?;
    }
    Ok(())
}

fn rank(kind: &str) -> u8 {
    match kind {
        _ if kind.ends_with("WebhookConfiguration") || kind.contains("AdmissionPolicy") => 0,
        "CustomResourceDefinition" => 2,
        "Namespace" => 3,
        _ => 1,
    }
}

/// What there is beside what was found, of which a part is on its way.
#[derive(Debug, Default)]
struct Left {
    /// Being deleted, or about to be with its owner.
    going: Vec<Listed>,
    staying: Vec<Listed>,
    /// What is gone or was changed, a sentence each.
    other: Vec<String>,
}

impl Left {
    fn new(all: Vec<Listed>, found: &BTreeMap<ObjectId, String>) -> Self {
        let mut left = Self::default();
        let there: BTreeSet<&ObjectId> = all.iter().map(|object| &object.id).collect();
        left.other.extend(found.keys().filter(|id| !there.contains(id)).map(|id| format!("{id} is gone")));
        let alive: BTreeSet<String> =
            all.iter().filter(|object| !object.is_being_deleted).map(|object| object.uid.clone()).collect();
        for object in all {
            match found.get(&object.id) {
                Some(before) if *before != object.set_by_others => {
                    left.other.push(format!("{} was changed", object.id));
                }
                Some(_) => {}
                None if object.is_derived || object.is_of_every_namespace() => {}
                None if object.is_being_deleted
                    || (!object.owners.is_empty() && !object.owners.iter().any(|owner| alive.contains(owner))) =>
                {
                    left.going.push(object);
                }
                None => left.staying.push(object),
            }
        }
        left
    }

    fn is_nothing(&self) -> bool {
        self.going.is_empty() && self.staying.is_empty()
    }

    fn differences(self) -> Vec<String> {
        let left = self.going.iter().map(|object| format!("{} does not go", object.id));
        let mut all: Vec<String> =
            left.chain(self.staying.iter().map(|object| format!("{} is left", object.id))).collect();
        all.extend(self.other);
        all.sort();
        all
    }
}

impl Cluster {
    /// What objects are not as they were found, once everything on its way is gone.
    pub(super) async fn object_differences(
        &self,
        found: &BTreeMap<ObjectId, String>,
        patience: Duration,
    ) -> Result<Vec<String>> {
        let end = Instant::now() + patience;
        let mut grace = GRACE.min(patience);
        loop {
            let left = Left::new(list(&self.client).await?, found);
            if left.is_nothing() {
                return Ok(left.differences());
            }
            let still = if left.going.is_empty() {
                std::mem::take(&mut grace)
            } else {
                end.saturating_duration_since(Instant::now())
            };
            if still.is_zero() {
                return Ok(left.differences());
            }
            let awaited = if left.going.is_empty() { &left.staying } else { &left.going };
            // In vain or not, the next list says what is so.
            let _ = tokio::time::timeout(still, self.gone(awaited)).await;
        }
    }

    /// Returns when none of these objects is there any more, or nothing more can be seen of one.
    async fn gone(&self, objects: &[Listed]) {
        // There may be thousands of pods, and they are watched already.
        let is_watched =
            |object: &&Listed| ["Pod", "DaemonSet", "ControllerRevision"].contains(&object.id.kind.as_str());
        let (watched, others): (Vec<&Listed>, Vec<&Listed>) = objects.iter().partition(is_watched);
        let watched: BTreeSet<&str> = watched.into_iter().map(|object| object.uid.as_str()).collect();
        let left = |world: &World| {
            let pods = world.pods.values().map(|pod| &pod.metadata.uid);
            let daemon_sets = world.daemon_sets.values().map(|daemon_set| &daemon_set.metadata.uid);
            let revisions = world.revisions.values().map(|revision| &revision.metadata.uid);
            let uids = pods.chain(daemon_sets).chain(revisions);
            uids.flatten().filter(|uid| watched.contains(uid.as_str())).count()
        };
        let seen =
            self.observer.wait("end of what was applied", patience::stretched(OBJECTS), |world, _| match left(world) {
                0 => Judgement::Done,
                count => Judgement::NotYet(Report { summary: format!("{count} objects are left"), nodes: Vec::new() }),
            });
        let asked = others.iter().map(|object| async move {
            let gone = conditions::is_deleted(&object.uid);
            // The watch of a kind whose definition went away has nothing more to say.
            if let Err(error) = await_condition(object.api(&self.client), &object.id.name, gone).await {
                tracing::debug!(object = %object.id, %error, "the watch ended");
            }
        });
        let _ = tokio::join!(seen, futures::future::join_all(asked));
    }
}

#[cfg(test)]
mod tests {
    use kube::core::GroupVersionKind;
    use serde_json::{Value, json};

    use super::*;

    fn listed(kind: &str, name: &str, metadata: Value) -> Listed {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind));
        let mut metadata: ObjectMeta = serde_json::from_value(metadata).expect("it is metadata");
        metadata.name = Some(name.into());
        metadata.uid = Some(format!("uid-{name}"));
        Listed::new(&resource, metadata)
    }

    fn set_by(manager: &str, operation: &str) -> Value {
        json!({"managedFields": [{"manager": manager, "operation": operation, "fieldsV1": {"f:data": {}}}]})
    }

    fn found(all: &[Listed]) -> BTreeMap<ObjectId, String> {
        all.iter().map(|object| (object.id.clone(), object.set_by_others.clone())).collect()
    }

    #[test]
    fn what_an_object_is_does_not_depend_on_where_it_was_seen() {
        let answer: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "logging"},
        }))
        .expect("it is an object");
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "DaemonSet"));
        assert_eq!(ObjectId::of(&answer), Listed::new(&resource, answer.metadata.clone()).id);
        assert_eq!(ObjectId::of(&answer).to_string(), "DaemonSet `agent` in namespace `logging`");
    }

    #[test]
    fn what_the_api_server_makes_by_itself_is_derived() {
        let derived = listed("APIService", "v1.example.com", set_by("kube-apiserver", "Update"));
        assert!(derived.is_derived && derived.set_by_others.is_empty());
        assert!(!listed("ConfigMap", "a", set_by("rollcall", "Apply")).is_derived);
        // Controllers apply under names of their own.
        assert!(
            listed("ServiceCIDR", "kubernetes", set_by("service-cidr-controller", "Apply")).set_by_others.is_empty()
        );
        assert!(!listed("ServiceCIDR", "kubernetes", set_by("my-controller", "Apply")).set_by_others.is_empty());
        // A namespace that was applied with nothing but its name has no manager.
        assert!(!listed("Namespace", "a", json!({})).is_derived);
    }

    #[test]
    fn what_is_left_changed_or_gone_is_told_and_what_kubernetes_does_is_not() {
        let service = listed("Service", "kubernetes", set_by("kube-apiserver", "Update"));
        let before = [
            service.clone(),
            listed("Role", "kept", set_by("rollcall", "Apply")),
            listed("Role", "changed", set_by("kube-controller-manager", "Update")),
            listed("Role", "deleted", json!({})),
        ];
        let owner =
            |uid: &str| json!({"ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": uid}]});
        let now = vec![
            listed("Service", "kubernetes", set_by("kubelet", "Update")),
            listed("Role", "kept", set_by("rollcall", "Apply")),
            listed("Role", "changed", set_by("kubectl-patch", "Update")),
            listed("ServiceAccount", "default", json!({})),
            listed("ConfigMap", "kube-root-ca.crt", set_by("kube-controller-manager", "Update")),
            listed("Secret", "token", set_by("kubectl-create", "Update")),
            listed("Pod", "orphan", owner("uid-nobody")),
            listed("Pod", "owned", owner("uid-token")),
            listed("Pod", "ending", json!({"namespace": "logging", "deletionTimestamp": "2026-01-01T00:00:00Z"})),
        ];
        let left = Left::new(now, &found(&before));
        insta::assert_snapshot!(left.differences().join("\n"), @r"
        Pod `ending` in namespace `logging` does not go
        Pod `orphan` does not go
        Pod `owned` is left
        Role `changed` was changed
        Role `deleted` is gone
        Secret `token` is left
        ");
    }

    #[test]
    fn what_could_refuse_a_deletion_goes_first_and_what_others_live_in_last() {
        let kinds = ["ValidatingWebhookConfiguration", "DaemonSet", "CustomResourceDefinition", "Namespace"];
        assert_eq!(kinds.map(rank), [0, 1, 2, 3]);
    }
}
