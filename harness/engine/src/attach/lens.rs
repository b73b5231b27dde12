//! Namespaces as a scenario sees them. It says `default` and means the namespace that the run has to itself; the real
//! `default` of the cluster is somebody else's and goes by another name.
//!
//! Requests are changed on their way out, by their path, and what is watched on its way in, so that nothing between
//! the two has to know that a cluster was there before.

use std::sync::Arc;

use http::{Request, Uri};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::client::Body;
use rollcall_model::{Change, Object};

/// What scenarios say where they name no namespace.
const PLAIN: &str = "default";
/// What the real one is called. No namespace can have this name.
const OUTSIDE: &str = "default@outside";

/// The namespace of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lens {
    own: Arc<str>,
}

impl Lens {
    pub(crate) fn new(own: &str) -> Self {
        Self { own: own.into() }
    }

    /// The namespace of the run, as the cluster knows it.
    pub(crate) fn own(&self) -> &str {
        &self.own
    }

    /// Whether what has this namespace, as scenarios see it, belongs to the run.
    pub(crate) fn is_of_run(namespace: &str) -> bool {
        namespace == PLAIN
    }

    /// The cluster's name of a namespace.
    pub(crate) fn outward<'a>(&'a self, namespace: &'a str) -> &'a str {
        match namespace {
            PLAIN => &self.own,
            OUTSIDE => PLAIN,
            other => other,
        }
    }

    fn inward(&self, namespace: &mut Option<String>) {
        match namespace.as_deref() {
            Some(own) if own == &*self.own => *namespace = Some(PLAIN.to_owned()),
            Some(PLAIN) => *namespace = Some(OUTSIDE.to_owned()),
            _ => {}
        }
    }

    /// Gives an object of the cluster the namespace that the scenario knows it by.
    pub(crate) fn inward_object(&self, metadata: &mut ObjectMeta) {
        self.inward(&mut metadata.namespace);
    }

    /// The same for everything that a change brings.
    pub(crate) fn inward_change(&self, change: Change) -> Change {
        match change {
            Change::Set(object) => Change::Set(self.seen(object)),
            Change::Delete(object) => Change::Delete(self.seen(object)),
            Change::Resync { kind, objects } => {
                Change::Resync { kind, objects: objects.into_iter().map(|object| self.seen(object)).collect() }
            }
            other => other,
        }
    }

    fn seen(&self, mut object: Object) -> Object {
        match &mut object {
            Object::Pod(pod) => self.inward_object(&mut Arc::make_mut(pod).metadata),
            Object::DaemonSet(daemon_set) => self.inward_object(&mut Arc::make_mut(daemon_set).metadata),
            Object::Revision(revision) => self.inward_object(&mut Arc::make_mut(revision).metadata),
            Object::Event(event) => {
                let event = Arc::make_mut(event);
                self.inward_object(&mut event.metadata);
                self.inward(&mut event.involved_object.namespace);
            }
            // Nodes have none. The shape grows; what has a namespace has to be named here.
            _ => {}
        }
        object
    }

    /// Sends a request to the namespace it means.
    pub(crate) fn outward_request(&self, mut request: Request<Body>) -> Request<Body> {
        if let Some(uri) = self.outward_uri(request.uri()) {
            *request.uri_mut() = uri;
        }
        request
    }

    /// `None` where nothing is to be changed.
    fn outward_uri(&self, uri: &Uri) -> Option<Uri> {
        const BEFORE: &str = "/namespaces/";
        let path = uri.path();
        let begins = path.find(BEFORE)? + BEFORE.len();
        // What ends with the name is the Namespace itself.
        let ends = begins + path[begins..].find('/')?;
        let (said, meant) = (&path[begins..ends], self.outward(&path[begins..ends]));
        if said == meant {
            return None;
        }
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(format!("{}{meant}{}{query}", &path[..begins], &path[ends..]).parse().ok()?);
        Uri::from_parts(parts).ok()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{Event, Pod};

    use super::*;

    fn outward(uri: &str) -> String {
        let uri: Uri = uri.parse().unwrap();
        Lens::new("rollcall-a1").outward_uri(&uri).unwrap_or(uri).to_string()
    }

    #[test]
    fn requests_go_to_the_namespace_of_the_run_and_the_real_default_is_reached_by_its_other_name() {
        for (said, meant) in [
            (
                "https://h:6443/api/v1/namespaces/default/pods?watch=1&x=a%2Fb",
                "https://h:6443/api/v1/namespaces/rollcall-a1/pods?watch=1&x=a%2Fb",
            ),
            ("/apis/apps/v1/namespaces/default/daemonsets/a", "/apis/apps/v1/namespaces/rollcall-a1/daemonsets/a"),
            ("/api/v1/namespaces/default@outside/pods/p/eviction", "/api/v1/namespaces/default/pods/p/eviction"),
            ("/api/v1/namespaces/kube-system/pods/default/log", "/api/v1/namespaces/kube-system/pods/default/log"),
            ("/api/v1/namespaces/default", "/api/v1/namespaces/default"),
            ("/api/v1/nodes/default/status", "/api/v1/nodes/default/status"),
        ] {
            assert_eq!(outward(said), meant);
        }
    }

    #[test]
    fn what_is_watched_has_the_names_of_the_scenario() {
        let lens = Lens::new("rollcall-a1");
        let seen = |namespace: &str| {
            let metadata = ObjectMeta { namespace: Some(namespace.into()), ..ObjectMeta::default() };
            let pod = Pod { metadata, ..Pod::default() };
            match lens.inward_change(Change::Set(pod.into())) {
                Change::Set(Object::Pod(pod)) => pod.metadata.namespace.clone().unwrap_or_default(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(seen("rollcall-a1"), "default");
        assert_eq!(seen("default"), "default@outside");
        assert_eq!(seen("kube-system"), "kube-system");
        for namespace in ["rollcall-a1", "default", "kube-system"] {
            assert_eq!(lens.outward(&seen(namespace)), namespace);
        }
    }

    #[test]
    fn an_event_is_about_an_object_that_the_scenario_knows() {
        let mut event = Event::default();
        event.involved_object.namespace = Some("rollcall-a1".into());
        let change = Lens::new("rollcall-a1").inward_change(Change::Delete(event.into()));
        let Change::Delete(Object::Event(event)) = change else { panic!("{change:?}") };
        assert_eq!(event.involved_object.namespace.as_deref(), Some("default"));
    }
}
