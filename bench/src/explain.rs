//! A diagnosis of a DaemonSet on 1,000 simulated nodes: everything that it rests on is read anew each time.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use rollcall::{
    Cluster,
    model::{Condition, DaemonSetRef, scenario::SimulatedNodes},
};

use crate::simulated::{DEADLINE, IMAGE, object};

const NODES: u32 = 1000;

/// Makes one cluster and explains so often.
pub(crate) async fn measure(rounds: usize) -> Result<Vec<Duration>> {
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
    cluster.apply(&[object(&daemon_set.name)]).await?;
    cluster.wait(&Condition::Converged { daemon_set: daemon_set.clone(), allow_none: false }, DEADLINE).await?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        let started = Instant::now();
        let found = cluster.explain(&daemon_set).await?;
        times.push(started.elapsed());
        ensure!(found.in_order && u32::try_from(found.nodes.len()) == Ok(NODES + 1), "{found}");
    }
    cluster.destroy().await?;
    Ok(times)
}
