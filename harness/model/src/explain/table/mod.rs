//! What there is to know of each cause, in one place: `docs/troubleshooting.md` is made of it.

mod images;
mod page;
mod placing;
mod running;
mod shown;
mod starting;
mod updating;

pub use page::troubleshooting;
pub use shown::Shown;

use super::Cause;

/// Causes that belong together.
#[derive(Debug)]
#[non_exhaustive]
pub struct Section {
    /// What they have in common.
    pub title: &'static str,
    /// Each cause.
    pub causes: &'static [About],
}

/// What there is to know of a cause. Texts of several sentences have one a line.
#[derive(Debug)]
#[non_exhaustive]
pub struct About {
    /// The cause.
    pub cause: Cause,
    /// What it is, in one line.
    pub title: &'static str,
    /// What that means.
    pub means: &'static str,
    /// The fields, events and logs that it is seen by.
    pub seen: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

impl About {
    /// What shows that it is found.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::of(self.cause)
    }
}

/// Every cause, those of [`Cause::ALL`] in its order, and [`Cause::NotKnown`] as the last.
#[must_use]
pub fn sections() -> [&'static Section; 5] {
    [&placing::SECTION, &images::SECTION, &starting::SECTION, &running::SECTION, &updating::SECTION]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_told_of_once_and_in_order() {
        let told: Vec<Cause> = sections().iter().flat_map(|section| section.causes).map(|about| about.cause).collect();
        let all: Vec<Cause> = Cause::ALL.into_iter().chain([Cause::NotKnown]).collect();
        assert_eq!(told, all);
    }

    #[test]
    fn texts_are_sentences() {
        for about in sections().iter().flat_map(|section| section.causes) {
            let sentences = [about.title].into_iter().chain(about.means.lines()).chain(about.remedy.lines());
            for sentence in sentences {
                assert!(sentence.ends_with('.') && !sentence.contains(". "), "{}: {sentence}", about.cause);
            }
            // What it is seen by follows a colon.
            assert!(!about.seen.ends_with('.') && !about.seen.contains('\n'), "{}: {}", about.cause, about.seen);
            assert_eq!(about.title.lines().count(), 1);
        }
    }
}
