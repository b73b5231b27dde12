//! Leaving a cluster as it was found: the run when it ends, its destructor, and `rollcall clean --context` after a crash.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams},
    config::Kubeconfig,
    runtime::wait::{await_condition, conditions},
};
use rollcall_model::{Report, world::view};

use super::{Attach, journal, place};
use crate::{
    error::{Error, KubernetesContext, Result, is_not_found},
    labels::Owner,
};

/// How long the pods of a namespace may take to end, and the namespace after them.
const REMOVAL: Duration = Duration::from_secs(120);

/// What was left of a run, and is gone now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The namespace.
    pub namespace: String,
    /// How many changes outside of it were undone.
    pub undone: usize,
}

/// Undoes every change of a run and removes its namespace.
pub(super) async fn leave_with(client: &Client, namespace: &str) -> Result<()> {
    let undone = journal::undo_all(client, namespace).await;
    if undone.is_ok() {
        // Not before: what could not be undone is written down there, and somebody can finish it.
        return remove(client, namespace).await;
    }
    undone.map(drop)
}

/// The same from a kubeconfig, where nothing else is left.
pub(crate) async fn leave(kubeconfig: &str, namespace: &str) -> Result<()> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig)
        .map_err(|source| Error::usage(format!("the kubeconfig cannot be read: {source}")))?;
    leave_with(&super::client(&kubeconfig, None).await?, namespace).await
}

/// Finishes what runs on the cluster of a context left behind: those whose process is gone from this machine, or with
/// `all` every one, those that are going on too.
///
/// # Errors
/// When the context is not there, the API server refuses, or something cannot be undone; the rest is done all the same.
pub async fn clean_attached(attach: &Attach, all: bool) -> Result<Vec<Left>> {
    crate::tls::install_provider();
    finish(
        &super::client(&crate::kubeconfig::of_context(attach.kubeconfig.as_deref(), Some(&attach.context))?, None)
            .await?,
        all,
    )
    .await
}

/// The same where a client is there already.
pub(super) async fn finish(client: &Client, all: bool) -> Result<Vec<Left>> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let selected = ListParams::default().labels(&format!("{}=true", place::ATTACHED));
    let found = namespaces.list(&selected).await.doing("list", || "the namespaces of runs".to_owned())?;
    let mut left = Vec::new();
    let mut first_error = None;
    for namespace in &found.items {
        let name = view::name_of(&namespace.metadata).to_owned();
        let owner = namespace.metadata.annotations.as_ref().and_then(|all| all.get(place::OWNER));
        let is_dead = owner.and_then(|owner| Owner::parse(owner)).is_some_and(|owner| owner.is_dead());
        if !is_dead && !all {
            continue;
        }
        let undone = journal::undo_all(client, &name).await;
        let removed = match undone {
            Ok(undone) => remove(client, &name).await.map(|()| undone),
            Err(error) => Err(error),
        };
        match removed {
            Ok(undone) => left.push(Left { namespace: name, undone }),
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    first_error.map_or(Ok(left), Err)
}

/// Removes a namespace and returns when it is gone.
async fn remove(client: &Client, name: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let object = || format!("namespace `{name}`");
    let found = match namespaces.get_opt(name).await.doing("read", object)? {
        Some(found) => found,
        None => return Ok(()),
    };
    match namespaces.delete(name, &DeleteParams::default()).await {
        Err(error) if is_not_found(&error) => return Ok(()),
        other => other.map(drop).doing("delete", object)?,
    }
    let uid = found.metadata.uid.unwrap_or_default();
    let gone = await_condition(namespaces.clone(), name, conditions::is_deleted(&uid));
    match tokio::time::timeout(REMOVAL, gone).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Error::Unmet { message: format!("the end of namespace `{name}` was not seen: {error}") }),
        Err(_) => Err(Error::Timeout {
            what: format!("the end of namespace `{name}`"),
            waited: REMOVAL,
            last: Report { summary: why(&namespaces, name).await, nodes: Vec::new() },
        }),
    }
}

/// What the API server says about a namespace that does not go.
async fn why(namespaces: &Api<Namespace>, name: &str) -> String {
    let found = namespaces.get_opt(name).await.ok().flatten();
    let conditions = found.and_then(|found| found.status?.conditions).unwrap_or_default();
    let said: Vec<String> = conditions
        .into_iter()
        .filter(|condition| condition.status == "True")
        .filter_map(|condition| condition.message)
        .collect();
    if said.is_empty() { "it is still there".to_owned() } else { said.join("; ") }
}
