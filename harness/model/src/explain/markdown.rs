//! A diagnosis as Markdown, to be pasted into an issue: a table of nodes, and a section a cause.
//!
//! It is GitHub's dialect, whose tables GitLab and others read too. What a cluster says stands in code, where it means
//! nothing to the renderer.

use super::{Diagnoses, Diagnosis, Evidence, Finding, group};

impl Diagnosis {
    /// The diagnosis as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = self.markdown_of_nodes();
        not_looked_at(&mut text, self.not_looked_at.iter().map(String::as_str));
        text
    }

    /// All of it but what was not looked at.
    fn markdown_of_nodes(&self) -> String {
        let mut text = format!("## {}\n\n| Node | State | Pod | Why |\n|---|---|---|---|\n", prose(&self.headline()));
        for node in &self.nodes {
            let pod = node.pod.as_deref().map_or_else(|| "-".to_owned(), code);
            let cells = [code(&node.node), prose(node.state.as_str()), pod, prose(&node.causes())];
            text.push_str(&format!("| {} |\n", cells.map(|cell| in_cell(&cell)).join(" | ")));
        }
        for (finding, nodes) in self.grouped() {
            text.push_str(&format!("\n{}", section(finding, &nodes)));
        }
        let not_meant = self.not_meant();
        if !not_meant.is_empty() {
            text.push_str("\n### Not meant\n\n");
        }
        for (why, nodes) in not_meant {
            text.push_str(&format!("- {}: {}\n", prose(&group::names(&nodes)), prose(&why)));
        }
        text
    }
}

impl Diagnoses {
    /// The diagnoses as Markdown: a line for each that is in order, and all that is known of the others.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let mut in_list = true;
        for item in &self.items {
            let goes_on = in_list && item.in_order;
            if !text.is_empty() && !goes_on {
                text.push('\n');
            }
            in_list = item.in_order;
            let line = || format!("- {}\n", prose(&item.headline()));
            text.push_str(&if item.in_order { line() } else { item.markdown_of_nodes() });
        }
        not_looked_at(&mut text, self.not_looked_at().into_iter());
        text
    }
}

fn not_looked_at<'a>(text: &mut String, what: impl Iterator<Item = &'a str>) {
    let lines: String = what.map(|what| format!("- {}\n", prose(what))).collect();
    if !lines.is_empty() {
        text.push_str(&format!("\n### Not looked at\n\n{lines}"));
    }
}

fn section(finding: &Finding, nodes: &[&str]) -> String {
    let Finding { cause, what, evidence, remedy, command, certainty, .. } = finding;
    let place = prose(&group::place(finding, nodes));
    let mut text = format!("### {cause} {place} ({})\n\n{}\n", certainty.as_str(), prose(what));
    if !evidence.is_empty() {
        text.push_str("\nSeen:\n\n");
    }
    text.extend(evidence.iter().map(seen));
    if !remedy.is_empty() {
        text.push_str(&format!("\nRemedy: {}\n", prose(remedy)));
    }
    if let Some(command) = command {
        text.push_str(&format!("\n{}", block(command, "")));
    }
    text
}

/// One piece of evidence: what is one line stands beside its source, and what is more below it.
fn seen(evidence: &Evidence) -> String {
    // A field, or what it is in words.
    let is_field = !evidence.source.contains(char::is_whitespace);
    let source = if is_field { code(&evidence.source) } else { prose(&evidence.source) };
    match evidence.says.trim_end() {
        "" => format!("- {source}\n"),
        says if says.contains('\n') => format!("- {source}:\n\n{}", block(says, "  ")),
        says => format!("- {source}: {}\n", code(says)),
    }
}

/// A block of code, whose fence is longer than any row of backticks in it.
fn block(text: &str, margin: &str) -> String {
    let fence = "`".repeat(longest_row(text).max(2) + 1);
    let lines: String = text.lines().map(|line| format!("{margin}{line}").trim_end().to_owned() + "\n").collect();
    format!("{margin}{fence}\n{lines}{margin}{fence}\n")
}

/// A piece of code in a line. It is bounded by more backticks than it has in a row, and by blanks where it begins or
/// ends with one.
fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fence = "`".repeat(if text.contains('`') { longest_row(&text) + 1 } else { 1 });
    let room = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{room}{text}{room}{fence}")
}

/// How many backticks there are in a row.
fn longest_row(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Sentences: what stands between backticks is code, and nothing else means anything to the renderer.
fn prose(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts: Vec<&str> = text.split('`').collect();
    // A single backtick opens nothing.
    let paired = parts.len() % 2 == 1;
    let parts = parts.into_iter().enumerate().map(|(index, part)| match index % 2 {
        1 if paired => code(part),
        _ => plain(part),
    });
    parts.collect::<Vec<_>>().join(if paired { "" } else { "\\`" })
}

/// Text in which nothing means anything to the renderer (<https://spec.commonmark.org/0.31.2/#backslash-escapes>).
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        let begins_a_list = plain.is_empty() && "-+".contains(c);
        if begins_a_list || r"\*_[]<>~#&$".contains(c) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// What stands in a cell of a table, where `|` ends the cell even in code
/// (<https://github.github.com/gfm/#tables-extension->).
fn in_cell(text: &str) -> String {
    text.replace('|', "\\|")
}
