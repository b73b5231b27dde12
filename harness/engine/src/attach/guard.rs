//! Whether a cluster may be meant at all: one that looks as if people depended on it is not touched by mistake.

use k8s_openapi::api::core::v1::Node;
use rollcall_model::World;

use crate::{
    distro::PROVIDER,
    error::{Error, Result},
};

/// Clusters that somebody tries things on are small.
const MOST_NODES: usize = 5;

/// Refuses a cluster with many nodes that rollcall did not make, unless its context is named a second time.
pub(super) fn check(world: &World, context: &str, meant: Option<&str>) -> Result<()> {
    if let Some(meant) = meant.filter(|meant| *meant != context) {
        return Err(Error::usage(format!("`--yes-i-mean {meant}` names another context than `--context {context}`")));
    }
    let strange = world.nodes.values().filter(|node| !is_of_rollcall(node)).count();
    if strange <= MOST_NODES || meant.is_some() {
        return Ok(());
    }
    Err(Error::usage_hint(
        format!(
            "context `{context}` leads to a cluster of {} nodes that rollcall did not make, which looks like one that \
             people depend on",
            world.nodes.len()
        ),
        format!("if it is the one you mean, say so: `--yes-i-mean {context}`"),
    ))
}

fn is_of_rollcall(node: &Node) -> bool {
    let provider = node.spec.as_ref().and_then(|spec| spec.provider_id.as_deref());
    provider.is_some_and(|provider| provider.starts_with(PROVIDER))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_openapi::{api::core::v1::NodeSpec, apimachinery::pkg::apis::meta::v1::ObjectMeta};

    use super::*;

    fn world(nodes: usize, provider: &str) -> World {
        let mut world = World::default();
        for number in 0..nodes {
            let name = format!("n{number}");
            let spec = NodeSpec { provider_id: Some(format!("{provider}c/{name}")), ..NodeSpec::default() };
            let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
            world.nodes.insert(name, Arc::new(Node { metadata, spec: Some(spec), status: None }));
        }
        world
    }

    #[test]
    fn a_small_cluster_and_one_of_rollcall_may_be_used() {
        assert!(check(&world(5, "aws:///"), "dev", None).is_ok());
        assert!(check(&world(500, PROVIDER), "rollcall-a", None).is_ok());
    }

    #[test]
    fn a_large_one_of_somebody_else_must_be_named_twice() {
        let refused = check(&world(6, "aws:///"), "prod", None).unwrap_err();
        insta::assert_snapshot!(refused, @"context `prod` leads to a cluster of 6 nodes that rollcall did not make, which looks like one that people depend on");
        insta::assert_snapshot!(refused.hint().unwrap_or_default(), @"if it is the one you mean, say so: `--yes-i-mean prod`");
        assert!(check(&world(6, "aws:///"), "prod", Some("prod")).is_ok());
    }

    #[test]
    fn naming_another_context_is_a_mistake_even_where_nothing_had_to_be_named() {
        let refused = check(&world(1, PROVIDER), "dev", Some("prod")).unwrap_err();
        insta::assert_snapshot!(refused, @"`--yes-i-mean prod` names another context than `--context dev`");
    }
}
