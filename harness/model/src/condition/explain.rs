//! `explain`: the diagnosis of a DaemonSet has these findings on these nodes, and no others anywhere.

use k8s_openapi::jiff::Timestamp;

use super::report::plural;
use super::{ExplainCondition, Judgement, NodeReport, Report};
use crate::explain::{Cause, Finding, explain, wanted_logs};
use crate::world::{Fact, Need, World};

/// How many logs a diagnosis reads at most: what is wrong on more nodes than these is seldom something else on each.
pub const MOST_LOGS: usize = 20;

/// Judges the condition, when every log has been read that could say more.
pub(super) fn judge(world: &World, now: Timestamp, condition: &ExplainCondition) -> Judgement {
    let reference = &condition.daemon_set;
    let extras = match world.facts.of(&Need::Extras(reference.clone())) {
        Some(Fact::Extras(extras)) => extras,
        // What is not known has been said before this is asked.
        _ => return Judgement::not_yet("nothing is known yet"),
    };
    let Some(diagnosis) = explain(world, extras, reference, now) else {
        return Judgement::not_yet(format!("there is no daemonset `{reference}`"));
    };
    let mut wrong = Vec::new();
    for (node, wanted) in &condition.findings {
        match diagnosis.nodes.iter().find(|found| found.node == *node) {
            None => wrong.push(NodeReport::new(node, format!("it is not there, and {} is expected", list(wanted)))),
            Some(found) if causes(&found.findings) == *wanted => {}
            Some(found) => {
                let what = format!("found {}, expected {}", told(&found.findings), list(wanted));
                wrong.push(NodeReport::new(node, what));
            }
        }
    }
    let others = diagnosis.nodes.iter().filter(|found| !condition.findings.contains_key(&found.node));
    for found in others.filter(|found| !found.state.is_in_order()) {
        let what = format!("it is {}: found {}, expected nothing", found.state.as_str(), told(&found.findings));
        wrong.push(NodeReport::new(&found.node, what));
    }
    let overall = causes(&diagnosis.findings);
    let overall = (overall != condition.overall).then(|| {
        format!("of the whole was found {}, expected {}", told(&diagnosis.findings), list(&condition.overall))
    });
    let nodes = (!wrong.is_empty()).then(|| {
        let number = wrong.len();
        format!("the findings on {number} {} are not as expected", plural(number, "node", "nodes"))
    });
    let summary: Vec<String> = overall.into_iter().chain(nodes).collect();
    if summary.is_empty() {
        return Judgement::Done;
    }
    Judgement::NotYet(Report::new(summary.join("; ")).with_nodes(wrong))
}

/// A log that is wanted and was not read yet; one that could not be read is there and empty.
pub(super) fn unread(world: &World, condition: &ExplainCondition) -> Option<String> {
    let Some(Fact::Extras(extras)) = world.facts.of(&Need::Extras(condition.daemon_set.clone())) else { return None };
    let wanted = wanted_logs(world, world.daemon_set(&condition.daemon_set)?, MOST_LOGS);
    let unread = wanted.into_iter().find(|log| !extras.logs.contains_key(log))?;
    Some(format!("the log of `{}/{}` has not been read yet", unread.pod, unread.container))
}

fn causes(findings: &[Finding]) -> Vec<Cause> {
    findings.iter().map(|finding| finding.cause).collect()
}

/// Each with what is so.
fn told(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "nothing".to_owned();
    }
    let told: Vec<String> = findings.iter().map(|finding| format!("`{}` ({})", finding.cause, finding.what)).collect();
    told.join(", ")
}

/// `` `crash-loop`, `probe-failed` ``, or `nothing`.
pub(super) fn list(causes: &[Cause]) -> String {
    if causes.is_empty() {
        return "nothing".to_owned();
    }
    let causes: Vec<String> = causes.iter().map(|cause| format!("`{cause}`")).collect();
    causes.join(", ")
}
