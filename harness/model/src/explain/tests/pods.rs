//! What is wrong with a pod's containers and volumes.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Cause, Cluster, NodeState};

#[rstest]
#[case(
    "ImagePullBackOff",
    "Back-off pulling image \"agent:1\": ErrImagePull: rpc error: agent:1: not found",
    Cause::ImageNotFound
)]
#[case("ErrImagePull", "failed to authorize: unexpected status: 401 Unauthorized", Cause::ImagePullUnauthorized)]
#[case("ErrImagePull", "no match for platform in manifest: not found", Cause::ImageWrongArchitecture)]
#[case("ErrImagePull", "toomanyrequests: you have reached your pull rate limit", Cause::ImagePullRateLimited)]
#[case("ErrImagePull", "dial tcp 10.0.0.1:443: i/o timeout", Cause::ImagePullFailed)]
#[case("InvalidImageName", "Failed to apply default image tag \"Agent:1\"", Cause::ImageNameInvalid)]
#[case(
    "ErrImageNeverPull",
    "Container image \"agent:1\" is not present with pull policy of Never",
    Cause::ImageNeverPulled
)]
#[case("CreateContainerConfigError", "secret \"token\" not found", Cause::SecretMissing)]
#[case("CreateContainerConfigError", "configmap \"settings\" not found", Cause::ConfigMapMissing)]
#[case("CreateContainerConfigError", "couldn't find key level in ConfigMap default/settings", Cause::KeyMissing)]
#[case(
    "CreateContainerConfigError",
    "container has runAsNonRoot and image will run as root (pod: \"x\")",
    Cause::WouldRunAsRoot
)]
#[case(
    "CreateContainerConfigError",
    "failed to prepare subPath for volumeMount \"data\" of container \"agent\"",
    Cause::SubPathFailed
)]
#[case(
    "RunContainerError",
    "failed to create containerd task: runc create failed: unable to start container process: exec: \"/agnet\": stat /agnet: no such file or directory",
    Cause::CommandNotFound
)]
#[case("RunContainerError", "runc create failed: exec /agent: exec format error", Cause::ImageWrongArchitecture)]
#[case("CreateContainerError", "something of the runtime", Cause::ContainerFailed)]
fn what_a_container_waits_for_is_told_by_its_message(
    #[case] reason: &str,
    #[case] message: &str,
    #[case] cause: Cause,
) {
    assert_eq!(Cluster::healthy().waiting(reason, message).on_w1(), (NodeState::Unhealthy, vec![cause]));
}

#[test]
fn an_older_kubelet_says_in_an_event_why_it_cannot_pull() {
    let cluster = Cluster::healthy().waiting("ImagePullBackOff", "Back-off pulling image \"agent:1\"");
    let cluster = cluster.event("w1", "Failed", "Failed to pull image \"agent:1\": rpc error: agent:1: not found");
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::ImageNotFound]));
}

#[rstest]
#[case("MountVolume.SetUp failed for volume \"token\" : secret \"token\" not found", Cause::SecretMissing)]
#[case("MountVolume.SetUp failed for volume \"conf\" : configmap \"settings\" not found", Cause::ConfigMapMissing)]
#[case("MountVolume.SetUp failed for volume \"conf\" : references non-existent config key: a.yaml", Cause::KeyMissing)]
#[case(
    "MountVolume.SetUp failed for volume \"sock\" : hostPath type check failed: /run/x.sock is not a socket file",
    Cause::HostPathWrongType
)]
#[case(
    "MountVolume.SetUp failed for volume \"v\" : hostPath type check failed, /run/x is not a socket file, unable to determine its type: path \"/run/x\" does not exist",
    Cause::HostPathMissing
)]
#[case(
    "MountVolume.SetUp failed for volume \"v\" : hostPath type check failed, /run/x is not a directory",
    Cause::HostPathWrongType
)]
#[case("MountVolume.SetUp failed for volume \"nfs\" : mount failed: exit status 32", Cause::MountFailed)]
fn what_cannot_be_mounted_is_told_by_its_event(#[case] message: &str, #[case] cause: Cause) {
    let cluster = Cluster::healthy().waiting("ContainerCreating", "").event("w1", "FailedMount", message);
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![cause]));
    // Of an earlier pod of that name it is no evidence.
    let mut cluster = Cluster::healthy().waiting("ContainerCreating", "").event("earlier", "FailedMount", message);
    cluster.pods[0]["status"]["phase"] = json!("Pending");
    assert_eq!(cluster.on_w1(), (NodeState::Waiting, vec![Cause::NotKnown]));
}

#[rstest]
#[case(json!({"exitCode": 137, "reason": "OOMKilled"}), "", Cause::OutOfMemory)]
#[case(json!({"exitCode": 1, "reason": "Error"}), "starting\npanic: no config", Cause::CrashLoop)]
#[case(json!({"exitCode": 0, "reason": "Completed"}), "", Cause::CrashLoop)]
#[case(json!({"exitCode": 1, "reason": "Error"}), "open /host/var/state: read-only file system", Cause::ReadOnlyMount)]
#[case(json!({"exitCode": 1, "reason": "Error"}), "bind: Permission denied", Cause::PermissionDenied)]
#[case(json!({"exitCode": 1, "reason": "Error"}), "exec /agent: exec format error", Cause::ImageWrongArchitecture)]
fn what_ends_again_and_again_is_told_by_its_end_and_its_last_words(
    #[case] end: Value,
    #[case] log: &str,
    #[case] cause: Cause,
) {
    assert_eq!(Cluster::healthy().crashed(end).log(true, log).on_w1(), (NodeState::Unhealthy, vec![cause]));
}

#[test]
fn a_name_on_the_host_network_is_the_resolvers_fault_only_there() {
    let ended = || json!({"exitCode": 1, "reason": "Error"});
    let said = "lookup api.default.svc: no such host";
    let mut cluster = Cluster::healthy().crashed(ended()).log(true, said);
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::CrashLoop]));
    cluster.pods[0]["spec"]["hostNetwork"] = json!(true);
    cluster.pods[0]["spec"]["dnsPolicy"] = json!("ClusterFirst");
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::DnsPolicyOfHostNetwork]));
    cluster.pods[0]["spec"]["dnsPolicy"] = json!("ClusterFirstWithHostNet");
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::CrashLoop]));
}

#[test]
fn a_probe_that_fails_is_named_with_its_answer() {
    let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    let cluster = Cluster::healthy().container(json!({})).event("w1", "Unhealthy", message);
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::ProbeFailed]));
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[0].what, @"container `agent` fails its readiness probe: HTTP probe failed with statuscode: 503");
    let cluster = Cluster::healthy()
        .crashed(json!({"exitCode": 137, "reason": "Error"}))
        .event("w1", "Unhealthy", "Liveness probe failed: connection refused")
        .event("w1", "Killing", "Container agent failed liveness probe, will be restarted");
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::ProbeFailed]));
}

#[test]
fn an_init_container_that_does_not_end_is_named() {
    let mut cluster = Cluster::healthy().waiting("PodInitializing", "");
    cluster.pods[0]["spec"]["initContainers"] = json!([{"name": "wait"}]);
    cluster.pods[0]["status"]["initContainerStatuses"] = json!([{
        "name": "wait", "ready": false, "restartCount": 0, "image": "agent:1", "imageID": "x",
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
    }]);
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::InitContainerStuck]));
}

#[rstest]
#[case("Evicted", Cause::Evicted)]
#[case("NodePorts", Cause::RefusedByKubelet)]
fn a_pod_that_the_kubelet_gave_up_says_why(#[case] reason: &str, #[case] cause: Cause) {
    let mut cluster = Cluster::healthy();
    cluster.pods[0]["status"] = json!({"phase": "Failed", "reason": reason, "message": "why"});
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![cause]));
}
