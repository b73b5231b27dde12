//! The rule that makes this crate worth having: no runtime, client, file or clock.

mod common;

use std::path::PathBuf;

use common::files::below;

/// Each is a function of its arguments: they compute, and open nothing. `docs/dependencies.md` says what each is for.
const ALLOWED: [&str; 12] = [
    "annotate-snippets",
    "cel",
    "humantime",
    "imbl",
    "json-patch",
    "k8s-openapi",
    "regex",
    "serde",
    "serde_json",
    "serde_yaml",
    "stacker",
    "thiserror",
];

/// Split, so that this file does not find itself.
const FORBIDDEN: [(&str, &str); 10] = [
    ("std::", "fs"),
    ("std::", "net"),
    ("std::", "process"),
    ("std::", "env"),
    ("std::", "thread"),
    ("System", "Time"),
    ("Instant::", "now"),
    ("Timestamp::", "now"),
    ("Zoned::", "now"),
    ("include_", "str!"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn model_depends_on_nothing_that_acts() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the crate's own manifest is readable");
    let section = manifest.split("[dependencies]").nth(1).expect("the manifest has dependencies");
    let section = section.split("\n[").next().expect("a split has a first part");
    let names: Vec<&str> = section
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, ALLOWED, "a new dependency of the model must be argued for");
    assert!(!section.contains("v1_"), "the final binary chooses the Kubernetes version");
    assert!(!manifest.contains("[build-dependencies]") && !manifest.contains("[target."), "no other dependencies");
}

#[test]
fn model_names_no_file_network_process_or_clock() {
    let mut files = Vec::new();
    below(&root().join("src"), "rs", &mut files);
    assert!(files.len() > 20, "found only {} sources", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("sources are readable");
        for (left, right) in FORBIDDEN {
            assert!(!text.contains(&format!("{left}{right}")), "{} names {left}{right}", file.display());
        }
    }
}

#[test]
fn files_stay_small() {
    let mut files = Vec::new();
    below(&root().join("src"), "rs", &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("sources are readable");
        let lines = text.lines().count();
        assert!(lines <= 480, "{} has {lines} lines: split it", file.display());
        assert!(text.starts_with("//!"), "{} does not say its duty", file.display());
    }
}
