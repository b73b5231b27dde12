//! The handle to a cluster, new or found again: its client, its watches, and no node yet.

use std::sync::Arc;

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::sync::{Mutex, OnceCell};

use super::{Cluster, capabilities};
use crate::{
    distro::{Distro, Layout},
    docker::Docker,
    error::{Error, Result},
    observe::Observer,
};

impl Cluster {
    /// A handle that removes nothing when it is dropped. The API server need not answer yet.
    pub(super) async fn open(docker: Docker, distro: Arc<dyn Distro>, layout: Layout) -> Result<Self> {
        let kubeconfig = distro.admin_kubeconfig(&layout, &format!("https://127.0.0.1:{}", layout.api_port))?;
        let client = client(&kubeconfig).await?;
        Ok(Self {
            docker,
            distro,
            layout,
            machines: Mutex::default(),
            joining: Mutex::default(),
            images: Mutex::default(),
            applied: Mutex::default(),
            pull_faults: Mutex::default(),
            capabilities: capabilities::wanted(),
            observer: Observer::start(&client),
            client,
            discovery: OnceCell::new(),
            kubeconfig,
            remove_on_drop: false,
        })
    }
}

/// A Kubernetes client from a kubeconfig, with the retries and time limits of a harness.
async fn client(kubeconfig: &str) -> Result<Client> {
    let invalid = |source: kube::config::KubeconfigError| Error::Usage {
        message: format!("the kubeconfig of the cluster cannot be read: {source}"),
        hint: None,
    };
    let parsed = Kubeconfig::from_yaml(kubeconfig).map_err(invalid)?;
    let mut config = Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default()).await.map_err(invalid)?;
    // The default hides what an API server answers behind up to fifteen retries; ours know their deadlines.
    config.default_retry = false;
    Client::try_from(config).map_err(|source| Error::Kubernetes {
        action: "make a client for",
        object: "the cluster".into(),
        source: Box::new(source),
    })
}
