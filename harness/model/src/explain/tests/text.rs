//! How a diagnosis looks to people, with colours and without.

use serde_json::json;

use super::Cluster;
use crate::tone::{Tone, plain};

fn tagged(tone: Tone, text: &str) -> String {
    format!("<{tone:?}>{text}</>")
}

/// One node of each look.
fn mixed() -> Cluster {
    let mut cluster = Cluster::healthy().waiting("ErrImageNeverPull", "Container image \"agent:1\" is not present");
    for name in ["w3", "w4"] {
        cluster.nodes.push(super::node(name));
    }
    cluster.nodes[2]["spec"]["taints"] = json!([{"key": "dedicated", "effect": "NoSchedule"}]);
    cluster.pods.push(super::pod("w4"));
    cluster.pods[2]["metadata"]["labels"]["controller-revision-hash"] = json!("old");
    cluster
}

#[test]
fn states_and_headings_have_looks_of_their_own_and_columns_stay_aligned() {
    let found = mixed().explain();
    insta::assert_snapshot!(found.text(tagged), @r#"
    <Strong>daemonset default/agent: ok on 1 of 3 nodes that are meant</>

    NODE  STATE      POD       WHY
    w1    <Bad>unhealthy</>  agent-w1  image-never-pulled
    w2    <Good>ok</>         agent-w2
    w3    <Faint>not meant</>  -         taint-not-tolerated
    w4    <Pending>outdated</>   agent-w4  update-budget-used-up

    <Strong>image-never-pulled on w1 (proven)</>
      container `agent` may not pull its image, and the node does not have it
      seen: status.containerStatuses[agent].state.waiting: ErrImageNeverPull: Container image "agent:1" is not present
      remedy: bring the image to the node, or set `imagePullPolicy: IfNotPresent`

    <Strong>update-budget-used-up on w4 (proven)</>
      pod `agent-w4` waits: 1 of 1 that may be unavailable are: `w1` (new pod `agent-w1`: image-never-pulled)
      seen: spec.updateStrategy.rollingUpdate.maxUnavailable: 1
      seen: pod default/agent-w1 on w1: image-never-pulled: container `agent` may not pull its image, and the node does not have it
      seen: metadata.labels[controller-revision-hash]: old, and the latest is new
      remedy: see to those pods first; where the new revision is at fault, correct it, or go back to the last
      command: kubectl -n default rollout undo daemonset/agent

    not meant on w3: taint `dedicated:NoSchedule` is not tolerated
    "#);
    assert_eq!(found.text(plain), found.to_string());
    let (with, without) = (found.text(|_, text| format!("\u{1b}[1m{text}\u{1b}[0m")), found.to_string());
    assert_eq!(with.replace("\u{1b}[1m", "").replace("\u{1b}[0m", ""), without);
}
