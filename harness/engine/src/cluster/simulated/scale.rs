//! A group of simulated nodes grows and shrinks.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    clock,
    cluster::Cluster,
    error::{Error, Result},
};

impl Cluster {
    /// Brings a group of simulated nodes to this many and says how long that took. New ones follow the highest number
    /// and are as the group was described when it was added; the highest numbers leave first, and are gone with their
    /// leases and pods when this returns.
    ///
    /// # Errors
    /// When there is no such group, a real node has the name of a new one, or a node does not come or go in time.
    pub async fn scale_simulated_nodes(&self, name: &str, count: u32, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        self.needs_simulation()?;
        let group = self.simulated_group(name).await?;
        let members = super::members(self, name).await?;
        let (from, to) = change(&members, count);
        if let Some(new) = to {
            let real = self.node_names().await;
            if let Some(taken) = real.iter().find(|real| super::number_of(name, real).is_some_and(|n| new.contains(&n)))
            {
                return Err(Error::usage_hint(
                    format!("simulated nodes `{name}` would get a node `{taken}`, and there is a real one"),
                    "remove the real node first, or add another group",
                ));
            }
            self.make_simulated_nodes(&group, new, deadline.saturating_sub(started.elapsed())).await?;
        }
        if !from.is_empty() {
            self.forget_simulated_nodes(&from, deadline.saturating_sub(started.elapsed())).await?;
        }
        Ok(started.elapsed())
    }
}

/// Which nodes leave, and the numbers of those that come.
fn change(members: &[(u32, String)], count: u32) -> (BTreeSet<String>, Option<std::ops::RangeInclusive<u32>>) {
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    if members.len() > wanted {
        return (members[wanted..].iter().map(|(_, name)| name.clone()).collect(), None);
    }
    let missing = count - u32::try_from(members.len()).unwrap_or(count);
    let highest = members.last().map_or(0, |(number, _)| *number);
    (BTreeSet::new(), (missing > 0).then(|| highest + 1..=highest + missing))
}

#[cfg(test)]
mod tests {
    use super::change;

    fn members(numbers: &[u32]) -> Vec<(u32, String)> {
        numbers.iter().map(|number| (*number, format!("sim-{number}"))).collect()
    }

    #[test]
    fn new_numbers_follow_the_highest_and_the_highest_leave_first() {
        assert_eq!(change(&members(&[]), 2), ([].into(), Some(1..=2)));
        assert_eq!(change(&members(&[1, 2]), 5), ([].into(), Some(3..=5)));
        // Number 2 was removed by itself.
        assert_eq!(change(&members(&[1, 3]), 3), ([].into(), Some(4..=4)));
        assert_eq!(change(&members(&[1, 3]), 2), ([].into(), None));
        assert_eq!(change(&members(&[1, 3, 10]), 1), (["sim-3".into(), "sim-10".into()].into(), None));
        assert_eq!(change(&members(&[1]), 0), (["sim-1".into()].into(), None));
    }
}
