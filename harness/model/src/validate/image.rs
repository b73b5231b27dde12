//! Names of images, as far as a manifest and a candidate are compared by them; and what an image is blamed for.

use super::{Candidate, ImageFacts, Settings};

/// The repository of an image's name in its full form: without tag and digest, and with the registry and folder that
/// a short name stands for (<https://github.com/distribution/reference>, `ParseNormalizedNamed`).
#[must_use]
pub fn repository(name: &str) -> String {
    let name = name.split('@').next().unwrap_or_default();
    let (folder, last) = name.rsplit_once('/').map_or(("", name), |(folder, last)| (folder, last));
    let last = last.split(':').next().unwrap_or_default();
    let path = if folder.is_empty() { last.to_owned() } else { format!("{folder}/{last}") };
    let registry = path.split_once('/').map(|(registry, _)| registry);
    match registry {
        Some(registry) if registry.contains(['.', ':']) || registry == "localhost" => {
            path.strip_prefix("index.docker.io/").map(|path| format!("docker.io/{path}")).unwrap_or(path)
        }
        Some(_) => format!("docker.io/{path}"),
        None => format!("docker.io/library/{path}"),
    }
}

/// The tag of a name; `latest` where it has none, and nothing where a digest says which is meant.
fn tag(name: &str) -> Option<&str> {
    if name.contains('@') {
        return None;
    }
    let last = name.rsplit('/').next().unwrap_or_default();
    Some(last.split_once(':').map_or("latest", |(_, tag)| tag))
}

/// What is wrong with an image, and what one should know of it: first the former.
pub(super) fn judge(candidate: &Candidate, facts: &ImageFacts, settings: &Settings) -> (Vec<String>, Vec<String>) {
    let (mut wrong, mut notes) = (Vec::new(), Vec::new());
    if facts.bytes > settings.largest_image {
        wrong.push(format!(
            "it is {}, and at most {} is allowed; every node pulls that before its pod starts",
            megabytes(facts.bytes),
            megabytes(settings.largest_image)
        ));
    }
    let spec = candidate.pod_spec();
    let container = candidate.container_spec();
    let command = container["command"].as_array().is_some_and(|command| !command.is_empty());
    if facts.command.is_empty() && !command {
        wrong.push(
            "it names no program to start, and the manifest has no `command`: set ENTRYPOINT or CMD in the image"
                .to_owned(),
        );
    }
    let policy = container["imagePullPolicy"].as_str();
    if tag(&candidate.image) == Some("latest") {
        match policy {
            Some(policy @ ("IfNotPresent" | "Never")) => wrong.push(format!(
                "tag `latest` with pull policy {policy}: nodes go on with whatever they once pulled; name a version"
            )),
            _ => notes.push("tag `latest`: which version a node runs depends on when it pulled; name a version".into()),
        }
    }
    let user = |object: &serde_json::Value| object["securityContext"]["runAsUser"].as_i64();
    let non_root = |object: &serde_json::Value| object["securityContext"]["runAsNonRoot"].as_bool() == Some(true);
    let chosen = user(container).or_else(|| user(spec));
    let image_user = facts.user.split(':').next().unwrap_or_default();
    let runs_as_root = chosen.map_or(matches!(image_user, "" | "0" | "root"), |user| user == 0);
    if runs_as_root && (non_root(container) || non_root(spec)) {
        wrong.push("it runs as root, and the manifest says `runAsNonRoot`: no kubelet starts it; set USER".to_owned());
    } else if runs_as_root {
        notes.push("it runs as root; set USER in the image, or `runAsUser`, where it need not".to_owned());
    } else if chosen.is_none() && image_user.parse::<u32>().is_err() && (non_root(container) || non_root(spec)) {
        wrong.push(format!(
            "its user is `{image_user}`, and with `runAsNonRoot` a kubelet wants a number; set USER to one"
        ));
    }
    (wrong, notes)
}

/// A size for people, as registries tell it.
pub(super) fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}
