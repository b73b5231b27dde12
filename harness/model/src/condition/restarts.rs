//! `notRestarted`: the pods are the same objects as at an earlier step, and no container of theirs began anew.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;

use super::{Judgement, Memory, NodeReport, Report};
use crate::scenario::DaemonSetRef;
use crate::world::{World, view};

/// Judges the condition. Whatever it finds against, waiting does not heal: a pod's UID and restarts do not go back.
pub(super) fn judge(
    world: &World,
    memory: &Memory,
    reference: &DaemonSetRef,
    since: &str,
    node: Option<&str>,
) -> Judgement {
    let Some(before) = memory.at(since) else {
        return Judgement::Never(Report::new(format!("nothing was remembered of step `{since}`")));
    };
    let before = pods(before, reference, node);
    if before.is_empty() {
        let summary = format!("daemonset `{reference}` had no pods at the end of step `{since}`");
        return Judgement::Never(Report::new(summary));
    }
    let now: BTreeMap<String, &Pod> = pods(world, reference, node).into_iter().map(|pod| (uid(pod), pod)).collect();
    let mut bad = Vec::new();
    for pod in &before {
        let name = view::name_of(&pod.metadata);
        let on = view::node_of(pod).unwrap_or("no node");
        match now.get(&uid(pod)) {
            None => bad.push(NodeReport::new(on, format!("pod `{name}` is gone"))),
            Some(same) => {
                let (earlier, later) = (view::restart_count(pod), view::restart_count(same));
                if later != earlier {
                    bad.push(NodeReport::new(on, format!("pod `{name}` had {earlier} restarts, and has {later}")));
                }
            }
        }
    }
    if bad.is_empty() {
        return Judgement::Done;
    }
    let summary = format!(
        "{} of {} pods of daemonset `{reference}` were replaced or restarted since step `{since}`",
        bad.len(),
        before.len()
    );
    Judgement::Never(Report::new(summary).with_nodes(bad))
}

fn pods<'a>(world: &'a World, reference: &DaemonSetRef, node: Option<&str>) -> Vec<&'a Pod> {
    let Some(daemon_set) = world.daemon_set(reference) else { return Vec::new() };
    let pods = world.pods_of(daemon_set).into_iter().map(AsRef::as_ref);
    pods.filter(|pod| node.is_none_or(|node| view::node_of(pod) == Some(node))).collect()
}

fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}
