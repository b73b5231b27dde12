//! What keeps containers from being made and started.

use super::{About, Section};
use crate::explain::Cause;

pub(super) const SECTION: Section = Section {
    title: "Containers that cannot be started",
    causes: &[
        About {
            cause: Cause::SecretMissing,
            title: "A Secret that the pod uses is not there.",
            means: "The container or its volumes cannot be made until it is.\n\
                 It has to be in the namespace of the pod.",
            seen: "waiting reason `CreateContainerConfigError`, or event `FailedMount`",
            remedy: "Make it, correct the name in the template, or mark it optional.",
        },
        About {
            cause: Cause::ConfigMapMissing,
            title: "A ConfigMap that the pod uses is not there.",
            means: "The container or its volumes cannot be made until it is.\n\
                 It has to be in the namespace of the pod.",
            seen: "waiting reason `CreateContainerConfigError`, or event `FailedMount`",
            remedy: "Make it, correct the name in the template, or mark it optional.",
        },
        About {
            cause: Cause::KeyMissing,
            title: "A Secret or ConfigMap lacks a key.",
            means: "The object is there, and what is wanted of it is not.",
            seen: "waiting reason `CreateContainerConfigError` with `couldn't find key`, or event `FailedMount` \
                 with `non-existent`",
            remedy: "Add the key, correct its name, or mark it optional.",
        },
        About {
            cause: Cause::WouldRunAsRoot,
            title: "The container must not run as root, and would.",
            means: "`runAsNonRoot` is set, and the user of the image is root, or a name of which nobody knows the \
                 number.",
            seen: "waiting reason `CreateContainerConfigError` with `runAsNonRoot`",
            remedy: "Set `runAsUser` to a number that is not 0, or build the image with such a user.",
        },
        About {
            cause: Cause::HostPathMissing,
            title: "A path of the host is not there.",
            means: "With a `type` the kubelet looks before it mounts; it makes no file, directory or socket unless \
                 the type says so.",
            seen: "event `FailedMount` with `hostPath type check failed` and `does not exist`",
            remedy: "Make the path on the node, or correct `hostPath.path` or `hostPath.type`.",
        },
        About {
            cause: Cause::HostPathWrongType,
            title: "A path of the host is something else.",
            means: "It is there, and a directory where a file or a socket is wanted, or the other way round.\n\
                 Up to 1.36 the kubelet says the same of a path that is not there.",
            seen: "event `FailedMount` with `hostPath type check failed`",
            remedy: "Correct `hostPath.path` or `hostPath.type`.",
        },
        About {
            cause: Cause::SubPathFailed,
            title: "A `subPath` cannot be mounted.",
            means: "It leads out of its volume, or is of a kind that does not fit what it is mounted on.",
            seen: "waiting reason `CreateContainerConfigError` or `CreateContainerError` with `subPath`",
            remedy: "Correct the `subPath`.",
        },
        About {
            cause: Cause::MountFailed,
            title: "A volume cannot be mounted for another reason.",
            means: "A driver, a server or a disk does not do what it should.",
            seen: "event `FailedMount`",
            remedy: "Do what the message says.",
        },
        About {
            cause: Cause::SandboxFailed,
            title: "The sandbox of the pod cannot be made.",
            means: "The pod network or the container runtime of the node refuses before any container begins.",
            seen: "event `FailedCreatePodSandBox`",
            remedy: "Look at the network plug-in and the container runtime of the node.",
        },
        About {
            cause: Cause::CommandNotFound,
            title: "The command is not in the image.",
            means: "`command`, or the entry point of the image, names a program that is not there.",
            seen: "waiting or ended reason with `no such file or directory` or `executable file not found`",
            remedy: "Correct `command`, or build the image with it.",
        },
        About {
            cause: Cause::ContainerFailed,
            title: "The container cannot be made or started for another reason.",
            means: "The runtime refuses what it is asked for.",
            seen: "waiting reason `CreateContainerConfigError`, `CreateContainerError` or `RunContainerError`",
            remedy: "Do what the message says.",
        },
    ],
};
