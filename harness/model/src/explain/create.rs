//! Why the controller cannot make a pod: what the API server answered it.

use k8s_openapi::api::core::v1::Event;

use super::{Cause, Finding, Look, events};

/// What the answers of admission have in common (`k8s.io/apiserver/pkg/admission`): webhooks, the plug-in of pod
/// security, and policies.
const ADMISSION: [&str; 4] = ["admission webhook", "violates PodSecurity", "ValidatingAdmissionPolicy", "is forbidden"];

/// What an admission plug-in says where an object that the template names is not there: ServiceAccount, Priority and
/// RuntimeClass (`plugin/pkg/admission`). That is no rule that refuses, and is remedied otherwise.
const ABSENT: [&str; 3] =
    ["error looking up service account", "no PriorityClass with name", "pod rejected: RuntimeClass"];

impl<'a> Look<'a> {
    /// The latest refusal, if the last thing the controller tried was refused.
    pub(super) fn refusal(self) -> Option<&'a Event> {
        let all = self.events_of(&self.daemon_set.metadata);
        let of = |reason: &str| all.iter().copied().rfind(|event| event.reason.as_deref() == Some(reason));
        // `Error creating: …` (pkg/controller/controller_utils.go).
        let refusal = of("FailedCreate")?;
        if of("SuccessfulCreate").is_some_and(|made| events::when(made) > events::when(refusal)) {
            return None;
        }
        Some(refusal)
    }

    /// Why the controller cannot make pods, if that was the last it was told.
    pub(super) fn refused(self) -> Option<Finding> {
        let refusal = self.refusal()?;
        let message = events::message(refusal);
        let answer = message.strip_prefix("Error creating: ").unwrap_or(message);
        let (cause, remedy) = if message.contains("exceeded quota") {
            (Cause::RefusedByQuota, "raise the quota of the namespace, or lower what the template asks for")
        } else if ABSENT.iter().any(|part| message.contains(part)) {
            (Cause::CreateFailed, "make what the answer names, or correct its name in the template")
        } else if ADMISSION.iter().any(|part| message.contains(part)) {
            (Cause::RefusedByAdmission, "change the template so that it is admitted, or the rule that refuses it")
        } else {
            (Cause::CreateFailed, "do what the answer says")
        };
        Some(
            Finding::proven(cause, self.object(), format!("the API server refuses its pods: {answer}"))
                .seen(events::source(refusal), message)
                .remedy(remedy),
        )
    }
}
