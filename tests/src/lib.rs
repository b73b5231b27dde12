//! The vocabulary of the tests: the command line as a program, the engine's leftovers, pods, and one cluster for many
//! tests.
//!
//! Everything here fails with what was tried and what was seen; nothing prints.
#![forbid(unsafe_code)]

pub mod cli;
pub mod conformance;
pub mod distros;
pub mod docker;
pub mod eventually;
pub mod gate;
pub mod keys;
pub mod nodes;
pub mod oracle;
pub mod pods;
pub mod repository;
pub mod suite;
pub mod written;

pub use cli::{Cli, Outcome};
pub use keys::Keys;
pub use suite::{Test, TestResult};

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// A name that no other test, process or earlier run has; a DNS label of at most 30 characters.
#[must_use]
pub fn unique_name(stem: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() & 0xff_ffff);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("t-{stem:.12}-{:x}-{millis:x}{count:x}", std::process::id())
}

/// Succeeds if the text has every part, and otherwise shows both.
///
/// # Errors
/// When a part is missing.
pub fn says(text: &str, parts: &[&str]) -> TestResult {
    for part in parts {
        anyhow::ensure!(text.contains(part), "`{part}` is not said in:\n{text}");
    }
    Ok(())
}

/// The error of something that must fail.
///
/// # Errors
/// When it did not.
pub fn refused<T>(result: rollcall::Result<T>, what: &str) -> anyhow::Result<rollcall::Error> {
    match result {
        Ok(_) => anyhow::bail!("{what} was not refused"),
        Err(error) => Ok(error),
    }
}

/// Message, causes and hint of an error, as a person gets to see them.
#[must_use]
pub fn told(error: &rollcall::Error) -> String {
    let hint = error.hint().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
    format!("{}{hint}", rollcall::error::chain(error))
}
