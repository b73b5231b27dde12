//! Names of clusters that nobody named.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::clock;

/// What is left of a scenario's name. With the suffix it stays below the longest name of a cluster, 40.
const MAX_STEM: usize = 32;

/// The scenario's name, so that a person knows the containers, and a suffix that no other run has.
pub(super) fn invented(scenario: &str) -> String {
    // Two runs of one process may begin in the same nanosecond, as far as the clock can tell.
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let mut hasher = DefaultHasher::new();
    (std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed), clock::now().as_nanosecond()).hash(&mut hasher);
    with_suffix(scenario, hasher.finish())
}

fn with_suffix(scenario: &str, number: u64) -> String {
    // A scenario's name is a DNS-1123 label, so all of it is ASCII.
    let stem = scenario.get(..MAX_STEM).unwrap_or(scenario).trim_end_matches('-');
    format!("{stem}-{:06x}", number & 0xff_ffff)
}

#[cfg(test)]
mod tests {
    use rollcall_model::scenario::names;

    use super::{invented, with_suffix};

    #[test]
    fn a_name_is_that_of_the_scenario_with_a_suffix() {
        assert_eq!(with_suffix("taint-evicts", 0x1234_5678), "taint-evicts-345678");
        assert_ne!(invented("a"), invented("a"));
    }

    #[test]
    fn a_long_name_is_cut_and_stays_a_label() {
        let name = with_suffix("a-scenario-with-a-name-that-has-a-hyphen-where-it-is-cut", 1);
        assert_eq!(name, "a-scenario-with-a-name-that-has-000001");
        assert!(name.len() <= 40 && names::dns_label(&name).is_ok());
    }
}
