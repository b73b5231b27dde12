//! What a piece of text means to the eye. Whoever shows it decides on colours.

/// What a piece of text means, for whoever gives it a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something that held.
    Good,
    /// Something that did not.
    Bad,
    /// Something that is under way, or waits.
    Pending,
    /// A name that heads a section.
    Strong,
    /// What is beside the point.
    Faint,
}

/// Gives a piece of text its look.
pub type Paint = fn(Tone, &str) -> String;

/// The look of text without colours.
#[must_use]
pub fn plain(_: Tone, text: &str) -> String {
    text.to_owned()
}
