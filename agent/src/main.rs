//! The probe agent: a small, real node agent for DaemonSets in test clusters.
//!
//! It reads logs and `/proc` as node agents do, serves what it found over HTTP, and fails in the ways its fault
//! switches ask for. One static program in an empty image, so it is its own shell for `kubectl exec` too.
//! This file chooses between serving and the commands.

mod agent;
mod client;
mod commands;
mod dns;
mod environment;
mod faults;
mod http;
mod load;
mod logs;
mod names;
mod procfs;
mod report;
mod server;
mod stdio;
mod units;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let code = if arguments.is_empty() { agent::run() } else { commands::run(&arguments) };
    ExitCode::from(code)
}
