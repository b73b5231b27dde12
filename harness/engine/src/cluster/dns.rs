//! Names inside the cluster: the DNS Service, answered by a CoreDNS process where the image registry is.

use std::time::Duration;

use k8s_openapi::api::{
    core::v1::Service,
    discovery::v1::EndpointSlice,
    rbac::v1::{ClusterRole, ClusterRoleBinding},
};
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Cluster,
    ask_again::{Answer, ask_again},
};
use crate::{
    distro::DNS_SERVICE_ADDRESS,
    error::{Error, KubernetesContext, Result},
};

impl Cluster {
    /// Makes the Service under the name and address kubeadm gives it, and lets CoreDNS read what it serves.
    pub(super) async fn serve_names(&self, deadline: Duration) -> Result<()> {
        let system = "kube-system";
        let client = &self.client;
        let ports = json!([
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
        ]);
        let service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "kube-dns", "namespace": system, "labels": {"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"}},
            "spec": {"clusterIP": DNS_SERVICE_ADDRESS, "ports": ports},
        });
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "kube-dns-box", "namespace": system, "labels": {
                "kubernetes.io/service-name": "kube-dns", "endpointslice.kubernetes.io/managed-by": "rollcall",
            }},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [self.made()?.layout.registry], "conditions": {"ready": true}}],
            "ports": ports,
        });
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "system:coredns"},
            "rules": [
                {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
            ],
        });
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "system:coredns"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:coredns"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:coredns"}],
        });
        tokio::try_join!(
            put_in_time::<Service>(Api::namespaced(client.clone(), system), "kube-dns", &service, deadline),
            put_in_time::<EndpointSlice>(Api::namespaced(client.clone(), system), "kube-dns-box", &slice, deadline),
            put::<ClusterRole>(Api::all(client.clone()), "system:coredns", &role),
            put::<ClusterRoleBinding>(Api::all(client.clone()), "system:coredns", &binding),
        )?;
        Ok(())
    }
}

/// Makes an object as soon as an API server that has just started can take it, which nothing but its answer tells.
async fn put_in_time<K>(api: Api<K>, name: &str, object: &Value, deadline: Duration) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + std::fmt::Debug,
{
    let what = format!("an API server that takes {} `{name}`", K::kind(&()));
    let ask = || async {
        match put(api.clone(), name, object).await {
            Err(Error::Kubernetes { source, .. }) if is_too_early(&source) => Answer::NotYet(source.to_string()),
            ended => Answer::Last(ended),
        }
    };
    ask_again(&what, deadline, ask).await
}

/// An API server answers before it knows its own range of addresses (`pkg/registry/core/service/ipallocator`,
/// `ErrMismatchedNetwork` and `ErrNotReady`), and before it has made the namespaces of the system
/// (`pkg/controlplane/controller/systemnamespaces`).
fn is_too_early(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let said = |text: &str| status.message.contains(text);
    let no_namespace = status.code == 404 && status.details.as_ref().is_some_and(|what| what.kind == "namespaces");
    said("the provided network does not match the current range") || said("allocator not ready") || no_namespace
}

/// Makes an object or brings it to what it should be.
pub(super) async fn put<K>(api: Api<K>, name: &str, object: &Value) -> Result<()>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + std::fmt::Debug,
{
    api.patch(name, &PatchParams::apply("rollcall").force(), &Patch::Apply(object))
        .await
        .map(drop)
        .doing("make", || format!("{} `{name}`", K::kind(&())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16, message: &str, kind: &str) -> bool {
        let status = json!({"status": "Failure", "message": message, "code": code, "details": {"kind": kind}});
        is_too_early(&kube::Error::Api(serde_json::from_value(status).unwrap()))
    }

    #[test]
    fn only_a_range_that_is_not_known_yet_is_waited_for() {
        let address = "Service \"kube-dns\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.0.10\"]: failed to allocate IP \
                       10.96.0.10: ";
        let refused = |why: &str| refused(422, &format!("{address}{why}"), "Service");
        assert!(refused("the provided network does not match the current range"));
        assert!(!refused("provided IP is already allocated"));
    }

    #[test]
    fn a_namespace_that_is_not_made_yet_is_waited_for_and_no_other_object() {
        assert!(refused(404, "namespaces \"kube-system\" not found", "namespaces"));
        assert!(!refused(404, "services \"kube-dns\" not found", "services"));
        assert!(!refused(403, "namespaces \"kube-system\" is forbidden", "namespaces"));
    }
}
