//! A node runs short of disk, memory or process ids, as its own kubelet sees it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use rollcall_model::{Judgement, NodeReport, Report, scenario::Pressure, world::view};
use serde_json::{Value, json};

use super::{Cluster, machine::Machine};
use crate::{
    clock,
    distro::KubeletFile,
    docker::FileSpec,
    error::{Error, Result},
};

/// More than any node has of anything: whatever is free is too little.
const MORE_THAN_THERE_IS: &str = "1Ei";
/// For how long the kubelet watches before it evicts anybody: for good.
const BEFORE_EVICTION: &str = "8760h";
/// The field by which a kubelet measures local storage.
const MEASURES: &str = "localStorageCapacityIsolation";

impl Cluster {
    /// Puts a node under pressure, or ends that. Returns when its kubelet says so, the taint
    /// `node.kubernetes.io/…-pressure:NoSchedule` is there, or both are gone, and the node is Ready.
    ///
    /// The kubelet is started anew with a *soft* eviction threshold that its real figures breach, and a grace period
    /// that does not end. So it reports the condition and refuses pods as under any pressure (under memory pressure
    /// only those of the class `BestEffort` that do not tolerate the taint, otherwise all but critical ones), and
    /// evicts none that runs: what happens next under real pressure depends on what each pod uses, is decided by its
    /// class and priority, and spares daemon pods no more than others. Pods keep running while the kubelet starts.
    ///
    /// While there is any pressure the node also offers `ephemeral-storage`, which its kubelet measures only then.
    ///
    /// # Errors
    /// When there is no such node, it is simulated, its kubelet does not start again, or the condition does not come.
    pub async fn node_pressure(
        &self,
        node: &str,
        pressure: Pressure,
        on: bool,
        deadline: Duration,
    ) -> Result<Duration> {
        let started = clock::instant();
        let machine = self.machine(node).await?;
        let made = self.made()?;
        let Some(kubelet) = made.distro.conduct().kubelet else {
            return Err(Error::usage_hint(
                format!(
                    "the kubelet of node `{node}` cannot be told of pressure while the node runs: it is of distro `{}`",
                    made.distro.name()
                ),
                "run the scenario on distro `box`",
            ));
        };
        let file = made.docker.download(&machine.container, kubelet.path).await?;
        let changed = changed(&String::from_utf8_lossy(&file), pressure, on);
        if let Some(changed) = changed.map_err(|message| unreadable(node, kubelet.path, &message))? {
            let file = FileSpec { path: kubelet.path.into(), content: changed.into_bytes(), mode: 0o644 };
            made.docker.upload(&machine.container, std::slice::from_ref(&file)).await?;
            self.restart_kubelet(&machine, kubelet).await?;
        }
        let what = format!("node `{node}` {} {pressure} pressure", if on { "under" } else { "without" });
        let left = deadline.saturating_sub(started.elapsed());
        self.observer
            .wait(what, left, |world, _| match world.nodes.get(node).map(|found| lacking(found, pressure, on)) {
                Some(None) => Judgement::Done,
                Some(Some(why)) => not_yet(node, why),
                None => not_yet(node, "it is not registered".into()),
            })
            .await?;
        Ok(started.elapsed())
    }

    async fn restart_kubelet(&self, machine: &Machine, kubelet: KubeletFile) -> Result<()> {
        if let Some(command) = kubelet.restart {
            return self.inside(machine, command).await.map(drop);
        }
        // It is enough to end it: PID 1 starts it again.
        let status = self.inside(machine, &["cat", "/run/rollcall/status.json"]).await?;
        let status: Value = serde_json::from_str(&status).unwrap_or_default();
        let kubelet = status["processes"].as_array().into_iter().flatten().find(|process| process["name"] == "kubelet");
        // One that does not run just now is about to be started with the new configuration.
        let Some(pid) = kubelet.and_then(|kubelet| kubelet["pid"].as_i64()) else { return Ok(()) };
        self.inside(machine, &["kill", &pid.to_string()]).await.map(drop)
    }
}

/// The kubelet's configuration with or without a pressure; none where that changes nothing.
fn changed(file: &str, pressure: Pressure, on: bool) -> Result<Option<String>, String> {
    let before: Value = serde_yaml::from_str(file).map_err(|error| error.to_string())?;
    let signal = match pressure {
        Pressure::Disk => "nodefs.available",
        Pressure::Memory => "memory.available",
        Pressure::Pid => "pid.available",
    };
    let mut after = before.clone();
    let fields = after.as_object_mut().ok_or("it is no object")?;
    for (field, value) in [("evictionSoft", MORE_THAN_THERE_IS), ("evictionSoftGracePeriod", BEFORE_EVICTION)] {
        let entries = fields.entry(field).or_insert_with(|| json!({}));
        let entries = entries.as_object_mut().ok_or_else(|| format!("`{field}` is no object"))?;
        if on {
            entries.insert(signal.to_owned(), json!(value));
        } else {
            entries.remove(signal);
        }
    }
    // A kubelet that does not isolate local storage does not measure it, nor anything else that it could evict for.
    let any = fields.get("evictionSoft").and_then(Value::as_object).is_some_and(|soft| !soft.is_empty());
    fields.insert(MEASURES.to_owned(), json!(any));
    let same = |field: &str| signal_of(&before, field, signal) == signal_of(&after, field, signal);
    Ok((!same("evictionSoft") || !same("evictionSoftGracePeriod")).then(|| format!("{after:#}\n")))
}

fn signal_of<'a>(configuration: &'a Value, field: &str, signal: &str) -> Option<&'a Value> {
    configuration.get(field)?.get(signal)
}

/// What a node does not have yet of what it should.
fn lacking(node: &Node, pressure: Pressure, on: bool) -> Option<String> {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let found = conditions.into_iter().find(|condition| condition.type_ == pressure.condition());
    let status = found.map_or("unknown", |condition| condition.status.as_str());
    if status != (if on { "True" } else { "False" }) {
        return Some(format!("its kubelet reports {}={status}", pressure.condition()));
    }
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    if taints.into_iter().any(|taint| taint.key == pressure.taint_key()) != on {
        let what = if on { "is not there yet" } else { "is still there" };
        return Some(format!("its taint `{}` {what}", pressure.taint_key()));
    }
    (!view::is_node_ready(node)).then(|| "it is not Ready".to_owned())
}

fn not_yet(node: &str, what: String) -> Judgement {
    Judgement::NotYet(Report {
        summary: format!("node `{node}`: {what}"),
        nodes: vec![NodeReport { node: node.to_owned(), what }],
    })
}

fn unreadable(node: &str, path: &str, message: &str) -> Error {
    Error::usage_hint(
        format!("`{path}` of node `{node}` cannot be read: {message}"),
        "remove the node and add it again, which writes the file anew",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(condition: &str, taints: Value, ready: &str) -> Node {
        serde_json::from_value(json!({
            "metadata": {"name": "worker-1"},
            "spec": {"taints": taints},
            "status": {"conditions": [
                {"type": "DiskPressure", "status": condition},
                {"type": "MemoryPressure", "status": "False"},
                {"type": "Ready", "status": ready},
            ]},
        }))
        .unwrap()
    }

    #[test]
    fn a_pressure_is_a_soft_threshold_that_evicts_nobody_and_goes_without_a_trace() {
        let plain = r#"{"kind": "KubeletConfiguration", "evictionHard": {"memory.available": "0%"},
            "localStorageCapacityIsolation": false}"#;
        let disk = changed(plain, Pressure::Disk, true).unwrap().unwrap();
        let both = changed(&disk, Pressure::Memory, true).unwrap().unwrap();
        insta::assert_snapshot!(both, @r#"
        {
          "evictionHard": {
            "memory.available": "0%"
          },
          "evictionSoft": {
            "memory.available": "1Ei",
            "nodefs.available": "1Ei"
          },
          "evictionSoftGracePeriod": {
            "memory.available": "8760h",
            "nodefs.available": "8760h"
          },
          "kind": "KubeletConfiguration",
          "localStorageCapacityIsolation": true
        }
        "#);
        assert_eq!(changed(&both, Pressure::Memory, true), Ok(None), "it is there already");
        let disk_again = changed(&both, Pressure::Memory, false).unwrap().unwrap();
        assert_eq!(disk_again, disk);
        let none = changed(&disk, Pressure::Disk, false).unwrap().unwrap();
        assert!(none.contains(r#""localStorageCapacityIsolation": false"#), "{none}");
        assert_eq!(changed(plain, Pressure::Pid, false), Ok(None), "there is none");
        let yaml = changed("kind: KubeletConfiguration\nfailSwapOn: false\n", Pressure::Disk, true).unwrap().unwrap();
        assert!(yaml.contains(r#""failSwapOn": false"#), "as kubeadm writes it: {yaml}");
        assert!(changed("evictionSoft: [", Pressure::Disk, true).is_err());
        assert!(changed("[]", Pressure::Disk, true).is_err());
    }

    #[test]
    fn condition_taint_and_readiness_all_count() {
        let taint = || json!([{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}]);
        let all = [
            lacking(&node("True", taint(), "True"), Pressure::Disk, true),
            lacking(&node("False", taint(), "True"), Pressure::Disk, true),
            lacking(&node("True", json!([]), "True"), Pressure::Disk, true),
            lacking(&node("True", taint(), "False"), Pressure::Disk, true),
            lacking(&node("False", json!([]), "True"), Pressure::Disk, false),
            lacking(&node("False", taint(), "True"), Pressure::Disk, false),
            lacking(&node("False", json!([]), "True"), Pressure::Pid, false),
        ];
        let all: Vec<String> = all.into_iter().map(|why| why.unwrap_or_else(|| "done".into())).collect();
        insta::assert_snapshot!(all.join("\n"), @r"
        done
        its kubelet reports DiskPressure=False
        its taint `node.kubernetes.io/disk-pressure` is not there yet
        it is not Ready
        done
        its taint `node.kubernetes.io/disk-pressure` is still there
        its kubelet reports PIDPressure=unknown
        ");
    }
}
