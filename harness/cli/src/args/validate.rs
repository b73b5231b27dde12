//! The flags of `validate`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use rollcall::model::validate::{GateName, Level, Settings};

use super::MadeOf;
use crate::report::file::ReportFlag;

#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// The candidate: a local image, a `docker save` archive, or an OCI layout (archive or directory)
    pub(crate) image: String,
    /// Its DaemonSet and what else it needs: a file, or a folder of files or with a kustomization; may be repeated. A
    /// small DaemonSet is made where it is left out
    #[arg(long = "manifest", value_name = "PATH")]
    pub(crate) manifests: Vec<PathBuf>,
    /// The name by which the manifest asks for the image, whatever its tag; the image's own where it is left out
    #[arg(long, value_name = "NAME")]
    pub(crate) image_name: Option<String>,
    /// The DaemonSet, where the manifest has several
    #[arg(long = "daemonset", value_name = "NAME", requires = "manifests")]
    pub(crate) daemon_set: Option<String>,
    /// The former image, for updates and rollbacks: a local image, an archive or an OCI layout
    #[arg(long, value_name = "IMAGE")]
    pub(crate) from: Option<String>,
    /// Only this gate; may be repeated
    #[arg(long = "gate", value_name = "GATE")]
    pub(crate) gates: Vec<GateName>,
    /// Print the scenario of a gate, for `rollcall run`, and run nothing
    #[arg(long, value_name = "GATE", conflicts_with_all = ["gates", "reports"])]
    pub(crate) print_scenario: Option<GateName>,
    /// What it has to reach, as a file of kind `Validation`; `rollcall-validate.yaml` where there is one. Flags say
    /// otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The nodes of the cluster, its control plane among them [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=50))]
    pub(crate) nodes: Option<u32>,
    /// How long a pod may take to become ready [default: 1m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) ready_within: Option<Duration>,
    /// How long an update of all nodes may take [default: 3m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) rollout_within: Option<Duration>,
    /// Watch for restarts for that long; without it gate `soak` is skipped
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) soak: Option<Duration>,
    /// Look for that long at what the agent uses of memory and CPU [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) measure_for: Option<Duration>,
    /// What is applied beside the agent while that is looked at, to give it work; may be repeated
    #[arg(long = "load", value_name = "FILE")]
    pub(crate) loads: Vec<PathBuf>,
    /// Take away once each thing that the manifest asks for, to see what the agent can do without; some seconds each
    #[arg(long)]
    pub(crate) trials: bool,
    /// The largest image that passes, in MB [default: 500]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) max_image_size: Option<u64>,
    /// The Pod Security level that the manifest may not go beyond: restricted, baseline or privileged [default:
    /// privileged]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) pod_security: Option<Level>,
    /// The Kubernetes version of the cluster: 1.36, or v1.36.3
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes: Option<String>,
    #[command(flatten)]
    pub(crate) made_of: MadeOf,
    /// How many gates are tried at a time once `comes-up` has passed, each of them on a cluster that it shares with those
    /// before it; 1 measures most steadily
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) parallel: u8,
    /// How the scorecard is printed
    #[arg(short, long, value_enum, default_value_t = CardForm::Table)]
    pub(crate) output: CardForm,
    /// A former scorecard, as `--report json=FILE` wrote it: what takes much longer than there fails its gate
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// How much longer than in the baseline a measure may be, in percent; less than half a second is never much
    /// [default: 50]
    #[arg(long, value_name = "PERCENT", requires = "baseline")]
    pub(crate) slower_by: Option<u32>,
    /// Write the scorecard to a file: junit=FILE, json=FILE, markdown=FILE or html=FILE, or a FILE that ends with .xml,
    /// .json, .md or .html
    #[arg(long = "report", value_name = "FORMAT=FILE")]
    pub(crate) reports: Vec<ReportFlag>,
    /// Where a gate that fails leaves a folder with what is known of it [default: target/rollcall-evidence where there
    /// is a folder target, else rollcall-evidence]
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_evidence")]
    pub(crate) evidence: Option<PathBuf>,
    /// Leave no evidence of failures
    #[arg(long)]
    pub(crate) no_evidence: bool,
}

/// How a scorecard is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CardForm {
    /// For people
    Table,
    /// For programs
    Json,
    /// For a merge request, or the summary of a job
    Markdown,
}

impl Validate {
    /// What a file says, where flags do not say otherwise.
    pub(crate) fn over(&self, file: Settings) -> Settings {
        let gates = if self.gates.is_empty() { file.gates.clone() } else { self.gates.clone() };
        Settings {
            nodes: self.nodes.unwrap_or(file.nodes),
            ready_within: self.ready_within.unwrap_or(file.ready_within),
            rollout_within: self.rollout_within.unwrap_or(file.rollout_within),
            soak: self.soak.unwrap_or(file.soak),
            largest_image: self.max_image_size.map_or(file.largest_image, |megabytes| megabytes * 1_000_000),
            level: self.pod_security.unwrap_or(file.level),
            slower_by: self.slower_by.unwrap_or(file.slower_by),
            measure_for: self.measure_for.unwrap_or(file.measure_for),
            trials: self.trials || file.trials,
            pressure: self.made_of.distro.has_pressure(),
            gates,
            ..file
        }
    }

    /// Whether it has nothing to do with clusters.
    pub(crate) fn makes_nothing(&self) -> bool {
        self.print_scenario.is_some()
    }
}

/// One of at least a second: scenarios are written in seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let found = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if found.as_secs() == 0 { Err("it must be at least 1s".to_owned()) } else { Ok(found) }
}
