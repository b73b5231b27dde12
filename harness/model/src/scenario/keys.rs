//! The words of a scenario file: what a step, a condition and an invariant may be called.
//! The decoder, the schema and the tests that every word is documented go by these lists, and there are no others.

pub use super::decode::{CONDITIONS, EXPANSIONS, INVARIANTS, VERBS};
