//! How long the rest of a build will take.
//!
//! Each step has a length: what it took last time on this machine, else what was measured on two cores
//! with cold caches. The rest is played through with the same rules as the real schedule.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::graph::{Lane, Step};

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum State {
    Waiting,
    /// Running for so many seconds.
    Running(f64),
    Done,
}

/// What each step took when it last ran to its end.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    path: PathBuf,
    seconds: BTreeMap<String, f64>,
}

impl Remembered {
    /// Reads them; a file that is not there or is damaged is an empty one, they are only a help.
    pub(crate) fn read(path: &Path) -> Self {
        let seconds = fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { path: path.to_owned(), seconds }
    }

    pub(crate) fn of(&self, step: &Step) -> f64 {
        self.seconds.get(&step.label).copied().unwrap_or(step.seconds)
    }

    pub(crate) fn note(&mut self, step: &str, seconds: f64) {
        self.seconds.insert(step.to_owned(), (seconds * 10.0).round() / 10.0);
        if let Ok(text) = serde_json::to_vec_pretty(&self.seconds) {
            // Losing them costs a worse guess, nothing else.
            let _ = fs::write(&self.path, text);
        }
    }
}

/// What is left of a step that should take `whole` seconds. One that is late is taken to be nearly done.
fn rest(whole: f64, state: State) -> f64 {
    match state {
        State::Done => 0.0,
        State::Waiting => whole,
        State::Running(since) => (whole - since).max(whole * 0.05).max(1.0),
    }
}

/// Seconds until the last step ends.
pub(crate) fn seconds_left(steps: &[Step], states: &[State], length: &dyn Fn(&Step) -> f64) -> f64 {
    let mut left: Vec<f64> = steps.iter().zip(states).map(|(step, state)| rest(length(step), *state)).collect();
    let mut running: Vec<bool> = states.iter().map(|state| matches!(state, State::Running(_))).collect();
    let mut done: Vec<bool> = states.iter().map(|state| *state == State::Done).collect();
    let mut clock = 0.0;
    loop {
        for index in 0..steps.len() {
            let busy =
                |lane: Lane| (0..steps.len()).filter(|&other| running[other] && steps[other].lane == lane).count();
            let startable = !running[index] && !done[index] && steps[index].is_ready(steps, &done);
            if startable && busy(steps[index].lane) < steps[index].lane.width() {
                running[index] = true;
            }
        }
        let Some(next) = (0..steps.len()).filter(|&index| running[index]).map(|index| left[index]).reduce(f64::min)
        else {
            return clock;
        };
        clock += next;
        for index in 0..steps.len() {
            if running[index] {
                left[index] -= next;
                if left[index] <= 1e-9 {
                    running[index] = false;
                    done[index] = true;
                }
            }
        }
    }
}

/// `7m 20s`, `45s`; rounded so that the figure does not flicker.
pub(crate) fn human(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match seconds {
        0..10 => format!("{seconds}s"),
        10..60 => format!("{}s", seconds / 5 * 5),
        60..600 => format!("{}m {:02}s", seconds / 60, seconds % 60 / 10 * 10),
        _ => format!("{}m", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, lane: Lane, seconds: f64, after: &[&str]) -> Step {
        Step::for_test(name, lane, seconds, after)
    }

    fn left(steps: &[Step], states: &[State]) -> f64 {
        seconds_left(steps, states, &|step| step.seconds)
    }

    #[test]
    fn steps_of_different_lanes_overlap() {
        let steps = [step("rootfs", Lane::Network, 40.0, &[]), step("kubernetes", Lane::Processor, 100.0, &[])];
        assert_eq!(left(&steps, &[State::Waiting, State::Waiting]), 100.0);
    }

    #[test]
    fn a_lane_holds_no_more_than_its_width() {
        let steps: Vec<Step> = (0..4).map(|n| step(&n.to_string(), Lane::Processor, 10.0, &[])).collect();
        assert_eq!(left(&steps, &[State::Waiting; 4]), 20.0);
        let steps: Vec<Step> = (0..3).map(|n| step(&n.to_string(), Lane::Network, 10.0, &[])).collect();
        assert_eq!(left(&steps, &[State::Waiting; 3]), 30.0);
    }

    #[test]
    fn a_step_waits_for_what_it_needs() {
        let steps =
            [step("kubernetes", Lane::Processor, 100.0, &[]), step("image", Lane::Processor, 5.0, &["kubernetes"])];
        assert_eq!(left(&steps, &[State::Running(30.0), State::Waiting]), 75.0);
        assert_eq!(left(&steps, &[State::Done, State::Running(1.0)]), 4.0);
        assert_eq!(left(&steps, &[State::Done, State::Done]), 0.0);
    }

    #[test]
    fn a_late_step_still_has_something_left() {
        let steps = [step("kubernetes", Lane::Processor, 100.0, &[])];
        assert_eq!(left(&steps, &[State::Running(500.0)]), 5.0);
    }

    #[test]
    fn lengths_of_the_last_build_are_used_for_the_next() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("durations.json");
        let rootfs = step("rootfs", Lane::Network, 40.0, &[]);
        assert_eq!(Remembered::read(&path).of(&rootfs), 40.0);
        Remembered::read(&path).note("rootfs", 12.34);
        assert_eq!(Remembered::read(&path).of(&rootfs), 12.3);
    }

    #[test]
    fn times_are_short_to_read() {
        assert_eq!([7.0, 44.0, 65.0, 601.0].map(human), ["7s", "40s", "1m 00s", "11m"]);
    }
}
