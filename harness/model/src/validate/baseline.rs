//! A scorecard beside a former one.

use super::{Measure, Outcome, Scorecard};

/// Shorter differences are those of the machine: its scheduler, its disk, the second in which a kubelet looks.
const NOISE_MS: u64 = 500;

impl Scorecard {
    /// Fails each gate that passed and of which a measure is longer than the former one by more than so many percent,
    /// and by more than half a second. What the former scorecard does not have is told.
    pub fn compare(&mut self, former: &Self, percent: u32) {
        for gate in self.gates.iter_mut().filter(|gate| gate.outcome == Outcome::Passed) {
            let before = former.gates.iter().find(|before| before.gate == gate.gate);
            let Some(before) = before.filter(|before| before.outcome == Outcome::Passed) else {
                if !gate.measures.is_empty() {
                    gate.notes.push("the baseline has no such measures".to_owned());
                }
                continue;
            };
            for measure in &gate.measures {
                let same = |one: &&Measure| one.what == measure.what && one.node == measure.node;
                let Some(then) = before.measures.iter().find(same) else { continue };
                if is_slower(measure.ms, then.ms, percent) {
                    let node = measure.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
                    gate.reasons.push(format!(
                        "{}{node}: {} ms, and {} ms in the baseline, which is more than {percent} % longer",
                        measure.what, measure.ms, then.ms
                    ));
                }
            }
            if !gate.reasons.is_empty() {
                gate.outcome = Outcome::Failed;
            }
        }
    }
}

fn is_slower(now: u64, then: u64, percent: u32) -> bool {
    let allowed = then.saturating_add(then.saturating_mul(u64::from(percent)) / 100);
    now > allowed && now - then > NOISE_MS
}

#[cfg(test)]
mod tests {
    use super::is_slower;

    #[test]
    fn much_longer_is_more_than_the_share_and_more_than_noise() {
        assert!(!is_slower(1500, 1000, 50) && is_slower(1501, 1000, 50));
        assert!(!is_slower(400, 10, 50) && is_slower(511, 10, 50));
        assert!(!is_slower(900, 1000, 0) && !is_slower(1500, 1000, 0) && is_slower(1501, 1000, 0));
    }
}
