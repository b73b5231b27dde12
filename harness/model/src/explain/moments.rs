//! When time alone changes a diagnosis.

use super::{beside::looked_at, terminating::over_at};
use crate::{
    DaemonSetRef, Timestamp, World,
    world::view::{available_after, min_ready_seconds},
};

/// The next moment at which a diagnosis may change though nothing else does: a pod has been ready for long enough, its
/// controller should have seen that, or it should have ended by then. Nothing where only a change can change it.
#[must_use]
pub fn next_moment(world: &World, references: &[DaemonSetRef], now: Timestamp) -> Option<Timestamp> {
    let daemon_sets = references.iter().filter_map(|reference| world.daemon_set(reference));
    let moments = daemon_sets.flat_map(|daemon_set| {
        let seconds = min_ready_seconds(daemon_set);
        world.pods_of(daemon_set).into_iter().flat_map(move |pod| {
            let late = over_at(pod);
            let available = (seconds > 0).then(|| available_after(pod, seconds)).flatten();
            [late, available, looked_at(pod, seconds)]
        })
    });
    moments.flatten().filter(|moment| *moment > now).min()
}
