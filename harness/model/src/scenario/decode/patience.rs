//! Which expectations must not give up early, because something else that the scenario does may still change what would
//! never change by itself: a step of another branch, or an image that an earlier step has brought and that the kubelet
//! has not asked for again yet.

use super::steps::DraftStep;
use crate::condition::Condition;
use crate::scenario::Action;

/// Makes the expectations of some steps patient where they have to be.
pub(super) fn be_patient(steps: &mut [DraftStep]) {
    walk(steps, false);
}

/// `patient` says whether they have to be from the first one on.
fn walk(steps: &mut [DraftStep], mut patient: bool) {
    for step in steps {
        let acting: Vec<bool> = step.branches.iter().map(|branch| acts(branch)).collect();
        for (at, branch) in step.branches.iter_mut().enumerate() {
            let beside = acting.iter().enumerate().any(|(other, acts)| other != at && *acts);
            walk(branch, patient || beside);
        }
        match &mut step.step.action {
            Action::Expect { condition } if patient => {
                let inner = std::mem::replace(condition, Condition::All(Vec::new()));
                *condition = Condition::Patient(Box::new(inner));
            }
            _ => patient |= step.flat().into_iter().any(|step| brings_image(&step.step.action)),
        }
    }
}

/// Whether steps change anything.
fn acts(steps: &[DraftStep]) -> bool {
    let looks = |action: &Action| {
        matches!(
            action,
            Action::Expect { .. }
                | Action::Hold { .. }
                | Action::Never { .. }
                | Action::Parallel { .. }
                | Action::Pause { .. }
        )
    };
    steps.iter().flat_map(DraftStep::flat).any(|step| !looks(&step.step.action))
}

/// Whether an image that was not there may be there afterwards. A command on this machine may do anything, and so may a
/// person.
fn brings_image(action: &Action) -> bool {
    matches!(action, Action::PushImage { .. } | Action::PullFault { .. } | Action::Run { .. } | Action::Pause { .. })
}
