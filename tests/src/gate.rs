//! Whether tests on clusters run. A bare `cargo test` makes no container.

use std::{env, sync::OnceLock};

use crate::docker;

/// `required`: tests on clusters run, and fail where there is no engine or no image. Unset: they are ignored.
pub const VARIABLE: &str = "ROLLCALL_CLUSTERS";

/// Why a test on clusters does not run, if it does not.
///
/// # Errors
/// When clusters are required and cannot be made here, or the variable has a value that means nothing.
pub fn closed() -> Result<Option<String>, String> {
    static FOUND: OnceLock<Result<Option<String>, String>> = OnceLock::new();
    FOUND.get_or_init(look).clone()
}

fn look() -> Result<Option<String>, String> {
    match env::var(VARIABLE).as_deref() {
        Err(_) | Ok("") => Ok(Some(format!("makes containers; run with {VARIABLE}=required"))),
        Ok("required") => {
            docker::docker(&["version", "--format", "{{.Server.Version}}"])
                .map_err(|error| format!("clusters are required (hint: `make prepare` starts an engine): {error:#}"))?;
            let image = format!("{}:{}", rollcall::NODE_IMAGE_REPOSITORY, rollcall::DEFAULT_KUBERNETES);
            for image in [&image, "rollcall/agent:1", "rollcall/agent:2"] {
                docker::docker(&["image", "inspect", "--format", "{{.Id}}", image]).map_err(|error| {
                    format!("clusters are required, and image `{image}` is not here (hint: `make image`): {error:#}")
                })?;
            }
            Ok(None)
        }
        Ok(other) => Err(format!("{VARIABLE} is `{other}` (hint: unset it or set it to `required`)")),
    }
}
