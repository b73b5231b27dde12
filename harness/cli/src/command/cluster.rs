//! `up`, `down`, `ls`, `kubeconfig` and `clean`: clusters by hand.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use rollcall::{
    Attach, Cluster, ClusterSummary, Interrupt, Left, Scope, Swept, clean_attached, kubeconfig, list_clusters,
    model::scenario::SimulatedNodes, sweep, transcript::cluster_size,
};

use super::which;
use crate::{
    args::{Output, Up},
    error::CliError,
    output,
    report::{Progress, table},
};

pub(super) async fn up(flags: Up, interrupt: &Interrupt) -> Result<(), CliError> {
    let started = Instant::now();
    let path = match flags.kubeconfig {
        // It is used from other directories too.
        Some(path) => std::path::absolute(&path).unwrap_or(path),
        None => default_kubeconfig(&flags.name)?,
    };
    if list_clusters().await?.iter().any(|cluster| cluster.name == flags.name) {
        return Err(CliError::usage(format!("there is a cluster `{}` already", flags.name))
            .hint(format!("choose another name with `--name`, or remove it with `rollcall down {}`", flags.name)));
    }
    let mut builder =
        Cluster::builder().workers(flags.workers.into()).name(&flags.name).keep(true).distro(flags.made_of.distro);
    if let Some(image) = flags.made_of.node_image {
        builder = builder.node_image(image);
    }
    if let Some(version) = &flags.kubernetes {
        builder = builder.kubernetes(version);
    }
    if let Some(port) = flags.port {
        builder = builder.api_port(port);
    }
    for image in flags.images {
        builder = builder.image_as(image.name, image.source);
    }
    if flags.simulated > 0 {
        builder = builder.simulated(simulated(flags.simulated));
    }
    let nodes = cluster_size(usize::from(flags.workers) + 1, flags.simulated as usize);
    let mut progress = Progress::on_terminal();
    progress.start(&format!("start cluster `{}` of {nodes}", flags.name));
    let made = tokio::select! {
        made = builder.start() => Some(made),
        () = interrupt.triggered() => None,
    };
    progress.clear();
    let Some(made) = made else {
        // The cluster did not exist when this began, so all there is of it is half made.
        sweep(&Scope::Cluster(flags.name)).await?;
        return Err(CliError::interrupted());
    };
    let cluster = made?;
    if let Err(error) = kubeconfig::write(&path, cluster.kubeconfig()) {
        // Nobody could use it, and nobody would know that it is there.
        cluster.destroy().await?;
        return Err(error.into());
    }
    cluster.keep()?;
    output::remark(&format!(
        "cluster `{}` of {nodes} is up in {}; remove it with `rollcall down {0}`",
        flags.name,
        output::seconds(started.elapsed())
    ));
    output::line(&export_line(&path));
    Ok(())
}

/// Simulated nodes as they come by hand: nothing special about them.
fn simulated(count: u32) -> SimulatedNodes {
    SimulatedNodes {
        name: "sim".into(),
        count,
        labels: BTreeMap::new(),
        taints: Vec::new(),
        allocatable: BTreeMap::new(),
        fault: None,
    }
}

/// What a person pastes into a shell to work with a cluster.
pub(super) fn export_line(path: &Path) -> String {
    format!("export KUBECONFIG={}", output::shell_word(&path.display().to_string()))
}

pub(super) async fn down(name: Option<String>, all: bool) -> Result<(), CliError> {
    let clusters = list_clusters().await?;
    let names: Vec<String> = if all {
        clusters.into_iter().filter(|cluster| cluster.keep).map(|cluster| cluster.name).collect()
    } else {
        vec![which::resolve(name).await?]
    };
    if names.is_empty() {
        output::line("there is no cluster");
    }
    for name in names {
        let started = Instant::now();
        let swept = sweep(&Scope::Cluster(name.clone())).await?;
        if swept == Swept::default() {
            // Says which clusters there are.
            return Err(Cluster::find(&name)
                .await
                .err()
                .map_or_else(|| CliError::usage(format!("there is no cluster `{name}`")), CliError::from));
        }
        remove_kubeconfig(&name);
        output::line(&format!("cluster `{name}` removed ({})", output::seconds(started.elapsed())));
    }
    Ok(())
}

pub(super) async fn list(output: Output) -> Result<(), CliError> {
    let clusters = list_clusters().await?;
    match output {
        Output::Json => {
            let text = serde_json::to_string_pretty(&clusters)
                .map_err(|error| CliError::environment(format!("could not write JSON: {error}")))?;
            output::line(&text);
        }
        Output::Table if clusters.is_empty() => output::remark("there is no cluster"),
        Output::Table => output::text(&render(&clusters)),
    }
    Ok(())
}

fn render(clusters: &[ClusterSummary]) -> String {
    let mut rows = vec![["CLUSTER", "NODE", "ROLE", "STATE", "IMAGE", "STAYS"].map(String::from).to_vec()];
    for cluster in clusters {
        for node in &cluster.nodes {
            rows.push(vec![
                cluster.name.clone(),
                node.name.clone(),
                node.role.clone(),
                node.state.clone(),
                cluster.image.clone(),
                if cluster.keep { "until down" } else { "for its run" }.to_owned(),
            ]);
        }
    }
    table::render(&rows)
}

pub(super) async fn kubeconfig(name: Option<String>) -> Result<(), CliError> {
    let cluster = which::cluster(name).await?;
    output::text(cluster.kubeconfig());
    Ok(())
}

pub(super) async fn clean(all: bool, guest: Option<Attach>) -> Result<(), CliError> {
    let started = Instant::now();
    if let Some(attach) = guest {
        let left = clean_attached(&attach, all).await?;
        if left.is_empty() {
            output::line("nothing to remove");
        }
        for Left { namespace, undone } in left {
            let undone = output::count(undone, "change", "changes");
            output::line(&format!("removed namespace `{namespace}` and undid {undone} outside of it"));
        }
        return Ok(());
    }
    let scope = if all { Scope::All } else { Scope::Dead };
    let swept = sweep(&scope).await?;
    if all {
        swept.clusters.iter().for_each(|name| remove_kubeconfig(name));
    }
    if swept == Swept::default() {
        output::line("nothing to remove");
    } else {
        output::line(&format!(
            "removed {} and {} of {} ({})",
            output::count(swept.containers, "container", "containers"),
            output::count(swept.networks, "network", "networks"),
            output::count(swept.clusters.len(), "cluster", "clusters"),
            output::seconds(started.elapsed()),
        ));
    }
    Ok(())
}

/// Where the kubeconfig of a cluster is unless somebody says where: beside kubectl's own.
pub(super) fn default_kubeconfig(name: &str) -> Result<PathBuf, CliError> {
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty()).ok_or_else(|| {
        CliError::usage("there is no home directory to write the kubeconfig to")
            .hint("name a file with `--kubeconfig FILE`")
    })?;
    Ok(kubeconfig_in(&home, name))
}

fn kubeconfig_in(home: &Path, name: &str) -> PathBuf {
    home.join(".kube").join(format!("rollcall-{name}.yaml"))
}

/// Removes the file that `up` wrote by default. One that was written elsewhere is its user's.
fn remove_kubeconfig(name: &str) {
    let Ok(path) = default_kubeconfig(name) else { return };
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        output::remark(&format!("could not remove `{}`: {error}", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use rollcall::{ClusterSummary, NodeSummary};

    #[test]
    fn clusters_are_listed_a_line_a_node() {
        let node = |name: &str, role: &str, state: &str| NodeSummary {
            name: name.into(),
            role: role.into(),
            state: state.into(),
        };
        let cluster = ClusterSummary {
            name: "dev".into(),
            distro: "box".into(),
            image: "rollcall/node:v1.37.2".into(),
            keep: true,
            nodes: vec![node("control-plane", "control-plane", "running"), node("worker-1", "worker", "paused")],
        };
        insta::assert_snapshot!(super::render(&[cluster]), @r"
        CLUSTER  NODE           ROLE           STATE    IMAGE                  STAYS
        dev      control-plane  control-plane  running  rollcall/node:v1.37.2  until down
        dev      worker-1       worker         paused   rollcall/node:v1.37.2  until down
        ");
    }
}
