//! `exec`: how a command ends in each pod.

use std::fmt;

use super::report::plural;
use super::{ExecCondition, Judgement, NodeReport, NodeSelection, PodSelection, Report};
use crate::world::{ExecSeen, Fact, Need, World, view};

/// Judges the condition by how the command ended last. A pod that is terminating is not asked.
pub(super) fn judge(world: &World, condition: &ExecCondition) -> Judgement {
    let seen = match world.facts.of(&Need::Exec(condition.clone())) {
        Some(Fact::Exec(seen)) => seen,
        // What is not known has been said before this is asked.
        _ => return Judgement::not_yet("nothing is known yet"),
    };
    let pods: Vec<_> = condition.pods.of(world).into_iter().filter(|pod| !view::is_terminating(pod)).collect();
    if pods.is_empty() {
        return Judgement::not_yet(format!("there are no pods of {}", condition.pods));
    }
    let mut wrong = Vec::new();
    for pod in &pods {
        let name = view::name_of(&pod.metadata);
        let why = match seen.get(pod.metadata.uid.as_deref().unwrap_or_default()) {
            Some(seen) => condition.mismatch(seen),
            None => Some("the command has not been run yet".to_owned()),
        };
        if let Some(why) = why {
            wrong.push(NodeReport::new(view::node_of(pod).unwrap_or("no node"), format!("pod `{name}`: {why}")));
        }
    }
    if wrong.is_empty() {
        return Judgement::Done;
    }
    let (number, all) = (wrong.len(), pods.len());
    let summary = format!("not so in {number} of {all} {}", plural(all, "pod", "pods"));
    Judgement::NotYet(Report::new(summary).with_nodes(wrong))
}

impl ExecCondition {
    /// Why the end of the command is not as said, if it is not.
    #[must_use]
    pub fn mismatch(&self, seen: &ExecSeen) -> Option<String> {
        let (exit_code, stdout, stderr) = match seen {
            ExecSeen::Ended { exit_code, stdout, stderr } => (*exit_code, stdout.trim(), stderr.trim()),
            ExecSeen::Refused(why) => return Some(why.clone()),
        };
        if exit_code != self.exit_code {
            let said = if stderr.is_empty() { stdout } else { stderr };
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            return Some(format!("exit code {exit_code}{said}"));
        }
        let missing = |stream: &str, wanted: &Option<super::Text>, text: &str| {
            let wanted = wanted.as_ref().filter(|wanted| !wanted.is_in(text))?;
            Some(format!("{stream} does not have {wanted}: `{text}`"))
        };
        missing("standard output", &self.stdout, stdout).or_else(|| missing("standard error", &self.stderr, stderr))
    }
}

impl fmt::Display for PodSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "daemonset `{}`", self.daemon_set)?;
        match &self.nodes {
            NodeSelection::All => Ok(()),
            nodes => write!(f, " on {nodes}"),
        }
    }
}

/// A command in a line: of a script its first one.
#[must_use]
pub fn command_line(words: &[String]) -> String {
    let text = words.join(" ");
    let mut lines = text.lines().map(str::trim_end);
    match (lines.next(), lines.next()) {
        (Some(first), Some(_)) => format!("{first} …"),
        _ => text,
    }
}

/// `` `cat /etc/hosts` in daemonset `agent`: exit code 0 and `localhost` ``
impl fmt::Display for ExecCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in {}", command_line(&self.command), self.pods)?;
        if let Some(container) = &self.container {
            write!(f, ", container `{container}`")?;
        }
        write!(f, ": exit code {}", self.exit_code)?;
        if let Some(text) = &self.stdout {
            write!(f, ", {text} on standard output")?;
        }
        if let Some(text) = &self.stderr {
            write!(f, ", {text} on standard error")?;
        }
        Ok(())
    }
}
