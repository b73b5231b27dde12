//! Whether tests on clusters run. A bare `cargo test` makes no container: `.cargo/config.toml` switches them off.

use std::sync::OnceLock;

use rollcall::{Clusters, Needs};

/// The images of the tests.
pub(crate) const IMAGES: [&str; 2] = ["rollcall/agent:1", "rollcall/agent:2"];

/// Why a test on clusters does not run, if it does not.
///
/// # Errors
/// When clusters are required and cannot be made here, or the variable has a value that means nothing.
pub fn closed() -> Result<Option<String>, String> {
    static FOUND: OnceLock<Result<Option<String>, String>> = OnceLock::new();
    FOUND.get_or_init(|| look().map_err(|error| format!("{error:#}"))).clone()
}

fn look() -> anyhow::Result<Option<String>> {
    let needs = Needs { images: IMAGES.map(String::from).to_vec(), ..Needs::default() };
    let closed = tokio::runtime::Runtime::new()?.block_on(async { Clusters::from_env()?.closed(&needs).await });
    closed.map_err(|error| anyhow::anyhow!("clusters are required: {}", crate::told(&error)))
}
