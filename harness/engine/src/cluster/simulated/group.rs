//! What a group of simulated nodes is, remembered in the cluster: groups grow later, by other processes too, and with
//! what they began with, whatever has been done to their nodes since.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use rollcall_model::{
    Taint,
    scenario::{SimulatedFault, SimulatedNodes},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Cluster;
use crate::error::{Error, KubernetesContext, Result};

const NAMESPACE: &str = "kube-system";
/// A key a group.
const CONFIG_MAP: &str = "rollcall-simulated-nodes";

/// A group as it is written down; its name is the key, and its count is that of its nodes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    labels: BTreeMap<String, String>,
    taints: Vec<Taint>,
    allocatable: BTreeMap<String, String>,
    fault: Option<Fault>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Fault {
    NeverReady,
    SlowMilliseconds(u64),
    Crash,
}

/// A group as text.
fn write(group: &SimulatedNodes) -> String {
    let fault = group.fault.map(|fault| match fault {
        SimulatedFault::NeverReady => Fault::NeverReady,
        SimulatedFault::Slow(after) => Fault::SlowMilliseconds(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        SimulatedFault::Crash => Fault::Crash,
    });
    let record = Record {
        labels: group.labels.clone(),
        taints: group.taints.clone(),
        allocatable: group.allocatable.clone(),
        fault,
    };
    json!(record).to_string()
}

/// A group from its text.
fn read(name: &str, text: &str) -> Result<SimulatedNodes> {
    let record: Record = serde_json::from_str(text).map_err(|error| {
        Error::usage_hint(
            format!("ConfigMap `{NAMESPACE}/{CONFIG_MAP}` does not say what simulated nodes `{name}` are: {error}"),
            "another version of rollcall wrote it, or somebody edited it; make the cluster anew",
        )
    })?;
    let fault = record.fault.map(|fault| match fault {
        Fault::NeverReady => SimulatedFault::NeverReady,
        Fault::SlowMilliseconds(after) => SimulatedFault::Slow(std::time::Duration::from_millis(after)),
        Fault::Crash => SimulatedFault::Crash,
    });
    Ok(SimulatedNodes {
        name: name.to_owned(),
        count: 0,
        labels: record.labels,
        taints: record.taints,
        allocatable: record.allocatable,
        fault,
    })
}

impl Cluster {
    /// The text of each group, by name.
    pub(super) async fn simulated_groups(&self) -> Result<BTreeMap<String, String>> {
        let found = self.records().get_opt(CONFIG_MAP).await.doing("read", object)?;
        Ok(found.and_then(|found| found.data).unwrap_or_default())
    }

    /// A group by its name.
    ///
    /// # Errors
    /// When there is none, with the name that was probably meant.
    pub(super) async fn simulated_group(&self, name: &str) -> Result<SimulatedNodes> {
        let groups = self.simulated_groups().await?;
        if let Some(text) = groups.get(name) {
            return read(name, text);
        }
        let names: Vec<&str> = groups.keys().map(String::as_str).collect();
        let hint = match rollcall_model::diagnostic::nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "there are none; add some first".to_owned(),
            None => format!("there are {}", names.join(", ")),
        };
        Err(Error::usage_hint(format!("cluster `{}` has no simulated nodes `{name}`", self.name()), hint))
    }

    /// Writes a group down.
    pub(super) async fn remember_simulated_group(&self, group: &SimulatedNodes) -> Result<()> {
        self.change_record(&group.name, Value::String(write(group))).await
    }

    /// Forgets a group.
    pub(super) async fn forget_simulated_group(&self, name: &str) -> Result<()> {
        self.change_record(name, Value::Null).await
    }

    async fn change_record(&self, name: &str, value: Value) -> Result<()> {
        // Created where it is not there yet; a patch of one key leaves the others alone.
        let empty = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG_MAP}});
        let records = self.records();
        let create = PatchParams::apply("rollcall").force();
        records.patch(CONFIG_MAP, &create, &Patch::Apply(empty)).await.doing("make", object)?;
        let change = json!({"data": {name: value}});
        records
            .patch(CONFIG_MAP, &PatchParams::default(), &Patch::Merge(change))
            .await
            .map(drop)
            .doing("change", object)
    }

    fn records(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }
}

fn object() -> String {
    format!("configmap `{NAMESPACE}/{CONFIG_MAP}`")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rollcall_model::TaintEffect;

    use super::*;

    fn group(fault: Option<SimulatedFault>) -> SimulatedNodes {
        SimulatedNodes {
            name: "sim".into(),
            count: 0,
            labels: BTreeMap::from([("pool".into(), "big".into())]),
            taints: vec![Taint { key: "dedicated".into(), value: "gpu".into(), effect: TaintEffect::NoSchedule }],
            allocatable: BTreeMap::from([("cpu".into(), "4".into())]),
            fault,
        }
    }

    #[test]
    fn a_group_is_the_same_after_it_was_written_down() {
        for fault in [
            None,
            Some(SimulatedFault::NeverReady),
            Some(SimulatedFault::Slow(Duration::from_millis(1500))),
            Some(SimulatedFault::Crash),
        ] {
            assert_eq!(read("sim", &write(&group(fault))).unwrap(), group(fault));
        }
    }

    #[test]
    fn a_record_of_another_version_is_told_as_that() {
        let error = read("sim", r#"{"labels": {}, "colour": "blue"}"#).unwrap_err();
        insta::assert_snapshot!(error, @"ConfigMap `kube-system/rollcall-simulated-nodes` does not say what simulated nodes `sim` are: unknown field `colour`, expected one of `labels`, `taints`, `allocatable`, `fault` at line 1 column 23");
    }
}
