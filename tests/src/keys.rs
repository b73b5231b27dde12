//! Keys of a cluster: a kubeconfig in a folder of its own, of the administrator or of somebody who has one role.

use std::path::PathBuf;

use anyhow::{Context, Result};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
    rbac::v1::{ClusterRole, ClusterRoleBinding},
};
use kube::{Api, api::PostParams};
use rollcall::{Cluster, kubeconfig};
use serde_json::{Value, json};

use crate::{Cli, repository};

/// A kubeconfig of a cluster, and the flags that name it.
#[derive(Debug)]
pub struct Keys {
    folder: tempfile::TempDir,
    context: String,
}

impl Keys {
    /// Those of the administrator.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn of(cluster: &Cluster) -> Result<Self> {
        let keys = Self { folder: tempfile::tempdir()?, context: format!("rollcall-{}", cluster.name()) };
        kubeconfig::write(&keys.file(), cluster.kubeconfig())?;
        Ok(keys)
    }

    /// Those of a new service account that is bound to a role, and has nothing else.
    ///
    /// # Errors
    /// When there is such an account or binding, or the API server refuses.
    pub async fn of_somebody(cluster: &Cluster, name: &str, role: &str) -> Result<Self> {
        let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client().clone(), "kube-system");
        let account: ServiceAccount = serde_json::from_value(json!({"metadata": {"name": name}}))?;
        accounts.create(&PostParams::default(), &account).await?;
        let binding: ClusterRoleBinding = serde_json::from_value(json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}],
        }))?;
        Api::<ClusterRoleBinding>::all(cluster.client().clone()).create(&PostParams::default(), &binding).await?;
        let request = TokenRequest { spec: Some(TokenRequestSpec::default()), ..TokenRequest::default() };
        let token = accounts.create_token_request(name, &PostParams::default(), &request).await?;
        let token = token.status.and_then(|status| status.token).context("there is no token")?;
        let keys = Self::of(cluster)?;
        let mut config: Value = serde_json::from_str(cluster.kubeconfig())?;
        config["users"][0]["user"] = json!({"token": token});
        kubeconfig::write(&keys.file(), &config.to_string())?;
        Ok(keys)
    }

    /// Where the kubeconfig is.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A command that uses these keys.
    pub fn on(&self, command: Cli) -> Cli {
        command.arg("--context").arg(&self.context).arg("--kubeconfig").arg(self.file())
    }
}

/// The ClusterRole of a file of the repository.
///
/// # Errors
/// When there is no such file, or it is no ClusterRole.
pub fn documented_role(path: &str) -> Result<ClusterRole> {
    let text = std::fs::read_to_string(repository::root().join(path)).with_context(|| path.to_owned())?;
    serde_yaml::from_str(&text).with_context(|| path.to_owned())
}

/// Makes a role.
///
/// # Errors
/// When there is one of that name, or the API server refuses.
pub async fn make_role(cluster: &Cluster, role: &ClusterRole) -> Result<()> {
    Api::<ClusterRole>::all(cluster.client().clone()).create(&PostParams::default(), role).await?;
    Ok(())
}
