//! The scorecard of `validate` for programs: JSON, and JUnit with a case a gate. `docs/validate.md` describes it.

use std::{io, time::Duration};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use rollcall::model::validate::{GateResult, Outcome, Scorecard};
use serde::{Deserialize, Serialize};

use super::file::{Document, ReportFormat};

/// What the JSON says it is.
const KIND: &str = "RollcallScorecard";
/// The version of the JSON: 1. It rises when a key changes in a way that an older reader would misread.
const FORMAT: u32 = 1;

/// The formats of a [`ScoreReport`].
pub(crate) const OF_SCORECARDS: [ReportFormat; 4] =
    [ReportFormat::Junit, ReportFormat::Json, ReportFormat::Markdown, ReportFormat::Html];

/// A scorecard with what tells a reader that it is one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScoreReport<'a> {
    kind: &'static str,
    format: u32,
    tool: String,
    passes: bool,
    #[serde(flatten)]
    card: &'a Scorecard,
}

/// What a scorecard that was written before begins with.
#[derive(Debug, Deserialize)]
struct Head {
    kind: String,
    format: u32,
}

/// Reads what [`ScoreReport`] wrote.
///
/// # Errors
/// The rest of a sentence that begins with the file's name.
pub(crate) fn read(text: &str) -> Result<Scorecard, String> {
    let broken = |error: serde_json::Error| format!("is no scorecard: {error}");
    let head: Head = serde_json::from_str(text).map_err(broken)?;
    if head.kind != KIND {
        return Err(format!("is no scorecard but a {}", head.kind));
    }
    if head.format != FORMAT {
        return Err(format!("has format {}, and only {FORMAT} is known", head.format));
    }
    serde_json::from_str(text).map_err(broken)
}

impl<'a> ScoreReport<'a> {
    pub(crate) fn new(card: &'a Scorecard) -> Self {
        let tool = format!("rollcall {}", env!("CARGO_PKG_VERSION"));
        Self { kind: KIND, format: FORMAT, tool, passes: card.passes(), card }
    }
}

impl Document for ScoreReport<'_> {
    fn junit(&self) -> io::Result<String> {
        let mut suite = TestSuite::new(self.card.image.as_str());
        suite.set_time(Duration::from_millis(self.card.took_ms));
        suite.add_test_cases(self.card.gates.iter().map(case));
        let mut report = Report::new("rollcall validate");
        report.set_time(Duration::from_millis(self.card.took_ms));
        report.add_test_suite(suite);
        // These two are no characters of XML, and the library lets them through.
        Ok(report.to_string().map_err(io::Error::other)?.replace(['\u{fffe}', '\u{ffff}'], ""))
    }

    fn json(&self) -> io::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    fn markdown(&self) -> io::Result<String> {
        Ok(self.card.markdown())
    }

    fn html(&self) -> io::Result<String> {
        Ok(self.card.html())
    }
}

fn case(gate: &GateResult) -> TestCase {
    let first = gate.reasons.first().and_then(|reason| reason.lines().next()).unwrap_or_default();
    let status = match gate.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(first);
            status
        }
        Outcome::Failed | Outcome::Environment => {
            let failed = gate.outcome == Outcome::Failed;
            let kind = if failed { NonSuccessKind::Failure } else { NonSuccessKind::Error };
            let mut status = TestCaseStatus::non_success(kind);
            let evidence = gate.evidence.as_ref().map(|path| format!("\n\nevidence: {path}")).unwrap_or_default();
            status.set_message(first).set_type(if failed { "did not hold" } else { "environment" });
            status.set_description(format!("{}\n\n{}{evidence}\n", gate.summary, gate.reasons.join("\n\n")));
            status
        }
    };
    let mut case = TestCase::new(gate.gate.as_str(), status);
    case.set_classname("rollcall validate");
    case.set_time(Duration::from_millis(gate.took_ms));
    case
}

#[cfg(test)]
mod tests {
    use rollcall::model::validate::{GateName, Measure};

    use super::*;

    fn card() -> Scorecard {
        let failed = GateResult {
            reasons: vec!["step 3: <it> was not gone\nafter 5 s".into()],
            evidence: Some("evidence/stops".into()),
            took_ms: 8000,
            ..GateResult::new(GateName::Stops, Outcome::Failed)
        };
        let passed = GateResult {
            measures: Measure::of_step("ready on worker-1", 900).into_iter().collect(),
            took_ms: 4000,
            ..GateResult::new(GateName::ComesUp, Outcome::Passed)
        };
        let skipped = GateResult {
            reasons: vec!["no time was given".into()],
            ..GateResult::new(GateName::Soak, Outcome::Skipped)
        };
        let gates = vec![passed, failed, skipped];
        Scorecard { image: "agent:2".into(), from: None, daemon_set: "agent".into(), gates, took_ms: 12_500 }
    }

    #[test]
    fn programs_read_every_gate_with_its_measures() {
        let card = card();
        let json = ScoreReport::new(&card).json().unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!("scorecard_json", json);
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let card = card();
        let text = ScoreReport::new(&card).json().unwrap();
        assert_eq!(read(&text).unwrap(), card);
        for (right, wrong, said) in [
            ("\"format\": 1", "\"format\": 2", "has format 2, and only 1 is known"),
            ("RollcallScorecard", "RollcallReport", "is no scorecard but a RollcallReport"),
            ("\"gates\"", "\"doors\"", "missing field `gates`"),
        ] {
            assert!(text.contains(right), "the case replaces nothing: {right}");
            let error = read(&text.replacen(right, wrong, 1)).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_gate_is_a_case() {
        let card = card();
        insta::assert_snapshot!("scorecard_junit", ScoreReport::new(&card).junit().unwrap());
    }
}
