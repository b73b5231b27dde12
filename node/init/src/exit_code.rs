//! The exit codes, once. The numbers are those of `sysexits.h` where it has one.

/// The node was stopped, or never powered on: nothing went wrong.
pub(crate) const OK: u8 = 0;
/// The arguments are wrong.
pub(crate) const USAGE: u8 = 64;
/// The system refused something without which the program cannot supervise at all.
pub(crate) const SYSTEM: u8 = 71;
/// The configuration is wrong.
pub(crate) const CONFIG: u8 = 78;
/// A supervised command could not be run; shells use the same number.
pub(crate) const NOT_RUN: u8 = 127;
