//! `logs`: a line in the log of each pod, or of one.

use super::report::plural;
use super::{Judgement, LogsCondition, NodeReport, Report};
use crate::world::{Fact, Need, World, view};

/// Judges the condition. A pod that is terminating is not asked: its log ends with it.
pub(super) fn judge(world: &World, condition: &LogsCondition) -> Judgement {
    let seen = match world.facts.of(&Need::Logs(condition.clone())) {
        Some(Fact::Logs(seen)) => seen,
        // What is not known has been said before this is asked.
        _ => return Judgement::not_yet("nothing is known yet"),
    };
    let pods: Vec<_> = condition.pods.of(world).into_iter().filter(|pod| !view::is_terminating(pod)).collect();
    if pods.is_empty() {
        return Judgement::not_yet(format!("there are no pods of {}", condition.pods));
    }
    let mut without = Vec::new();
    for pod in &pods {
        let name = view::name_of(&pod.metadata);
        let seen = seen.get(pod.metadata.uid.as_deref().unwrap_or_default()).cloned().unwrap_or_default();
        let what = match (&seen.matched, &seen.last) {
            (Some(_), _) => continue,
            (None, Some(last)) => format!("pod `{name}`: {} lines, the last is `{last}`", seen.lines),
            (None, None) => format!("pod `{name}` has no log"),
        };
        without.push(NodeReport::new(view::node_of(pod).unwrap_or("no node"), what));
    }
    if without.is_empty() || (condition.any_pod && without.len() < pods.len()) {
        return Judgement::Done;
    }
    let number = without.len();
    let summary = format!(
        "the logs of {number} of {} {} of {} do not have {}",
        pods.len(),
        plural(pods.len(), "pod", "pods"),
        condition.pods,
        condition.line
    );
    Judgement::NotYet(Report::new(summary).with_nodes(without))
}
