//! PID 1 of a node container: waits for power, prepares the machine, and supervises the node's processes.
//!
//! One thread and no runtime, because `waitpid(-1)` would steal the exits of anything that waits by itself.
//! This file reads the arguments and hands over; the life of the node is in `node.rs`.

mod arguments;
mod boot;
mod cgroup;
mod config;
mod exit_code;
mod mountinfo;
mod mounts;
mod node;
mod order;
mod outage;
mod power;
mod process;
mod ready;
mod reap;
mod spawn;
mod status;
mod stop;
mod supervisor;

use std::io::Write;
use std::process::ExitCode;

use arguments::{Arguments, Mode};

fn main() -> ExitCode {
    let code = match Arguments::parse(std::env::args_os().skip(1)) {
        Err(message) => complain(&message, exit_code::USAGE),
        Ok(Arguments { mode: Mode::Version, .. }) => say(concat!("rollcall-init ", env!("CARGO_PKG_VERSION"))),
        Ok(Arguments { mode: Mode::Exec(command), .. }) => {
            complain(&spawn::become_command(&command), exit_code::NOT_RUN)
        }
        Ok(Arguments { mode: Mode::Check(file), .. }) => match config::load(&file) {
            Ok(config) => {
                let count = config.processes.len();
                let noun = if count == 1 { "process" } else { "processes" };
                say(&format!("`{}` is valid: {count} {noun}", file.display()))
            }
            Err(error) => complain(&error.to_string(), exit_code::CONFIG),
        },
        Ok(Arguments { mode: Mode::Run, settings }) => match config::load(&settings.config) {
            Err(error) => complain(&error.to_string(), exit_code::CONFIG),
            Ok(config) => match node::run(config, &settings) {
                Ok(()) => exit_code::OK,
                Err(message) => complain(&message, exit_code::SYSTEM),
            },
        },
    };
    ExitCode::from(code)
}

/// Writes one line to standard output; whether anybody listens does not change what happens next.
fn say(line: &str) -> u8 {
    let _ = writeln!(std::io::stdout(), "{line}");
    exit_code::OK
}

/// Writes one message to standard error and passes the exit code through.
fn complain(message: &str, code: u8) -> u8 {
    let _ = writeln!(std::io::stderr(), "rollcall-init: {message}");
    code
}
