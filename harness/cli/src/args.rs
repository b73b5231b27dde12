//! What is typed: flags and their help. What is meant by them is decided in `command`.

mod explain;
mod validate;

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use rollcall::{Attach, DistroName, model::Taint};

pub(crate) use self::{
    explain::{Explain, Form},
    validate::{CardForm, Validate},
};
use crate::{image_flag::ImageFlag, report::file::ReportFlag};

/// Kubernetes in a box: real multi-node clusters in containers, for tests of DaemonSets.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version, about, propagate_version = true, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// By this name kubectl finds it as `kubectl rollcall`
/// (<https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/#naming-a-plugin>).
const PLUGIN: &str = "kubectl-rollcall";

/// Reads the command line, of which the first word is the program as it was called. Ends the process where it is wrong,
/// or asks for help.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Arguments {
    try_parse(words).unwrap_or_else(|error| error.exit())
}

fn try_parse(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut command = Arguments::command();
    if words.first().is_some_and(|program| Path::new(program).file_stem() == Some(OsStr::new(PLUGIN))) {
        command = command.bin_name("kubectl rollcall");
    }
    let mut matches = command.try_get_matches_from_mut(words)?;
    Arguments::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

const EXIT_CODES: &str = "Exit codes: 0 every expectation held · 1 a bug in rollcall · 2 wrong flags or an invalid scenario · \
3 the environment could not do it · 4 nothing selected · 5 an expectation did not hold · 6 skipped although required";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios, each on a cluster of its own
    Run(Run),
    /// Try whether an agent image may be released, gate by gate
    Validate(Box<Validate>),
    /// Check scenario files and say everything that is wrong with them
    Lint {
        /// Scenario files, or directories of them
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Write a scenario to begin with
    New {
        /// The scenario's name: lower case letters, digits and `-`
        name: String,
        /// Where it is written; `NAME.yaml` where it is left out
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the JSON schema of scenario files, for editors
    Schema,
    /// Make a cluster that stays until `down`
    Up(Up),
    /// Remove a cluster made by `up`
    Down {
        /// The cluster; it may be left out where there is only one
        #[arg(conflicts_with = "all")]
        name: Option<String>,
        /// Every cluster made by `up`
        #[arg(long)]
        all: bool,
    },
    /// List the clusters
    Ls {
        /// How to print them
        #[arg(short, long, default_value = "table")]
        output: Output,
    },
    /// Print the kubeconfig of a cluster (it holds a private key)
    Kubeconfig {
        /// The cluster; it may be left out where there is only one
        name: Option<String>,
    },
    /// Say why a DaemonSet has no pod on a node, why its pod does not work, or why it is not updated
    Explain(Box<Explain>),
    /// Make an image available to the pods of a cluster
    Load {
        /// A local image, a `docker save` archive, or an OCI layout (archive or directory)
        image: String,
        /// The name under which pods find it; the image's own where it is left out
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        cluster: ClusterFlag,
    },
    /// Remove what runs that are gone left behind
    Clean {
        /// Every cluster, those in use and those made by `up` too; with `--context` every run, those going on too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        guest: GuestFlags,
    },
    /// Change the nodes of a cluster made by `up`
    Node {
        #[command(subcommand)]
        verb: NodeCommand,
    },
    /// Print a completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A cluster that was there before.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GuestFlags {
    /// A cluster that was there before, by its context in the kubeconfig, instead of those that rollcall makes
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
    /// The file with the context; what KUBECONFIG or ~/.kube/config has where it is left out
    #[arg(long, value_name = "FILE", requires = "context")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// What the nodes of a cluster are made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct MadeOf {
    /// What nodes are made of: `box`, `k3s` or `kind`
    #[arg(long, value_name = "DISTRO", default_value_t)]
    pub(crate) distro: DistroName,
    /// The node image, in the place of the one that distro and version choose
    #[arg(long, value_name = "IMAGE")]
    pub(crate) node_image: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Scenario files, or directories of them
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Only scenarios whose path or name contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave the cluster of a scenario that fails, and say how to look at it
    #[arg(long, conflicts_with = "context")]
    pub(crate) keep: bool,
    /// The Kubernetes version of every cluster, whatever the scenarios say: 1.36, or v1.36.3
    #[arg(long, value_name = "VERSION", conflicts_with = "context")]
    pub(crate) kubernetes: Option<String>,
    #[command(flatten)]
    pub(crate) made_of: MadeOf,
    /// An image under a name: NAME, or NAME=USE where USE is a local image, an archive or an OCI layout
    #[arg(long = "image", value_name = "NAME[=USE]")]
    pub(crate) images: Vec<ImageFlag>,
    /// Wait for Enter at each `pause`; without it they are skipped
    #[arg(long, conflicts_with = "parallel")]
    pub(crate) interactive: bool,
    /// How many scenarios run side by side
    #[arg(long, value_name = "N", conflicts_with = "context", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) parallel: u8,
    /// No progress, plain lines only
    #[arg(long)]
    pub(crate) plain: bool,
    /// Write a report for programs: junit=FILE or json=FILE, or a FILE that ends with .xml or .json
    #[arg(long = "report", value_name = "FORMAT=FILE", conflicts_with = "dry_run")]
    pub(crate) reports: Vec<ReportFlag>,
    /// Where a scenario that fails leaves a folder with what is known of it [default: target/rollcall-evidence where
    /// there is a folder target, else rollcall-evidence]
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_evidence")]
    pub(crate) evidence: Option<PathBuf>,
    /// Leave no evidence of failures
    #[arg(long)]
    pub(crate) no_evidence: bool,
    #[command(flatten)]
    pub(crate) guest: GuestFlags,
    /// The context once more, for a cluster that looks as if people depended on it
    #[arg(long, value_name = "CONTEXT", requires = "context")]
    pub(crate) yes_i_mean: Option<String>,
}

impl Run {
    /// The cluster that the scenarios are guests of, if they are.
    pub(crate) fn attach(&self) -> Option<Attach> {
        let meant = self.yes_i_mean.clone();
        self.guest.attach().map(|attach| Attach { meant, ..attach })
    }
}

impl GuestFlags {
    pub(crate) fn attach(&self) -> Option<Attach> {
        let context = self.context.clone()?;
        Some(Attach { kubeconfig: self.kubeconfig.clone(), context, meant: None })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The cluster's name
    #[arg(long, default_value = "rollcall")]
    pub(crate) name: String,
    /// How many workers there are beside the control-plane node
    #[arg(long, default_value_t = 2)]
    pub(crate) workers: u8,
    /// How many simulated nodes there are beside them: `sim-1`, `sim-2`, …
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) simulated: u32,
    /// The Kubernetes version: 1.37, or v1.37.2
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes: Option<String>,
    #[command(flatten)]
    pub(crate) made_of: MadeOf,
    /// An image that pods may use: NAME, or NAME=USE where USE is a local image, an archive or an OCI layout
    #[arg(long = "image", value_name = "NAME[=USE]")]
    pub(crate) images: Vec<ImageFlag>,
    /// The loopback port of the API server; any free one where it is left out
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Where the kubeconfig is written; `~/.kube/rollcall-NAME.yaml` where it is left out
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterFlag {
    /// The cluster; it may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Table,
    /// For programs
    Json,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct OnNode {
    /// The node
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterFlag,
    /// How long it may take
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(crate) within: Duration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// A node joins
    Add {
        #[command(flatten)]
        on: OnNode,
        /// A label it has when it registers
        #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
        labels: Vec<(String, String)>,
        /// A taint it has when it registers
        #[arg(long = "taint", value_name = "KEY=VALUE:EFFECT", value_parser = taint)]
        taints: Vec<Taint>,
    },
    /// A node leaves: container, volumes, Node object, lease and pods
    Remove(OnNode),
    /// Kill a node, as a power failure would
    Stop(OnNode),
    /// Start a stopped node
    Start(OnNode),
    /// Kill a node and start it again
    Restart(OnNode),
    /// Freeze every process of a node
    Pause(OnNode),
    /// Let a frozen node go on
    Resume(OnNode),
    /// Cut a node off the network
    Cut(OnNode),
    /// Join a node to the network again
    Heal(OnNode),
    /// Set a taint
    Taint {
        #[command(flatten)]
        on: OnNode,
        /// The taint, as KEY=VALUE:EFFECT
        #[arg(value_parser = taint)]
        taint: Taint,
    },
    /// Remove a taint
    Untaint {
        #[command(flatten)]
        on: OnNode,
        /// The taint, as KEY:EFFECT, or KEY for every effect
        taint: String,
    },
    /// Set labels
    Label {
        #[command(flatten)]
        on: OnNode,
        /// The labels, as KEY=VALUE
        #[arg(required = true, value_parser = label)]
        labels: Vec<(String, String)>,
    },
    /// Remove labels
    Unlabel {
        #[command(flatten)]
        on: OnNode,
        /// The keys of the labels
        #[arg(required = true)]
        keys: Vec<String>,
    },
    /// Make a node unschedulable
    Cordon(OnNode),
    /// Make a node schedulable
    Uncordon(OnNode),
    /// Cordon a node and evict its pods; daemon pods stay
    Drain(OnNode),
}

impl NodeCommand {
    /// What every verb of nodes has in common.
    pub(crate) fn on(&self) -> &OnNode {
        match self {
            Self::Add { on, .. }
            | Self::Remove(on)
            | Self::Stop(on)
            | Self::Start(on)
            | Self::Restart(on)
            | Self::Pause(on)
            | Self::Resume(on)
            | Self::Cut(on)
            | Self::Heal(on)
            | Self::Taint { on, .. }
            | Self::Untaint { on, .. }
            | Self::Label { on, .. }
            | Self::Unlabel { on, .. }
            | Self::Cordon(on)
            | Self::Uncordon(on)
            | Self::Drain(on) => on,
        }
    }
}

fn taint(text: &str) -> Result<Taint, String> {
    text.parse::<Taint>().map_err(|wrong| {
        let hint = wrong.hint.as_deref().map(|hint| format!("\n  (hint: {hint})"));
        format!("{wrong}{}", hint.unwrap_or_default())
    })
}

fn label(text: &str) -> Result<(String, String), String> {
    use rollcall::model::scenario::names;
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    names::qualified_name(key).map_err(|why| format!("label key `{key}` {why}"))?;
    names::label_value(value).map_err(|why| format!("label value `{value}` {why}"))?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Arguments, try_parse};

    #[test]
    fn the_flags_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn as_a_plugin_of_kubectl_it_is_called_as_one() {
        let usage = |program: &str, words: &str| {
            let line = std::iter::once(program).chain(words.split(' ')).map(Into::into);
            let text = try_parse(line).unwrap_err().to_string();
            text.lines().find(|line| line.starts_with("Usage:")).unwrap_or_default().to_owned()
        };
        insta::assert_snapshot!(usage("/usr/bin/kubectl-rollcall", "explain --help"), @"Usage: kubectl rollcall explain [OPTIONS] [NAME]");
        insta::assert_snapshot!(usage("kubectl-rollcall", "--help"), @"Usage: kubectl rollcall <COMMAND>");
        insta::assert_snapshot!(usage("kubectl-rollcall.exe", "explain --watch --from-dump x"), @"Usage: kubectl rollcall explain --watch [NAME]");
        insta::assert_snapshot!(usage("/usr/bin/rollcall", "explain --help"), @"Usage: rollcall explain [OPTIONS] [NAME]");
    }

    #[test]
    fn wrong_flags_say_what_is_right() {
        let message = |line: &str| Arguments::try_parse_from(line.split(' ')).unwrap_err().to_string();
        let taint = message("rollcall node taint worker-1 a=b:NoSchedul");
        assert!(taint.contains("unknown taint effect `NoSchedul`"), "{taint}");
        assert!(taint.contains("(hint: did you mean `NoSchedule`?)"), "{taint}");
        let label = message("rollcall node label worker-1 role");
        assert!(label.contains("must be KEY=VALUE"), "{label}");
        let none = message("rollcall run x --parallel 0");
        assert!(none.contains("0 is not in 1..=255"), "{none}");
        let verb = message("rollcall nod add x");
        assert!(verb.contains("'node'"), "{verb}");
    }
}
