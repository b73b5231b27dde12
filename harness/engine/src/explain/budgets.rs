//! PodDisruptionBudgets, which a diagnosis may do without.

use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Client;

use super::collect::{optional, within};
use crate::error::{KubernetesContext, Result};

/// Every budget; those of one namespace alone, or none, and what is not seen so, where no others may be read.
pub(super) async fn budgets(
    client: &Client,
    namespace: Option<&str>,
) -> Result<(Vec<PodDisruptionBudget>, Option<String>)> {
    let doing = || "poddisruptionbudgets".to_owned();
    let why = match optional(within(client, None).await).doing("list", doing)? {
        Ok(budgets) => return Ok((budgets, None)),
        Err(why) => why,
    };
    let unseen = "which may hold up a drain";
    if namespace.is_some()
        && let Ok(budgets) = optional(within(client, namespace).await).doing("list", doing)?
    {
        return Ok((budgets, Some(format!("poddisruptionbudgets of other namespaces, {unseen}: {why}"))));
    }
    Ok((Vec::new(), Some(format!("poddisruptionbudgets, {unseen}: {why}"))))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::json;

    use super::*;

    /// An API server with a budget in `shop` and one in `default`, that lets only some paths be read.
    fn server(allowed: &'static [&'static str]) -> Client {
        let answer = move |request: Request<Body>| {
            let path = request.uri().path().trim_start_matches("/apis/policy/v1/");
            let budget = |namespace: &str| json!({"metadata": {"name": "web", "namespace": namespace}});
            let (code, body) = match path {
                path if !allowed.contains(&path) => (
                    403,
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "reason": "Forbidden",
                           "message": format!("may not list {path}")}),
                ),
                "poddisruptionbudgets" => (200, json!({"metadata": {}, "items": [budget("default"), budget("shop")]})),
                _ => (200, json!({"metadata": {}, "items": [budget("shop")]})),
            };
            let body = Body::from(body.to_string().into_bytes());
            std::future::ready(Ok::<_, Infallible>(Response::builder().status(code).body(body).expect("a response")))
        };
        Client::new(tower::service_fn(answer), "default")
    }

    async fn seen(allowed: &'static [&'static str]) -> (usize, Option<String>) {
        let (budgets, unseen) = budgets(&server(allowed), Some("shop")).await.expect("an answer");
        (budgets.len(), unseen)
    }

    #[tokio::test]
    async fn budgets_that_may_not_be_read_are_said_to_be_unseen() {
        assert_eq!(seen(&["poddisruptionbudgets"]).await, (2, None));
        let (number, unseen) = seen(&["namespaces/shop/poddisruptionbudgets"]).await;
        assert_eq!(number, 1);
        insta::assert_snapshot!(unseen.unwrap_or_default(), @"poddisruptionbudgets of other namespaces, which may hold up a drain: may not list poddisruptionbudgets");
        let (number, unseen) = seen(&[]).await;
        assert_eq!(number, 0);
        insta::assert_snapshot!(unseen.unwrap_or_default(), @"poddisruptionbudgets, which may hold up a drain: may not list poddisruptionbudgets");
    }
}
