//! A scorecard beside a former one.

use super::{Measure, Outcome, Scorecard};

impl Scorecard {
    /// Fails each gate that passed and of which a measure is more than the former one by more than so many percent, and
    /// by more than machines differ by from one run to the next: half a second, 4 MB, a twentieth of a core. What the
    /// former scorecard does not have is told.
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
                if is_worse(measure, then.value, percent) {
                    let node = measure.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
                    gate.reasons.push(format!(
                        "{}{node}: {measure}, and {then} in the baseline, which is more than {percent} % more",
                        measure.what
                    ));
                }
            }
            if !gate.reasons.is_empty() {
                gate.outcome = Outcome::Failed;
            }
        }
    }
}

fn is_worse(measure: &Measure, then: u64, percent: u32) -> bool {
    let now = measure.value;
    let allowed = then.saturating_add(then.saturating_mul(u64::from(percent)) / 100);
    now > allowed && now - then > measure.unit.noise()
}

#[cfg(test)]
mod tests {
    use super::is_worse;
    use crate::validate::{Measure, Unit};

    #[test]
    fn much_more_is_more_than_the_share_and_more_than_noise() {
        let is_slower = |value, then, percent| {
            let measure = Measure { what: "time".into(), node: None, value, unit: Unit::Ms };
            is_worse(&measure, then, percent)
        };
        assert!(!is_slower(1500, 1000, 50) && is_slower(1501, 1000, 50));
        assert!(!is_slower(400, 10, 50) && is_slower(511, 10, 50));
        assert!(!is_slower(900, 1000, 0) && !is_slower(1500, 1000, 0) && is_slower(1501, 1000, 0));
        let memory = |value| Measure { what: "memory".into(), node: None, value, unit: Unit::Bytes };
        assert!(!is_worse(&memory(4_000_000), 1, 50) && is_worse(&memory(8_000_000), 1, 50));
    }
}
