//! What makes containers end, or keeps them from being ready.

use super::{About, Section};
use crate::explain::Cause;

pub(super) const SECTION: Section = Section {
    title: "Containers that do not go on",
    causes: &[
        About {
            cause: Cause::ReadOnlyMount,
            title: "The container writes where it may only read.",
            means: "A volume is mounted with `readOnly`, or the root of the container is read-only.",
            seen: "`read-only file system` in its last lines, and what is read-only in the spec",
            remedy: "Mount what it writes to without `readOnly`, or let it write elsewhere, as into an `emptyDir`.",
        },
        About {
            cause: Cause::PermissionDenied,
            title: "The container lacks a right.",
            means: "A capability, a user, or `privileged` is missing for what it does on the host.",
            seen: "`permission denied` or `operation not permitted` in its last lines or in the message of the \
                 runtime",
            remedy: "Give the container what it needs and no more: a user, a capability, and `privileged` last.",
        },
        About {
            cause: Cause::DnsPolicyOfHostNetwork,
            title: "On the host network it asks the resolver of the node for names of the cluster.",
            means: "With `hostNetwork` the policy `ClusterFirst` means the resolver of the node, which does not \
                 know Services.",
            seen: "a name that does not resolve in its last lines, `hostNetwork`, and `dnsPolicy`",
            remedy: "Set `dnsPolicy: ClusterFirstWithHostNet`.",
        },
        About {
            cause: Cause::OutOfMemory,
            title: "The kernel killed the container at its memory limit.",
            means: "It used more than `resources.limits.memory`, or the node as a whole ran out.",
            seen: "ended reason `OOMKilled`",
            remedy: "Raise the limit, or let the program use less.",
        },
        About {
            cause: Cause::CrashLoop,
            title: "The container ends again and again.",
            means: "A container of a DaemonSet is not meant to end, not even with exit code 0.\n\
                 It is started again with pauses of up to five minutes.",
            seen: "waiting reason `CrashLoopBackOff`, exit code, termination message, and its last lines",
            remedy: "Do what its last words say.",
        },
        About {
            cause: Cause::ProbeFailed,
            title: "A probe fails.",
            means: "A readiness or startup probe keeps the pod from being ready, and a liveness probe ends its \
                 container.",
            seen: "events `Unhealthy` and `Killing` of the pod, with what the probe was answered",
            remedy: "See to what the probe asks for, or correct its path, port or times.",
        },
        About {
            cause: Cause::InitContainerStuck,
            title: "An init container does not end.",
            means: "The others begin only after it.",
            seen: "an init container that runs, since when, and its last lines",
            remedy: "Look what it waits for.",
        },
    ],
};
