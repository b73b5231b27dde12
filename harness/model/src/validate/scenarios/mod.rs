//! The scenario of each gate, as somebody would write it into a file.
//! What is not here: how it is run, and what is read from a run.

use super::{Candidate, GateName, ImageFacts, Settings, Work};

mod applying;
mod head;
mod living;
mod looking;
mod nodes;
mod trials;
mod updating;

const CONTROL_PLANE: &str = "control-plane";
/// Where taints keep pods away that do not tolerate them.
const CONTROL_PLANE_TAINT: &str = "node-role.kubernetes.io/control-plane";

/// What names of steps begin with whose time is a measure.
pub(super) const MEASURES: [(&str, &str); 6] = [
    ("ready on ", "time to Ready"),
    ("ready again on ", "time to Ready after a reboot"),
    ("recovered on ", "time to Ready after a crash"),
    ("back on ", "time to Ready at the memory limit"),
    ("stopped on ", "time to stop after SIGTERM"),
    ("gap on ", "without an available pod"),
];

/// How a gate is tried that needs a cluster.
pub(super) fn work(gate: GateName, candidate: &Candidate, facts: &ImageFacts, settings: &Settings) -> Work {
    let arch = facts.platform.split('/').nth(1);
    let scenario = Scenario { gate, candidate, settings, arch };
    if let Err(why) = scenario.meant() {
        return scenario.meant_for_none(&why);
    }
    if let Some(reason) = scenario.why_not() {
        return Work::Skipped { reason };
    }
    match gate {
        GateName::LeastPrivilege => Work::Trials(scenario.trials()),
        _ => Work::Run(scenario.text()),
    }
}

struct Scenario<'a> {
    gate: GateName,
    candidate: &'a Candidate,
    settings: &'a Settings,
    /// The architecture of the image, and so of the nodes that it is tried on.
    arch: Option<&'a str>,
}

impl Scenario<'_> {
    /// One that no node gets is not good on every node that is meant: there is none.
    fn meant_for_none(&self, why: &str) -> Work {
        let why = format!("the manifest is meant for no node of the cluster ({why})");
        if self.gate == GateName::ComesUp {
            let what = format!("{why}; give the workers its labels with `nodeLabels` in the file of the validation");
            return Work::Known { wrong: vec![what], notes: Vec::new() };
        }
        Work::Skipped { reason: why }
    }

    /// Why a gate is nothing for this candidate.
    fn why_not(&self) -> Option<String> {
        let candidate = self.candidate;
        let by_hand = candidate.daemon_set_object()["spec"]["updateStrategy"]["type"] == "OnDelete";
        match self.gate {
            GateName::Upgrade | GateName::Rollback if candidate.previous.is_none() => {
                Some("there is no former image to come from; name one with `--from`".to_owned())
            }
            GateName::Upgrade | GateName::Rollback if by_hand => {
                Some("the manifest updates by OnDelete, so that nothing is updated by itself".to_owned())
            }
            GateName::ControlPlane => {
                let why = self.why_not_on(CONTROL_PLANE)?;
                Some(format!("the manifest is not meant for the control plane: {why}"))
            }
            GateName::Mounts if self.read_only_mounts().is_empty() => {
                Some("the manifest mounts no path of the node read-only".to_owned())
            }
            GateName::MemoryLimit if candidate.memory_limit().is_none() => {
                Some("the manifest sets no memory limit, so that a leak takes the memory of its node".to_owned())
            }
            GateName::NodeReboots
            | GateName::Crash
            | GateName::Stops
            | GateName::MemoryLimit
            | GateName::NodePressure
                if self.worker().is_none() =>
            {
                Some("the manifest is meant for no worker".to_owned())
            }
            GateName::NodePressure if !self.settings.pressure => {
                Some("nodes of this distro cannot be put under pressure".to_owned())
            }
            GateName::NodeJoins => {
                let why = self.why_not_on("joiner")?;
                Some(format!("the manifest is not meant for a node that joins: {why}"))
            }
            GateName::Surge => self.why_no_surge(),
            GateName::Soak if self.settings.soak.is_zero() => {
                Some("no time was given to watch for; name one with `--soak`".to_owned())
            }
            GateName::LeastPrivilege if !self.settings.trials => {
                Some("nothing is tried without; ask for it with `--trials`, it takes some seconds for each".to_owned())
            }
            GateName::LeastPrivilege if self.trials().is_empty() => {
                Some("the manifest asks for nothing that it could do without".to_owned())
            }
            _ => None,
        }
    }

    /// Two pods of one node cannot have the same port of the node.
    fn why_no_surge(&self) -> Option<String> {
        let pod = self.candidate.pod_spec();
        let host_network = pod["hostNetwork"] == true;
        let containers = pod["containers"].as_array().into_iter().flatten();
        let ports = containers.filter_map(|container| container["ports"].as_array()).flatten();
        let taken = ports.into_iter().find_map(|port| {
            let own = port["hostPort"].as_u64().filter(|number| *number != 0);
            own.or_else(|| host_network.then(|| port["containerPort"].as_u64()).flatten())
        })?;
        Some(format!("it takes port {taken} of its node, so two of its pods cannot be on one"))
    }

    fn text(&self) -> String {
        let steps = match self.gate {
            GateName::Upgrade => self.upgrade(),
            GateName::Rollback => self.rollback(),
            GateName::Surge => self.surge(),
            GateName::Mounts | GateName::Resources => self.look(),
            _ => self.live(),
        };
        self.head() + &steps
    }

    fn daemon_set(&self) -> String {
        let found = &self.candidate.daemon_set;
        if found.namespace == "default" {
            return format!("daemonSet: {}", found.name);
        }
        format!("daemonSet: {}, namespace: {}", found.name, found.namespace)
    }

    /// How long a pod may take to become ready, as a scenario has it.
    fn ready(&self) -> String {
        format!("{}s", self.settings.ready_within.as_secs())
    }

    /// How long an update may take.
    fn rollout(&self) -> String {
        format!("{}s", self.settings.rollout_within.as_secs())
    }

    /// That all is as it should be, and from where on things are looked at.
    fn settled(&self) -> String {
        format!("  - name: settled\n    expect: {{converged: {{{}}}, within: {}}}\n", self.daemon_set(), self.ready())
    }

    /// That all is as it should be again.
    fn converged(&self) -> String {
        format!("  - expect: {{converged: {{{}}}, within: {}}}\n", self.daemon_set(), self.ready())
    }

    /// A step that waits until the pod of a node is ready; `more` is what else is asked of it.
    fn ready_on(&self, name: &str, node: &str, more: &str) -> String {
        let pods = format!("pods: {{{}, node: {node}, ready: true, {more}count: 1}}", self.daemon_set());
        format!("  - name: {name} {node}\n    expect: {{{pods}, within: {}}}\n", self.ready())
    }
}

/// Steps, each of them a branch of `parallel`.
fn side_by_side(steps: impl Iterator<Item = String>) -> String {
    let indented = |step: String| step.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!("  - parallel:\n{}", steps.map(indented).collect::<String>())
}
