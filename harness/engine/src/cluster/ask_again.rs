//! Asking until the answer is the one that is waited for, where nothing but an answer tells: an API server or an engine
//! that has no event for it.

use std::{future::Future, time::Duration};

use rollcall_model::Report;

use crate::error::{Error, Result};

/// How soon it is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// What was answered.
pub(super) enum Answer<T> {
    /// This is the end of it, well or badly.
    Last(Result<T>),
    /// Not yet what is waited for: what was seen instead.
    NotYet(String),
}

/// Asks until there is a last answer, for as long as the deadline.
///
/// # Errors
/// That of the last answer, and [`Error::Timeout`] with what was seen last.
pub(super) async fn ask_again<T, F>(what: &str, deadline: Duration, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Answer<T>>,
{
    let mut last = "it has not answered".to_owned();
    let asked = async {
        loop {
            match ask().await {
                Answer::Last(answer) => return answer,
                Answer::NotYet(seen) => {
                    tracing::trace!(what, seen, "not yet");
                    last = seen;
                }
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    };
    let ended = tokio::time::timeout(deadline, asked).await;
    ended.unwrap_or_else(|_| {
        Err(Error::Timeout {
            what: what.to_owned(),
            waited: deadline,
            last: Report { summary: last, nodes: Vec::new() },
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_last_answer_ends_it() {
        let mut asked = 0;
        let answer = ask_again("a third answer", Duration::from_secs(1), || {
            asked += 1;
            let answer = if asked < 3 { Answer::NotYet("too early".into()) } else { Answer::Last(Ok(asked)) };
            std::future::ready(answer)
        });
        assert_eq!(answer.await.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_that_will_not_pass_ends_it() {
        let refused = || std::future::ready(Answer::Last(Err::<(), _>(Error::usage("no such thing"))));
        let error = ask_again("a thing", Duration::from_secs(1), refused).await.unwrap_err();
        assert_eq!(error.to_string(), "no such thing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_tells_what_was_seen_last() {
        let mut asked = 0;
        let too_early = || {
            asked += 1;
            std::future::ready(Answer::<()>::NotYet(format!("busy, time {asked}")))
        };
        let error = ask_again("a free table", Duration::from_millis(50), too_early).await.unwrap_err();
        assert_eq!(error.to_string(), "a free table did not come true within 0.1s: busy, time 3");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_answer_is_given_up_at_the_deadline() {
        let error = ask_again::<(), _>("an answer", Duration::from_secs(2), std::future::pending).await.unwrap_err();
        assert_eq!(error.to_string(), "an answer did not come true within 2.0s: it has not answered");
    }
}
