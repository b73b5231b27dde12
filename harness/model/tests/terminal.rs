//! Waits that end early because nothing that is under way will ever make the condition true, and those that must not.

mod common;

use common::world::{converged, daemon_set, judge, merge, node, pod, revision, text, unready, with};
use common::{load, with_steps};
use rollcall_model::{Action, Condition, Judgement, Scenario};
use rstest::rstest;
use serde_json::{Value, json};

const NOT_FOUND: &str = "Back-off pulling image \"a:1\": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/library/a:1\": failed to resolve reference \"docker.io/library/a:1\": docker.io/library/a:1: not found";

fn waiting(reason: &str, message: &str) -> Value {
    unready(json!({"waiting": {"reason": reason, "message": message}}))
}

#[rstest]
#[case::the_name_of_the_image_is_none("InvalidImageName", "couldn't parse", true)]
#[case::the_image_is_not_on_the_node_and_must_be("ErrImageNeverPull", "not present with pull policy of Never", true)]
#[case::the_registry_has_no_such_image("ImagePullBackOff", NOT_FOUND, true)]
#[case::the_registry_was_asked_once("ErrImagePull", NOT_FOUND, false)]
#[case::the_registry_asks_for_credentials("ImagePullBackOff", "401 Unauthorized", false)]
#[case::the_registry_is_asked_too_often("ImagePullBackOff", "429 Too Many Requests", false)]
#[case::the_registry_does_not_answer("ImagePullBackOff", "i/o timeout", false)]
#[case::a_secret_is_missing("CreateContainerConfigError", "secret \"token\" not found", false)]
#[case::the_user_must_not_be_root(
    "CreateContainerConfigError",
    "container has runAsNonRoot and image will run as root",
    true
)]
#[case::the_user_is_root("CreateContainerConfigError", "container's runAsUser breaks non-root policy", true)]
#[case::it_crashes("CrashLoopBackOff", "back-off 10s", false)]
fn what_a_pod_waits_for(#[case] reason: &str, #[case] message: &str, #[case] never: bool) {
    let judgement = judge(&converged(), &with([pod("b", "w2", waiting(reason, message)).into()]));
    assert_eq!(matches!(judgement, Judgement::Never(_)), never, "{}", text(&judgement));
    assert!(!judgement.is_done());
}

#[test]
fn a_pod_of_an_old_revision_or_one_that_goes_is_not_the_end() {
    let broken = waiting("ImagePullBackOff", NOT_FOUND);
    let old = with([pod("b", "w2", broken.clone()).into(), revision(2, "h2").into()]);
    assert!(matches!(judge(&converged(), &old), Judgement::NotYet(_)));
    let mut leaving = broken;
    merge(&mut leaving, json!({"metadata": {"deletionTimestamp": common::world::NOW}}));
    assert!(matches!(judge(&converged(), &with([pod("b", "w2", leaving).into()])), Judgement::NotYet(_)));
}

/// A pod that asks for this, on a node that has so much of it.
fn unscheduled(resource: &str, asked: &str, has: &str) -> Judgement {
    let mut small = node("w2", &[]);
    let status = json!({"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {resource: has}});
    small.status = serde_json::from_value(status).expect("a status");
    let pending = pod(
        "b",
        "w2",
        json!({
            "spec": {"containers": [
                {"name": "c", "resources": {"requests": {resource: asked}}},
                {"name": "d", "resources": {"requests": {resource: asked}}}
            ]},
            "status": {"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}
            ]},
        }),
    );
    judge(&converged(), &with([small.into(), pending.into()]))
}

#[rstest]
#[case::more_memory("memory", "600Mi", "1Gi", true)]
#[case::as_much_memory("memory", "512Mi", "1Gi", false)]
#[case::more_cpu("cpu", "1500m", "2", true)]
#[case::less_cpu("cpu", "500m", "2", false)]
#[case::a_device_that_may_come("example.com/gpu", "1", "0", false)]
#[case::what_is_no_quantity("cpu", "lots", "2", false)]
fn a_pod_that_is_larger_than_its_node_never_fits(
    #[case] resource: &str,
    #[case] asked: &str,
    #[case] has: &str,
    #[case] never: bool,
) {
    let judgement = unscheduled(resource, asked, has);
    assert_eq!(matches!(judgement, Judgement::Never(_)), never, "{}", text(&judgement));
}

#[test]
fn a_pod_that_never_fits_is_told_with_what_the_node_has() {
    insta::assert_snapshot!(text(&unscheduled("memory", "600Mi", "1Gi")));
    insta::assert_snapshot!(text(&judge(
        &converged(),
        &with([pod("b", "w2", waiting("ImagePullBackOff", NOT_FOUND)).into()])
    )));
}

#[test]
fn no_node_at_all_is_not_the_end_for_one_may_join() {
    let elsewhere = json!({"spec": {"template": {"spec": {"nodeName": "nowhere"}}}});
    let judgement = judge(&converged(), &with([daemon_set([0; 5], elsewhere).into()]));
    assert!(matches!(judgement, Judgement::NotYet(_)), "{}", text(&judgement));
}

/// The conditions of the `expect` steps, and of those inside of others, in order: whether each is patient.
fn patient(scenario: &Scenario) -> Vec<bool> {
    let mut found = Vec::new();
    let mut rest: Vec<&rollcall_model::scenario::Step> = scenario.steps.iter().rev().collect();
    while let Some(step) = rest.pop() {
        if let Action::Expect { condition } = &step.action {
            found.push(matches!(condition, Condition::Patient(_)));
        }
        rest.extend(step.action.branches().into_iter().flatten().rev());
    }
    found
}

const EXPECT: &str = "{expect: {converged: {daemonSet: log-collector}}}";

#[rstest]
#[case::one_after_the_other(format!("  - {EXPECT}\n  - cordon: worker-1\n  - {EXPECT}\n"), &[false, false])]
#[case::beside_a_branch_that_acts(format!("  - parallel: [{EXPECT}, [{EXPECT}, {{cordon: worker-1}}, {EXPECT}]]\n  - {EXPECT}\n"), &[true, false, false, false])]
#[case::beside_a_branch_that_looks(format!("  - parallel: [{EXPECT}, {EXPECT}]\n"), &[false, false])]
#[case::deep_inside(format!("  - parallel: [[never: {{nodeReady: {{all: true}}, steps: [{EXPECT}]}}], {{cordon: worker-1}}]\n"), &[true])]
#[case::after_an_image_came(format!("  - {EXPECT}\n  - pushImage: {{name: a}}\n  - {EXPECT}\n  - {EXPECT}\n"), &[false, true, true])]
#[case::after_a_pull_fault(format!("  - pullFault: {{image: a, fault: none}}\n  - {EXPECT}\n"), &[true])]
#[case::after_a_command_here(format!("  - run: make push\n  - {EXPECT}\n"), &[true])]
#[case::after_a_pause(format!("  - pause: look\n  - {EXPECT}\n"), &[true])]
#[case::after_an_image_came_in_a_branch(format!("  - parallel: [{{pushImage: {{name: a}}}}, {{cordon: worker-1}}]\n  - {EXPECT}\n"), &[true])]
fn expectations_are_patient_where_something_else_may_help(#[case] steps: String, #[case] expected: &[bool]) {
    let scenario = load(&with_steps(&steps)).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(patient(&scenario), expected);
}

#[test]
fn what_is_patient_never_gives_up_and_else_is_the_same() {
    let world = with([pod("b", "w2", waiting("InvalidImageName", "")).into()]);
    let patient = Condition::Patient(Box::new(converged()));
    assert!(matches!(judge(&patient, &world), Judgement::NotYet(_)));
    assert!(judge(&patient, &with([])).is_done());
    assert_eq!(patient.to_string(), converged().to_string());
}
