//! What the repository says of itself is so. No cluster, no container.

use std::path::Path;

use rollcall::model::Scenario;
use rollcall_tests::{Cli, TestResult, repository, says};

/// Where a source file is split.
const MOST_LINES: usize = 800;

/// The texts in single backticks, outside of code blocks.
fn quoted(text: &str) -> Vec<String> {
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    prose.iter().flat_map(|part| part.split('`').skip(1).step_by(2).map(str::to_owned)).collect()
}

/// Whether a quoted text is meant as a path of this repository.
fn is_path(text: &str) -> bool {
    let strange = |c: char| c.is_whitespace() || "<>*{}:=@$".contains(c);
    text.contains('/') && !text.starts_with(['/', '~', '.']) && !text.contains(strange)
}

#[test]
fn docs_architecture_names_only_paths_that_exist() {
    let quoted = quoted(&repository::read("docs/ARCHITECTURE.md"));
    let paths: Vec<&String> = quoted.iter().filter(|text| is_path(text)).collect();
    assert!(paths.len() >= 10, "an architecture page names its parts, and this one only {paths:?}");
    let missing: Vec<&&String> = paths.iter().filter(|path| !repository::root().join(path.as_str()).exists()).collect();
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md names what is not there: {missing:?}");
}

#[test]
fn docs_link_only_to_files_that_exist() {
    let pages = repository::files("docs").into_iter().chain([Path::new("README.md").to_owned()]);
    let mut broken = Vec::new();
    for page in pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = repository::read(&page);
        let folder = repository::root().join(page.parent().unwrap_or(Path::new("")));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !link.is_empty() && !link.contains("://") && !folder.join(link).exists() {
                broken.push(format!("{} links to {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn docs_readme_names_the_kubernetes_versions_that_are_pinned() {
    let pinned: Vec<String> = repository::files("node/modules/kubernetes/versions")
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "mod"))
        .map(|path| {
            let text = repository::read(path);
            let line = text.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes v"));
            line.unwrap_or_else(|| panic!("`{}` pins no Kubernetes", path.display())).trim().to_owned()
        })
        .collect();
    let default = rollcall::DEFAULT_KUBERNETES.trim_start_matches('v');
    assert!(pinned.iter().any(|version| version == default), "the default {default} is none of {pinned:?}");
    let readme = repository::read("README.md");
    let is_version = |word: &&str| word.starts_with("1.3") && word.split('.').count() == 3;
    let words = readme.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_matches('.'));
    let named: Vec<&str> = words.filter(is_version).collect();
    assert!(named.contains(&default), "README.md does not name {default}");
    for version in named {
        assert!(pinned.iter().any(|pinned| pinned == version), "README.md names {version}, and {pinned:?} are pinned");
    }
}

#[test]
fn docs_readme_shows_a_valid_scenario() {
    let readme = repository::read("README.md");
    let blocks = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let scenarios: Vec<&str> = blocks.filter(|block| block.contains("kind: Scenario")).collect();
    assert!(!scenarios.is_empty(), "README.md shows no scenario");
    for text in scenarios {
        let manifest = |path: &str| Ok(repository::read(path.trim_start_matches("../")));
        let scenario = Scenario::load("README.md", text, &manifest);
        assert!(scenario.is_ok(), "{}", scenario.err().map(|problems| problems.to_string()).unwrap_or_default());
    }
}

#[test]
fn docs_readme_shows_commands_that_exist() -> TestResult {
    let readme = repository::read("README.md");
    let lines = readme.lines().filter_map(|line| line.strip_prefix("rollcall "));
    let commands: Vec<&str> = lines.filter_map(|line| line.split('#').next()).collect();
    assert!(commands.len() >= 3, "README.md shows only {commands:?}");
    for command in commands {
        // Flags that do not exist are refused before the help is printed.
        Cli::new(command.split_whitespace()).arg("--help").run()?.code(0)?.prints(&["Usage: rollcall"])?;
    }
    Ok(())
}

#[test]
fn every_scenario_passes_lint() -> TestResult {
    let count = repository::scenarios().len();
    assert!(count >= 9, "only {count} scenarios");
    Cli::new(["lint", "scenarios"]).run()?.code(0)?.prints(&[&format!("{count} valid"), "0 invalid"])?;
    // The one that runs in a virtual machine.
    Cli::new(["lint", "scripts/cgroup2"]).run()?.code(0)?.prints(&["1 valid", "0 invalid"])?;
    Ok(())
}

#[test]
fn every_scenario_and_manifest_opens_with_a_comment_that_says_what_it_shows() {
    for file in repository::scenarios().into_iter().chain(repository::files("manifests")) {
        let text = repository::read(&file);
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("# ") && first.len() > 20, "`{}` begins with `{first}`", file.display());
    }
}

#[test]
fn a_scenario_is_named_as_its_file() -> TestResult {
    for file in repository::scenarios() {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        says(&repository::read(&file), &[&format!("\n  name: {stem}\n")])?;
    }
    Ok(())
}

#[test]
fn no_source_file_is_longer_than_can_be_kept_in_mind() {
    let is_source = |path: &Path| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        ["rs", "go", "sh", "yaml", "yml", "md", "toml"].contains(&extension.as_str())
    };
    let files: Vec<_> = repository::files("").into_iter().filter(|path| is_source(path)).collect();
    assert!(files.len() > 100, "only {} files were found", files.len());
    let long = files
        .iter()
        .map(|file| (file, repository::read(file).lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES);
    let long: Vec<String> = long.map(|(file, lines)| format!("{} has {lines} lines", file.display())).collect();
    assert!(long.is_empty(), "split {long:#?}");
}
