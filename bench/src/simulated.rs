//! One round with many nodes: 500 simulated ones beside a control plane, and a DaemonSet on each of them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use rollcall::{
    Cluster,
    model::{Condition, DaemonSetRef, scenario::SimulatedNodes},
};
use serde_json::json;

use crate::{judging, weight};

/// How many nodes there are; the control plane has a taint and no pod.
const NODES: u32 = 500;
const IMAGE: &str = "rollcall/agent:1";
/// Other work on the machine makes it slow, and a benchmark that ends has a figure.
const DEADLINE: Duration = Duration::from_secs(300);

/// Every figure of every round.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) daemon_set_ready: Vec<Duration>,
    /// Half of the changes are judged within this time.
    pub(crate) judged_half: Vec<Duration>,
    /// And 99 of a hundred within this.
    pub(crate) judged_most: Vec<Duration>,
    pub(crate) harness_bytes: Vec<u64>,
}

pub(crate) async fn measure(figures: &mut Figures) -> Result<()> {
    let group = SimulatedNodes {
        name: "sim".into(),
        count: NODES,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        allocatable: BTreeMap::new(),
        fault: None,
    };
    let cluster = Cluster::builder().image(IMAGE).simulated(group).start().await?;
    let daemon_set = DaemonSetRef::new("everywhere");
    let started = Instant::now();
    cluster.apply(&[object(&daemon_set.name)]).await?;
    cluster.wait(&Condition::Converged { daemon_set: daemon_set.clone(), allow_none: false }, DEADLINE).await?;
    figures.daemon_set_ready.push(started.elapsed());
    figures.harness_bytes.push(weight::resident_bytes()?);

    let world = cluster.world();
    let pods = world.daemon_set(&daemon_set).map_or(0, |found| world.pods_of(found).len());
    ensure!(u32::try_from(pods) == Ok(NODES), "{pods} pods on {NODES} nodes");
    let times = judging::measure(world, &daemon_set)?;
    figures.judged_half.push(judging::percentile(&times, 50));
    figures.judged_most.push(judging::percentile(&times, 99));
    cluster.destroy().await?;
    Ok(())
}

fn object(name: &str) -> serde_json::Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "agent", "image": IMAGE}]},
            },
        },
    })
}
