//! The oracle against the real controller: random nodes, random DaemonSets, waiting until the controller has nothing
//! left to do, and comparing what it did with what the oracle says of the same objects.
//!
//! Everything random follows from one number, so that a difference is found again with it: `ROLLCALL_SEED=7` before
//! the test's command. Without it the number is always the same.

pub mod compare;
pub mod daemon_sets;
pub mod nodes;
mod random;
pub mod settled;

pub use compare::{Outcome, compare};
pub use random::Random;
pub use settled::{Snapshot, settle};

use anyhow::{Context, Result};

/// The variable that says with which number everything random begins.
pub const SEED_VARIABLE: &str = "ROLLCALL_SEED";

/// What is tested everywhere where nothing else is asked for.
const DEFAULT_SEED: u64 = 20_261_125;

/// The number with which everything random begins.
///
/// # Errors
/// When the variable holds no number.
pub fn seed() -> Result<u64> {
    match std::env::var(SEED_VARIABLE) {
        Ok(text) => text.parse().with_context(|| format!("{SEED_VARIABLE} is `{text}`, which is no whole number")),
        Err(_) => Ok(DEFAULT_SEED),
    }
}
