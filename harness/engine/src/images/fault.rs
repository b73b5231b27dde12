//! Telling the registry of the cluster what to answer for an image (`node/modules/registry/faults.go`).

use rollcall_model::scenario::PullFault;
use serde_json::{Value, json};

use super::{push::Repository, reference::Reference};
use crate::error::Result;

/// Switches the fault of an image on, or off.
///
/// # Errors
/// When the name is none, or the registry refuses.
pub(crate) async fn set_fault(registry_port: u16, name: &str, fault: PullFault) -> Result<()> {
    let reference = Reference::parse(name)?;
    Repository::new(registry_port, &reference).control(&target(&reference), body(fault)).await
}

fn target(reference: &Reference) -> String {
    let path = reference.path();
    match (&reference.digest, &reference.tag) {
        // A node asks by the digest where the name has both.
        (Some(digest), _) => format!("/rollcall/faults/{path}@{digest}"),
        (None, tag) => format!("/rollcall/faults/{path}:{}", tag.as_deref().unwrap_or("latest")),
    }
}

fn body(fault: PullFault) -> Option<Value> {
    match fault {
        PullFault::Absent => Some(json!({"fault": "absent"})),
        PullFault::Slow(delay) => {
            let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            Some(json!({"fault": "slow", "delayMilliseconds": delay}))
        }
        PullFault::Unauthorized => Some(json!({"fault": "unauthorized"})),
        PullFault::TooManyRequests => Some(json!({"fault": "tooManyRequests"})),
        PullFault::None => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("fluentd", "/rollcall/faults/docker.io/library/fluentd:latest")]
    #[case("localhost:5000/agent:1", "/rollcall/faults/localhost_5000/agent:1")]
    fn an_image_is_named_as_nodes_ask_for_it(#[case] name: &str, #[case] path: &str) {
        assert_eq!(target(&Reference::parse(name).unwrap()), path);
    }

    #[test]
    fn a_name_with_tag_and_digest_is_asked_for_by_its_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let reference = Reference::parse(&format!("quay.io/a/b:1@{digest}")).unwrap();
        assert_eq!(target(&reference), format!("/rollcall/faults/quay.io/a/b@{digest}"));
    }

    #[test]
    fn a_delay_is_told_in_milliseconds_and_no_fault_has_no_body() {
        let slow = body(PullFault::Slow(Duration::from_millis(1500)));
        assert_eq!(slow, Some(json!({"fault": "slow", "delayMilliseconds": 1500})));
        assert_eq!(body(PullFault::None), None);
    }
}
