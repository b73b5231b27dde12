//! The handle to a cluster, new or found again: its client, its watches, and no node yet.

use std::sync::{Arc, OnceLock};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::sync::{Mutex, OnceCell};

use super::{Cluster, Home, Made};
use crate::{
    attach::Attached,
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
        let name = layout.cluster.clone();
        let home = Home::Made(Box::new(Made {
            docker,
            distro,
            layout,
            privileges: OnceLock::new(),
            services: OnceLock::new(),
        }));
        Ok(Self::handle(name, home, Observer::start(&client, None), client, kubeconfig))
    }

    /// A handle of a guest that leaves nothing when it is dropped only after [`Cluster::leaves_when_dropped`].
    pub(crate) fn of_guest(context: &str, guest: Attached, client: Client, kubeconfig: String) -> Self {
        let observer = Observer::start(&client, Some(guest.lens().clone()));
        Self::handle(context.to_owned(), Home::Attached(Box::new(guest)), observer, client, kubeconfig)
    }

    /// From now on something of the run is in the cluster.
    pub(crate) fn leaves_when_dropped(mut self) -> Self {
        self.remove_on_drop = true;
        self
    }

    fn handle(name: String, home: Home, observer: Observer, client: Client, kubeconfig: String) -> Self {
        Self {
            name,
            home,
            machines: Mutex::default(),
            joining: Mutex::default(),
            images: Mutex::default(),
            applied: Mutex::default(),
            pull_faults: Mutex::default(),
            observer,
            client,
            discovery: OnceCell::new(),
            kubeconfig,
            remove_on_drop: false,
        }
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
