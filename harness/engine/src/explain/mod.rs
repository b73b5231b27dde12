//! What a diagnosis rests on, read from a cluster: any cluster, and with the right to read alone.

mod budgets;
mod collect;

pub(crate) use collect::read_logs;

use std::path::Path;

use kube::{Api, Client, api::ListParams};
use rollcall_model::{
    DaemonSetRef,
    condition::MOST_LOGS,
    explain::{Diagnosis, Extras, explain, wanted_logs},
    world::view,
};

use crate::{
    attach, clock,
    cluster::Cluster,
    error::{Error, KubernetesContext, Result},
    kubeconfig,
};

impl Cluster {
    /// Why a DaemonSet is as it is in what has been watched so far; nothing where it has not been seen.
    pub(crate) async fn explain_what_is_watched(&self, wanted: &DaemonSetRef) -> Option<Diagnosis> {
        let world = self.world();
        let daemon_set = world.daemon_set(wanted)?;
        let mut extras = Extras::default();
        let (namespace, _) = wanted.key();
        let budgets = budgets::budgets(self.client(), Some(&namespace));
        let logs = collect::read_logs(self.client(), wanted_logs(&world, daemon_set, MOST_LOGS), &mut extras);
        let (budgets, ()) = tokio::join!(budgets, logs);
        match budgets {
            Ok((budgets, unseen)) => {
                extras.budgets = budgets;
                extras.not_looked_at.extend(unseen);
            }
            Err(error) => extras.not_looked_at.push(format!("poddisruptionbudgets: {error}")),
        }
        explain(&world, &extras, wanted, clock::now())
    }

    /// Why a DaemonSet is as it is, on every node.
    ///
    /// # Errors
    /// When there is no such DaemonSet, or the API server does not answer.
    pub async fn explain(&self, daemon_set: &DaemonSetRef) -> Result<Diagnosis> {
        look(self.client(), daemon_set).await
    }
}

/// Why a DaemonSet is as it is, on every node of a cluster that a kubeconfig leads to. It reads and changes nothing.
///
/// Without a file it is that of `KUBECONFIG` or the home directory, and without a context the current one.
///
/// # Errors
/// When there is no such context or DaemonSet, the API server does not answer, or nodes, pods or the DaemonSet may not
/// be read. What else may not be read is said in the diagnosis.
pub async fn explain_in_context(
    file: Option<&Path>,
    context: Option<&str>,
    daemon_set: &DaemonSetRef,
) -> Result<Diagnosis> {
    crate::tls::install_provider();
    let client = attach::client(&kubeconfig::of_context(file, context)?, None).await?;
    look(&client, daemon_set).await
}

async fn look(client: &Client, daemon_set: &DaemonSetRef) -> Result<Diagnosis> {
    let (world, extras) = collect::collect(client, daemon_set).await?;
    match explain(&world, &extras, daemon_set, clock::now()) {
        Some(diagnosis) => Ok(diagnosis),
        None => Err(not_there(client, daemon_set).await),
    }
}

/// With the names that are near, in its own namespace or of that name elsewhere.
async fn not_there(client: &Client, wanted: &DaemonSetRef) -> Error {
    let (namespace, name) = wanted.key();
    let message = format!("there is no daemonset `{name}` in namespace `{namespace}`");
    let all: Api<k8s_openapi::api::apps::v1::DaemonSet> = Api::all(client.clone());
    let found = match all.list_metadata(&ListParams::default()).await.doing("list", || "daemonsets".into()) {
        Ok(found) => found.items,
        Err(_) => return Error::usage(message),
    };
    let of = |here: bool| {
        let (all, namespace) = (found.iter().map(|found| &found.metadata), namespace.as_str());
        all.filter(move |found| (found.namespace.as_deref() == Some(namespace)) == here)
    };
    let elsewhere = of(false).find(|found| view::name_of(found) == name);
    let near = rollcall_model::diagnostic::nearest(&name, of(true).map(view::name_of));
    let hint = match (near, elsewhere) {
        (_, Some(found)) => {
            format!("there is one in namespace `{}`: `-n {0}`", found.namespace.as_deref().unwrap_or_default())
        }
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, None) => match of(true).map(view::name_of).collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "there is none in that namespace; name another with `-n NAMESPACE`".to_owned(),
            names => format!("there are {names}"),
        },
    };
    Error::usage_hint(message, hint)
}
