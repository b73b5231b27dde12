//! Runs that follow each other on one cluster, each of which leaves it as it found it.

use rollcall_model::{Plan, Stamped, event::Cleanup};

use super::{Keep, RunOptions, RunResult, boot::Shared, clean_up::cleanup_of, images, run_in};
use crate::{cluster::Cluster, images::ImageSource};

/// Runs one after the other. A scenario whose cluster says `shared: true` gets the cluster of the one before, if that
/// was made alike, held, and was left as it was found; otherwise it gets a new one.
///
/// ```no_run
/// # async fn example(plans: Vec<rollcall::model::Plan>) {
/// let mut group = rollcall::Group::default();
/// for plan in &plans {
///     let result = group.run(plan, &rollcall::RunOptions::default(), &mut |event| drop(event)).await;
///     println!("{}: {}", plan.name, result.verdict);
/// }
/// let cleanup = group.end().await;
/// # }
/// ```
#[derive(Default)]
#[must_use = "a group is ended by `end`, which tells whether its last cluster could be removed"]
pub struct Group {
    waiting: Option<Waiting>,
}

/// A cluster that was left as it was found.
pub(super) struct Waiting {
    pub(super) cluster: Cluster,
    pub(super) shared: Shared,
}

impl Group {
    /// Runs a plan, as [`run`](super::run) does, on the cluster of the one before where that is possible.
    pub async fn run(
        &mut self,
        plan: &Plan,
        options: &RunOptions,
        sink: &mut (dyn FnMut(Stamped) + Send),
    ) -> RunResult {
        run_in(&mut Some(&mut self.waiting), plan, options, sink).await
    }

    /// Whether a cluster waits for the next run.
    #[must_use]
    pub fn has_cluster(&self) -> bool {
        self.waiting.is_some()
    }

    /// Removes the cluster that waits. The group can be used again.
    pub async fn end(&mut self) -> Cleanup {
        match self.waiting.take() {
            Some(waiting) => cleanup_of(waiting.cluster.destroy().await),
            None => Cleanup::Done,
        }
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.waiting.as_ref().map(|waiting| waiting.cluster.name());
        f.debug_struct("Group").field("waiting", &waiting).finish()
    }
}

impl Shared {
    /// Whether a run begins with this cluster as it would with one of its own.
    pub(super) fn is_usable(&self, plan: &Plan, options: &RunOptions) -> bool {
        self.spec == plan.cluster
            && (self.distro, &self.node_image) == (options.distro, &options.node_image)
            && self.keeps == (options.keep != Keep::Never)
            && images::agree(&self.images, &images::wanted(plan, &options.images))
    }
}

/// Which plans may follow each other on one cluster, by their positions: each is in one group, alone where it does not
/// share. `images` are those of [`RunOptions`].
#[must_use]
pub fn group_plans(plans: &[Plan], images: &[(String, ImageSource)]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Vec<usize>, images::Meanings)> = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        let wanted = images::wanted(plan, images);
        let alike = |(members, known): &&mut (Vec<usize>, images::Meanings)| {
            let first = members.first().and_then(|first| plans.get(*first));
            first.is_some_and(|first| first.cluster == plan.cluster) && images::agree(known, &wanted)
        };
        match groups.iter_mut().find(alike).filter(|_| plan.cluster.shared) {
            Some((members, known)) => {
                members.push(index);
                known.extend(wanted);
            }
            None => groups.push((vec![index], wanted)),
        }
    }
    groups.into_iter().map(|(members, _)| members).collect()
}

/// Cuts groups so that `parallel` of them at a time have about as many plans each, and puts the longest first: one that
/// is begun last would go on alone. A group that is cut needs another cluster.
#[must_use]
pub fn side_by_side(groups: Vec<Vec<usize>>, parallel: usize) -> Vec<Vec<usize>> {
    if parallel < 2 {
        return groups;
    }
    let all: usize = groups.iter().map(Vec::len).sum();
    let most = all.div_ceil(parallel).max(1);
    let cut = |group: Vec<usize>| {
        let pieces = group.len().div_ceil(most).max(1);
        let size = group.len().div_ceil(pieces).max(1);
        group.chunks(size).map(<[usize]>::to_vec).collect::<Vec<_>>()
    };
    let mut pieces: Vec<Vec<usize>> = groups.into_iter().flat_map(cut).collect();
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::{alone, plan};

    const FIRST: &str = "images:\n  - {name: 'fluentd:latest', use: 'rollcall/agent:1'}\n";
    const OTHER: &str = "images:\n  - {name: 'docker.io/library/fluentd', use: 'rollcall/agent:2'}\n";

    fn shared(sections: &str) -> Plan {
        let mut plan = plan(sections);
        plan.cluster.shared = true;
        plan
    }

    #[test]
    fn plans_that_share_and_are_alike_are_one_group() {
        let mut larger = shared(FIRST);
        larger.cluster.nodes.push(alone("worker-2"));
        let plans = [shared(FIRST), plan(FIRST), shared(FIRST), larger, plan(FIRST)];
        assert_eq!(group_plans(&plans, &[]), [vec![0, 2], vec![1], vec![3], vec![4]]);
    }

    #[test]
    fn a_long_group_does_not_go_on_alone() {
        let groups = vec![vec![0], (1..9).collect(), vec![9]];
        assert_eq!(side_by_side(groups.clone(), 1), groups);
        assert_eq!(side_by_side(groups, 2), [vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![0], vec![9]]);
        assert_eq!(side_by_side(vec![vec![0, 1, 2]], 9), [[0], [1], [2]]);
        assert!(side_by_side(Vec::new(), 2).is_empty());
    }

    #[test]
    fn a_name_whose_meaning_a_step_changes_is_for_nobody_else() {
        let step = "  - pushImage: {name: 'fluentd:latest', use: 'rollcall/agent:2'}\n";
        let pushes = shared(&format!("{step}{FIRST}"));
        let plans = [pushes.clone(), shared(FIRST), pushes, shared(FIRST)];
        assert_eq!(group_plans(&plans, &[]), [vec![0], vec![1, 3], vec![2]]);
    }

    #[test]
    fn a_name_that_means_two_images_makes_two_groups() {
        let plans = [shared(FIRST), shared(OTHER), shared(""), shared(FIRST), shared(OTHER)];
        // Without a substitution the name means itself, which is a third image.
        assert_eq!(group_plans(&plans, &[]), [vec![0, 3], vec![1, 4], vec![2]]);
        let image = ("fluentd".to_owned(), ImageSource::Local("mine:1".into()));
        assert_eq!(group_plans(&plans, &[image]), [[0, 1, 2, 3, 4]]);
    }
}
