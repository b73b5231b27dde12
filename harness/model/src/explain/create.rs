//! Why the controller cannot make a pod: what the API server answered it.

use super::{Cause, Finding, Look, events};

/// What the answers of admission have in common (`k8s.io/apiserver/pkg/admission`): webhooks, the plug-in of pod
/// security, and policies.
const ADMISSION: [&str; 4] = ["admission webhook", "violates PodSecurity", "ValidatingAdmissionPolicy", "is forbidden"];

impl Look<'_> {
    /// The latest refusal, if the last thing the controller tried was refused.
    pub(super) fn refused(self) -> Option<Finding> {
        let all = self.events_of(&self.daemon_set.metadata);
        let of = |reason: &str| all.iter().copied().rfind(|event| event.reason.as_deref() == Some(reason));
        // `Error creating: …` (pkg/controller/controller_utils.go).
        let refusal = of("FailedCreate")?;
        if of("SuccessfulCreate").is_some_and(|made| events::when(made) > events::when(refusal)) {
            return None;
        }
        let message = events::message(refusal);
        let answer = message.strip_prefix("Error creating: ").unwrap_or(message);
        let object = format!("daemonset {}", super::finding::full_name(self.reference));
        let (cause, remedy) = if message.contains("exceeded quota") {
            (Cause::RefusedByQuota, "raise the quota of the namespace, or lower what the template asks for")
        } else if ADMISSION.iter().any(|part| message.contains(part)) {
            (Cause::RefusedByAdmission, "change the template so that it is admitted, or the rule that refuses it")
        } else {
            (Cause::CreateFailed, "do what the answer says")
        };
        Some(
            Finding::proven(cause, object, format!("the API server refuses its pods: {answer}"))
                .seen(events::source(refusal), message)
                .remedy(remedy),
        )
    }
}
