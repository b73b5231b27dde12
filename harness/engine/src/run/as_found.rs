//! Whether a scenario that shares its cluster left it as it found it.

use rollcall_model::Verdict;

use super::{Ended, Failure, Interrupt};
use crate::cluster::Found;

/// Deletes what the steps applied, and lets a run that held fail where anything else is not as it was.
pub(super) async fn check(mut ended: Ended, found: &Found, interrupt: &Interrupt) -> Ended {
    // Of one that did not hold the cluster is still to be looked at.
    if !ended.verdict.is_held() {
        return ended;
    }
    let Some(cluster) = ended.cluster.take() else { return ended };
    let restored = tokio::select! {
        restored = cluster.restore(found) => restored,
        () = interrupt.triggered() => return Ended::interrupted(Some(Failure::interrupted()), Some(cluster)),
    };
    match restored {
        Ok(differences) if differences.is_empty() => Ended { cluster: Some(cluster), ..ended },
        Ok(differences) => Ended {
            verdict: Verdict::DidNotHold,
            failure: Some(failure(&differences)),
            interrupted: false,
            cluster: Some(cluster),
        },
        Err(error) => Ended::environment(Failure::from(&error), Some(cluster)),
    }
}

fn failure(differences: &[String]) -> Failure {
    let told = match differences {
        [only] => format!(" {only}"),
        all => all.iter().map(|difference| format!("\n  {difference}")).collect(),
    };
    Failure {
        message: format!("did not leave the cluster as found:{told}"),
        hint: Some("undo it in a step, or take `shared` out of `cluster`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::failure;

    #[test]
    fn every_difference_is_told() {
        insta::assert_snapshot!(
            failure(&["node `w` is cordoned".into()]).message,
            @"did not leave the cluster as found: node `w` is cordoned"
        );
        insta::assert_snapshot!(failure(&["node `w` is cordoned".into(), "Secret `s` is left".into()]).message, @r"
        did not leave the cluster as found:
          node `w` is cordoned
          Secret `s` is left
        ");
    }
}
