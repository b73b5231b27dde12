//! A condition in one line, for plans and reports.

use std::fmt;

use super::{Condition, ExplainCondition, NodeSelection, explain};

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = |allow: bool| if allow { ", or no node eligible" } else { "" };
        match self {
            Self::Converged { daemon_set, allow_none } => {
                write!(f, "daemonset `{daemon_set}` converged{}", none(*allow_none))
            }
            Self::RolledOut { daemon_set, allow_none } => {
                write!(f, "daemonset `{daemon_set}` rolled out{}", none(*allow_none))
            }
            Self::Pods(condition) => {
                let number = condition.count.map_or(2, |count| usize::try_from(count).unwrap_or(usize::MAX));
                match condition.count {
                    Some(count) => write!(f, "{count} ")?,
                    None => f.write_str("only ")?,
                }
                write!(f, "{} of daemonset `{}`", condition.describe_pods(number), condition.daemon_set)?;
                match &condition.nodes {
                    NodeSelection::All => Ok(()),
                    nodes => write!(f, " on {nodes}"),
                }
            }
            Self::Status(condition) => {
                let figures =
                    condition.figures().into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?)));
                let figures: Vec<String> = figures.collect();
                write!(f, "status of daemonset `{}`: {}", condition.daemon_set, figures.join(", "))
            }
            Self::NodeReady { nodes, ready } => write!(f, "{nodes} {}ready", if *ready { "" } else { "not " }),
            Self::NotRestarted { daemon_set, since, node } => {
                write!(f, "no pod of daemonset `{daemon_set}`")?;
                if let Some(node) = node {
                    write!(f, " on `{node}`")?;
                }
                write!(f, " replaced or restarted since `{since}`")
            }
            Self::Logs(condition) => {
                let pods = if condition.any_pod { "a pod" } else { "every pod" };
                write!(f, "the log of {pods} of {} has {}", condition.pods, condition.line)
            }
            Self::Exec(condition) => write!(f, "{condition}"),
            Self::Events(condition) => write!(f, "{condition}"),
            Self::Object(condition) => write!(f, "{condition}"),
            Self::Explain(condition) => write!(f, "{condition}"),
            Self::Cel(expression) => write!(f, "{expression}"),
            Self::All(conditions) => list(f, conditions, " and "),
            Self::Any(conditions) => list(f, conditions, " or "),
            Self::Not(condition) => write!(f, "not ({condition})"),
            Self::Patient(condition) => write!(f, "{condition}"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, conditions: &[Condition], between: &str) -> fmt::Result {
    let texts: Vec<String> = conditions.iter().map(|condition| format!("({condition})")).collect();
    f.write_str(&texts.join(between))
}

impl fmt::Display for ExplainCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "diagnosis of daemonset `{}`: ", self.daemon_set)?;
        if self.findings.is_empty() && self.overall.is_empty() {
            return f.write_str("all in order");
        }
        let overall = (!self.overall.is_empty()).then(|| explain::list(&self.overall));
        let nodes = self.findings.iter().map(|(node, causes)| format!("{} on `{node}`", explain::list(causes)));
        let all: Vec<String> = overall.into_iter().chain(nodes).collect();
        f.write_str(&all.join("; "))
    }
}

impl fmt::Display for NodeSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("every node"),
            Self::Names(names) => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                f.write_str(&names.join(", "))
            }
            Self::Labels(labels) => {
                let labels: Vec<String> = labels.iter().map(|(key, value)| format!("`{key}={value}`")).collect();
                write!(f, "nodes with {}", labels.join(", "))
            }
        }
    }
}
