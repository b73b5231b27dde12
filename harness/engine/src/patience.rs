//! How patient rollcall is: on a machine that is many times slower than real hardware, such as an emulated one, every
//! deadline is so many times as long. This is the one place that knows by how much.

use std::{env, ffi::OsStr, sync::OnceLock, time::Duration};

use crate::error::{Error, Result};

/// The variable that is read: unset, or a number from 1.
const VARIABLE: &str = "ROLLCALL_PATIENCE";
/// More would be a wait without an end.
const MOST: u32 = 1000;

/// How many times as long every deadline is. It does not change while the program runs.
pub(crate) fn factor() -> u32 {
    static FACTOR: OnceLock<u32> = OnceLock::new();
    // A value that means nothing is refused by `check` before anything is waited for.
    *FACTOR.get_or_init(|| parse(env::var_os(VARIABLE).as_deref()).unwrap_or(1))
}

/// How long a deadline is here.
pub(crate) fn stretched(deadline: Duration) -> Duration {
    times(deadline, factor())
}

fn times(deadline: Duration, factor: u32) -> Duration {
    deadline.saturating_mul(factor)
}

/// Whether the environment says something that means something.
///
/// # Errors
/// When it does not.
pub(crate) fn check() -> Result<()> {
    parse(env::var_os(VARIABLE).as_deref()).map(drop)
}

fn parse(value: Option<&OsStr>) -> Result<u32> {
    let value = value.unwrap_or_default().to_string_lossy();
    if value.is_empty() {
        return Ok(1);
    }
    value.parse().ok().filter(|times| (1..=MOST).contains(times)).ok_or_else(|| {
        Error::usage_hint(
            format!("{VARIABLE} is `{value}`"),
            format!("unset it, or say how many times as long every deadline is: a whole number from 1 to {MOST}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use std::time::Duration;

    use super::{parse, times};

    #[rstest]
    #[case(None, 1)]
    #[case(Some(""), 1)]
    #[case(Some("1"), 1)]
    #[case(Some("20"), 20)]
    fn a_deadline_is_so_many_times_as_long(#[case] value: Option<&str>, #[case] seconds: u64) {
        let factor = parse(value.map(str::as_ref)).unwrap();
        assert_eq!(times(Duration::from_secs(1), factor), Duration::from_secs(seconds));
    }

    #[rstest]
    #[case("0")]
    #[case("1.5")]
    #[case("-3")]
    #[case("1001")]
    #[case("much")]
    fn what_means_nothing_is_an_error(#[case] value: &str) {
        let error = parse(Some(value.as_ref())).unwrap_err().to_string();
        assert_eq!(error, format!("ROLLCALL_PATIENCE is `{value}`"));
    }

    #[test]
    fn the_longest_deadline_stays_one() {
        assert_eq!(times(Duration::MAX, 2), Duration::MAX);
    }
}
