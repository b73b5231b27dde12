//! The look of [`Problems`]: that of rustc and cargo, by the same renderer.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Problems, Span};

/// Renders every problem with its line, and a closing count.
pub(super) fn render(problems: &Problems, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for problem in &problems.problems {
        let mut group = Group::with_title(Level::ERROR.primary_title(problem.message.as_str()));
        let (file, source) = problems.source_of(problem.location);
        group = match problem.location.map(|span| (span, line_of(source, span))) {
            Some((span, Some((line, range)))) => group.element(
                Snippet::source(line).line_start(span.line).path(file).annotation(AnnotationKind::Primary.span(range)),
            ),
            Some((span, None)) => group.element(Origin::path(file).line(span.line).char_column(span.column)),
            None => group.element(Origin::path(file)),
        };
        if let Some(hint) = &problem.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        out.push_str(&renderer.render(&[group]));
        out.push_str("\n\n");
    }
    let count = problems.problems.len();
    let plural = if count == 1 { "problem" } else { "problems" };
    out.push_str(&format!("`{}` has {count} {plural}", problems.file));
    out
}

/// The line a span begins on and the bytes of it that the span covers.
/// A span over several lines is shown on its first one.
fn line_of(source: &str, span: Span) -> Option<(&str, std::ops::Range<usize>)> {
    let line = source.split('\n').nth(span.line.checked_sub(1)?)?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    let at = |chars: usize| line.char_indices().nth(chars).map_or(line.len(), |(byte, _)| byte);
    let first = span.column.saturating_sub(1);
    let (start, end) = (at(first), at(first.saturating_add(span.len)));
    Some((line, start..end))
}
