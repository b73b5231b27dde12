//! The orderly stop as a pure plan: who is asked to end now, and when asking is over.

use std::time::Duration;

/// All that a stop may take before everything left is killed.
///
/// Short on purpose: the file system of the container is thrown away with it, so nothing needs to be flushed, and a
/// harness that ends many nodes should not wait for daemons that tidy up.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// What the plan asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send SIGTERM to these, in this order.
    Ask(Vec<usize>),
    /// Nothing until this moment, or until something ends.
    Wait(Duration),
    /// Kill whatever is left.
    Finish,
}

/// A stop under way.
#[derive(Debug)]
pub(crate) struct Stop {
    began: Duration,
    stages: Vec<Vec<usize>>,
    asked: usize,
}

impl Stop {
    pub(crate) fn new(now: Duration, stages: Vec<Vec<usize>>) -> Stop {
        Stop { began: now, stages, asked: 0 }
    }

    /// A stage is asked when all of the earlier ones have ended or have had their share of the time.
    pub(crate) fn next(&mut self, now: Duration, is_alive: impl Fn(usize) -> bool) -> Next {
        let count = u32::try_from(self.stages.len()).unwrap_or(u32::MAX);
        let asked = u32::try_from(self.asked).unwrap_or(u32::MAX);
        let turn_over = self.began + if count == 0 { Duration::ZERO } else { GRACE * asked / count };
        let waiting_for = self.stages[..self.asked].iter().flatten().any(|&index| is_alive(index));
        if now < turn_over && waiting_for {
            return Next::Wait(turn_over);
        }
        match self.stages.get(self.asked) {
            Some(stage) => {
                self.asked += 1;
                Next::Ask(stage.iter().copied().filter(|&index| is_alive(index)).collect())
            }
            None => Next::Finish,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn the_next_stage_is_asked_when_the_one_before_has_ended() {
        let mut stop = Stop::new(ms(5000), vec![vec![2, 1], vec![0]]);
        assert_eq!(stop.next(ms(5000), |_| true), Next::Ask(vec![2, 1]));
        assert_eq!(stop.next(ms(5010), |_| true), Next::Wait(ms(5500)));
        assert_eq!(stop.next(ms(5020), |index| index == 0), Next::Ask(vec![0]));
        assert_eq!(stop.next(ms(5030), |_| false), Next::Finish);
    }

    #[test]
    fn a_process_that_does_not_listen_costs_the_grace_and_no_more() {
        let mut stop = Stop::new(ms(0), vec![vec![0], vec![1]]);
        assert_eq!(stop.next(ms(0), |_| true), Next::Ask(vec![0]));
        assert_eq!(stop.next(ms(500), |_| true), Next::Ask(vec![1]));
        assert_eq!(stop.next(ms(999), |_| true), Next::Wait(ms(1000)));
        assert_eq!(stop.next(ms(1000), |_| true), Next::Finish);
    }

    #[test]
    fn nothing_to_stop_is_finished_at_once() {
        assert_eq!(Stop::new(ms(0), vec![]).next(ms(0), |_| true), Next::Finish);
    }
}
