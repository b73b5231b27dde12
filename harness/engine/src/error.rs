//! What can go wrong in the engine.
//!
//! An unmet expectation is not an error but a [`rollcall_model::Verdict`]; what is here is either the user's to
//! mend ([`ErrorKind::Usage`]) or the environment's ([`ErrorKind::Environment`]).

use std::time::Duration;

use rollcall_model::Report;
use testcontainers::bollard;

/// Who has to act on an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request makes no sense as it stands: a wrong name, a missing file, a node that is not there.
    Usage,
    /// Docker, the machine or the cluster could not do what was asked.
    Environment,
}

/// An operation that failed: what was tried, on which object, what was seen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No container engine answers.
    #[error("no container engine answers")]
    NoEngine {
        /// What connecting said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine is there, but this user may not talk to it.
    #[error("the container engine refuses this user")]
    EnginePermission {
        /// What connecting said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The engine refused or failed an operation.
    #[error("could not {action} `{object}`")]
    Engine {
        /// The operation, as a verb phrase.
        action: &'static str,
        /// The container, network, volume or image.
        object: String,
        /// What the engine said.
        #[source]
        source: bollard::errors::Error,
    },
    /// An image is not in the local engine.
    #[error("image `{image}` is not in the local container engine")]
    ImageMissing {
        /// The name that was looked up.
        image: String,
        /// What makes or fetches it.
        hint: String,
    },
    /// The Kubernetes API refused or failed an operation.
    #[error("could not {action} {object}")]
    Kubernetes {
        /// The operation, as a verb phrase.
        action: &'static str,
        /// Kind and name of the object.
        object: String,
        /// What the API server or the connection said.
        #[source]
        source: Box<kube::Error>,
    },
    /// A command inside a node failed.
    #[error("`{command}` on node `{node}` exited with {code}: {output}")]
    Exec {
        /// The node.
        node: String,
        /// The command in pasteable form.
        command: String,
        /// Its exit code.
        code: i64,
        /// What it printed.
        output: String,
    },
    /// A node ended or reported that it cannot boot.
    #[error("node `{node}` did not boot: {reason}")]
    Boot {
        /// The node.
        node: String,
        /// What its PID 1 reported.
        reason: String,
    },
    /// A state was waited for and did not come.
    #[error("{what} did not come true within {}: {last}", seconds(*.waited))]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// What was seen last.
        last: Report,
    },
    /// A state was waited for that can no longer come.
    #[error("{what} cannot come true: {last}")]
    Never {
        /// What was waited for.
        what: String,
        /// Why it cannot.
        last: Report,
    },
    /// A command ended otherwise than it was said to.
    #[error("{message}")]
    Unmet {
        /// The command, how it ended, and what it wrote last.
        message: String,
    },
    /// The request makes no sense as it stands.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to change.
        hint: Option<String>,
    },
    /// Nothing is what was selected, and of nothing nothing can be said.
    #[error("{message}")]
    NoneSelected {
        /// What was selected, and where.
        message: String,
        /// What there is instead.
        hint: Option<String>,
    },
    /// A file could not be read or written.
    #[error("could not {action} `{path}`")]
    File {
        /// The operation, as a verb phrase.
        action: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A certificate or key could not be made.
    #[error("could not make the certificate of {subject}")]
    Certificate {
        /// Whose certificate.
        subject: String,
        /// What the library said.
        #[source]
        source: rcgen::Error,
    },
    /// An image archive or the registry of the cluster did not behave as the formats say.
    #[error("image `{image}`: {message}")]
    Image {
        /// The image or archive.
        image: String,
        /// What is wrong with it.
        message: String,
    },
}

/// The result of an engine operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether the user or the environment has to act.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Usage { .. } | Self::NoneSelected { .. } => ErrorKind::Usage,
            _ => ErrorKind::Environment,
        }
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoEngine { .. } => Some(
                "start Docker, or set DOCKER_HOST to an engine that runs; `make prepare` installs and starts one"
                    .into(),
            ),
            Self::EnginePermission { .. } => {
                Some("add this user to the `docker` group and log in again, or run as root".into())
            }
            Self::ImageMissing { hint, .. } => Some(hint.clone()),
            Self::Usage { hint, .. } | Self::NoneSelected { hint, .. } => hint.clone(),
            Self::Timeout { last, .. } => last.nodes.iter().find_map(|node| scarce(&node.what)),
            Self::Boot { reason, .. } => scarce(reason),
            Self::Engine { source, .. } => {
                let text = source.to_string();
                if text.contains("no space left") {
                    Some("free disk space; `rollcall clean` removes what dead runs left".into())
                } else if text.contains("port is already allocated") || text.contains("address already in use") {
                    Some("choose another port, or leave the port out to get a free one".into())
                } else if text.contains("Conflict") && text.contains("name") {
                    Some("choose another cluster name, or remove the old cluster with `rollcall down`".into())
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    pub(crate) fn usage_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    pub(crate) fn file(action: &'static str, path: impl AsRef<std::path::Path>, source: std::io::Error) -> Self {
        Self::File { action, path: path.as_ref().display().to_string(), source }
    }
}

/// Says on which Kubernetes object an API call failed.
pub(crate) trait KubernetesContext<T> {
    fn doing(self, action: &'static str, object: impl FnOnce() -> String) -> Result<T>;
}

impl<T> KubernetesContext<T> for Result<T, kube::Error> {
    fn doing(self, action: &'static str, object: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Kubernetes { action, object: object(), source: Box::new(source) })
    }
}

/// What to do where the host has no more instances of inotify. containerd then goes on without the half that kubelets
/// talk to, and says so only in its log.
fn scarce(said: &str) -> Option<String> {
    let is_scarce =
        ["too many open files", "unknown service runtime.v1.RuntimeService"].iter().any(|it| said.contains(it));
    is_scarce.then(|| {
        "each node takes nine instances of inotify, and the containers of a host share them: \
         `sudo sysctl fs.inotify.max_user_instances=1024`"
            .to_owned()
    })
}

/// A duration as a person reads it: `12.3s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1}s", duration.as_secs_f64())
}

/// Whether the API server has no such thing: by the code, for where the kind itself is not served it answers in plain
/// text, which has no reason.
pub(crate) fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// The error and all its causes on one line, outermost first.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        // Some libraries print their cause in their own message as well.
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::core::Status;
    use rollcall_model::{NodeReport, Report};

    use super::{Error, is_not_found};

    #[test]
    fn a_node_that_finds_nothing_left_to_watch_with_says_what_to_raise() {
        let what =
            "`kubelet` ended 7 times, last with exit code 1, and said: unknown service runtime.v1.RuntimeService";
        let last = Report { summary: String::new(), nodes: vec![NodeReport { node: "w".into(), what: what.into() }] };
        let timeout = Error::Timeout { what: "node `w`".into(), waited: Duration::from_secs(1), last };
        assert!(timeout.hint().is_some_and(|hint| hint.contains("sysctl fs.inotify.max_user_instances=1024")));
        assert_eq!(Error::Boot { node: "w".into(), reason: "no such flag".into() }.hint(), None);
    }

    #[test]
    fn an_object_and_a_kind_that_are_not_there_are_both_not_found() {
        let said = |message: &str, reason: &str, code| {
            is_not_found(&kube::Error::Api(Status::failure(message, reason).with_code(code).boxed()))
        };
        assert!(said("filters.logging.example.com \"a\" not found", "NotFound", 404));
        // As the client makes it of an answer in plain text.
        assert!(said("404 page not found", "Failed to parse error data", 404));
        assert!(!said("storage is (re)initializing", "TooManyRequests", 429));
    }
}
