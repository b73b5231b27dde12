//! The scorecard as a page: one file, no script, nothing from elsewhere.

use std::fmt::Write;

use super::{GateResult, Outcome, Scorecard, scorecard::seconds};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;\
background:#fff}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .7rem;border-bottom:1px \
solid #ddd;vertical-align:top}pre{background:#f4f4f4;padding:.7rem;overflow:auto;white-space:pre-wrap}.passed{color:\
#0a6b2d}.failed{color:#b00020;font-weight:600}.skipped{color:#666}.environment{color:#8a5a00}@media (prefers-color-scheme:\
dark){body{background:#161616;color:#e6e6e6}th,td{border-color:#3a3a3a}pre{background:#222}.passed{color:#5fd38d}.failed\
{color:#ff7b88}.skipped{color:#9a9a9a}.environment{color:#e5b567}}";

impl Scorecard {
    /// The scorecard as one self-contained page.
    #[must_use]
    pub fn html(&self) -> String {
        let from = self.from.as_ref().map(|from| format!(", from <code>{}</code>", escaped(from))).unwrap_or_default();
        let (class, verdict) =
            if self.passes() { ("passed", "It may be released") } else { ("failed", "It does not pass") };
        let image = escaped(&self.image);
        let mut text = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>{image}</title>\n<style>{STYLE}</style>\n<h1><code>{image}</code></h1>\n\
             <p>In daemonset <code>{}</code>{from}. <strong class=\"{class}\">{verdict}.</strong></p>\n<table>\n\
             <tr><th>Gate<th>Result<th>Time<th>Measured\n",
            escaped(&self.daemon_set)
        );
        for gate in &self.gates {
            text.push_str(&row(gate));
        }
        text.push_str("</table>\n");
        for gate in self.gates.iter().filter(|gate| !gate.reasons.is_empty() || !gate.notes.is_empty()) {
            let _ = write!(text, "<h2 id=\"{0}\">{0}</h2>\n<p>{1}</p>\n", gate.gate, escaped(&gate.summary));
            for reason in &gate.reasons {
                let _ = writeln!(text, "<pre>{}</pre>", escaped(reason.trim_end()));
            }
            for note in &gate.notes {
                let _ = writeln!(text, "<p>{}</p>", escaped(note));
            }
            if let Some(evidence) = &gate.evidence {
                let _ = writeln!(text, "<p>Evidence: <code>{}</code></p>", escaped(evidence));
            }
        }
        text.push_str("</html>\n");
        text
    }
}

fn row(gate: &GateResult) -> String {
    let told = !gate.reasons.is_empty() || !gate.notes.is_empty();
    let name = if told { format!("<a href=\"#{0}\">{0}</a>", gate.gate) } else { gate.gate.clone() };
    let class = match gate.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Environment => "environment",
    };
    let measures = gate.measures.iter().map(|measure| {
        let node = measure.node.as_ref().map(|node| format!(" ({})", escaped(node))).unwrap_or_default();
        format!("{} {measure}{node}", escaped(&measure.what))
    });
    let measures = measures.collect::<Vec<_>>().join("<br>");
    let took = if gate.took_ms == 0 { String::new() } else { seconds(gate.took_ms) };
    format!("<tr><td>{name}<td class=\"{class}\">{class}<td>{took}<td>{measures}\n")
}

/// Text as it may stand in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
