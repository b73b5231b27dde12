//! What the objects of a simulated node look like.

use rollcall_model::{
    Taint,
    scenario::{MAX_NODE_NAME, SimulatedNodes, names},
};
use serde_json::{Map, Value, json};

use super::SIMULATED_LABEL;
use crate::{
    cluster::registration::api_taint,
    distro::PROVIDER,
    error::{Error, Result},
};

/// What a node offers unless its group says otherwise: more than a test's pods ask for.
const ALLOCATABLE: &[(&str, &str)] =
    &[("cpu", "32"), ("memory", "256Gi"), ("pods", "110"), ("ephemeral-storage", "1Ti")];

/// The Node object of the number-th node of a group, as a kubelet would register it but for its conditions, which are
/// kwok's to set: a node that nobody keeps alive is not Ready.
pub(super) fn object(group: &SimulatedNodes, number: u32, kubelet_version: &str) -> Value {
    let name = name(&group.name, number);
    let mut labels: Map<String, Value> = Map::from_iter([
        ("kubernetes.io/hostname".to_owned(), json!(name)),
        ("kubernetes.io/os".to_owned(), json!("linux")),
        ("kubernetes.io/arch".to_owned(), json!("amd64")),
    ]);
    labels.extend(group.labels.iter().map(|(key, value)| (key.clone(), json!(value))));
    labels.insert(SIMULATED_LABEL.to_owned(), json!(group.name));
    let mut offered: Map<String, Value> =
        ALLOCATABLE.iter().map(|(resource, quantity)| ((*resource).to_owned(), json!(quantity))).collect();
    offered.extend(group.allocatable.iter().map(|(resource, quantity)| (resource.clone(), json!(quantity))));
    let taints: Vec<_> = group.taints.iter().map(api_taint).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"providerID": format!("{PROVIDER}simulated/{name}"), "taints": taints},
        "status": {
            "addresses": [{"type": "Hostname", "address": name}],
            "allocatable": offered,
            "capacity": offered,
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "kwok://simulated",
                "kernelVersion": "simulated",
                "kubeProxyVersion": "",
                "kubeletVersion": kubelet_version,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "simulated",
                "systemUUID": "",
            },
        },
    })
}

/// The name of the number-th node of a group.
pub(super) fn name(group: &str, number: u32) -> String {
    format!("{group}-{number}")
}

/// Fails where a group can be none, or its nodes would have the name of a real one.
pub(in crate::cluster) fn check<'a>(group: &SimulatedNodes, real: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let what = || format!("simulated nodes `{}`", group.name);
    names::dns_label(&group.name).map_err(|why| Error::usage(format!("the name of {} {why}", what())))?;
    if group.name.len() > MAX_NODE_NAME {
        return Err(Error::usage(format!("the name of {} is longer than {MAX_NODE_NAME} characters", what())));
    }
    if group.count == 0 {
        return Err(Error::usage_hint(format!("{} are none at all", what()), "give a `count` of at least 1"));
    }
    for (key, value) in &group.labels {
        names::qualified_name(key).map_err(|why| Error::usage(format!("label key `{key}` of {} {why}", what())))?;
        names::label_value(value).map_err(|why| Error::usage(format!("label value `{value}` of {} {why}", what())))?;
    }
    for Taint { key, .. } in &group.taints {
        names::qualified_name(key).map_err(|why| Error::usage(format!("taint key `{key}` of {} {why}", what())))?;
    }
    let taken = real.into_iter().find(|name| super::number_of(&group.name, name).is_some_and(|n| n <= group.count));
    match taken {
        None => Ok(()),
        Some(name) => Err(Error::usage_hint(
            format!("{} would have a node `{name}`, and there is a real one of that name", what()),
            "give the group another name",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rollcall_model::TaintEffect;

    use super::*;

    fn group() -> SimulatedNodes {
        SimulatedNodes {
            name: "sim".into(),
            count: 3,
            labels: BTreeMap::from([("pool".into(), "big".into()), ("kubernetes.io/arch".into(), "arm64".into())]),
            taints: vec![Taint { key: "dedicated".into(), value: "gpu".into(), effect: TaintEffect::NoSchedule }],
            allocatable: BTreeMap::from([("cpu".into(), "4".into()), ("example.com/gpu".into(), "8".into())]),
            fault: None,
        }
    }

    #[test]
    fn a_node_has_what_its_group_says_and_defaults_for_the_rest() {
        insta::assert_snapshot!(format!("{:#}", object(&group(), 2, "v1.37.2")), @r#"
        {
          "apiVersion": "v1",
          "kind": "Node",
          "metadata": {
            "labels": {
              "kubernetes.io/arch": "arm64",
              "kubernetes.io/hostname": "sim-2",
              "kubernetes.io/os": "linux",
              "pool": "big",
              "rollcall.dev/simulated": "sim"
            },
            "name": "sim-2"
          },
          "spec": {
            "providerID": "rollcall://simulated/sim-2",
            "taints": [
              {
                "effect": "NoSchedule",
                "key": "dedicated",
                "value": "gpu"
              }
            ]
          },
          "status": {
            "addresses": [
              {
                "address": "sim-2",
                "type": "Hostname"
              }
            ],
            "allocatable": {
              "cpu": "4",
              "ephemeral-storage": "1Ti",
              "example.com/gpu": "8",
              "memory": "256Gi",
              "pods": "110"
            },
            "capacity": {
              "cpu": "4",
              "ephemeral-storage": "1Ti",
              "example.com/gpu": "8",
              "memory": "256Gi",
              "pods": "110"
            },
            "nodeInfo": {
              "architecture": "amd64",
              "bootID": "",
              "containerRuntimeVersion": "kwok://simulated",
              "kernelVersion": "simulated",
              "kubeProxyVersion": "",
              "kubeletVersion": "v1.37.2",
              "machineID": "",
              "operatingSystem": "linux",
              "osImage": "simulated",
              "systemUUID": ""
            }
          }
        }
        "#);
    }

    #[test]
    fn a_group_cannot_take_the_mark_of_simulated_nodes_for_itself() {
        let mut group = group();
        group.labels.insert(SIMULATED_LABEL.into(), "other".into());
        assert_eq!(object(&group, 1, "v1.37.2")["metadata"]["labels"][SIMULATED_LABEL], "sim");
    }

    #[test]
    fn what_can_be_no_group_is_refused_with_the_reason() {
        let refused = |change: &dyn Fn(&mut SimulatedNodes)| {
            let mut group = group();
            change(&mut group);
            let error = check(&group, ["control-plane", "sim-2", "sim-4"]).unwrap_err();
            format!("{error} (hint: {})", error.hint().unwrap_or_default())
        };
        let all = [
            refused(&|group| group.name = "Sim".into()),
            refused(&|group| group.name = "s".repeat(41)),
            refused(&|group| group.count = 0),
            refused(&|group| drop(group.labels.insert("a b".into(), String::new()))),
            refused(&|group| drop(group.labels.insert("a".into(), "b c".into()))),
            refused(&|group| group.taints[0].key = "/".into()),
            refused(&|_| ()),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        the name of simulated nodes `Sim` may hold only lower case letters, digits and `-` (hint: )
        the name of simulated nodes `sssssssssssssssssssssssssssssssssssssssss` is longer than 40 characters (hint: )
        simulated nodes `sim` are none at all (hint: give a `count` of at least 1)
        label key `a b` of simulated nodes `sim` may hold only letters, digits, `-`, `_` and `.` (hint: )
        label value `b c` of simulated nodes `sim` may hold only letters, digits, `-`, `_` and `.` (hint: )
        taint key `/` of simulated nodes `sim` has a prefix that is empty (hint: )
        simulated nodes `sim` would have a node `sim-2`, and there is a real one of that name (hint: give the group another name)
        ");
        assert!(check(&group(), ["sim-4", "sim-a-1", "sim"]).is_ok(), "these are not of the group");
    }
}
