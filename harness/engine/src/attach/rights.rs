//! Asking the API server whether it would let the run do what it has to.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams};

use super::needs::Right;
use crate::error::{KubernetesContext, Result};

/// A plan asks for some twenty; an API server far away answers each in a round trip.
const AT_ONCE: usize = 8;

/// Those that are denied.
pub(super) async fn missing(client: &Client, namespace: &str, rights: BTreeSet<Right>) -> Result<Vec<Right>> {
    let answers = stream::iter(rights).map(|right| async {
        let allowed = is_allowed(client, namespace, &right).await?;
        Ok((!allowed).then_some(right))
    });
    let denied: Vec<Option<Right>> = answers.buffered(AT_ONCE).try_collect().await?;
    Ok(denied.into_iter().flatten().collect())
}

async fn is_allowed(client: &Client, namespace: &str, right: &Right) -> Result<bool> {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                verb: some(right.verb),
                group: some(&right.group),
                resource: some(&right.resource),
                subresource: some(right.subresource),
                // Without a namespace the question is about all of them.
                namespace: right.in_own.then(|| namespace.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer =
        reviews.create(&PostParams::default(), &review).await.doing("ask for", || format!("the right to {right}"))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
