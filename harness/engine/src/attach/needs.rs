//! What a plan needs of a cluster that was there before: which steps it cannot have, and which rights it must have.

use std::collections::BTreeSet;

use rollcall_model::{Action, Condition, Plan, scenario::DeleteTarget, world::Need};

/// One right, as the API server is asked for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Right {
    pub(super) verb: &'static str,
    pub(super) group: String,
    /// The plural name of the kind.
    pub(super) resource: String,
    pub(super) subresource: &'static str,
    /// Whether in the namespace of the run only.
    pub(super) in_own: bool,
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let part = if self.subresource.is_empty() { String::new() } else { format!("/{}", self.subresource) };
        let place = if self.in_own { "in a namespace of its own" } else { "in the whole cluster" };
        write!(f, "{} {}{group}{part} {place}", self.verb, self.resource)
    }
}

fn everywhere(verb: &'static str, group: &str, resource: &str, subresource: &'static str) -> Right {
    Right { verb, group: group.to_owned(), resource: resource.to_owned(), subresource, in_own: false }
}

fn in_own(verb: &'static str, group: &str, resource: &str, subresource: &'static str) -> Right {
    Right { in_own: true, ..everywhere(verb, group, resource, subresource) }
}

/// The steps and settings that need a hold of the machines or images of a cluster, a sentence each.
pub(super) fn out_of_reach(plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    if !plan.cluster.simulated.is_empty() {
        found.push("`cluster.nodes` has simulated nodes".to_owned());
    }
    for step in plan.flat() {
        let why = match &step.action {
            Action::AddNodes { .. } => "makes nodes",
            Action::Node { .. } => "acts on the machine of a node",
            Action::ScaleSimulatedNodes { .. } => "makes or removes simulated nodes",
            Action::PullFault { .. } | Action::PushImage { .. } => "acts on the registry of the cluster",
            Action::Pressure { .. } => "acts on the kubelet of a node",
            Action::KillContainer { .. } | Action::NodeExec(_) => "acts on the processes of a node",
            Action::Patch { target, .. } if target.kind == "Node" => "changes a node in a way that cannot be undone",
            Action::Delete { target: DeleteTarget::Object(object), .. } if object.kind == "Node" => "removes a node",
            _ => continue,
        };
        found.push(format!("step {} {why}: {}", step.index + 1, step.summary()));
    }
    found
}

/// The rights without which the plan would fail on its way, or could not be undone.
pub(super) fn rights(plan: &Plan) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for verb in ["list", "watch"] {
        rights.extend([("", "nodes"), ("", "pods"), ("", "events")].map(|(group, of)| everywhere(verb, group, of, "")));
        rights.extend(["daemonsets", "controllerrevisions"].map(|of| everywhere(verb, "apps", of, "")));
    }
    rights.extend(["create", "get", "list", "watch", "delete"].map(|verb| everywhere(verb, "", "namespaces", "")));
    // What was changed is written down there first.
    rights.extend(["create", "get", "patch"].map(|verb| in_own(verb, "", "configmaps", "")));
    if plan.cluster.nodes.iter().any(|node| !node.labels.is_empty() || !node.taints.is_empty()) {
        rights.extend(changes_nodes());
    }
    for step in plan.flat() {
        match &step.action {
            Action::Taint { .. }
            | Action::Untaint { .. }
            | Action::Label { .. }
            | Action::Unlabel { .. }
            | Action::Cordon { .. }
            | Action::Uncordon { .. } => rights.extend(changes_nodes()),
            Action::Drain { .. } => {
                rights.extend(changes_nodes());
                rights.insert(everywhere("create", "", "pods", "eviction"));
            }
            Action::SetImage { .. } | Action::RolloutRestart { .. } | Action::Rollback { .. } => {
                rights.extend(["get", "patch"].map(|verb| in_own(verb, "apps", "daemonsets", "")));
            }
            Action::DeletePod { .. } => drop(rights.insert(in_own("delete", "", "pods", ""))),
            Action::Delete { target: DeleteTarget::DaemonSet(_), .. } => {
                rights.insert(in_own("delete", "apps", "daemonsets", ""));
            }
            Action::Exec(_) => rights.extend(execs()),
            Action::Expect { condition } | Action::Hold { condition, .. } | Action::Never { condition, .. } => {
                rights.extend(asked(condition));
            }
            _ => {}
        }
    }
    rights
}

fn changes_nodes() -> [Right; 2] {
    ["get", "patch"].map(|verb| everywhere(verb, "", "nodes", ""))
}

fn execs() -> [Right; 2] {
    ["create", "get"].map(|verb| in_own(verb, "", "pods", "exec"))
}

fn asked(condition: &Condition) -> Vec<Right> {
    let of = |need: Need| match need {
        Need::Logs(_) | Need::Extras(_) => vec![in_own("get", "", "pods", "log")],
        Need::Exec(_) => execs().to_vec(),
        // Their plural names are the API server's to say; whether they can be listed the condition itself tells.
        _ => Vec::new(),
    };
    condition.needs().into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::plan_of;

    #[test]
    fn steps_that_need_a_hold_of_machines_and_images_are_named() {
        let plan = plan_of(
            "cluster:\n  nodes:\n    - {name: control-plane, role: control-plane}\n    - {name: w}\n    - {name: sim, simulated: true, count: 2}\n",
            "  - stopNode: w\n  - pushImage: {name: a, use: b}\n  - parallel:\n    - - addNodes: {name: late}\n    - - cordon: w\n  - removeNode: late\n  - expect: {nodeReady: {all: true}}\n",
        );
        insta::assert_snapshot!(out_of_reach(&plan).join("\n"), @r"
        `cluster.nodes` has simulated nodes
        step 2 acts on the machine of a node: stop node `w`
        step 3 acts on the registry of the cluster: push image `b` as `a`
        step 5 makes nodes: add worker `late`
        step 7 acts on the machine of a node: remove node `late`
        ");
    }

    #[test]
    fn a_plan_asks_for_the_rights_of_its_steps_and_no_others() {
        let nodes = "cluster:\n  nodes:\n    - {name: control-plane, role: control-plane}\n    - {name: w}\n";
        let of = |steps: &str| {
            let rights = rights(&plan_of(nodes, &format!("{steps}  - expect: {{nodeReady: {{all: true}}}}\n")));
            rights.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let plain = of("");
        let more = |steps: &str| -> Vec<String> { of(steps).into_iter().filter(|it| !plain.contains(it)).collect() };
        assert_eq!(plain.len(), 18, "{plain:#?}");
        insta::assert_snapshot!(more("  - drain: {node: w}\n").join("\n"), @r"
        create pods/eviction in the whole cluster
        get nodes in the whole cluster
        patch nodes in the whole cluster
        ");
        insta::assert_snapshot!(more("  - exec: {daemonSet: log-collector, command: [x]}\n").join("\n"), @r"
        create pods/exec in a namespace of its own
        get pods/exec in a namespace of its own
        ");
    }
}
