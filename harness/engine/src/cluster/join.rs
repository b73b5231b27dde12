//! From a running container to a member of the cluster.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Node;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use rollcall_model::{Judgement, NodeReport, Report, Role};
use serde_json::json;

use super::{Cluster, machine::Machine, registration::SERVING};
use crate::{
    clock,
    distro::{Join, Member},
    docker::FileSpec,
    error::{Error, KubernetesContext, Result},
};

impl Cluster {
    /// Makes members of the first containers of a cluster. Their API server answers when this returns.
    pub(super) async fn join_first(&self, machines: &[Arc<Machine>], deadline: Duration) -> Result<()> {
        let started = clock::instant();
        let left = || deadline.saturating_sub(started.elapsed());
        if self.made()?.distro.conduct().own_init {
            self.api_answers(SERVING, machines, deadline).await?;
            let members = machines.iter().map(|machine| self.register(&machine.member));
            return futures::future::try_join_all(members).await.map(drop);
        }
        let of = |role| machines.iter().filter(move |machine| machine.member.role == role);
        // A node that asks for a control plane that is not there yet waits for many seconds before it asks again.
        for machine in of(Role::ControlPlane) {
            self.run_joins(machine, left()).await?;
        }
        self.api_answers(SERVING, machines, left()).await?;
        let workers =
            async { futures::future::try_join_all(of(Role::Worker).map(|m| self.run_joins(m, left()))).await };
        let seen = async { futures::future::try_join_all(machines.iter().map(|m| self.complete(m, left()))).await };
        tokio::try_join!(workers, seen).map(drop)
    }

    /// Boots a node of a running cluster and makes it a member.
    pub(super) async fn boot_and_join(&self, member: Member, deadline: Duration) -> Result<Arc<Machine>> {
        if self.made()?.distro.conduct().own_init {
            let (machine, registered) = tokio::join!(self.boot(member.clone()), self.register(&member));
            registered?;
            return machine;
        }
        let machine = self.boot(member).await?;
        let started = clock::instant();
        self.run_joins(&machine, deadline).await?;
        self.complete(&machine, deadline.saturating_sub(started.elapsed())).await?;
        Ok(machine)
    }

    async fn run_joins(&self, machine: &Machine, deadline: Duration) -> Result<()> {
        let started = clock::instant();
        self.started(machine, deadline).await?;
        for join in &machine.joins {
            let left = deadline.saturating_sub(started.elapsed());
            let done = tokio::time::timeout(left, self.run_join(machine, join));
            tokio::select! {
                done = done => match done {
                    Ok(done) => done?,
                    Err(_) => return Err(Error::Timeout {
                        what: format!("node `{}` to join: `{join}`", machine.member.name),
                        waited: deadline,
                        last: Report { summary: machine.status().borrow().describe(), nodes: Vec::new() },
                    }),
                },
                error = machine.failure() => return Err(error),
            }
            tracing::debug!(node = machine.member.name, %join, elapsed = ?started.elapsed(), "done inside a node");
        }
        Ok(())
    }

    /// Waits until a container that was just started takes commands, and gives it those of each start.
    pub(super) async fn started(&self, machine: &Machine, deadline: Duration) -> Result<()> {
        machine.reported("start of its programs", deadline, |status| status.state == "up").await?;
        for command in self.made()?.distro.conduct().on_start {
            self.inside(machine, command).await?;
        }
        Ok(())
    }

    async fn run_join(&self, machine: &Machine, join: &Join) -> Result<()> {
        match join {
            Join::Run(command) => {
                let command: Vec<&str> = command.iter().map(String::as_str).collect();
                self.inside(machine, &command).await.map(drop)
            }
            Join::Fill { template, to, replace } => {
                let docker = &self.made()?.docker;
                let content = docker.download(&machine.container, template).await?;
                let mut content = String::from_utf8_lossy(&content).into_owned();
                for (word, value) in replace {
                    content = content.replace(word, value);
                }
                let file = FileSpec { path: (*to).to_owned(), content: content.into_bytes(), mode: 0o600 };
                docker.upload(&machine.container, &[file]).await
            }
        }
    }

    /// Waits for the Node object that a kubelet makes, and gives it the labels that a kubelet may not.
    async fn complete(&self, machine: &Machine, deadline: Duration) -> Result<()> {
        let member = &machine.member;
        let registered = self.observer.wait(format!("node `{}` registered", member.name), deadline, |world, _| {
            if world.nodes.contains_key(&member.name) {
                return Judgement::Done;
            }
            Judgement::NotYet(Report {
                summary: format!("node `{}` is not registered", member.name),
                nodes: vec![NodeReport { node: member.name.clone(), what: machine.status().borrow().describe() }],
            })
        });
        tokio::select! {
            registered = registered => registered.map(drop)?,
            error = machine.failure() => return Err(error),
        }
        let labels: serde_json::Map<String, serde_json::Value> =
            member.labels_by_administrator().map(|(key, value)| (key.clone(), json!(value))).collect();
        if labels.is_empty() {
            return Ok(());
        }
        let nodes: Api<Node> = Api::all(self.client.clone());
        let patch = json!({"metadata": {"labels": labels}});
        nodes
            .patch(&member.name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .map(drop)
            .doing("label", || format!("node `{}`", member.name))
    }
}
