//! What a step does, in one line, for plans and reports.

use std::fmt;

use crate::condition::command_line;

use super::{Action, DeleteTarget, Kill, NodeVerb, PatchKind};

/// What the step does, in one line.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddNodes { nodes } => {
                f.write_str("add ")?;
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{node}")?;
                }
                Ok(())
            }
            Self::Node { verb, node } => match verb {
                NodeVerb::Remove => write!(f, "remove node `{node}`"),
                NodeVerb::Stop => write!(f, "stop node `{node}`"),
                NodeVerb::Start => write!(f, "start node `{node}`"),
                NodeVerb::Restart => write!(f, "restart node `{node}`"),
                NodeVerb::Pause => write!(f, "pause node `{node}`"),
                NodeVerb::Resume => write!(f, "resume node `{node}`"),
                NodeVerb::Partition => write!(f, "cut node `{node}` off the network"),
                NodeVerb::Heal => write!(f, "join node `{node}` to the network again"),
            },
            Self::Taint { node, taint } => write!(f, "taint `{node}` with `{taint}`"),
            Self::Untaint { node, key, effect: Some(effect) } => {
                write!(f, "remove taint `{key}:{effect}` from `{node}`")
            }
            Self::Untaint { node, key, effect: None } => write!(f, "remove every taint `{key}` from `{node}`"),
            Self::Label { node, labels } => {
                let labels: Vec<String> = labels.iter().map(|(key, value)| format!("`{key}={value}`")).collect();
                write!(f, "label `{node}` with {}", labels.join(", "))
            }
            Self::Unlabel { node, keys } => {
                let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
                write!(
                    f,
                    "remove {} {} from `{node}`",
                    if keys.len() == 1 { "label" } else { "labels" },
                    keys.join(", ")
                )
            }
            Self::Cordon { node } => write!(f, "cordon `{node}`"),
            Self::Uncordon { node } => write!(f, "uncordon `{node}`"),
            Self::Drain { node, ignore_daemon_sets, grace_period } => {
                write!(f, "drain `{node}`")?;
                if !ignore_daemon_sets {
                    f.write_str(", daemon pods not ignored")?;
                }
                match grace_period {
                    Some(grace) => write!(f, ", grace period {}", humantime::format_duration(*grace)),
                    None => Ok(()),
                }
            }
            Self::Apply { manifest } => write!(f, "apply `{}`", manifest.path),
            Self::Delete { target, cascade } => {
                match target {
                    DeleteTarget::DaemonSet(daemon_set) => write!(f, "delete daemonset `{daemon_set}`")?,
                    DeleteTarget::Object(object) => write!(f, "delete {object}")?,
                    DeleteTarget::Manifest(manifest) => write!(f, "delete the objects of `{}`", manifest.path)?,
                }
                write!(f, ", cascade {}", cascade.key())
            }
            Self::SetImage { daemon_set, container, image } => {
                write!(f, "set the image of container `{container}` of daemonset `{daemon_set}` to `{image}`")
            }
            Self::Patch { target, kind, subresource, .. } => {
                write!(
                    f,
                    "patch {}{target}",
                    subresource.as_ref().map(|name| format!("the {name} of ")).unwrap_or_default()
                )?;
                if *kind == PatchKind::Strategic { Ok(()) } else { write!(f, " ({})", kind.key()) }
            }
            Self::RolloutRestart { daemon_set } => write!(f, "restart daemonset `{daemon_set}`"),
            Self::Rollback { daemon_set, to_revision: None } => write!(f, "roll daemonset `{daemon_set}` back"),
            Self::Rollback { daemon_set, to_revision: Some(revision) } => {
                write!(f, "roll daemonset `{daemon_set}` back to revision {revision}")
            }
            Self::Exec(exec) => write!(f, "run {exec}"),
            Self::NodeExec(exec) => write!(f, "run on the node {exec}"),
            Self::Run { command, exit_code } => {
                write!(f, "run `{}` here", command_line(command))?;
                if *exit_code == 0 { Ok(()) } else { write!(f, ", exit code {exit_code}") }
            }
            Self::PushImage { name, image } if name == image => write!(f, "push image `{image}`"),
            Self::PushImage { name, image } => write!(f, "push image `{image}` as `{name}`"),
            Self::PullFault { image, fault } => write!(f, "from now on pulling `{image}` {fault}"),
            Self::ScaleSimulatedNodes { name, count } => write!(f, "scale simulated nodes `{name}` to {count}"),
            Self::Pressure { node, resource, on: true } => write!(f, "put `{node}` under {resource} pressure"),
            Self::Pressure { node, resource, on: false } => write!(f, "take {resource} pressure off `{node}`"),
            Self::KillContainer { daemon_set, node, container, by } => {
                let container = container.as_ref().map_or(String::new(), |container| format!(" `{container}`"));
                write!(f, "kill container{container} of daemonset `{daemon_set}` on `{node}`")?;
                if *by == Kill::Memory { write!(f, ", by using up its memory limit") } else { Ok(()) }
            }
            Self::DeletePod { daemon_set, node } => write!(f, "delete the pod of daemonset `{daemon_set}` on `{node}`"),
            Self::Expect { condition } => write!(f, "expect {condition}"),
            Self::Hold { condition, duration } => {
                write!(f, "hold for {}: {condition}", humantime::format_duration(*duration))
            }
            Self::Never { condition, .. } => write!(f, "never, while the steps below run: {condition}"),
            Self::Parallel { branches } => write!(f, "side by side: {} branches", branches.len()),
            Self::Pause { message } => write!(f, "pause: {message}"),
        }
    }
}
