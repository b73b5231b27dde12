//! Why a node is not eligible: what the controller decides, with near misses.

use k8s_openapi::api::core::v1::{Node, PodSpec};

use super::{Cause, Finding, Look};
use crate::{
    diagnostic::nearest,
    oracle::{Eligibility, Ineligible},
    scenario::Taint,
    world::view,
};

impl Look<'_> {
    /// A finding for each reason.
    pub(super) fn placement(self, node: &Node, eligibility: &Eligibility) -> Vec<Finding> {
        eligibility.reasons.iter().map(|reason| self.reason(node, reason)).collect()
    }

    fn reason(self, node: &Node, reason: &Ineligible) -> Finding {
        let name = view::name_of(&node.metadata);
        let object = format!("node {name}");
        match reason {
            Ineligible::NodeNameMismatch { wanted } => {
                Finding::proven(Cause::NodeNameMismatch, object, format!("the template names node `{wanted}`"))
                    .seen("spec.template.spec.nodeName", wanted)
                    .remedy("remove `nodeName` from the template, or leave it so if only that node is meant")
            }
            Ineligible::NodeSelector { key, wanted, found } => selector(node, key, wanted, found.as_deref()),
            Ineligible::Affinity { unmatched } => {
                let mut finding = Finding::proven(Cause::NodeAffinityMismatch, object, reason.to_string());
                for term in unmatched {
                    finding = finding.seen("requiredDuringSchedulingIgnoredDuringExecution", term);
                }
                if unmatched.is_empty() {
                    finding = finding
                        .seen("requiredDuringSchedulingIgnoredDuringExecution", "it has no term with a requirement");
                }
                finding.remedy("label the node so that one term matches, or change the term")
            }
            Ineligible::Taint { taint } => self.taint(&object, taint),
        }
    }

    /// A taint that is not tolerated, whether or not there is a pod already.
    pub(super) fn taint(self, object: &str, taint: &Taint) -> Finding {
        let finding = Finding::proven(Cause::TaintNotTolerated, object, format!("taint `{taint}` is not tolerated"))
            .seen("spec.taints", taint.to_string());
        let tolerations = self.template().and_then(|spec| spec.tolerations.as_deref()).unwrap_or_default();
        let keys: Vec<&str> = tolerations.iter().filter_map(|toleration| toleration.key.as_deref()).collect();
        let near =
            if keys.contains(&taint.key.as_str()) { Some(taint.key.as_str()) } else { nearest(&taint.key, keys) };
        let Some(near) = near else {
            return finding
                .remedy(format!("tolerate it, or remove it from the {object}"))
                .command(self.toleration(taint));
        };
        let same = tolerations.iter().filter(|toleration| toleration.key.as_deref() == Some(near));
        let mut finding = finding;
        for toleration in same {
            let text = serde_json::to_string(toleration).unwrap_or_default();
            finding = finding.seen("spec.template.spec.tolerations", format!("{text} does not match it"));
        }
        finding
            .remedy("correct the toleration that nearly matches: key, value and effect must agree")
            .command(self.toleration(taint))
    }

    fn toleration(self, taint: &Taint) -> String {
        let (namespace, name) = self.reference.key();
        let toleration = serde_json::json!({"key": taint.key, "operator": "Exists", "effect": taint.effect.as_str()});
        let has = self.template().is_some_and(|spec| spec.tolerations.is_some());
        let (path, value) = if has {
            ("/spec/template/spec/tolerations/-", toleration)
        } else {
            ("/spec/template/spec/tolerations", serde_json::json!([toleration]))
        };
        let patch = serde_json::json!([{"op": "add", "path": path, "value": value}]);
        format!("kubectl -n {namespace} patch daemonset {name} --type=json -p '{patch}'")
    }

    pub(super) fn template(&self) -> Option<&PodSpec> {
        self.daemon_set.spec.as_ref()?.template.spec.as_ref()
    }
}

fn selector(node: &Node, key: &str, wanted: &str, found: Option<&str>) -> Finding {
    let name = view::name_of(&node.metadata);
    let what = match found {
        Some(found) => format!("label `{key}` is `{found}`, and `nodeSelector` wants `{wanted}`"),
        None => format!("label `{key}` is missing, and `nodeSelector` wants `{wanted}`"),
    };
    let mut finding = Finding::proven(Cause::NodeSelectorMismatch, format!("node {name}"), what)
        .seen("spec.template.spec.nodeSelector", format!("{key}: {wanted}"));
    let labels = node.metadata.labels.iter().flatten();
    let near = match found {
        // Names of nodes are alike and are meant.
        Some(_) if key == "kubernetes.io/hostname" => None,
        Some(found) => nearest(wanted, [found]).map(|_| (key.to_owned(), found.to_owned())),
        None => {
            let by_key = nearest(key, labels.clone().map(|(key, _)| key.as_str())).map(str::to_owned);
            // A wrong prefix is a near miss too: `node-type` for `example.com/node-type`.
            let tail = |key: &str| key.rsplit('/').next().unwrap_or_default().to_owned();
            let by_tail = || labels.clone().map(|(key, _)| key).find(|other| tail(other) == tail(key)).cloned();
            by_key.or_else(by_tail).and_then(|near| {
                let value = node.metadata.labels.as_ref()?.get(&near)?;
                Some((near, value.clone()))
            })
        }
    };
    if let Some((key, value)) = near {
        finding.what = format!("{}; it has `{key}: {value}`, which is nearly that", finding.what);
        finding = finding.seen("metadata.labels", format!("{key}: {value}"));
    }
    let overwrite = if found.is_some() { "--overwrite " } else { "" };
    finding
        .remedy("label the node, if it is meant, or correct `nodeSelector`")
        .command(format!("kubectl label {overwrite}node {name} {key}={wanted}"))
}
