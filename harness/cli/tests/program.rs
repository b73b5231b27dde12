//! The program as it is built. That it is tested here makes every `cargo test --workspace` build it with the features
//! that all tests are built with, so that the tests on clusters do not compile everything once more for it.

use std::process::Command;

#[test]
fn it_says_which_version_it_is() {
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall")).arg("--version").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.trim_end(), format!("rollcall {}", env!("CARGO_PKG_VERSION")));
}
