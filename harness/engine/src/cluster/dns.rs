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
use rollcall_model::Report;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Cluster, registration::ASK_AGAIN};
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
            put_when_there_are_addresses(Api::namespaced(client.clone(), system), "kube-dns", &service, deadline),
            put::<EndpointSlice>(Api::namespaced(client.clone(), system), "kube-dns-box", &slice),
            put::<ClusterRole>(Api::all(client.clone()), "system:coredns", &role),
            put::<ClusterRoleBinding>(Api::all(client.clone()), "system:coredns", &binding),
        )?;
        Ok(())
    }
}

/// Makes a Service as soon as its address can be given: an API server that has just started answers before it knows its
/// own range of addresses, which nothing but such an answer tells (`pkg/registry/core/service/ipallocator`,
/// `ErrMismatchedNetwork` and `ErrNotReady`).
async fn put_when_there_are_addresses(
    services: Api<Service>,
    name: &str,
    object: &Value,
    deadline: Duration,
) -> Result<()> {
    let mut last = "it has not been asked for yet".to_owned();
    let made = async {
        loop {
            match put(services.clone(), name, object).await {
                Err(Error::Kubernetes { source, .. }) if is_too_early(&source) => {
                    tracing::trace!(name, error = %source, "there are no addresses for Services yet");
                    last = source.to_string();
                }
                ended => return ended,
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    };
    match tokio::time::timeout(deadline, made).await {
        Ok(ended) => ended,
        Err(_) => Err(Error::Timeout {
            what: format!("an address for Service `{name}`"),
            waited: deadline,
            last: Report { summary: last, nodes: Vec::new() },
        }),
    }
}

fn is_too_early(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let said = |text: &str| status.message.contains(text);
    said("the provided network does not match the current range") || said("allocator not ready")
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

    #[test]
    fn only_a_range_that_is_not_known_yet_is_waited_for() {
        let refused = |message: &str| {
            let status = json!({"status": "Failure", "message": message, "reason": "Invalid", "code": 422});
            is_too_early(&kube::Error::Api(serde_json::from_value(status).unwrap()))
        };
        let address = "Service \"kube-dns\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.0.10\"]: failed to allocate IP \
                       10.96.0.10: ";
        assert!(refused(&format!("{address}the provided network does not match the current range")));
        assert!(!refused(&format!("{address}provided IP is already allocated")));
    }
}
