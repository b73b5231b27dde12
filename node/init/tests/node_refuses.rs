//! What the real program refuses to do, and with which exit code.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollcall-init")).args(arguments).output().expect("the program was built")
}

#[test]
fn a_wrong_configuration_names_the_field() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("init.json");
    std::fs::write(&file, r#"{"procesess": []}"#).unwrap();
    for arguments in [["--check", file.to_str().unwrap()], ["--config", file.to_str().unwrap()]] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(78));
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("unknown field `procesess`"), "{message}");
    }
}

#[test]
fn a_right_configuration_passes_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("init.json");
    std::fs::write(&file, r#"{"processes": [{"name": "a", "command": ["a"]}]}"#).unwrap();
    let output = run(&["--check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("is valid: 1 process\n"));
}

#[test]
fn the_machine_of_a_developer_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("init.json");
    std::fs::write(&file, r#"{"powerOn": "now"}"#).unwrap();
    let output = run(&["--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(71));
    assert!(String::from_utf8(output.stderr).unwrap().contains("not started as PID 1"));
}

#[test]
fn an_unknown_argument_is_refused() {
    assert_eq!(run(&["--frobnicate"]).status.code(), Some(64));
    assert_eq!(run(&["--version"]).status.code(), Some(0));
}
