//! What came of the gates.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::{GateName, Measure};
use crate::{
    table,
    tone::{Paint, Tone},
};

/// How a gate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// What has to be so is so.
    Passed,
    /// It is not.
    Failed,
    /// It was not tried, and says why.
    Skipped,
    /// It could not be tried, for a reason that is not the agent's.
    Environment,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Environment => "environment",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Passed => Tone::Good,
            Self::Failed => Tone::Bad,
            Self::Skipped => Tone::Faint,
            Self::Environment => Tone::Pending,
        }
    }
}

/// What came of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateResult {
    /// Its name.
    pub gate: String,
    /// What has to be so.
    pub summary: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed or was skipped, each reason with what to do, and nothing where it passed.
    pub reasons: Vec<String>,
    /// What one should know all the same.
    pub notes: Vec<String>,
    /// What was measured.
    pub measures: Vec<Measure>,
    /// How long it took.
    pub took_ms: u64,
    /// The folder with the evidence of a failure.
    pub evidence: Option<String>,
}

impl GateResult {
    /// One of which nothing but the name is known yet.
    #[must_use]
    pub fn new(gate: GateName, outcome: Outcome) -> Self {
        Self {
            gate: gate.to_string(),
            summary: gate.summary().to_owned(),
            outcome,
            reasons: Vec::new(),
            notes: Vec::new(),
            measures: Vec::new(),
            took_ms: 0,
            evidence: None,
        }
    }
}

/// What came of all gates for one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scorecard {
    /// The image, as it was asked for.
    pub image: String,
    /// The former image, where there was one.
    pub from: Option<String>,
    /// The DaemonSet that it was tried in.
    pub daemon_set: String,
    /// The gates, in the order in which they were tried.
    pub gates: Vec<GateResult>,
    /// How long it all took.
    pub took_ms: u64,
}

impl Scorecard {
    /// Whether the image may be released: at least one gate passed, and each passed or was skipped.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.count(Outcome::Passed) > 0 && self.count(Outcome::Failed) == 0 && self.count(Outcome::Environment) == 0
    }

    /// How many gates ended so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.gates.iter().filter(|gate| gate.outcome == outcome).count()
    }

    /// For people: a line a gate, what was measured, and why each that did not pass did not.
    #[must_use]
    pub fn text(&self, paint: Paint) -> String {
        let from = self.from.as_ref().map(|from| format!(", from `{from}`")).unwrap_or_default();
        let title = format!("image `{}`{from}, in daemonset `{}`", self.image, self.daemon_set);
        let mut text = format!("{}\n\n", paint(Tone::Strong, &title));
        let header = ["GATE", "RESULT", "TIME", "MEASURED"].map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> = std::iter::once(header).chain(self.gates.iter().map(row)).collect();
        let look = |row: usize, column: usize, cell: &str| match row.checked_sub(1).and_then(|row| self.gates.get(row))
        {
            Some(gate) if column == 1 => paint(gate.outcome.tone(), cell),
            _ => cell.to_owned(),
        };
        text.push_str(&table::render_with(&rows, look));
        for gate in &self.gates {
            if gate.reasons.is_empty() && gate.notes.is_empty() {
                continue;
            }
            let title = match gate.outcome {
                Outcome::Passed => format!("{} passed; to be known", gate.gate),
                Outcome::Failed => format!("{} failed: {}", gate.gate, gate.summary),
                Outcome::Skipped => format!("{} skipped", gate.gate),
                Outcome::Environment => format!("{} could not be tried", gate.gate),
            };
            let _ = write!(text, "\n{}\n", paint(Tone::Strong, &title));
            for reason in gate.reasons.iter().chain(&gate.notes) {
                let _ = writeln!(text, "  {}", reason.trim_end().replace('\n', "\n  "));
            }
            if let Some(evidence) = &gate.evidence {
                let _ = writeln!(text, "  evidence: {evidence}");
            }
        }
        let _ = write!(text, "\n{}\n", self.verdict(paint));
        text
    }

    /// For a merge request or the summary of a job.
    #[must_use]
    pub fn markdown(&self) -> String {
        let from = self.from.as_ref().map(|from| format!(", from `{from}`")).unwrap_or_default();
        let mut text = format!("## `{}`{from}\n\n| Gate | Result | Time | Measured |\n|---|---|---|---|\n", self.image);
        for gate in &self.gates {
            let _ = writeln!(text, "| {} |", row(gate).join(" | "));
        }
        for gate in self.gates.iter().filter(|gate| !gate.reasons.is_empty()) {
            let _ = write!(text, "\n### {} {}\n\n```text\n", gate.gate, gate.outcome.as_str());
            for reason in &gate.reasons {
                let _ = writeln!(text, "{}", reason.trim_end().replace("```", "'''"));
            }
            text.push_str("```\n");
        }
        let _ = write!(text, "\n{}\n", self.verdict(crate::tone::plain));
        text
    }

    fn verdict(&self, paint: Paint) -> String {
        let counts = [Outcome::Passed, Outcome::Failed, Outcome::Skipped, Outcome::Environment]
            .into_iter()
            .map(|outcome| (self.count(outcome), outcome.as_str()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect::<Vec<_>>()
            .join(", ");
        let (tone, verdict) =
            if self.passes() { (Tone::Good, "it may be released") } else { (Tone::Bad, "it does not pass") };
        format!("{}: {counts} ({})", paint(tone, verdict), seconds(self.took_ms))
    }
}

fn row(gate: &GateResult) -> Vec<String> {
    let took = if gate.took_ms == 0 { "-".to_owned() } else { seconds(gate.took_ms) };
    vec![gate.gate.clone(), gate.outcome.as_str().to_owned(), took, measured(&gate.measures)]
}

/// What was measured in a line: of each kind the most, with its node.
fn measured(measures: &[Measure]) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    for measure in measures {
        if !kinds.contains(&measure.what.as_str()) {
            kinds.push(&measure.what);
        }
    }
    let most = |kind: &str| {
        let of_kind = measures.iter().filter(|measure| measure.what == kind);
        let count = of_kind.clone().count();
        let most = of_kind.max_by_key(|measure| measure.value)?;
        let node = most.node.as_ref().map(|node| format!(" ({node})")).unwrap_or_default();
        let at_most = if count > 1 { "at most " } else { "" };
        Some(format!("{kind} {at_most}{most}{node}"))
    };
    kinds.into_iter().filter_map(most).collect::<Vec<_>>().join(", ")
}

pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
