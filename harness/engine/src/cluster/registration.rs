//! A node's object in the API: there with its labels and taints before a kubelet can act on it, and ready for use.

use std::{sync::Arc, time::Duration};

use k8s_openapi::{
    api::core::v1::{Node, Taint},
    jiff::Timestamp,
};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use rollcall_model::{Judgement, NodeReport, Report, World};
use serde_json::json;

use super::{
    Cluster,
    ask_again::{Answer, ask_again},
    machine::Machine,
};
use crate::{
    clock,
    distro::{Member, PROVIDER},
    error::{Error, KubernetesContext, Result},
    observe::Wait,
};

/// Answered as soon as requests are taken.
pub(super) const SERVING: &str = "/version";
/// Answered when the API server has made all that it makes by itself.
pub(super) const READY: &str = "/readyz";
/// Answered when Services can be given an address.
pub(super) const SERVICE_ADDRESSES: &str = "/readyz/poststarthook/start-service-ip-repair-controllers";

/// The lifecycle controller looks at all nodes once a second (`--node-monitor-period`) and taints a node that was not
/// Ready then, even when it is Ready meanwhile. It takes that back in its next round. Times are in whole seconds.
const SETTLES: Duration = Duration::from_secs(3);

impl Cluster {
    /// Returns when the API server answers a path with success.
    pub(super) async fn api_answers(
        &self,
        path: &'static str,
        machines: &[Arc<Machine>],
        deadline: Duration,
    ) -> Result<()> {
        let what = format!("an answer of the API server to `{path}`");
        let ask = || async {
            match http::Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError) {
                Ok(request) => match self.client.request_text(request).await {
                    Ok(_) => Answer::Last(Ok(())),
                    Err(error) => Answer::NotYet(error.to_string()),
                },
                Err(error) => Answer::Last(Err(error).doing("ask", || format!("the API server for `{path}`"))),
            }
        };
        let failures = futures::future::select_all(machines.iter().map(|machine| Box::pin(machine.failure())));
        let answered = tokio::select! {
            answered = ask_again(&what, deadline, ask) => answered,
            (error, ..) = failures => Err(error),
        };
        answered.map_err(|error| match error {
            Error::Timeout { what, waited, last } => {
                let nodes = machines.iter().map(|machine| NodeReport {
                    node: machine.member.name.clone(),
                    what: machine.status().borrow().describe(),
                });
                Error::Timeout { what, waited, last: Report { nodes: nodes.collect(), ..last } }
            }
            other => other,
        })
    }

    /// Makes the Node object as an administrator, with what a kubelet may not give itself, or completes it where the
    /// kubelet was first.
    pub(super) async fn register(&self, member: &Member) -> Result<()> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let taints: Vec<Taint> = member.taints.iter().map(api_taint).collect();
        let node = json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": member.name, "labels": member.labels},
            "spec": {
                "podCIDR": member.pod_range(),
                "podCIDRs": [member.pod_range()],
                "providerID": format!("{PROVIDER}{}/{}", self.name(), member.name),
                "taints": taints,
            },
            // As a kubelet registers. Of a node without this the lifecycle controller takes the taint that admission
            // gave it, and daemon pods are made for a node that cannot take them yet.
            "status": {"conditions": [{
                "type": "Ready",
                "status": "False",
                "reason": "KubeletNotReady",
                "message": "its kubelet has not started",
                "lastHeartbeatTime": clock::now().to_string(),
                "lastTransitionTime": clock::now().to_string(),
            }]},
        });
        let object = || format!("node `{}`", member.name);
        let made: Node = match serde_json::from_value(node) {
            Ok(node) => node,
            Err(source) => return Err(kube::Error::SerdeError(source)).doing("describe", object),
        };
        match nodes.create(&PostParams::default(), &made).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                // Its taints came with the registration (`registerWithTaints`).
                let patch = json!({
                    "metadata": {"labels": member.labels},
                    "spec": {"podCIDR": member.pod_range(), "podCIDRs": [member.pod_range()]},
                });
                nodes
                    .patch(&member.name, &PatchParams::default(), &Patch::Merge(patch))
                    .await
                    .map(drop)
                    .doing("label", object)
            }
            Err(error) => Err(error).doing("make", object),
        }
    }

    /// Returns when the node is Ready (with a heartbeat not older than `since`), has what it was given, and is not
    /// tainted for not being ready.
    pub(super) async fn usable(
        &self,
        machine: &Machine,
        deadline: Duration,
        since: Option<Timestamp>,
    ) -> Result<Duration> {
        let member = &machine.member;
        // Where the Node object was there before its kubelet, its taints were too, and they go when it is Ready, but for
        // one that is late on a busy machine; it is gone a second later, and not worth seconds at each start.
        let settles = (!self.made()?.distro.conduct().own_init).then_some(SETTLES);
        let judge = |world: &World, now: Timestamp| {
            let why = not_usable(world, member, since).or_else(|| {
                let settled = settled_at(world, &member.name, settles)?;
                (now < settled)
                    .then(|| format!("node `{}` was not Ready a moment ago, and may be tainted yet", member.name))
            });
            match why {
                None => Judgement::Done,
                Some(why) => Judgement::NotYet(Report {
                    summary: why,
                    nodes: vec![NodeReport { node: member.name.clone(), what: machine.status().borrow().describe() }],
                }),
            }
        };
        let what = format!("node `{}` ready for use", member.name);
        let wait = Wait { what, deadline, progress: &mut |_| {} };
        let wait = wait.until(&self.observer, judge, |world, now| {
            settled_at(world, &member.name, settles).filter(|settled| now < *settled)
        });
        tokio::select! {
            result = wait => result,
            error = machine.failure() => Err(error),
        }
    }
}

/// When the taints of a node have followed its state.
fn settled_at(world: &World, node: &str, settles: Option<Duration>) -> Option<Timestamp> {
    let conditions = world.nodes.get(node)?.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    Some(ready.last_transition_time.as_ref()?.0 + settles?)
}

/// Why pods cannot be put on a node yet.
fn not_usable(world: &World, member: &Member, since: Option<Timestamp>) -> Option<String> {
    let name = &member.name;
    let Some(node) = world.nodes.get(name) else { return Some(format!("node `{name}` is not registered")) };
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let Some(ready) = conditions.into_iter().find(|condition| condition.type_ == "Ready") else {
        return Some(format!("node `{name}` has not reported its state"));
    };
    if ready.status != "True" {
        let message = ready.message.as_deref().unwrap_or("no reason given");
        return Some(format!("node `{name}` is not Ready: {message}"));
    }
    // Heartbeats are stamped in whole seconds.
    let heartbeat = ready.last_heartbeat_time.as_ref().map(|time| time.0.as_second());
    if since.is_some_and(|since| heartbeat.is_none_or(|beat| beat < since.as_second())) {
        return Some(format!("node `{name}` has not reported since it was started"));
    }
    let labels = node.metadata.labels.clone().unwrap_or_default();
    if let Some((key, value)) = member.labels.iter().find(|(key, value)| labels.get(*key) != Some(value)) {
        return Some(format!("node `{name}` does not have label `{key}={value}` yet"));
    }
    let spec = node.spec.as_ref();
    if spec.and_then(|spec| spec.pod_cidr.as_deref()).is_none_or(str::is_empty) {
        return Some(format!("node `{name}` has no `podCIDR` yet"));
    }
    not_ready_taint(node).map(|taint| format!("node `{name}` still has taint `{}:{}`", taint.key, taint.effect))
}

/// A taint by which the lifecycle controller says that a node is not Ready.
pub(super) fn not_ready_taint(node: &Node) -> Option<&Taint> {
    let mut taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints.find(|taint| says_not_ready(&taint.key))
}

/// Whether taints of this key only say that a node is not Ready, as its condition does.
pub(super) fn says_not_ready(key: &str) -> bool {
    matches!(key, "node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable")
}

/// A taint as the API has it.
pub(super) fn api_taint(taint: &rollcall_model::Taint) -> Taint {
    Taint {
        key: taint.key.clone(),
        value: Some(taint.value.clone()).filter(|value| !value.is_empty()),
        effect: taint.effect.as_str().to_owned(),
        time_added: None,
    }
}
