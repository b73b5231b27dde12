//! The test target of a user's crate, in the folder that `CARGO_MANIFEST_DIR` names when it runs.

rollcall::scenarios!("scenarios/**/*.yaml");
