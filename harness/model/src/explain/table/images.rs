//! Images that cannot be pulled or do not fit.

use super::{About, Section};
use crate::explain::Cause;

pub(super) const SECTION: Section = Section {
    title: "Images",
    causes: &[
        About {
            cause: Cause::ImageNotFound,
            title: "The registry does not have the image.",
            means: "Name or tag is wrong, or the image was never pushed.",
            seen: "waiting reason `ErrImagePull` or `ImagePullBackOff`, its message, and event `Failed` of the pod",
            remedy: "Correct name or tag, or push the image.",
        },
        About {
            cause: Cause::ImageNameInvalid,
            title: "The name of the image is none.",
            means: "It cannot be read as an image name: capitals, blanks, two tags.\nNo registry was asked.",
            seen: "waiting reason `InvalidImageName`",
            remedy: "Correct the name.",
        },
        About {
            cause: Cause::ImageNeverPulled,
            title: "The image is not on the node and may not be pulled.",
            means: "`imagePullPolicy` is `Never`.\n\
                 Nodes that have the image from before work, and new ones do not.",
            seen: "waiting reason `ErrImageNeverPull`",
            remedy: "Bring the image to the node, or set `imagePullPolicy: IfNotPresent`.",
        },
        About {
            cause: Cause::ImagePullUnauthorized,
            title: "The registry wants other credentials.",
            means: "No, wrong or expired pull secrets.\n\
                 Some registries answer so for an image that does not exist, too.",
            seen: "waiting message or event `Failed` with `401`, `403`, `unauthorized` or `denied`",
            remedy: "Add a working `imagePullSecrets`, or correct the name.",
        },
        About {
            cause: Cause::ImagePullRateLimited,
            title: "The registry answers too many requests.",
            means: "A rollout that pulls on every node at once can use up what a registry allows.",
            seen: "waiting message or event `Failed` with `429` or `toomanyrequests`",
            remedy: "Wait, pull with an account, or from a registry of your own.",
        },
        About {
            cause: Cause::ImageWrongArchitecture,
            title: "The image is not for the architecture of the node.",
            means: "Either it has no variant for the node and cannot be pulled, or it was pulled and its program \
                 cannot begin.",
            seen: "`no match for platform` in the waiting message, `exec format error` in a message or log",
            remedy: "Build the image for that architecture too, or choose nodes by `kubernetes.io/arch`.",
        },
        About {
            cause: Cause::ImagePullFailed,
            title: "The image cannot be pulled for another reason.",
            means: "The registry is not reached, is slow, or answers something else.",
            seen: "waiting reason `ErrImagePull` or `ImagePullBackOff`, and event `Failed` of the pod",
            remedy: "Look whether the node reaches the registry.",
        },
    ],
};
