//! Names inside the cluster: the DNS Service, answered by a CoreDNS process where the image registry is.

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

use super::Cluster;
use crate::{
    distro::DNS_SERVICE_ADDRESS,
    error::{KubernetesContext, Result},
};

impl Cluster {
    /// Makes the Service under the name and address kubeadm gives it, and lets CoreDNS read what it serves.
    pub(super) async fn serve_names(&self) -> Result<()> {
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
            put::<Service>(Api::namespaced(client.clone(), system), "kube-dns", &service),
            put::<EndpointSlice>(Api::namespaced(client.clone(), system), "kube-dns-box", &slice),
            put::<ClusterRole>(Api::all(client.clone()), "system:coredns", &role),
            put::<ClusterRoleBinding>(Api::all(client.clone()), "system:coredns", &binding),
        )?;
        Ok(())
    }
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
