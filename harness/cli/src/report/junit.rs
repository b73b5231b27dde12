//! The JUnit report, as Jenkins, GitLab and the readers for GitHub expect it: a test suite a scenario, a test case a
//! step.
//!
//! An expectation that did not hold is a failure; what the environment could not do is an error; a step that was not
//! reached is skipped. What has no step of its own gets a case only where it went wrong: `cluster`, `run`, `cleanup`.

use std::{collections::BTreeMap, time::Duration};

use quick_junit::{NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::suite::{CleanupOutcome, ScenarioReport, ScenarioVerdict, StepReport, StepReportOutcome, SuiteReport};

/// The report as XML. Characters that XML cannot have are left out.
pub(super) fn xml(suite: &SuiteReport) -> Result<String, SerializeError> {
    let mut report = Report::new("rollcall");
    report.timestamp = suite.started.to_string().parse().ok();
    report.set_time(Duration::from_millis(suite.took_ms));
    report.add_test_suites(suite.scenarios.iter().map(test_suite));
    // These two are no characters of XML either, and the library lets them through.
    Ok(report.to_string()?.replace(['\u{fffe}', '\u{ffff}'], ""))
}

fn test_suite(scenario: &ScenarioReport) -> TestSuite {
    let mut suite = TestSuite::new(scenario.name.as_str());
    suite.extra.insert("file".into(), scenario.file.as_str().into());
    suite.timestamp = scenario.started.and_then(|started| started.to_string().parse().ok());
    suite.set_time(Duration::from_millis(scenario.took_ms));
    if let Some(evidence) = &scenario.evidence {
        suite.add_property(Property::new("evidence", evidence.as_str()));
    }
    let mut names = Names::default();
    let mut add = |name: &str, took_ms: Option<u64>, status: TestCaseStatus| {
        let mut case = TestCase::new(names.unique(name), status);
        case.set_classname(scenario.name.as_str());
        case.extra.insert("file".into(), scenario.file.as_str().into());
        case.set_time(Duration::from_millis(took_ms.unwrap_or(0)));
        suite.add_test_case(case);
    };
    let cluster_is_up = scenario.cluster.as_ref().is_some_and(|cluster| cluster.took_ms.is_some());
    if let Some(failure) = &scenario.failure {
        let name = if cluster_is_up { "run" } else { "cluster" };
        let hint = failure.hint.as_ref().map(|hint| format!("\n  (hint: {hint})")).unwrap_or_default();
        add(name, None, error(&format!("{}{hint}", failure.message), scenario));
    }
    let why_skipped = why_skipped(scenario, cluster_is_up);
    for step in &scenario.steps {
        add(&case_name(step), step.took_ms, step_status(step, scenario, &why_skipped));
    }
    if let Some(cleanup) = scenario.cleanup.as_ref().filter(|cleanup| cleanup.outcome == CleanupOutcome::Failed) {
        let message = cleanup.message.as_deref().unwrap_or_default();
        add("cleanup", None, error(&format!("the cluster is not removed completely: {message}"), scenario));
    }
    suite
}

/// The step's own name, which stays when steps are put in front of it; else its number and what it does.
fn case_name(step: &StepReport) -> String {
    step.name.clone().unwrap_or_else(|| format!("{:02} {}", step.index + 1, step.summary))
}

fn step_status(step: &StepReport, scenario: &ScenarioReport, why_skipped: &str) -> TestCaseStatus {
    let message = step.message.as_deref().unwrap_or_default();
    match step.outcome {
        StepReportOutcome::Held => TestCaseStatus::success(),
        StepReportOutcome::DidNotHold => {
            let mut text = format!("{}\n\n{message}", step.summary);
            if let Some(report) = &step.report {
                text.push_str(&format!("\n\n{report}"));
            }
            for paragraph in step.diagnoses.iter().flat_map(|diagnosis| diagnosis.paragraphs()) {
                text.push_str(&format!("\n\nwhy: {}", paragraph.trim_end()));
            }
            non_success(NonSuccessKind::Failure, "did not hold", message, &text, scenario)
        }
        StepReportOutcome::Environment => {
            let text = format!("{}\n\n{message}", step.summary);
            non_success(NonSuccessKind::Error, "environment", message, &text, scenario)
        }
        StepReportOutcome::Skipped => skipped(message),
        StepReportOutcome::NotReached => skipped(why_skipped),
    }
}

fn skipped(reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(reason);
    status
}

fn error(message: &str, scenario: &ScenarioReport) -> TestCaseStatus {
    non_success(NonSuccessKind::Error, "environment", message, message, scenario)
}

fn non_success(
    kind: NonSuccessKind,
    type_: &str,
    message: &str,
    text: &str,
    scenario: &ScenarioReport,
) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    // Readers show the attribute in a list, and XML makes a space of each of its line ends.
    status.set_message(message.lines().next().unwrap_or_default()).set_type(type_);
    let evidence = scenario.evidence.as_ref().map(|path| format!("\n\nevidence: {path}")).unwrap_or_default();
    status.set_description(format!("{text}{evidence}\n"));
    status
}

/// Why steps of this scenario were not reached, if any were not.
fn why_skipped(scenario: &ScenarioReport, cluster_is_up: bool) -> String {
    if scenario.verdict == ScenarioVerdict::Skipped {
        return scenario.reason.clone().unwrap_or_else(|| "the scenario was not run".to_owned());
    }
    if !cluster_is_up {
        return "not reached: the cluster did not come up".to_owned();
    }
    let ended =
        |step: &&StepReport| matches!(step.outcome, StepReportOutcome::DidNotHold | StepReportOutcome::Environment);
    match scenario.steps.iter().find(ended) {
        Some(step) => format!("not reached: the run ended with step {}", case_name(step)),
        None => "not reached: the run ended before it".to_owned(),
    }
}

/// Readers take two cases of one name for one.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, usize>);

impl Names {
    fn unique(&mut self, name: &str) -> XmlString {
        let count = self.0.entry(name.to_owned()).or_default();
        *count += 1;
        if *count == 1 { name.into() } else { format!("{name} ({count})").into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn scenarios_are_suites_and_steps_are_cases() {
        insta::assert_snapshot!(xml(&testing::suite()).unwrap());
    }

    #[test]
    fn no_message_makes_the_xml_invalid() {
        let mut suite = testing::suite();
        let nasty = "\u{1b}[31mred\u{1b}[0m \u{0}\u{8}\u{c}\u{fffe} <a href=\"x\">&'\r\n]]> \u{1f600}";
        for scenario in &mut suite.scenarios {
            scenario.name = nasty.into();
            scenario.file = nasty.into();
            scenario.evidence = Some(nasty.into());
            for step in &mut scenario.steps {
                step.summary = nasty.into();
                step.message = Some(nasty.into());
            }
        }
        let text = xml(&suite).unwrap();
        let forbidden =
            |c: char| matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
        assert!(!text.contains(forbidden), "{text:?}");
        let read = Report::deserialize_from_str(&text).unwrap();
        assert_eq!(read.test_suites.len(), suite.scenarios.len());
        let name = read.test_suites[0].name.as_str();
        assert!(name.starts_with("red ") && name.contains("<a href=\"x\">&'") && name.ends_with("😀"), "{name:?}");
    }

    #[test]
    fn cases_of_one_name_are_told_apart() {
        let mut names = Names::default();
        let unique = ["a", "b", "a"].map(|name| names.unique(name).as_str().to_owned());
        assert_eq!(unique, ["a", "b", "a (2)"]);
    }
}
