//! The page on troubleshooting: it is the committed one, and the scenarios that it names are there.

use std::path::{Path, PathBuf};

use rollcall_model::explain::{Cause, Shown, sections, troubleshooting};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_committed_page_is_that_of_the_code() {
    assert!(
        read("docs/troubleshooting.md") == troubleshooting(),
        "docs/troubleshooting.md is not that of the code\n(hint: cargo run -p rollcall-model --example troubleshooting > docs/troubleshooting.md)"
    );
}

#[test]
fn every_scenario_that_shows_a_cause_is_there_and_names_it_and_no_other_is() {
    let mut wrong = Vec::new();
    for about in sections().iter().flat_map(|section| section.causes) {
        let path = about.cause.scenario();
        let is_there = root().join(&path).exists();
        match about.shown() {
            Shown::Scenario if !is_there => wrong.push(format!("{path} is not there, and is said to show its cause")),
            Shown::Scenario if !read(&path).contains(about.cause.code()) => {
                wrong.push(format!("{path} does not name `{}`", about.cause));
            }
            Shown::Objects(why) if is_there => {
                wrong.push(format!("{path} is there, and the page says: {why}\n(hint: `ELSEWHERE` in harness/model/src/explain/table/shown.rs)"));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_page_on_explain_lists_every_cause() {
    let page = read("docs/explain.md");
    let missing: Vec<Cause> = Cause::ALL.into_iter().filter(|cause| !page.contains(&format!("`{cause}`"))).collect();
    assert!(missing.is_empty(), "docs/explain.md does not list {missing:?}");
}
