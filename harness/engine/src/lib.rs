//! Rollcall as a library: real multi-node Kubernetes clusters in containers, for tests of DaemonSets.
//!
//! A [`Cluster`] is made by its builder, changed by its verbs, and gone when it is dropped. Whoever uses it needs
//! Docker and the node image, and nothing else.
//!
//! The engine emits events and prints nothing; reporters live in the command line.
#![forbid(unsafe_code)]

mod attach;
mod clock;
mod cluster;
mod distro;
mod docker;
pub mod error;
mod explain;
mod gate;
#[cfg(feature = "harness")]
pub mod harness;
mod images;
pub mod kubeconfig;
mod labels;
mod observe;
mod patience;
mod pki;
mod run;
mod scenario_file;
mod shared;
mod sweep;
mod tls;
pub mod transcript;

pub use attach::{Attach, Left, clean_attached};
pub use cluster::{Cluster, ClusterBuilder, DEFAULT_KUBERNETES, DrainOptions, VERB_DEADLINE};
pub use distro::{DistroName, NODE_IMAGE_REPOSITORY};
pub use error::{Error, ErrorKind, Result};
pub use explain::{Dump, Onlooker, Sight, WatchEnd};
pub use gate::{Clusters, Needs};
pub use images::{ImageSource, PushOutcome, image_facts};
pub use rollcall_model as model;
pub use run::{
    Failure, Group, Interrupt, Interrupter, Keep, KeptCluster, Pauser, RunOptions, RunResult, evidence_folder,
    group_plans, run, side_by_side,
};
pub use scenario_file::{FailedStep, RunFileError, RunReport, is_scenario, load_file, run_file};
pub use shared::{Lease, SharedCluster};
pub use sweep::{ClusterSummary, NodeSummary, Scope, Swept, list_clusters, sweep};

/// Compiles the examples of the page.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/library.md")]
struct LibraryPage;
