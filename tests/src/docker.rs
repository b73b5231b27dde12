//! What the container engine says is there. Asked by its own command line and not by the code under test.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::eventually::eventually;

/// The label on everything rollcall makes.
const LABEL: &str = "rollcall.cluster";

/// Runs `docker` and gives its output.
///
/// # Errors
/// When it cannot be run or fails.
pub fn docker(arguments: &[&str]) -> Result<String> {
    let line = format!("docker {}", arguments.join(" "));
    let output = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not run `{line}`"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{line}` ended with {}: {}", output.status, stderr.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What there is of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// The names of its containers.
    pub containers: BTreeSet<String>,
    /// Its networks.
    pub networks: BTreeSet<String>,
    /// The volumes of its containers. They have no label, so they are known only as long as the containers are there.
    pub volumes: BTreeSet<String>,
}

impl Traces {
    /// Looks for every cluster whose name begins so: scenarios append a suffix to theirs.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn of(cluster: &str) -> Result<Self> {
        let filter = format!("label={LABEL}");
        let format = format!("{{{{.Names}}}}\t{{{{.Label \"{LABEL}\"}}}}");
        let containers = docker(&["ps", "--all", "--filter", &filter, "--format", &format])?;
        let format = format!("{{{{.Name}}}}\t{{{{.Label \"{LABEL}\"}}}}");
        let networks = docker(&["network", "ls", "--filter", &filter, "--format", &format])?;
        let mut traces = Self {
            containers: labelled(&containers, cluster),
            networks: labelled(&networks, cluster),
            ..Self::default()
        };
        for container in &traces.containers {
            // One that ends just now has no volumes that could be asked for.
            traces.volumes.extend(volumes_of(container).unwrap_or_default());
        }
        Ok(traces)
    }

    /// Of one node of a cluster.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn of_node(cluster: &str, node: &str) -> Result<Self> {
        let container = format!("rollcall-{cluster}-{node}");
        Ok(Self {
            volumes: volumes_of(&container)?.into_iter().collect(),
            containers: BTreeSet::from([container]),
            networks: BTreeSet::new(),
        })
    }

    /// Adds what was found at another moment.
    pub fn add(&mut self, other: Self) {
        self.containers.extend(other.containers);
        self.networks.extend(other.networks);
        self.volumes.extend(other.volumes);
    }

    /// Succeeds if none of these containers and volumes is there any more.
    ///
    /// # Errors
    /// With what is left.
    pub fn are_gone_but_for_networks(&self) -> Result<()> {
        let containers = lines(&docker(&["ps", "--all", "--format", "{{.Names}}"])?);
        let left: Vec<&String> = self.containers.intersection(&containers).collect();
        ensure!(left.is_empty(), "containers are left: {left:?}");
        let volumes = lines(&docker(&["volume", "ls", "--quiet"])?);
        let left: Vec<&String> = self.volumes.intersection(&volumes).collect();
        ensure!(left.is_empty(), "volumes are left: {left:?}");
        Ok(())
    }
}

fn volumes_of(container: &str) -> Result<Vec<String>> {
    let format = "{{range .Mounts}}{{if eq .Type \"volume\"}}{{.Name}} {{end}}{{end}}";
    Ok(docker(&["inspect", "--format", format, container])?.split_whitespace().map(str::to_owned).collect())
}

/// Removes what is left of a cluster, or of several whose names begin so, when a test that made it fails.
#[derive(Debug)]
pub struct RemoveAtEnd(pub String);

impl Drop for RemoveAtEnd {
    fn drop(&mut self) {
        let Ok(left) = Traces::of(&self.0) else { return };
        for container in &left.containers {
            let _ = docker(&["rm", "--force", "--volumes", container]);
        }
        for network in &left.networks {
            let _ = docker(&["network", "rm", network]);
        }
    }
}

/// Fails if anything is left of a cluster (or of several whose names begin so). `seen` are its traces while it was
/// there, for the volumes.
///
/// # Errors
/// With what is left.
pub fn assert_nothing_left(cluster: &str, seen: &Traces) -> Result<()> {
    seen.are_gone_but_for_networks()?;
    let left = Traces::of(cluster)?;
    ensure!(left == Traces::default(), "something is left of cluster `{cluster}`: {left:?}");
    let networks = lines(&docker(&["network", "ls", "--format", "{{.Name}}"])?);
    let left: Vec<&String> = seen.networks.intersection(&networks).collect();
    ensure!(left.is_empty(), "networks are left: {left:?}");
    Ok(())
}

/// Waits until a cluster has at least so many containers, and says what there is of it.
///
/// # Errors
/// When it does not get there.
pub fn traces_of_at_least(cluster: &str, containers: usize, deadline: Duration) -> Result<Traces> {
    let mut found = Traces::default();
    eventually(deadline, || {
        found = Traces::of(cluster)?;
        let count = found.containers.len();
        ensure!(count >= containers, "cluster `{cluster}` has {count} containers and not {containers}");
        Ok(())
    })?;
    Ok(found)
}

fn labelled(listing: &str, cluster: &str) -> BTreeSet<String> {
    let entries: BTreeMap<&str, &str> = listing.lines().filter_map(|line| line.split_once('\t')).collect();
    entries.into_iter().filter(|(_, label)| label.starts_with(cluster)).map(|(name, _)| name.to_owned()).collect()
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}
