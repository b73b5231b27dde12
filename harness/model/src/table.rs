//! Columns under each other, as kubectl has them. Whoever shows a table decides what is in it.

/// Aligns the columns of some rows, the first of which is the header.
#[must_use]
pub fn render(rows: &[Vec<String>]) -> String {
    render_with(rows, |_, _, cell| cell.to_owned())
}

/// Aligns them, and gives each cell the look that `look` makes of it, which is told its row and column.
///
/// A look adds characters that nobody sees, so the columns are as wide as the cells are without it.
#[must_use]
pub fn render_with(rows: &[Vec<String>], look: impl Fn(usize, usize, &str) -> String) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let filled = row.iter().rposition(|cell| !cell.trim_end().is_empty()).map_or(0, |last| last + 1);
        for (column, (cell, width)) in row.iter().zip(&widths).take(filled).enumerate() {
            let last = column + 1 == filled;
            let cell = if last { cell.trim_end() } else { cell };
            text.push_str(&look(number, column, cell));
            if !last {
                text.push_str(&" ".repeat(width - cell.chars().count() + 2));
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{render, render_with};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_have_no_blanks_at_their_end() {
        let rows = [["NODE", "POD"], ["worker-1", "é"], ["w", ""]].map(|row| row.map(String::from).to_vec());
        assert_eq!(render(&rows), "NODE      POD\nworker-1  é\nw\n");
        assert_eq!(render(&[vec!["a ".into(), " ".into()], Vec::new()]), "a\n\n");
    }

    #[test]
    fn a_look_changes_no_width() {
        let rows = [["NODE", "STATE", "POD"], ["w", "ok", "p"]].map(|row| row.map(String::from).to_vec());
        let text = render_with(&rows, |row, column, cell| match (row, column) {
            (1, 1) => format!("<green>{cell}</green>"),
            _ => cell.to_owned(),
        });
        assert_eq!(text, "NODE  STATE  POD\nw     <green>ok</green>     p\n");
    }
}
