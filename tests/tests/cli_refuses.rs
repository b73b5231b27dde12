//! What the command line does with what makes no sense and where there is no engine. No cluster, no container.

use std::fs;

use anyhow::{Result, ensure};
use rollcall_tests::{Cli, TestResult, repository};
use rstest::rstest;

const SCENARIO: &str = "apiVersion: rollcall.dev/v1
kind: Scenario
metadata: {name: one}
cluster:
  nodes:
    - {name: control-plane, role: control-plane}
    - {name: worker-1}
steps:
  - expect: {nodeReady: {node: worker-1}, within: 5s}
";

#[rstest]
#[case::listing(&["ls"])]
#[case::starting(&["up", "--name", "nowhere"])]
#[case::removing(&["down", "nowhere"])]
#[case::cleaning(&["clean"])]
#[case::loading(&["load", "rollcall/agent:1"])]
#[case::running(&["run", "scenarios/placement/one-pod-per-node.yaml"])]
#[case::changing(&["node", "add", "worker-9"])]
#[case::validating(&["validate", "rollcall/agent:1"])]
fn without_an_engine_every_command_says_so_and_ends_with_3(#[case] words: &[&str]) -> TestResult {
    let outcome = Cli::new(words).env("DOCKER_HOST", "unix:///nonexistent/docker.sock").run()?.code(3)?;
    let said = outcome.to_string();
    ensure!(said.contains("no container engine answers") && said.contains("DOCKER_HOST"), "{outcome}");
    ensure!(!said.contains("panicked"), "{outcome}");
    Ok(())
}

#[test]
fn without_an_engine_what_needs_none_works() -> TestResult {
    let nowhere = |words: &[&str]| Cli::new(words).env("DOCKER_HOST", "unix:///nonexistent/docker.sock").run();
    nowhere(&["lint", "scenarios"])?.code(0)?;
    nowhere(&["run", "--dry-run", "scenarios/placement"])?.code(0)?.prints(&["one-pod-per-node", "worker-2"])?;
    nowhere(&["completions", "bash"])?.code(0)?.prints(&["rollcall"])?;
    nowhere(&["schema"])?.code(0)?.prints(&["json-schema.org/draft/2020-12", "onePodPerNode"])?;
    Ok(())
}

#[rstest]
#[case::misspelt_key("within: 5s", "withn: 5s", &["9:", "withn", "did you mean `within`?"])]
#[case::wrong_type("steps:\n", "steps: 7\nrest:\n", &["8:8"])]
#[case::duplicate_key("metadata: {name: one}", "metadata: {name: one, name: two}", &["3:", "name"])]
#[case::tab("  nodes:", "\tnodes:", &["5:", "tab"])]
#[case::unknown_node("node: worker-1}", "node: worker-7}", &["9:", "worker-7", "did you mean `worker-1`?"])]
#[case::node_name("name: worker-1}", "name: Worker_1}", &["7:", "Worker_1"])]
#[case::alias_bomb("metadata: {name: one}", BOMB, &["scenario.yaml"])]
fn a_bad_scenario_is_refused_with_its_place(
    #[case] right: &str,
    #[case] wrong: &str,
    #[case] said: &[&str],
    #[values("lint", "run")] command: &str,
) -> TestResult {
    assert!(SCENARIO.contains(right), "the case replaces nothing");
    refuses(command, &SCENARIO.replacen(right, wrong, 1), said)
}

/// Ten levels of ten aliases each: ten thousand million values.
const BOMB: &str = "metadata: {name: one}
a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
h: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]
i: &i [*h, *h, *h, *h, *h, *h, *h, *h, *h, *h]
j: &j [*i, *i, *i, *i, *i, *i, *i, *i, *i, *i]
";

#[rstest]
fn an_empty_and_a_huge_scenario_are_refused(#[values("lint", "run")] command: &str) -> TestResult {
    refuses(command, "", &["scenario.yaml"])?;
    let huge = format!("{SCENARIO}{}", "# filler\n".repeat(1_200_000));
    refuses(command, &huge, &["scenario.yaml"])
}

fn refuses(command: &str, text: &str, said: &[&str]) -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("scenario.yaml");
    fs::write(&file, text)?;
    // No engine: a scenario is refused before one is asked for.
    let outcome =
        Cli::new([command]).arg(&file).env("DOCKER_HOST", "unix:///nonexistent/docker.sock").run()?.code(2)?;
    let all = outcome.to_string();
    for part in said {
        ensure!(all.contains(part), "`{part}` is not said by\n{}", all.chars().take(4000).collect::<String>());
    }
    ensure!(all.len() < 20_000, "{} bytes are printed", all.len());
    ensure!(outcome.took.as_secs() < 5, "it took {:?}", outcome.took);
    Ok(())
}

#[rstest]
#[case::missing_path(&["run", "scenarios/nothing-here"], 2, &["scenarios/nothing-here"])]
#[case::no_scenario_there(&["lint", "manifests"], 4, &["no scenario found"])]
#[case::filtered_away(&["run", "scenarios", "--filter", "nod-joins"], 4, &["nod-joins"])]
#[case::unknown_command(&["nod"], 2, &["node"])]
#[case::half_a_label(&["node", "label", "worker-1", "role"], 2, &["KEY=VALUE"])]
#[case::unknown_effect(&["node", "taint", "worker-1", "a=b:NoSchedul"], 2, &["did you mean `NoSchedule`?"])]
#[case::report_format(&["run", "scenarios", "--report", "pdf=x.pdf"], 2, &["unknown format `pdf`", "junit=FILE"])]
#[case::report_of_another(&["run", "scenarios", "--report", "html=x.html"], 2, &["no html report", "junit, json"])]
#[case::unknown_gate(&["validate", "agent:1", "--gate", "upgade"], 2, &["did you mean `upgrade`?", "comes-up"])]
#[case::one_node(&["validate", "agent:1", "--nodes", "1"], 2, &["1 is not in 2..=50"])]
#[case::no_time(&["validate", "agent:1", "--ready-within", "5ms"], 2, &["at least 1s"])]
#[case::no_config(&["validate", "agent:1", "--config", "no/such/file"], 2, &["cannot read `no/such/file`"])]
#[case::no_baseline(&["validate", "agent:1", "--baseline", "no/such/file"], 2, &["cannot read baseline `no/such/file`"])]
#[case::other_baseline(&["validate", "agent:1", "--baseline", "README.md"], 2, &["baseline `README.md` is no scorecard"])]
#[case::report_of_what(&["validate", "agent:1", "--slower-by", "9"], 2, &["--baseline"])]
#[case::report_folder(&["run", "scenarios", "--report", "json=docs"], 2, &["report `docs`", "is no file"])]
#[case::report_path(&["run", "scenarios", "--report", "Makefile/r.xml"], 2, &["cannot write report `Makefile/r.xml`"])]
#[case::one_file_twice(&["run", "scenarios", "--report", "/tmp/r.xml", "--report", "/tmp/r.xml"], 2, &["two reports"])]
#[case::evidence_path(&["run", "scenarios", "--evidence", "Makefile"], 2, &["cannot write evidence", "--no-evidence"])]
#[case::evidence_or_none(&["run", "scenarios", "--evidence", "x", "--no-evidence"], 2, &["cannot be used with"])]
#[case::no_port(&["up", "--port", "70000"], 2, &["70000"])]
fn a_wrong_command_line_is_refused_with_what_would_be_right(
    #[case] words: &[&str],
    #[case] code: i32,
    #[case] said: &[&str],
) -> TestResult {
    Cli::new(words).env("DOCKER_HOST", "unix:///nonexistent/docker.sock").run()?.code(code)?.complains(said)?;
    Ok(())
}

#[test]
fn without_an_engine_the_reports_say_so_of_each_scenario() -> TestResult {
    let directory = tempfile::tempdir()?;
    let [xml, json] = ["out/r.xml", "out/r.json"].map(|name| directory.path().join(name));
    let run = Cli::new(["run", "scenarios/placement", "--report"]).arg(&xml).arg("--report").arg(&json);
    run.env("DOCKER_HOST", "unix:///nonexistent/docker.sock").run()?.code(3)?;
    let text = fs::read_to_string(&xml)?;
    let document = roxmltree::Document::parse(&text)?;
    let root = document.root_element();
    let suites: Vec<_> = root.children().filter(|node| node.has_tag_name("testsuite")).collect();
    ensure!(!suites.is_empty(), "{text}");
    for suite in &suites {
        let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        ensure!(cases[0].attribute("name") == Some("cluster"), "{text}");
        let message = cases[0].children().find_map(|node| node.attribute("message")).unwrap_or_default();
        ensure!(message.starts_with("no container engine answers"), "{text}");
        let skipped = cases.iter().filter(|case| case.children().any(|node| node.has_tag_name("skipped"))).count();
        ensure!(skipped == cases.len() - 1 && skipped >= 2, "{skipped} of {} are skipped\n{text}", cases.len());
    }
    let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&json)?)?;
    ensure!(report["totals"]["environment"] == suites.len(), "{report:#}");
    ensure!(report["scenarios"][0]["evidence"].is_null(), "{report:#}");
    Ok(())
}

#[test]
fn a_version_that_is_asked_for_is_that_of_every_cluster() -> TestResult {
    let dry_run = |flags: &[&str]| -> Result<usize> {
        let mut command = Cli::new(["run", "--dry-run", "scenarios/placement"]);
        for flag in flags {
            command = command.arg(*flag);
        }
        Ok(command.run()?.code(0)?.to_string().matches(", Kubernetes 1.36").count())
    };
    let scenarios = fs::read_dir(repository::root().join("scenarios/placement"))?.count();
    ensure!(dry_run(&[])? == 0);
    ensure!(dry_run(&["--kubernetes", "1.36"])? == scenarios);
    Ok(())
}

#[test]
fn a_dry_run_of_every_scenario_prints_its_plan() -> TestResult {
    let outcome = Cli::new(["run", "--dry-run", "scenarios"]).run()?.code(0)?;
    for file in repository::scenarios() {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        ensure!(outcome.stdout.contains(&format!("scenario {name}\n")), "`{name}` has no plan\n{outcome}");
    }
    Ok(())
}
