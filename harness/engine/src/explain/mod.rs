//! What a diagnosis rests on, read from a cluster: any cluster, and with the right to read alone; or from saved objects.

mod budgets;
mod collect;
mod dump;
#[cfg(test)]
mod fake_server;
mod not_there;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use collect::read_logs;

use std::{path::Path, time::Duration};

use kube::{Api, Client, api::ListParams};
use rollcall_model::{
    DaemonSetRef,
    condition::MOST_LOGS,
    explain::{Answer, Diagnosis, Extras, Question, explain, wanted_logs},
};

pub use dump::Dump;
pub use watch::{Sight, WatchEnd};

use crate::{
    attach, clock,
    cluster::Cluster,
    error::{Error, KubernetesContext, Result},
    kubeconfig,
};

/// How long the API server may be silent in the middle of a request.
const SILENCE: Duration = Duration::from_secs(30);

/// A cluster that is looked at: any cluster, with the right to read alone. Nothing is changed in it.
#[derive(Clone)]
pub struct Onlooker {
    client: Client,
    /// The namespace that the context names, `default` where it names none.
    pub namespace: String,
}

impl std::fmt::Debug for Onlooker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Onlooker").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

impl Onlooker {
    /// Of a cluster that a kubeconfig leads to. Nothing is asked of it yet.
    ///
    /// Without a file it is that of `KUBECONFIG` or the home directory, and without a context the current one.
    ///
    /// # Errors
    /// When there is no such context, or the kubeconfig cannot be used.
    pub async fn in_context(file: Option<&Path>, context: Option<&str>) -> Result<Self> {
        Self::by(&kubeconfig::of_context(file, context)?).await
    }

    /// Of a cluster made by rollcall.
    ///
    /// # Errors
    /// When its kubeconfig cannot be used.
    pub async fn of(cluster: &Cluster) -> Result<Self> {
        let read = kube::config::Kubeconfig::from_yaml(cluster.kubeconfig());
        Self::by(&read.map_err(|error| Error::usage(format!("the kubeconfig cannot be used: {error}")))?).await
    }

    async fn by(kubeconfig: &kube::config::Kubeconfig) -> Result<Self> {
        crate::tls::install_provider();
        let mut config = attach::config(kubeconfig).await?;
        // An API server that is frozen takes requests and answers none.
        config.read_timeout = Some(SILENCE);
        config.reset_reader_on_write = true;
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|source| Error::Kubernetes {
            action: "make a client for",
            object: "the cluster".into(),
            source: Box::new(source),
        })?;
        Ok(Self { client, namespace })
    }

    /// Why DaemonSets are as they are, on every node.
    ///
    /// # Errors
    /// [`Error::NoneSelected`] where there is none, and a usage error where there is none of the name that was asked
    /// for. Otherwise when the API server does not answer, or nodes, pods or DaemonSets may not be read; what else may
    /// not be read is said in the diagnosis.
    pub async fn explain(&self, question: &Question) -> Result<Answer> {
        let (world, extras) = collect::collect(&self.client, question).await?;
        match question.answer(&world, &extras, clock::now()) {
            Some(answer) => Ok(answer),
            None => Err(none_there(&self.client, question).await),
        }
    }
}

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
        let question = Question::One(daemon_set.clone());
        let (world, extras) = collect::collect(self.client(), &question).await?;
        match explain(&world, &extras, daemon_set, clock::now()) {
            Some(diagnosis) => Ok(diagnosis),
            None => Err(none_there(self.client(), &question).await),
        }
    }
}

/// That there is none, with those that there are; without them where they may not be listed.
async fn none_there(client: &Client, question: &Question) -> Error {
    let all: Api<k8s_openapi::api::apps::v1::DaemonSet> = Api::all(client.clone());
    let found = all.list_metadata(&ListParams::default()).await.doing("list", || "daemonsets".into());
    let found = found.map(|found| found.items.into_iter().map(|found| found.metadata).collect::<Vec<_>>());
    not_there::error(question, found.ok().as_deref())
}
