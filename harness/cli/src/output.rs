//! Standard output and standard error. Colours are left out where nobody would see them (`NO_COLOR`, no terminal).
//!
//! A reader that went away (`rollcall run … | head`) is no reason to leave a cluster behind, so failed writes are
//! ignored.

use std::{
    io::{self, Write},
    time::Duration,
};

/// A line for the reader or the script that reads.
pub(crate) fn line(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Text that ends its own lines.
pub(crate) fn text(text: &str) {
    let _ = write!(anstream::stdout(), "{text}");
}

/// Text that ends its own lines, for a reader without whom there is nothing left to do.
///
/// # Errors
/// When the reader went away.
pub(crate) fn try_text(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout();
    write!(out, "{text}")?;
    out.flush()
}

/// The same on a terminal, in the place of what it shows. What has been scrolled out of it stays.
///
/// # Errors
/// When the terminal went away.
pub(crate) fn in_place(text: &str) -> io::Result<()> {
    // To the upper left corner, and everything away. It is no colour, so it is not left out where those are.
    io::stdout().write_all(b"\x1b[H\x1b[2J")?;
    try_text(text)
}

/// A remark beside the output.
pub(crate) fn remark(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A failure.
pub(crate) fn error(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A duration as a person reads it: `12.3s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1}s", duration.as_secs_f64())
}

/// A number with its noun.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A word as a shell takes it back.
pub(crate) fn shell_word(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_path_is_quoted_only_where_it_must_be() {
        assert_eq!(shell_word("/home/a/.kube/rollcall-dev.yaml"), "/home/a/.kube/rollcall-dev.yaml");
        assert_eq!(shell_word("/home/a b/it's"), r"'/home/a b/it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
