//! A group of simulated nodes joins.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::api::core::v1::Node;
use kube::{Api, api::PostParams};
use rollcall_model::{Judgement, NodeReport, Report, World, scenario::SimulatedNodes, world::view};

use super::{bounded, node, stages};
use crate::{
    clock,
    cluster::{Cluster, VERB_DEADLINE, registration::not_ready_taint},
    error::{Error, KubernetesContext, Result, chain},
    patience,
};

/// How many nodes a message names.
const NAMED: usize = 8;

impl Cluster {
    /// Adds a group of simulated nodes, `NAME-1` to `NAME-COUNT`, and returns how long it took until pods could be put
    /// on every one of them.
    ///
    /// # Errors
    /// When the cluster was made without them, the group makes no sense or is there already, a real node has such a
    /// name, or a node does not become Ready; nothing of the group is left then.
    pub async fn add_simulated_nodes(&self, group: &SimulatedNodes, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        self.needs_simulation()?;
        let real = self.node_names().await;
        node::check(group, real.iter().map(String::as_str))?;
        if self.simulated_groups().await?.contains_key(&group.name) {
            return Err(Error::usage_hint(
                format!("cluster `{}` has simulated nodes `{}` already", self.name(), group.name),
                "scale them, or give these another name",
            ));
        }
        let made = async {
            self.remember_simulated_group(group).await?;
            // Before its nodes, so that the first pod there finds it.
            for stage in group.fault.iter().flat_map(|fault| stages::faulty(&group.name, *fault)) {
                self.put_stage(&stage).await?;
            }
            self.make_simulated_nodes(group, 1..=group.count, deadline.saturating_sub(started.elapsed())).await
        };
        if let Err(error) = made.await {
            // Its failure must not hide the first one.
            if let Err(second) = self.undo_simulated_nodes(group).await {
                tracing::warn!(
                    group = group.name,
                    error = chain(&second),
                    "could not remove simulated nodes that did not come up"
                );
            }
            return Err(error);
        }
        Ok(started.elapsed())
    }

    async fn undo_simulated_nodes(&self, group: &SimulatedNodes) -> Result<()> {
        let names = super::members(self, &group.name).await?.into_iter().map(|(_, name)| name).collect();
        self.forget_simulated_nodes(&names, patience::stretched(VERB_DEADLINE)).await?;
        self.forget_simulated_group(&group.name).await
    }

    /// Makes the nodes with these numbers and waits until pods can be put on them.
    pub(super) async fn make_simulated_nodes(
        &self,
        group: &SimulatedNodes,
        numbers: impl Iterator<Item = u32>,
        deadline: Duration,
    ) -> Result<()> {
        let started = clock::instant();
        // The nodes' programs are of the version of everything else.
        let version = self.made()?.distro.image().rsplit(':').next().unwrap_or_default();
        let nodes: Api<Node> = Api::all(self.client.clone());
        let made = numbers.map(|number| {
            let (nodes, object) = (&nodes, node::object(group, number, version));
            let name = node::name(&group.name, number);
            async move {
                let doing = || format!("simulated node `{name}`");
                let made: Node =
                    serde_json::from_value(object).map_err(kube::Error::SerdeError).doing("describe", doing)?;
                nodes.create(&PostParams::default(), &made).await.doing("make", doing)?;
                Ok(name)
            }
        });
        let names: BTreeSet<String> = bounded(made).await?.into_iter().collect();
        let what = format!("simulated nodes `{}` ready for use", group.name);
        let left = deadline.saturating_sub(started.elapsed());
        self.observer.wait(what, left, |world, _| all_usable(world, &names)).await.map(drop)
    }
}

fn all_usable(world: &World, names: &BTreeSet<String>) -> Judgement {
    let mut count = 0;
    let mut nodes = Vec::new();
    for name in names {
        if let Some(what) = not_usable(world, name) {
            count += 1;
            if nodes.len() < NAMED {
                nodes.push(NodeReport { node: name.clone(), what });
            }
        }
    }
    if count == 0 {
        return Judgement::Done;
    }
    let summary = format!("{count} of {} simulated nodes are not ready for use", names.len());
    Judgement::NotYet(Report { summary, nodes })
}

/// Why pods cannot be put on a node yet.
fn not_usable(world: &World, name: &str) -> Option<String> {
    let Some(node) = world.nodes.get(name) else { return Some("it is not registered".into()) };
    if !view::is_node_ready(node) {
        return Some("kwok has not made it Ready".into());
    }
    not_ready_taint(node).map(|taint| format!("it still has taint `{}:{}`", taint.key, taint.effect))
}

#[cfg(test)]
mod tests {
    use rollcall_model::Change;
    use serde_json::json;

    use super::*;

    fn world(ready: &str, taints: serde_json::Value) -> World {
        let mut world = World::new();
        let node: Node = serde_json::from_value(json!({
            "metadata": {"name": "sim-1"},
            "spec": {"taints": taints},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }))
        .unwrap();
        world.apply(Change::Set(node.into()));
        world
    }

    fn judged(world: &World, names: &[&str]) -> String {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        all_usable(world, &names).report().map_or_else(|| "done".to_owned(), ToString::to_string)
    }

    #[test]
    fn a_node_is_of_use_when_it_is_ready_and_no_taint_says_otherwise() {
        let not_ready = json!([{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]);
        let own = json!([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]);
        let all = [
            judged(&world("True", own), &["sim-1"]),
            judged(&world("Unknown", json!([])), &["sim-1"]),
            judged(&world("True", not_ready), &["sim-1", "sim-2"]),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        done
        1 of 1 simulated nodes are not ready for use
          `sim-1`: kwok has not made it Ready
        2 of 2 simulated nodes are not ready for use
          `sim-1`: it still has taint `node.kubernetes.io/not-ready:NoSchedule`
          `sim-2`: it is not registered
        ");
    }
}
