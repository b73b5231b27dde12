//! The scenario of each gate, as somebody would write it into a file.
//! What is not here: how it is run, and what is read from a run.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Candidate, GateName, Settings, Work};

/// Where taints keep pods away that do not tolerate them.
const CONTROL_PLANE: &str = "control-plane";
const CONTROL_PLANE_TAINT: &str = "node-role.kubernetes.io/control-plane";

/// What names of steps begin with whose time is a measure.
pub(super) const MEASURES: [(&str, &str); 5] = [
    ("ready on ", "time to Ready"),
    ("ready again on ", "time to Ready after a reboot"),
    ("recovered on ", "time to Ready after a crash"),
    ("stopped on ", "time to stop after SIGTERM"),
    ("gap on ", "without an available pod"),
];

/// How a gate is tried that needs a cluster.
pub(super) fn work(gate: GateName, candidate: &Candidate, settings: &Settings) -> Work {
    let scenario = Scenario { gate, candidate, settings };
    if let Some(reason) = scenario.why_not() {
        return Work::Skipped { reason };
    }
    Work::Run(scenario.text())
}

struct Scenario<'a> {
    gate: GateName,
    candidate: &'a Candidate,
    settings: &'a Settings,
}

impl Scenario<'_> {
    /// Why a gate is nothing for this candidate.
    fn why_not(&self) -> Option<String> {
        let candidate = self.candidate;
        let strategy = &candidate.daemon_set_object()["spec"]["updateStrategy"]["type"];
        let by_hand = *strategy == "OnDelete";
        match self.gate {
            GateName::Upgrade | GateName::Rollback if candidate.previous.is_none() => {
                Some("there is no former image to come from; name one with `--from`".to_owned())
            }
            GateName::Upgrade | GateName::Rollback if by_hand => {
                Some("the manifest updates by OnDelete, so that nothing is updated by itself".to_owned())
            }
            GateName::ControlPlane if !self.tolerates_control_plane() => Some(format!(
                "the manifest does not tolerate `{CONTROL_PLANE_TAINT}:NoSchedule`, so the control plane is not meant"
            )),
            GateName::ComesUp | GateName::NodeReboots | GateName::Crash | GateName::Stops
                if self.workers().is_empty() =>
            {
                Some("there is no worker; `--nodes` must be at least 2".to_owned())
            }
            GateName::Surge => self.why_no_surge(),
            GateName::Soak if self.settings.soak.is_zero() => {
                Some("no time was given to watch for; name one with `--soak`".to_owned())
            }
            _ => None,
        }
    }

    fn tolerates_control_plane(&self) -> bool {
        let tolerations = self.candidate.pod_spec()["tolerations"].as_array();
        tolerations.into_iter().flatten().any(|toleration| {
            let key = toleration["key"].as_str().unwrap_or_default();
            let effect = toleration["effect"].as_str().unwrap_or_default();
            let exists = toleration["operator"] == "Exists";
            (key == CONTROL_PLANE_TAINT || (key.is_empty() && exists))
                && matches!(effect, "" | "NoSchedule")
                && (exists || toleration["value"].as_str().unwrap_or_default().is_empty())
        })
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

    fn workers(&self) -> Vec<String> {
        (1..self.settings.nodes).map(|number| format!("worker-{number}")).collect()
    }

    /// The nodes of the cluster that the manifest is meant for, as far as taints tell.
    fn meant(&self) -> Vec<String> {
        let mut nodes = self.workers();
        if self.tolerates_control_plane() {
            nodes.insert(0, CONTROL_PLANE.to_owned());
        }
        nodes
    }

    fn daemon_set(&self) -> String {
        let found = &self.candidate.daemon_set;
        if found.namespace == "default" {
            return format!("daemonSet: {}", found.name);
        }
        format!("daemonSet: {}, namespace: {}", found.name, found.namespace)
    }

    fn text(&self) -> String {
        let mut text = self.head();
        let all = self.apply(None);
        let ready = format!("{}s", self.settings.ready_within.as_secs());
        let rollout = format!("{}s", self.settings.rollout_within.as_secs());
        let ds = self.daemon_set();
        let is_ready = |node: &str| format!("pods: {{{ds}, node: {node}, ready: true, count: 1}}");
        let settled = format!("  - name: settled\n    expect: {{converged: {{{ds}}}, within: {ready}}}\n");
        let steps = match self.gate {
            GateName::ComesUp => {
                let mut steps = all + "  - parallel:\n";
                for node in self.meant() {
                    let _ = write!(
                        steps,
                        "      - name: ready on {node}\n        expect: {{{}, within: {ready}}}\n",
                        is_ready(&node)
                    );
                }
                steps
                    + &format!(
                        "  - expect: {{converged: {{{ds}}}, within: {ready}}}\n  - hold: {{converged: {{{ds}}}, for: 3s}}\n"
                    )
            }
            GateName::ControlPlane => {
                all + &format!(
                    "  - name: ready on {CONTROL_PLANE}\n    expect: {{{}, within: {ready}}}\n",
                    is_ready(CONTROL_PLANE)
                )
            }
            GateName::NodeJoins => {
                all + &settled
                    + &format!(
                        "  - addNodes: {{name: joiner}}\n  - name: ready on joiner\n    expect: {{{}, within: {ready}}}\n\
                         \x20 - expect: {{converged: {{{ds}}}, within: {ready}}}\n  - removeNode: joiner\n",
                        is_ready("joiner")
                    )
            }
            GateName::NodeReboots => {
                all + &settled
                    + &format!(
                        "  - restartNode: worker-1\n  - name: ready again on worker-1\n    expect: {{pods: {{{ds}, node: worker-1, \
                         ready: true, restarts: 1, count: 1}}, within: {ready}}}\n\
                         \x20 - expect: {{converged: {{{ds}}}, within: {ready}}}\n\
                         \x20 - expect: {{nodeReady: {{all: true}}, within: {ready}}}\n"
                    )
            }
            GateName::Crash => {
                let container = &self.candidate.container;
                all + &settled
                    + &format!(
                        "  - killContainer: {{{ds}, node: worker-1, container: {container}}}\n  - name: recovered on worker-1\n    \
                         expect: {{pods: {{{ds}, node: worker-1, ready: true, restarts: 1, count: 1}}, within: {ready}}}\n\
                         \x20 - expect: {{converged: {{{ds}}}, within: {ready}}}\n"
                    )
            }
            GateName::Stops => {
                // The kubelet's own work comes on top, and is not the agent's.
                let patience = self.grace() + 60;
                all + &settled
                    + &format!(
                        "  - name: stopped on worker-1\n    deletePod: {{{ds}, node: worker-1}}\n    within: {patience}s\n\
                         \x20 - expect: {{converged: {{{ds}}}, within: {ready}}}\n"
                    )
            }
            GateName::Upgrade => self.update(&rollout),
            GateName::Rollback => {
                let new = &self.candidate.image;
                let old = self.candidate.previous.as_deref().unwrap_or_default();
                self.apply(Some(
                    json!({"spec": {"template": {"spec": {"containers": self.candidate.containers_with(old)}}}}),
                )) + &format!("  - name: settled\n    expect: {{rolledOut: {{{ds}}}, within: {ready}}}\n")
                    + &self.set_image(new)
                    + &format!(
                        "  - name: updated\n    expect: {{rolledOut: {{{ds}}}, within: {rollout}}}\n  - rollback: {{{ds}}}\n"
                    )
                    + &format!("  - name: rolled back\n    expect: {{rolledOut: {{{ds}}}, within: {rollout}}}\n")
                    + &self.all_have(old)
            }
            GateName::Surge => {
                let containers = self.candidate.previous.as_deref().map(|old| self.candidate.containers_with(old));
                let mut patch = json!({"spec": {"updateStrategy": {
                    "type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
                }}});
                let change = match containers {
                    Some(containers) => {
                        patch["spec"]["template"] = json!({"spec": {"containers": containers}});
                        self.set_image(&self.candidate.image)
                    }
                    None => format!("  - rolloutRestart: {{{ds}}}\n"),
                };
                self.apply(Some(patch))
                    + &format!("  - name: settled\n    expect: {{rolledOut: {{{ds}}}, within: {ready}}}\n")
                    + &change
                    + &format!("  - name: updated\n    expect: {{rolledOut: {{{ds}}}, within: {rollout}}}\n")
            }
            GateName::Soak => {
                let soak = self.settings.soak.as_secs();
                all + &settled + &format!("  - hold: {{converged: {{{ds}}}, for: {soak}s}}\n")
            }
            GateName::Image | GateName::Privilege => String::new(),
        };
        text.push_str(&steps);
        text
    }

    fn head(&self) -> String {
        let (gate, candidate) = (self.gate, self.candidate);
        let ds = self.daemon_set();
        let mut invariants = format!("  - onePodPerNode: {{{ds}}}\n  - noRestarts: {{{ds}}}\n");
        match gate {
            GateName::Upgrade => {
                let _ = write!(invariants, "  - maxUnavailable: {{{ds}}}\n  - atMostTwoRevisions: {{{ds}}}\n");
            }
            GateName::Rollback => {
                let _ = writeln!(invariants, "  - maxUnavailable: {{{ds}}}");
            }
            GateName::Surge => {
                let _ = writeln!(invariants, "  - maxUnavailable: {{{ds}, budget: 0}}");
            }
            GateName::Stops => {
                let _ = write!(
                    invariants,
                    "  # One that does not end by SIGTERM is killed at the end of its grace period: 128 and 9, for SIGKILL.\n  \
                     - cel: {}\n",
                    json!(self.nobody_is_killed())
                );
            }
            _ => {}
        }
        let workers = self.settings.nodes.saturating_sub(1);
        let summary = gate.summary();
        let (image, previous) = (&candidate.image, candidate.previous.as_deref());
        let substitutes =
            match previous.filter(|_| matches!(gate, GateName::Upgrade | GateName::Rollback | GateName::Surge)) {
                Some(previous) => format!("# Image `{image}` is the candidate, and `{previous}` the former one.\n"),
                None => format!("# Image `{image}` is the candidate.\n"),
            };
        format!(
            "# Gate `{gate}`: {summary}.\n{substitutes}apiVersion: rollcall.dev/v1\nkind: Scenario\nmetadata:\n  name: {gate}\n  \
             description: {}\ncluster:\n  shared: true\n  nodes:\n    - {{name: {CONTROL_PLANE}, role: control-plane}}\n    \
             - {{name: worker, count: {workers}}}\n{}invariants:\n{invariants}steps:\n",
            json!(capital(summary)),
            self.images()
        )
    }

    /// How long a pod gets to end, in seconds (`DefaultTerminationGracePeriodSeconds` in
    /// `pkg/apis/core/v1/defaults.go` where the manifest does not say).
    fn grace(&self) -> u64 {
        self.candidate.pod_spec()["terminationGracePeriodSeconds"].as_u64().unwrap_or(30)
    }

    /// An expression that is true as long as no container of the candidate has ended by SIGKILL.
    fn nobody_is_killed(&self) -> String {
        let (name, namespace) = (&self.candidate.daemon_set.name, &self.candidate.daemon_set.namespace);
        let container = &self.candidate.container;
        format!(
            "!pods.exists(p, p.metadata.namespace == '{namespace}' && p.metadata.name.startsWith('{name}-') \
             && has(p.status.containerStatuses) && p.status.containerStatuses.exists(c, c.name == '{container}' \
             && has(c.state.terminated) && c.state.terminated.exitCode == 137))"
        )
    }

    /// Every file; with a patch over the DaemonSets of the one that has the candidate's.
    fn apply(&self, patch: Option<Value>) -> String {
        let mut text = String::new();
        if self.candidate.inline {
            return self.apply_inline(patch.as_ref());
        }
        for manifest in &self.candidate.manifests {
            let path = json!(manifest.path);
            let has_it = manifest.daemon_sets().iter().any(|(found, _)| *found == self.candidate.daemon_set);
            match patch.as_ref().filter(|_| has_it) {
                Some(patch) => {
                    let _ = write!(text, "  - apply:\n      file: {path}\n      merge: {patch}\n");
                }
                None => {
                    let _ = writeln!(text, "  - apply: {{file: {path}}}");
                }
            }
        }
        text
    }

    /// Every object by itself, where there is no file with them.
    fn apply_inline(&self, patch: Option<&Value>) -> String {
        let mut text = String::new();
        for document in self.candidate.manifests.iter().flat_map(|manifest| &manifest.documents) {
            let mut object = document.clone();
            if let Some(patch) = patch.filter(|_| document == self.candidate.daemon_set_object()) {
                json_patch::merge(&mut object, patch);
            }
            let _ = writeln!(text, "  - apply: {{object: {object}}}");
        }
        text
    }

    /// What names of images stand for, as far as local images do.
    fn images(&self) -> String {
        let used = self.candidate.used.iter();
        let lines: String =
            used.map(|(name, local)| format!("  - {{name: {}, use: {}}}\n", json!(name), json!(local))).collect();
        if lines.is_empty() { lines } else { format!("images:\n{lines}") }
    }

    fn set_image(&self, image: &str) -> String {
        let (ds, container) = (self.daemon_set(), &self.candidate.container);
        format!("  - setImage: {{{ds}, container: {container}, image: {}}}\n", json!(image))
    }

    fn all_have(&self, image: &str) -> String {
        let ds = self.daemon_set();
        format!("  - expect: {{pods: {{{ds}, image: {}, ready: true}}, within: 10s}}\n", json!(image))
    }

    /// An update in which the gap of each node is a step of its own.
    fn update(&self, rollout: &str) -> String {
        let ds = self.daemon_set();
        let old = self.candidate.previous.as_deref().unwrap_or_default();
        let image = &self.candidate.image;
        let patch = json!({"spec": {"template": {"spec": {"containers": self.candidate.containers_with(old)}}}});
        let mut text = self.apply(Some(patch));
        let ready = self.settings.ready_within.as_secs();
        let _ = write!(text, "  - name: settled\n    expect: {{rolledOut: {{{ds}}}, within: {ready}s}}\n");
        let surges =
            !self.candidate.daemon_set_object()["spec"]["updateStrategy"]["rollingUpdate"]["maxSurge"].is_null();
        if surges {
            text.push_str(&self.set_image(image));
            let _ = write!(text, "  - name: updated\n    expect: {{rolledOut: {{{ds}}}, within: {rollout}}}\n");
        } else {
            text.push_str("  - parallel:\n");
            let change = self.set_image(image).replacen("  - ", "", 1);
            let _ = write!(
                text,
                "      - - {change}        - name: updated\n          expect: {{rolledOut: {{{ds}}}, within: {rollout}}}\n"
            );
            for node in self.meant() {
                let _ = write!(
                    text,
                    "      - - expect: {{pods: {{{ds}, node: {node}, ready: true, terminating: false, count: 0}}, within: {rollout}}}\n        \
                     - name: gap on {node}\n          expect: {{pods: {{{ds}, node: {node}, image: {}, ready: true, count: 1}}, within: {rollout}}}\n",
                    json!(image)
                );
            }
        }
        text + &self.all_have(image)
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), characters.as_str()))
}
