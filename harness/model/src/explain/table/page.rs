//! The table of causes as a page for people.

use std::fmt::Write as _;

use super::{About, Shown, sections};

const HEAD: &str = "\
<!-- Made of harness/model/src/explain/table/ by `cargo run -p rollcall-model --example troubleshooting`. -->

# Troubleshooting a DaemonSet

[`rollcall explain daemonset/NAME`](explain.md) says for each node which of these it is, by which of the signs, with the names of your own cluster.
Each cause has a name that does not change between releases.
";

/// `docs/troubleshooting.md`: what each cause means, how it is seen, what to do about it, and what shows it.
#[must_use]
pub fn troubleshooting() -> String {
    let mut page = HEAD.to_owned();
    // Writing to a text cannot fail.
    for section in sections() {
        let _ = writeln!(page, "\n## {}", section.title);
        for about in section.causes {
            entry(&mut page, about);
        }
    }
    page
}

fn entry(page: &mut String, about: &About) {
    let cause = about.cause;
    let _ = writeln!(page, "\n### `{cause}`\n\n{}\n", about.title);
    let _ = writeln!(page, "- **Means.** {}", lines(about.means));
    let _ = writeln!(page, "- **Seen by:** {}.", about.seen);
    let _ = writeln!(page, "- **What to do.** {}", lines(about.remedy));
    let _ = match about.shown() {
        Shown::Scenario => writeln!(page, "- **Shown by** [{0}](../{0}).", cause.scenario()),
        Shown::Objects(why) => writeln!(page, "- **Shown by objects only,** in unit tests, because {why}."),
    };
}

/// The further lines of an item.
fn lines(text: &str) -> String {
    text.replace('\n', "\n  ")
}
