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
#[case("ErrImagePull", "unexpected status from HEAD request: 403 Forbidden", Cause::ImagePullUnauthorized)]
// Numbers are no answers, and what is denied may be a folder of the node.
#[case("ErrImagePull", "host:4290/a@sha256:4014034290: connect: connection refused", Cause::ImagePullFailed)]
#[case("ErrImagePull", "failed to extract layer: mkdir /x: permission denied", Cause::ImagePullFailed)]
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

/// A kubelet tries again, and the event of the first attempt stays for an hour.
#[test]
fn a_mount_that_failed_before_it_worked_is_no_reason() {
    let message = "MountVolume.SetUp failed for volume \"kube-api-access-x\" : failed to sync configmap cache";
    let waits = |reason: &str, why: &str| Cluster::healthy().waiting(reason, why).event("w1", "FailedMount", message);
    let refused = waits("CreateContainerConfigError", "container has runAsNonRoot and image will run as root");
    assert_eq!(refused.on_w1(), (NodeState::Unhealthy, vec![Cause::WouldRunAsRoot]));
    assert_eq!(waits("ContainerCreating", "").on_w1(), (NodeState::Unhealthy, vec![Cause::MountFailed]));
}

#[rstest]
#[case(json!({"exitCode": 137, "reason": "OOMKilled"}), "", Cause::OutOfMemory)]
#[case(json!({"exitCode": 1, "reason": "Error"}), "starting\npanic: no config", Cause::CrashLoop)]
#[case(json!({"exitCode": 0, "reason": "Completed"}), "", Cause::CrashLoop)]
#[case(json!({"exitCode": 1, "reason": "Error"}), "open /host/var/state: read-only file system", Cause::ReadOnlyMount)]
#[case(json!({"exitCode": 1, "reason": "Error"}), "bind: Permission denied", Cause::PermissionDenied)]
#[case(json!({"exitCode": 1, "reason": "Error"}), "exec /agent: exec format error", Cause::ImageWrongArchitecture)]
#[case(
    json!({"exitCode": 128, "reason": "StartError", "message": "exec: \"/agnet\": stat /agnet: no such file or directory"}),
    "",
    Cause::CommandNotFound
)]
#[case(
    json!({"exitCode": 128, "reason": "StartError", "message": "runc create failed: exec /agent: exec format error"}),
    "",
    Cause::ImageWrongArchitecture
)]
#[case(
    json!({"exitCode": 128, "reason": "StartError", "message": "mkdir /work: not a directory"}),
    "",
    Cause::ContainerFailed
)]
fn what_ends_again_and_again_is_told_by_its_end_and_its_last_words(
    #[case] end: Value,
    #[case] log: &str,
    #[case] cause: Cause,
) {
    assert_eq!(Cluster::healthy().crashed(end).log(true, log).on_w1(), (NodeState::Unhealthy, vec![cause]));
}

#[rstest]
#[case("lookup api.default.svc: no such host")]
#[case("curl: (6) Could not resolve host: api.default.svc")]
#[case("Error: getaddrinfo EAI_AGAIN api.default.svc")]
#[case("{\"name\":\"api\",\"error\":\"could not look up `api`: `/etc/resolv.conf` names no server\"}")]
fn a_name_on_the_host_network_is_the_resolvers_fault_only_there(#[case] said: &str) {
    let ended = || json!({"exitCode": 1, "reason": "Error"});
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
    // The pressure that its node is under is a cause only where the kubelet says so.
    cluster.nodes[0]["status"]["conditions"] =
        json!([{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "True"}]);
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![cause]));
    for message in
        ["The node was low on resource: memory. ", "Pod was rejected: The node had condition: [DiskPressure]. "]
    {
        cluster.pods[0]["status"]["message"] = json!(message);
        assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::NodeUnderPressure, cause]));
    }
}

#[test]
fn a_pod_that_was_refused_says_so_while_it_makes_room_for_another() {
    let mut cluster = Cluster::healthy();
    cluster.pods[0]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:10:00Z");
    cluster.pods[0]["metadata"]["deletionGracePeriodSeconds"] = json!(0);
    cluster.pods[0]["status"] = json!({"phase": "Failed", "reason": "SysctlForbidden", "message": "why"});
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::RefusedByKubelet]));
    cluster.pods[0]["status"] = json!({"phase": "Failed"});
    assert_eq!(cluster.on_w1(), (NodeState::Waiting, vec![Cause::TerminatingGracePeriod]));
}

#[test]
fn an_eviction_is_known_before_the_kubelet_has_written_it_down() {
    let mut cluster = Cluster::healthy()
        .waiting("ContainerCreating", "")
        .event("w1", "Evicted", "The node had condition: [PIDPressure]. ")
        .event(
            "w1",
            "FailedMount",
            "MountVolume.SetUp failed for volume \"kube-api-access-x\" : object \"default\"/\"kube-root-ca.crt\" not registered",
        );
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::Evicted]));
    cluster.nodes[0]["status"]["conditions"] =
        json!([{"type": "Ready", "status": "True"}, {"type": "PIDPressure", "status": "True"}]);
    assert_eq!(cluster.on_w1(), (NodeState::Unhealthy, vec![Cause::NodeUnderPressure, Cause::Evicted]));
    // What is not registered is no cause of its own.
    cluster.events.remove(0);
    cluster.pods[0]["status"]["phase"] = json!("Pending");
    assert_eq!(cluster.on_w1(), (NodeState::Waiting, vec![Cause::NotKnown]));
}

#[test]
fn a_pod_that_wrote_too_much_is_not_put_down_to_its_node() {
    let mut cluster = Cluster::healthy();
    cluster.pods[0]["status"] = json!({
        "phase": "Failed", "reason": "Evicted",
        "message": "Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. ",
    });
    insta::assert_snapshot!(cluster.explain().nodes[0].findings[0].remedy, @"raise the limit that its message names, or let it write less");
}
