//! Waiting for what cannot be watched: processes and what the engine lists.

use std::time::{Duration, Instant};

/// How soon a question is asked again. Each costs a process.
const AGAIN: Duration = Duration::from_millis(50);

/// Asks until the answer is `Ok`, and says how long that took.
///
/// # Errors
/// The last answer, when the deadline is over.
pub fn eventually(deadline: Duration, mut ask: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<Duration> {
    let started = Instant::now();
    loop {
        match ask() {
            Ok(()) => return Ok(started.elapsed()),
            Err(error) if started.elapsed() >= deadline => {
                return Err(error.context(format!("not within {:.1}s", deadline.as_secs_f64())));
            }
            Err(_) => std::thread::sleep(AGAIN),
        }
    }
}
