//! What the manifest asks for that the agent may be able to do without: each is taken away once.

use serde_json::{Value, json};

use super::Scenario;
use crate::validate::Trial;

/// A user that no image gives anything to (`nobody` of Debian, and of distroless images).
const NOBODY: u32 = 65534;

impl Scenario<'_> {
    /// One scenario for each thing.
    pub(super) fn trials(&self) -> Vec<Trial> {
        let changes = self.changes();
        changes.into_iter().map(|(without, spec)| Trial { text: self.trial(&without, &spec), without }).collect()
    }

    fn trial(&self, without: &str, spec: &Value) -> String {
        let patch = json!({"spec": {"template": {"spec": spec}}});
        let ds = self.daemon_set();
        let head = self.head().replacen('\n', &format!("\n# Here without {without}.\n"), 1);
        head + &self.apply(Some(&patch))
            + &format!("  - expect: {{converged: {{{ds}}}, within: 20s}}\n  - hold: {{converged: {{{ds}}}, for: 5s}}\n")
    }

    /// What is taken away, and what a merge patch says for that.
    fn changes(&self) -> Vec<(String, Value)> {
        let pod = self.candidate.pod_spec();
        let own = self.candidate.container_spec();
        let context = &own["securityContext"];
        let mut found = Vec::new();
        for key in ["hostNetwork", "hostPID", "hostIPC"] {
            if pod[key] == true {
                found.push((key.to_owned(), json!({key: false})));
            }
        }
        if context["privileged"] == true {
            found.push(("privileged".to_owned(), self.with_context(&json!({"privileged": false}))));
        }
        for capability in context["capabilities"]["add"].as_array().into_iter().flatten() {
            let all = context["capabilities"]["add"].as_array().into_iter().flatten();
            let left: Vec<&Value> = all.filter(|other| *other != capability).collect();
            let name = capability.as_str().unwrap_or_default();
            found.push((format!("capability {name}"), self.with_context(&json!({"capabilities": {"add": left}}))));
        }
        let drops = context["capabilities"]["drop"].as_array().into_iter().flatten();
        if context["privileged"] != true && !drops.into_iter().any(|dropped| dropped == "ALL") {
            found.push((
                "the capabilities that every container has".to_owned(),
                self.with_context(&json!({"capabilities": {"drop": ["ALL"]}})),
            ));
        }
        let user = |context: &Value| context["runAsUser"].as_u64();
        let non_root = |context: &Value| context["runAsNonRoot"] == true;
        let of_pod = &pod["securityContext"];
        if user(context).or_else(|| user(of_pod)).is_none_or(|user| user == 0)
            && !non_root(context)
            && !non_root(of_pod)
        {
            let change = json!({"runAsUser": NOBODY, "runAsGroup": NOBODY, "runAsNonRoot": true});
            found.push(("root, if that is what it runs as".to_owned(), self.with_context(&change)));
        }
        if context["readOnlyRootFilesystem"] != true {
            let change = self.with_context(&json!({"readOnlyRootFilesystem": true}));
            found.push(("a root file system that can be written".to_owned(), change));
        }
        self.of_volumes(&mut found);
        found
    }

    fn of_volumes(&self, found: &mut Vec<(String, Value)>) {
        let pod = self.candidate.pod_spec();
        let volumes = pod["volumes"].as_array().cloned().unwrap_or_default();
        for volume in &volumes {
            let (Some(name), Some(path)) = (volume["name"].as_str(), volume["hostPath"]["path"].as_str()) else {
                continue;
            };
            let emptied = volumes
                .iter()
                .map(|other| if other == volume { json!({"name": name, "emptyDir": {}}) } else { other.clone() });
            found.push((format!("the node's {path}"), json!({"volumes": emptied.collect::<Vec<_>>()})));
            let mut containers = pod["containers"].clone();
            let mounts = containers.as_array_mut().into_iter().flatten();
            let mounts = mounts.filter_map(|container| container.get_mut("volumeMounts")?.as_array_mut()).flatten();
            let mut changed = false;
            for mount in mounts.filter(|mount| mount["name"] == name && mount["readOnly"] != true) {
                mount["readOnly"] = json!(true);
                changed = true;
            }
            if changed {
                found.push((format!("writing to the node's {path}"), json!({"containers": containers})));
            }
        }
    }

    /// The containers with another security context of the candidate's.
    fn with_context(&self, change: &Value) -> Value {
        let mut containers = self.candidate.pod_spec()["containers"].clone();
        for container in containers.as_array_mut().into_iter().flatten() {
            if container["name"] == *self.candidate.container {
                if container["securityContext"].is_null() {
                    container["securityContext"] = json!({});
                }
                json_patch::merge(&mut container["securityContext"], change);
            }
        }
        json!({"containers": containers})
    }
}
