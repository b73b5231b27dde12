//! The pure half of rollcall: what a scenario says, what is to be done, and whether it holds.
//!
//! Everything here is a value or a function of values.
//! Time is a [`Timestamp`] and the cluster is a [`World`], and both come in as arguments, so that every judgement
//! can be made again later, from a recording, without a cluster.
//! Nothing here reads a file, a clock or the network, and `tests/purity.rs` fails when a dependency would allow it.
//!
//! Data flows one way: [`Scenario::load`] → [`Plan::new`] → [`Condition::judge`] → [`Event`]s → [`Verdict`].
#![forbid(unsafe_code)]

pub mod condition;
pub mod diagnostic;
pub mod event;
pub mod explain;
pub mod invariant;
pub mod oracle;
pub mod plan;
mod quantity;
pub mod scenario;
pub mod table;
pub mod tone;
pub mod validate;
pub mod verdict;
pub mod world;

pub use condition::{Condition, Judgement, Memory, NodeReport, Report};
pub use diagnostic::{Problem, Problems, Span};
pub use event::{Event, Stamped};
pub use invariant::{Breach, Invariant, Monitor};
/// A point in time, as `k8s-openapi` has it. It is always handed in, never read from a clock.
pub use k8s_openapi::jiff::Timestamp;
pub use oracle::{Eligibility, Ineligible, eligible};
pub use plan::{Plan, PlannedStep};
pub use scenario::{Action, DaemonSetRef, Manifest, NodeSpec, Role, Scenario, Taint, TaintEffect};
pub use verdict::Verdict;
pub use world::{Change, Kind, Object, World};
