//! What shows that a cause is found: a scenario on a real cluster, or, where there can be none, objects in unit tests.

use crate::explain::Cause;

/// The causes that no scenario shows, and why no real node can be brought to them. Every other cause has one; a test
/// holds this against the files.
const ELSEWHERE: &[(Cause, &str)] = &[(Cause::NotKnown, "what nobody knows cannot be brought about on purpose")];

/// What shows that a cause is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The scenario `scenarios/troubleshooting/CODE.yaml`, on real nodes.
    Scenario,
    /// Unit tests on objects as an API server has them, and why no scenario.
    Objects(&'static str),
}

impl Shown {
    pub(super) fn of(cause: Cause) -> Self {
        let why = ELSEWHERE.iter().find(|(of, _)| *of == cause);
        why.map_or(Self::Scenario, |(_, why)| Self::Objects(why))
    }
}

impl Cause {
    /// Where the scenario that shows the cause is, if there is one, from the root of the repository.
    #[must_use]
    pub fn scenario(self) -> String {
        format!("scenarios/troubleshooting/{self}.yaml")
    }
}
