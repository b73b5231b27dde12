//! Taints, labels and schedulability of a node.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::api::core::v1::{Node, Taint};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use rollcall_model::{Judgement, NodeReport, Report, TaintEffect};
use serde_json::{Value, json};

use super::{Cluster, VERB_DEADLINE, registration::api_taint};
use crate::{
    attach::Undo,
    clock,
    error::{Error, KubernetesContext, Result},
    patience,
};

impl Cluster {
    /// Sets a taint; one with the same key and effect is replaced.
    ///
    /// # Errors
    /// When there is no such node or the API server refuses.
    pub async fn taint_node(&self, node: &str, taint: &rollcall_model::Taint) -> Result<Duration> {
        let new = api_taint(taint);
        self.record_taints(node, &taint.key).await?;
        self.change_taints(node, |taints| {
            taints.retain(|old| old.key != new.key || old.effect != new.effect);
            taints.push(new.clone());
        })
        .await
    }

    /// Removes the taints with this key, or the one with this key and effect.
    ///
    /// # Errors
    /// When there is no such node or no such taint, or the API server refuses.
    pub async fn untaint_node(&self, node: &str, key: &str, effect: Option<TaintEffect>) -> Result<Duration> {
        let matches = |taint: &Taint| taint.key == key && effect.is_none_or(|effect| effect.as_str() == taint.effect);
        let current = self.get_node(node).await?;
        if !taints_of(&current).iter().any(matches) {
            let there: Vec<String> =
                taints_of(&current).iter().map(|taint| format!("`{}:{}`", taint.key, taint.effect)).collect();
            let wanted = effect.map_or_else(|| key.to_owned(), |effect| format!("{key}:{effect}"));
            return Err(Error::usage_hint(
                format!("node `{node}` has no taint `{wanted}`"),
                if there.is_empty() { "it has none".to_owned() } else { format!("it has {}", there.join(", ")) },
            ));
        }
        self.record_taints(node, key).await?;
        self.change_taints(node, |taints| taints.retain(|taint| !matches(taint))).await
    }

    /// A guest writes down what it changes.
    async fn record_taints(&self, node: &str, key: &str) -> Result<()> {
        let Some(attached) = self.attached() else { return Ok(()) };
        attached.record_taints(&self.get_node(node).await?, vec![key.to_owned()]).await
    }

    async fn record_labels(&self, node: &str, keys: impl Iterator<Item = &str>) -> Result<()> {
        let Some(attached) = self.attached() else { return Ok(()) };
        let labels = self.get_node(node).await?.metadata.labels.unwrap_or_default();
        let were = keys.map(|key| (key.to_owned(), labels.get(key).cloned())).collect();
        attached.record(&Undo::Labels { node: node.to_owned(), were }).await
    }

    async fn record_schedulability(&self, node: &str) -> Result<()> {
        let Some(attached) = self.attached() else { return Ok(()) };
        let was = self.get_node(node).await?.spec.and_then(|spec| spec.unschedulable).unwrap_or(false);
        attached.record(&Undo::Unschedulable { node: node.to_owned(), was }).await
    }

    async fn change_taints(&self, node: &str, change: impl Fn(&mut Vec<Taint>)) -> Result<Duration> {
        let started = clock::instant();
        loop {
            let current = self.get_node(node).await?;
            let mut taints = taints_of(&current);
            change(&mut taints);
            // The version makes sure that a taint which a controller sets meanwhile is not lost.
            let patch = json!({
                "metadata": {"resourceVersion": current.metadata.resource_version},
                "spec": {"taints": taints},
            });
            match self.nodes().patch(node, &PatchParams::default(), &Patch::Merge(patch)).await {
                Ok(changed) => {
                    self.seen(node, &changed).await?;
                    return Ok(started.elapsed());
                }
                Err(kube::Error::Api(status)) if status.is_conflict() => {}
                Err(error) => return Err(error).doing("taint", || format!("node `{node}`")),
            }
        }
    }

    /// Sets labels.
    ///
    /// # Errors
    /// When there is no such node or the API server refuses.
    pub async fn label_node(&self, node: &str, labels: &BTreeMap<String, String>) -> Result<Duration> {
        self.record_labels(node, labels.keys().map(String::as_str)).await?;
        self.patch_node(node, "label", json!({"metadata": {"labels": labels}})).await
    }

    /// Removes labels; one that is not there is no error.
    ///
    /// # Errors
    /// When there is no such node or the API server refuses.
    pub async fn unlabel_node(&self, node: &str, keys: &[String]) -> Result<Duration> {
        self.record_labels(node, keys.iter().map(String::as_str)).await?;
        let labels: BTreeMap<&str, Value> = keys.iter().map(|key| (key.as_str(), Value::Null)).collect();
        self.patch_node(node, "unlabel", json!({"metadata": {"labels": labels}})).await
    }

    /// Makes a node unschedulable.
    ///
    /// # Errors
    /// When there is no such node or the API server refuses.
    pub async fn cordon_node(&self, node: &str) -> Result<Duration> {
        self.set_unschedulable(node, true).await
    }

    /// Makes a node schedulable.
    ///
    /// # Errors
    /// When there is no such node or the API server refuses.
    pub async fn uncordon_node(&self, node: &str) -> Result<Duration> {
        self.set_unschedulable(node, false).await
    }

    /// The taint of an unschedulable node is set and removed by a controller a moment later; it is part of the result.
    async fn set_unschedulable(&self, node: &str, unschedulable: bool) -> Result<Duration> {
        const TAINT: &str = "node.kubernetes.io/unschedulable";
        let started = clock::instant();
        let action = if unschedulable { "cordon" } else { "uncordon" };
        self.record_schedulability(node).await?;
        self.patch_node(node, action, json!({"spec": {"unschedulable": unschedulable}})).await?;
        self.observer
            .wait(format!("{action} of node `{node}`"), patience::stretched(VERB_DEADLINE), |world, _| {
                let Some(found) = world.nodes.get(node) else { return missing(node) };
                if taints_of(found).iter().any(|taint| taint.key == TAINT) == unschedulable {
                    Judgement::Done
                } else {
                    not_yet(
                        node,
                        format!("its taint `{TAINT}` is not {} yet", if unschedulable { "set" } else { "removed" }),
                    )
                }
            })
            .await?;
        Ok(started.elapsed())
    }

    async fn patch_node(&self, node: &str, action: &'static str, patch: Value) -> Result<Duration> {
        let started = clock::instant();
        self.known(node).await?;
        let changed = self
            .nodes()
            .patch(node, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .doing(action, || format!("node `{node}`"))?;
        self.seen(node, &changed).await?;
        Ok(started.elapsed())
    }

    /// Returns when the watches have seen a change that was just made, so that no later question is answered from
    /// before it.
    async fn seen(&self, node: &str, changed: &Node) -> Result<()> {
        let spec = changed.spec.clone();
        let labels = changed.metadata.labels.clone();
        self.observer
            .wait(format!("a change of node `{node}`"), patience::stretched(VERB_DEADLINE), |world, _| {
                match world.nodes.get(node) {
                    None => missing(node),
                    Some(found) if !is_older(found, changed) => Judgement::Done,
                    Some(found) if found.spec == spec && found.metadata.labels == labels => Judgement::Done,
                    Some(_) => not_yet(node, "the change has not been seen yet".into()),
                }
            })
            .await
            .map(drop)
    }

    async fn get_node(&self, node: &str) -> Result<Node> {
        self.known(node).await?;
        self.nodes().get(node).await.doing("read", || format!("node `{node}`"))
    }

    fn nodes(&self) -> Api<Node> {
        Api::all(self.client.clone())
    }
}

/// Whether a resource version is older than another. They are opaque by contract and comparable as numbers since
/// Kubernetes 1.35 (KEP-5504); before that the comparison is only a shortcut beside comparing content.
pub(super) fn is_older(found: &Node, than: &Node) -> bool {
    let number =
        |node: &Node| node.metadata.resource_version.as_deref().and_then(|version| version.parse::<u64>().ok());
    match (number(found), number(than)) {
        (Some(found), Some(than)) => found < than,
        _ => true,
    }
}

fn taints_of(node: &Node) -> Vec<Taint> {
    node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default()
}

fn missing(node: &str) -> Judgement {
    not_yet(node, "it is not registered".into())
}

fn not_yet(node: &str, what: String) -> Judgement {
    Judgement::NotYet(Report {
        summary: format!("node `{node}`: {what}"),
        nodes: vec![NodeReport { node: node.into(), what }],
    })
}
