//! The agent that is tried: its image, and the DaemonSet that it is tried in.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ImageFacts, repository};
use crate::{DaemonSetRef, Manifest, quantity::quantity};

/// Namespaces that every cluster has.
const EVERYWHERE: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// The agent that is tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The files that are applied, in this order.
    pub manifests: Vec<Manifest>,
    /// The DaemonSet among their objects.
    pub daemon_set: DaemonSetRef,
    /// The container of the image.
    pub container: String,
    /// The image's name, as the manifest has it: the candidate is pushed under it.
    pub image: String,
    /// The name under which the former image is pushed, where there is one.
    pub previous: Option<String>,
    /// Files that are applied beside the agent while what it uses is looked at.
    pub load: Vec<Manifest>,
    /// Which local image is meant by which name, so that the scenario of a gate can be run by itself.
    pub(super) used: Vec<(String, String)>,
    /// Whether the objects stand in the scenario, because there is no file with them.
    pub(super) inline: bool,
    object: Value,
}

/// Why there is nothing to try.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CandidateError {
    /// No object is a DaemonSet.
    #[error("there is no DaemonSet in {files}: it has {kinds}")]
    NoDaemonSet {
        /// The files.
        files: String,
        /// What is there.
        kinds: String,
    },
    /// None has the name that was chosen.
    #[error("there is no daemonset `{name}` in {files}: it has {names}")]
    NotNamed {
        /// The name.
        name: String,
        /// The files.
        files: String,
        /// The names that there are.
        names: String,
    },
    /// Several are, and more than one of them fits.
    #[error("{files} has several DaemonSets: {names}")]
    SeveralDaemonSets {
        /// The files.
        files: String,
        /// Their names.
        names: String,
    },
    /// No container has the image.
    #[error("no container of daemonset `{daemon_set}` has image `{image}`: it has {images}")]
    NotMentioned {
        /// The DaemonSet.
        daemon_set: String,
        /// The repository that is looked for.
        image: String,
        /// What its containers have.
        images: String,
    },
    /// Several containers have it.
    #[error("{count} containers of daemonset `{daemon_set}` have image `{image}`: {containers}")]
    SeveralContainers {
        /// The DaemonSet.
        daemon_set: String,
        /// The repository.
        image: String,
        /// How many.
        count: usize,
        /// Their names.
        containers: String,
    },
    /// An object is in a namespace that is not there.
    #[error("{object} is in namespace `{namespace}`, which no object of {files} makes")]
    NoNamespace {
        /// The object.
        object: String,
        /// Its namespace.
        namespace: String,
        /// The files.
        files: String,
    },
}

impl CandidateError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoDaemonSet { .. } => "add the agent's DaemonSet; without `--manifest` a small one is made",
            Self::NotNamed { .. } => "choose one of these with `--daemonset`",
            Self::SeveralDaemonSets { .. } => "choose one with `--daemonset NAME`",
            Self::NotMentioned { .. } => {
                "say with `--image-name` under which name the manifest asks for the image, or correct the manifest"
            }
            Self::SeveralContainers { .. } => "each agent is tried by itself; give the others images of their own",
            Self::NoNamespace { .. } => "add a Namespace to the manifest",
        }
    }
}

impl Candidate {
    /// Finds the DaemonSet and the container that an image is for. `name` chooses among several DaemonSets, and
    /// `image` is the name that is looked for, of which the tag does not matter.
    ///
    /// # Errors
    /// Where there is none, or more than one.
    pub fn find(manifests: Vec<Manifest>, image: &str, name: Option<&str>) -> Result<Self, CandidateError> {
        let files = files(&manifests);
        let objects: Vec<&Value> = manifests.iter().flat_map(|manifest| &manifest.documents).collect();
        let daemon_sets: Vec<&Value> = objects.iter().copied().filter(|object| object["kind"] == "DaemonSet").collect();
        if daemon_sets.is_empty() {
            let kinds: BTreeSet<&str> = objects.iter().filter_map(|object| object["kind"].as_str()).collect();
            let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
            return Err(CandidateError::NoDaemonSet { files, kinds });
        }
        let wanted = repository(image);
        let named: Vec<&Value> = daemon_sets
            .iter()
            .copied()
            .filter(|object| name.is_none_or(|name| object["metadata"]["name"] == name))
            .collect();
        let mentioning: Vec<&Value> =
            named.iter().copied().filter(|object| !with_image(object, &wanted).is_empty()).collect();
        let object = match (mentioning.as_slice(), named.as_slice()) {
            ([one], _) => *one,
            ([], [one]) => {
                return Err(CandidateError::NotMentioned {
                    daemon_set: reference(one).to_string(),
                    image: image.to_owned(),
                    images: quoted(containers(one).filter_map(|container| container["image"].as_str())),
                });
            }
            _ => {
                let names: Vec<String> = daemon_sets.iter().map(|object| reference(object).to_string()).collect();
                let names = quoted(names.iter().map(String::as_str));
                return Err(match name.filter(|_| named.is_empty()) {
                    Some(name) => CandidateError::NotNamed { name: name.to_owned(), files, names },
                    None => CandidateError::SeveralDaemonSets { files, names },
                });
            }
        };
        let found = with_image(object, &wanted);
        let [(container, image)] = found.as_slice() else {
            return Err(CandidateError::SeveralContainers {
                daemon_set: reference(object).to_string(),
                image: image.to_owned(),
                count: found.len(),
                containers: quoted(found.iter().map(|(container, _)| container.as_str())),
            });
        };
        if let Some(error) = without_namespace(&objects, &files) {
            return Err(error);
        }
        Ok(Self {
            daemon_set: reference(object),
            container: container.clone(),
            image: image.clone(),
            previous: None,
            load: Vec::new(),
            used: Vec::new(),
            inline: false,
            object: object.clone(),
            manifests,
        })
    }

    /// The same with a former image. It is pushed under a name of its own beside the candidate's.
    #[must_use]
    pub fn with_previous(mut self) -> Self {
        let plain = self.image.split('@').next().unwrap_or_default();
        let at = plain.rfind('/').map_or(0, |slash| slash + 1);
        let end = plain[at..].find(':').map_or(plain.len(), |colon| at + colon);
        self.previous = Some(format!("{}:rollcall-previous", &plain[..end]));
        self
    }

    /// The same with the objects in the scenarios themselves.
    #[must_use]
    pub fn inlined(mut self) -> Self {
        self.inline = true;
        self
    }

    /// The same with a local image that a name stands for.
    #[must_use]
    pub fn using(mut self, name: &str, local: &str) -> Self {
        self.used.push((name.to_owned(), local.to_owned()));
        self
    }

    /// The DaemonSet, as the manifest has it.
    #[must_use]
    pub fn daemon_set_object(&self) -> &Value {
        &self.object
    }

    /// The pod template's spec.
    #[must_use]
    pub fn pod_spec(&self) -> &Value {
        &self.object["spec"]["template"]["spec"]
    }

    /// The container of the image.
    #[must_use]
    pub fn container_spec(&self) -> &Value {
        let containers = self.pod_spec()["containers"].as_array();
        let found = containers.into_iter().flatten().find(|container| container["name"] == *self.container);
        found.unwrap_or(&Value::Null)
    }

    /// How much memory the container may use, in bytes.
    pub(super) fn memory_limit(&self) -> Option<u64> {
        let limit = &self.container_spec()["resources"]["limits"]["memory"];
        let bytes = limit.as_f64().or_else(|| quantity(limit.as_str()?))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the API server takes no such limit"
        )]
        Some(bytes as u64)
    }

    /// The containers of the template with another image wherever the candidate is: what a merge patch needs, which knows
    /// lists only as a whole.
    pub(super) fn containers_with(&self, image: &str) -> Value {
        let with = |kind: &str| {
            let mut containers = self.pod_spec()[kind].clone();
            for container in containers.as_array_mut().into_iter().flatten() {
                if container["name"] == *self.container || container["image"] == *self.image {
                    container["image"] = json!(image);
                }
            }
            containers
        };
        let mut patch = json!({"containers": with("containers")});
        let init = with("initContainers");
        if init.as_array().into_iter().flatten().any(|container| container["image"] == *image) {
            patch["initContainers"] = init;
        }
        patch
    }
}

/// A small DaemonSet for an image that comes without a manifest: on every node, control planes included, with what the
/// image itself says and nothing else.
#[must_use]
pub fn minimal_daemon_set(image: &str, facts: &ImageFacts) -> Value {
    let name = name_of(image);
    let ports: Vec<Value> = facts
        .ports
        .iter()
        .filter_map(|port| {
            let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
            let number: u16 = number.parse().ok()?;
            Some(json!({"containerPort": number, "protocol": protocol.to_uppercase()}))
        })
        .collect();
    let mut container = json!({"name": name, "image": image});
    if !ports.is_empty() {
        container["ports"] = json!(ports);
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": name}},
                "spec": {
                    "tolerations": [
                        {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
                    ],
                    "containers": [container],
                },
            },
        },
    })
}

/// The last part of a repository as a name that objects may have.
fn name_of(image: &str) -> String {
    let repository = repository(image);
    let last = repository.rsplit('/').next().unwrap_or_default().to_lowercase();
    let name: String = last.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "agent".to_owned() } else { name.to_owned() }
}

fn reference(object: &Value) -> DaemonSetRef {
    DaemonSetRef::of_object(object).unwrap_or_else(|| DaemonSetRef::new(""))
}

fn containers(object: &Value) -> impl Iterator<Item = &Value> {
    object["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten()
}

/// Names and images of the containers whose image is of a repository.
fn with_image(object: &Value, wanted: &str) -> Vec<(String, String)> {
    let named = |container: &Value| {
        let (name, image) = (container["name"].as_str()?, container["image"].as_str()?);
        (repository(image) == wanted).then(|| (name.to_owned(), image.to_owned()))
    };
    containers(object).filter_map(named).collect()
}

fn without_namespace(objects: &[&Value], files: &str) -> Option<CandidateError> {
    let made: Vec<&str> = objects
        .iter()
        .filter(|object| object["kind"] == "Namespace")
        .filter_map(|object| object["metadata"]["name"].as_str())
        .collect();
    objects.iter().find_map(|object| {
        let namespace = object["metadata"]["namespace"].as_str().filter(|namespace| !namespace.is_empty())?;
        if EVERYWHERE.contains(&namespace) || made.contains(&namespace) {
            return None;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(CandidateError::NoNamespace {
            object: format!("{} `{}`", text(&object["kind"]), text(&object["metadata"]["name"])),
            namespace: namespace.to_owned(),
            files: files.to_owned(),
        })
    })
}

fn files(manifests: &[Manifest]) -> String {
    quoted(manifests.iter().map(|manifest| manifest.path.as_str()))
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
