//! Steps of the gates in which an agent comes up, is disturbed, and has to be back.

use super::{CONTROL_PLANE, Scenario, side_by_side};
use crate::validate::GateName;

impl Scenario<'_> {
    pub(super) fn live(&self) -> String {
        let all = self.apply(None);
        let ds = self.daemon_set();
        let container = &self.candidate.container;
        let worker = self.worker().unwrap_or_default();
        match self.gate {
            GateName::ComesUp => {
                let nodes = self.meant().unwrap_or_default();
                all + &side_by_side(nodes.iter().map(|node| self.ready_on("ready on", node, "")))
                    + &self.converged()
                    + &format!("  - hold: {{converged: {{{ds}}}, for: 3s}}\n")
                    + &self.pulled()
            }
            GateName::ControlPlane => all + &self.ready_on("ready on", CONTROL_PLANE, ""),
            GateName::NodeJoins => {
                all + &self.settled()
                    + &self.add_node("joiner")
                    + &self.ready_on("ready on", "joiner", "")
                    + &self.converged()
                    + "  - removeNode: joiner\n"
            }
            GateName::NodeReboots => {
                all + &self.settled()
                    + &format!("  - restartNode: {worker}\n")
                    + &self.ready_on("ready again on", &worker, "restarts: 1, ")
                    + &self.converged()
                    + &format!("  - expect: {{nodeReady: {{all: true}}, within: {}}}\n", self.ready())
            }
            GateName::Crash => {
                all + &self.settled()
                    + &format!("  - killContainer: {{{ds}, node: {worker}, container: {container}}}\n")
                    + &self.ready_on("recovered on", &worker, "restarts: 1, ")
                    + &self.converged()
            }
            GateName::MemoryLimit => {
                all + &self.settled()
                    + &format!(
                        "  - killContainer: {{{ds}, node: {worker}, container: {container}, by: memory}}\n    within: {}s\n",
                        self.filling()
                    )
                    + &self.ready_on("back on", &worker, "restarts: 1, ")
                    + &self.converged()
            }
            GateName::Stops => {
                // The kubelet's own work comes on top, and is not the agent's.
                let patience = self.grace() + 60;
                all + &self.settled()
                    + &format!(
                        "  - name: stopped on {worker}\n    deletePod: {{{ds}, node: {worker}}}\n    within: {patience}s\n"
                    )
                    + &self.converged()
            }
            GateName::NodePressure => {
                let same = format!("notRestarted: {{{ds}, since: settled}}");
                // Its kubelet was started anew and asks every probe anew, so that it may not be ready for a moment; it has
                // to stay the same all the while.
                let under = |resource: &str| {
                    format!(
                        "  - pressure: {{node: {worker}, resource: {resource}}}\n  - hold: {{{same}, for: 3s}}\n  \
                         - pressure: {{node: {worker}, resource: {resource}, release: true}}\n"
                    )
                };
                // Of the other shortages a kubelet that starts lets in only critical pods (`pkg/kubelet/eviction`, `Admit`).
                let class = self.candidate.pod_spec()["priorityClassName"].as_str();
                let disk = if matches!(class, Some("system-node-critical" | "system-cluster-critical")) {
                    under("disk")
                } else {
                    String::new()
                };
                all + &self.settled()
                    + &under("memory")
                    + &disk
                    + &self.converged()
                    + &format!("  - expect: {{{same}, within: 1s}}\n")
            }
            // What is left: `Soak`.
            _ => {
                let soak = self.settings.soak.as_secs();
                all + &self.settled() + &format!("  - hold: {{converged: {{{ds}}}, for: {soak}s}}\n")
            }
        }
    }

    /// A worker as the others are.
    fn add_node(&self, name: &str) -> String {
        format!("  - addNodes: {{name: {name}{}}}\n", self.node_labels())
    }

    /// How long the memory limit may take to be used up and the kubelet to notice, in seconds: a busy core writes a hundred
    /// megabytes in a second.
    fn filling(&self) -> u64 {
        let limit = self.candidate.memory_limit().unwrap_or_default();
        20 + limit / 64_000_000
    }

    /// How long a pod gets to end, in seconds (`DefaultTerminationGracePeriodSeconds` in
    /// `pkg/apis/core/v1/defaults.go` where the manifest does not say).
    fn grace(&self) -> u64 {
        self.candidate.pod_spec()["terminationGracePeriodSeconds"].as_u64().unwrap_or(30)
    }

    /// That the image was pulled, of which the event says how long that took.
    fn pulled(&self) -> String {
        let nodes = self.meant().unwrap_or_default().len();
        let message = serde_json::json!(format!("image \"{}\"", self.candidate.image));
        format!(
            "  - name: pulled\n    expect:\n      events: {{{}, kind: Pod, reason: Pulled, message: {message}, count: {nodes}}}\n    \
             \x20 within: 10s\n",
            self.daemon_set(),
        )
    }
}
