//! An API server that is a function, for the tests of what is asked of one: it lists, watches, refuses, and goes away.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{Arc, Mutex},
};

use futures::{StreamExt, channel::mpsc};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame};
use kube::{Client, client::Body};
use serde_json::{Value, json};

/// What is sent back: whole, or line by line.
type Sent = UnsyncBoxBody<Bytes, Infallible>;

/// Cheap to clone; all clones are the same server.
#[derive(Clone, Default)]
pub(super) struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    version: u64,
    /// By their kind's plural, and namespace and name.
    objects: BTreeMap<String, BTreeMap<String, Value>>,
    logs: BTreeMap<String, String>,
    /// `list events`
    forbidden: BTreeSet<String>,
    is_down: bool,
    watches: Vec<(String, mpsc::UnboundedSender<Bytes>)>,
    /// Every request so far: `list pods`.
    asked: Vec<String>,
}

impl Server {
    pub(super) fn client(&self) -> Client {
        let server = self.clone();
        let answer = move |request: Request<Body>| {
            let answer = server.answer(&request);
            std::future::ready(answer)
        };
        Client::new(tower::service_fn(answer), "default")
    }

    /// Adds or changes an object, and tells whoever watches.
    pub(super) fn set(&self, plural: &str, mut object: Value) {
        let mut state = self.0.lock().unwrap();
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        let known = state.objects.entry(plural.to_owned()).or_default().insert(key(&object), object.clone());
        let kind = if known.is_some() { "MODIFIED" } else { "ADDED" };
        state.tell(plural, kind, &object);
    }

    pub(super) fn delete(&self, plural: &str, key: &str) {
        let mut state = self.0.lock().unwrap();
        state.version += 1;
        let object = state.objects.get_mut(plural).and_then(|objects| objects.remove(key)).unwrap();
        state.tell(plural, "DELETED", &object);
    }

    /// The log of any container of a pod.
    pub(super) fn log(&self, pod: &str, text: &str) {
        self.0.lock().unwrap().logs.insert(pod.to_owned(), text.to_owned());
    }

    pub(super) fn forbid(&self, what: &str) {
        self.0.lock().unwrap().forbidden.insert(what.to_owned());
    }

    /// Ends every watch, and refuses to connect until it is up again.
    pub(super) fn down(&self) {
        let mut state = self.0.lock().unwrap();
        state.is_down = true;
        state.watches.clear();
    }

    pub(super) fn up(&self) {
        self.0.lock().unwrap().is_down = false;
    }

    /// How often it was asked for something.
    pub(super) fn asked(&self, what: &str) -> usize {
        self.0.lock().unwrap().asked.iter().filter(|one| *one == what).count()
    }

    fn answer(&self, request: &Request<Body>) -> Result<Response<Sent>, std::io::Error> {
        let mut state = self.0.lock().unwrap();
        if state.is_down {
            return Err(std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused"));
        }
        let query = request.uri().query().unwrap_or_default();
        let path: Vec<&str> = request.uri().path().split('/').skip(1).collect();
        let rest = if path.first() == Some(&"apis") { &path[3..] } else { &path[2..] };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let (verb, plural) = match rest {
            [_, _, "log"] => ("log", "pods"),
            [plural, _] => ("get", *plural),
            [plural, ..] if query.contains("watch=true") => ("watch", *plural),
            [plural, ..] => ("list", *plural),
            [] => ("get", ""),
        };
        let what = format!("{verb} {plural}");
        state.asked.push(what.clone());
        if state.forbidden.contains(&what)
            || state.forbidden.contains(&format!("{what} everywhere")) && namespace.is_none()
        {
            return Ok(status(403, &format!("{plural} is forbidden: no right to {verb}")));
        }
        if verb == "watch" {
            let (sender, receiver) = mpsc::unbounded();
            state.watches.push((plural.to_owned(), sender));
            let frames = receiver.map(|line| Ok::<_, Infallible>(Frame::data(line)));
            return Ok(Response::new(StreamBody::new(frames).boxed_unsync()));
        }
        if verb == "log" {
            let text = rest.get(1).and_then(|pod| state.logs.get(*pod)).cloned().unwrap_or_default();
            return Ok(Response::new(whole(text)));
        }
        let objects = state.objects.get(plural).into_iter().flatten();
        let mut here =
            objects.filter(|(key, _)| namespace.is_none_or(|namespace| key.starts_with(&format!("{namespace}/"))));
        if let ("get", [_, name]) = (verb, rest) {
            return Ok(match here.find(|(key, _)| key.rsplit('/').next() == Some(name)) {
                Some((_, object)) => body(200, object),
                None => status(404, "not found"),
            });
        }
        let items: Vec<&Value> = here.map(|(_, object)| object).collect();
        let metadata = json!({"resourceVersion": state.version.to_string()});
        Ok(body(200, &json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items})))
    }
}

impl State {
    fn tell(&mut self, plural: &str, kind: &str, object: &Value) {
        let line = format!("{}\n", json!({"type": kind, "object": object}));
        let watches = self.watches.iter().filter(|(watched, _)| watched == plural);
        watches.for_each(|(_, watch)| drop(watch.unbounded_send(Bytes::from(line.clone()))));
    }
}

fn key(object: &Value) -> String {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    format!("{}/{}", text("namespace"), text("name"))
}

fn whole(text: String) -> Sent {
    Full::new(Bytes::from(text)).boxed_unsync()
}

fn body(code: u16, value: &Value) -> Response<Sent> {
    Response::builder().status(code).body(whole(value.to_string())).unwrap()
}

fn status(code: u16, message: &str) -> Response<Sent> {
    let reason = if code == 403 { "Forbidden" } else { "NotFound" };
    body(
        code,
        &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code}),
    )
}

/// A DaemonSet that works on one node of one.
pub(super) fn with_an_agent() -> Server {
    let server = Server::default();
    server.set("nodes", node());
    server.set("daemonsets", daemon_set("agent"));
    server.set("pods", pod("agent", true));
    server.set("controllerrevisions", revision("agent"));
    server
}

pub(super) fn revision(daemon_set: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 1,
        "metadata": {"namespace": "default", "name": format!("{daemon_set}-1"), "ownerReferences": [owner(daemon_set)],
            "labels": {"controller-revision-hash": "1"}},
    })
}

pub(super) fn node() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "w1", "uid": "w1"}, "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    })
}

pub(super) fn daemon_set(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"namespace": "default", "name": name, "uid": name, "generation": 1, "labels": {"app": name}},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}},
        },
        "status": {"observedGeneration": 1, "currentNumberScheduled": 1, "numberMisscheduled": 0,
            "desiredNumberScheduled": 1, "numberReady": 1},
    })
}

fn owner(name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": name, "uid": name, "controller": true})
}

/// Its pod, ready or in a crash loop.
pub(super) fn pod(daemon_set: &str, is_ready: bool) -> Value {
    let ended = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
    let (state, last) = match is_ready {
        true => (json!({"running": {}}), json!({})),
        false => (json!({"waiting": {"reason": "CrashLoopBackOff"}}), ended),
    };
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "default", "name": format!("{daemon_set}-w1"), "uid": format!("{daemon_set}-w1"),
            "labels": {"app": daemon_set, "controller-revision-hash": "1"}, "ownerReferences": [owner(daemon_set)]},
        "spec": {"nodeName": "w1", "containers": [{"name": "a", "image": "a:1"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": if is_ready { "True" } else { "False" },
                "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            "containerStatuses": [{"name": "a", "ready": is_ready, "restartCount": u8::from(!is_ready), "image": "a:1",
                "imageID": "", "state": state, "lastState": last}],
        },
    })
}
