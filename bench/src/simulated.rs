//! One round with many nodes: 500 simulated ones beside a control plane, and a DaemonSet on each of them.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rollcall::{
    Cluster,
    model::{Condition, DaemonSetRef, scenario::SimulatedNodes},
};
use serde_json::{Value, json};

use crate::{judging, weight};

/// How many nodes there are; the control plane has a taint and no pod.
const NODES: u32 = 500;
pub(crate) const IMAGE: &str = "rollcall/agent:1";
/// Other work on the machine makes it slow, and a benchmark that ends has a figure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(300);

/// The word that makes this program do one round and nothing else.
pub(crate) const ROUND: &str = "simulated-round";

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

/// Does a round in a process of its own, whose memory holds nothing of the rounds before.
pub(crate) fn measure(figures: &mut Figures) -> Result<()> {
    let program = std::env::current_exe().context("where this program is")?;
    let output = Command::new(&program).arg(ROUND).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("could not run `{}`", program.display()))?;
    ensure!(output.status.success(), "`{} {ROUND}` ended with {}", program.display(), output.status);
    let round: Value = serde_json::from_slice(&output.stdout)?;
    let figure = |name: &str| round[name].as_u64().with_context(|| format!("no `{name}` in {round}"));
    figures.daemon_set_ready.push(Duration::from_micros(figure("ready")?));
    figures.judged_half.push(Duration::from_micros(figure("half")?));
    figures.judged_most.push(Duration::from_micros(figure("most")?));
    figures.harness_bytes.push(figure("bytes")?);
    Ok(())
}

/// One round, as microseconds and bytes.
pub(crate) async fn round() -> Result<Value> {
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
    let ready = started.elapsed();
    let bytes = weight::resident_bytes()?;

    let world = cluster.world();
    let pods = world.daemon_set(&daemon_set).map_or(0, |found| world.pods_of(found).len());
    ensure!(u32::try_from(pods) == Ok(NODES), "{pods} pods on {NODES} nodes");
    // The watches would go on beside it.
    cluster.destroy().await?;
    let times = judging::measure(world, &daemon_set)?;
    let (half, most) = (judging::percentile(&times, 50), judging::percentile(&times, 99));
    Ok(json!({"ready": micros(ready), "half": micros(half), "most": micros(most), "bytes": bytes}))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

pub(crate) fn object(name: &str) -> Value {
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
