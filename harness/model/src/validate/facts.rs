//! What is known of an image without running it.

use serde::{Deserialize, Serialize};

/// What an image says of itself, and how large it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageFacts {
    /// The user that its program runs as, empty where it says nothing: then it is root.
    pub user: String,
    /// The program and its arguments, as far as the image has them.
    pub command: Vec<String>,
    /// Ports that it says it listens on, as `9100/tcp`.
    pub ports: Vec<String>,
    /// As `linux/amd64`.
    pub platform: String,
    /// Of its layers as they are sent, in bytes.
    pub bytes: u64,
}
