//! The tests of one process: the runtime on which their clusters live, and the clusters they share.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libtest_mimic::{Completion, Failed, Trial};
use rollcall_model::{Plan, Problems, event::Cleanup};
use tokio::{
    runtime::Runtime,
    sync::{Mutex as AsyncMutex, MutexGuard},
};

use super::{
    find::{Case, Wrong},
    gated, told,
};
use crate::{
    gate::{Clusters, Needs},
    run::{Group, RunOptions, group_plans},
    scenario_file::{Recorder, RunFileError},
};

/// What the tests of one process share.
#[derive(Default)]
pub(super) struct Session {
    /// Made when the first test needs it: a list of the tests needs none.
    runtime: OnceLock<Result<Runtime, String>>,
    /// For each group as many as tests of it may run at a time: each has a cluster of its own.
    groups: OnceLock<Vec<Vec<AsyncMutex<Group>>>>,
    /// Held by a test of many nodes: one control plane of that size keeps two cores busy, and two miss their deadlines.
    large: AsyncMutex<()>,
    /// What could not be removed.
    left: Mutex<Vec<String>>,
}

impl Session {
    /// The tests, those that share a cluster next to each other.
    pub(super) fn trials(self: &Arc<Self>, cases: Vec<Case>, threads: usize) -> Vec<Trial> {
        let mut trials = Vec::new();
        let mut valid = Vec::new();
        for Case { name, plan } in cases {
            match plan {
                Ok(plan) => valid.push((name, plan)),
                Err(wrong) => trials.push(Trial::test(name, move || Err(Failed::from(why(&wrong))))),
            }
        }
        let (names, plans): (Vec<String>, Vec<Plan>) = valid.into_iter().unzip();
        let groups = group_plans(&plans, &[]);
        let lanes = |members: &Vec<usize>| (0..members.len().min(threads)).map(|_| AsyncMutex::default()).collect();
        let _ = self.groups.set(groups.iter().map(lanes).collect());
        let mut named: Vec<Option<(String, Plan)>> = names.into_iter().zip(plans).map(Some).collect();
        for (group, members) in groups.into_iter().enumerate() {
            for member in members {
                let Some((name, plan)) = named.get_mut(member).and_then(Option::take) else { continue };
                let session = Arc::clone(self);
                trials.push(Trial::ignorable_test(name, move || session.run(group, &plan)));
            }
        }
        trials
    }

    fn run(&self, group: usize, plan: &Plan) -> Result<Completion, Failed> {
        let runtime = self.runtime.get_or_init(|| Runtime::new().map_err(|error| format!("could not start: {error}")));
        let runtime = runtime.as_ref().map_err(Failed::from)?;
        let closed = runtime.block_on(async {
            match Clusters::from_env()? {
                // The run itself says what is missing.
                Clusters::Required => Ok(None),
                clusters => clusters.closed(&Needs::of(plan)).await,
            }
        });
        gated(closed.map_err(|error| told(&error)), || runtime.block_on(self.run_in(group, plan)))
    }

    async fn run_in(&self, index: usize, plan: &Plan) -> Result<(), Failed> {
        let _alone = if is_large(plan) { Some(self.large.lock().await) } else { None };
        let groups = self.groups.get().map(Vec::as_slice).unwrap_or_default();
        // Whatever waits in another group waits for nobody: its tests came before.
        for (_, lanes) in groups.iter().enumerate().filter(|(other, _)| *other != index) {
            for lane in lanes {
                if let Ok(group) = lane.try_lock() {
                    self.end_group(group).await;
                }
            }
        }
        let lanes = groups.get(index).map(Vec::as_slice).unwrap_or_default();
        let mut group = match (lanes.iter().find_map(|lane| lane.try_lock().ok()), lanes.first()) {
            (Some(free), _) => free,
            (None, Some(first)) => first.lock().await,
            (None, None) => return Err(Failed::from("the test belongs to no group")),
        };
        let mut recorder = Recorder::default();
        let result = group.run(plan, &RunOptions::with_evidence(), &mut |event| recorder.event(&event)).await;
        drop(group);
        match recorder.finish(plan, result).into_result() {
            Ok(_) => Ok(()),
            Err(RunFileError::Skipped { reason, .. }) => Err(Failed::from(reason)),
            Err(error) => Err(Failed::from(error)),
        }
    }

    async fn end_group(&self, mut group: MutexGuard<'_, Group>) {
        if let Cleanup::Failed { message } = group.end().await {
            self.left.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        }
    }

    /// Removes what waits, and says what could not be removed of all that did.
    pub(super) fn end(&self) -> Result<(), String> {
        if let Some(Ok(runtime)) = self.runtime.get() {
            runtime.block_on(async {
                for group in self.groups.get().into_iter().flatten().flatten() {
                    self.end_group(group.lock().await).await;
                }
            });
        }
        let left = std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner));
        match left.as_slice() {
            [] => Ok(()),
            left => Err(format!("{}\n  (hint: `rollcall clean` removes what is left)", left.join("\n"))),
        }
    }
}

/// Whether a scenario has so many nodes that it does not run beside another such.
fn is_large(plan: &Plan) -> bool {
    const LARGE: u32 = 200;
    plan.cluster.simulated.iter().map(|group| group.count).sum::<u32>() >= LARGE
}

fn why(wrong: &Wrong) -> String {
    match wrong {
        Wrong::Invalid(problems) => Problems::to_string(problems),
        Wrong::Pattern(why) => why.clone(),
    }
}
