//! Which distro a cluster is made of, and its image.

use std::{fmt, str::FromStr, sync::Arc};

use sha2::{Digest, Sha256};

use super::{
    Conduct, Distro, NODE_IMAGE_REPOSITORY,
    box_distro::{self, BoxDistro},
    k3s::{self, K3s},
    kind::{self, Kind},
};
use crate::{
    cluster::DEFAULT_KUBERNETES,
    docker::Docker,
    error::{Error, Result},
    pki::Authority,
};

/// What the nodes of a cluster are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DistroName {
    /// Upstream Kubernetes on rollcall's own node image.
    #[default]
    Box,
    /// k3s, from images like `rancher/k3s`.
    K3s,
    /// kubeadm on images like `kindest/node`, as kind makes clusters.
    Kind,
}

impl DistroName {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Box, Self::K3s, Self::Kind];

    /// The word by which it is chosen.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Box => "box",
            Self::K3s => "k3s",
            Self::Kind => "kind",
        }
    }

    /// Whether nodes can be put under pressure while they run: k3s has its kubelet in its own program.
    #[must_use]
    pub fn has_pressure(self) -> bool {
        !matches!(self, Self::K3s)
    }

    /// Whether a control plane gives itself the label of its role, with a value of its own.
    pub(crate) fn labels_control_planes(self) -> bool {
        self != Self::Box
    }

    /// How its containers are treated.
    pub(crate) fn conduct(self) -> Conduct {
        match self {
            Self::Box => box_distro::CONDUCT,
            Self::K3s => k3s::CONDUCT,
            Self::Kind => kind::CONDUCT,
        }
    }

    fn repository(self) -> &'static str {
        match self {
            Self::Box => NODE_IMAGE_REPOSITORY,
            Self::K3s => "rancher/k3s",
            Self::Kind => "kindest/node",
        }
    }
}

impl fmt::Display for DistroName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DistroName {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            match rollcall_model::diagnostic::nearest(text, names) {
                Some(near) => format!("there is no distro `{text}`; did you mean `{near}`?"),
                None => format!("there is no distro `{text}`; there are {}", names.join(", ")),
            }
        })
    }
}

/// The images that a cluster of a distro is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Images {
    pub(crate) node: String,
    /// Has the registry and kwok, for distros that have none.
    pub(crate) services: String,
}

impl Images {
    /// The local images of a version, or of one that was chosen.
    ///
    /// # Errors
    /// When one is not there; the hint says how it comes here.
    pub(crate) async fn find(
        docker: &Docker,
        name: DistroName,
        kubernetes: Option<&str>,
        chosen: Option<&str>,
    ) -> Result<Self> {
        let node = match chosen {
            Some(image) => {
                there(docker, image, format!("name an image of this engine, or fetch it: `docker pull {image}`"))
                    .await?
            }
            None if name == DistroName::Box => box_image(docker, kubernetes.unwrap_or(DEFAULT_KUBERNETES)).await?,
            None => published_image(docker, name, kubernetes).await?,
        };
        let services = match name {
            DistroName::Box => node.clone(),
            _ => {
                let image = format!("{NODE_IMAGE_REPOSITORY}:{DEFAULT_KUBERNETES}");
                let hint = "the image registry beside the nodes comes from it; build it with `make image`";
                there(docker, &image, hint.into()).await?
            }
        };
        Ok(Self { node, services })
    }
}

/// A distro with the authority of one cluster.
pub(crate) fn distro(name: DistroName, images: Images, authority: Authority) -> Arc<dyn Distro> {
    match name {
        DistroName::Box => Arc::new(BoxDistro::new(images.node, authority)),
        DistroName::K3s => Arc::new(K3s::new(images, authority)),
        DistroName::Kind => Arc::new(Kind::new(images, authority)),
    }
}

async fn there(docker: &Docker, image: &str, hint: String) -> Result<String> {
    match docker.image_id(image).await? {
        Some(_) => Ok(image.to_owned()),
        None => Err(Error::ImageMissing { image: image.to_owned(), hint }),
    }
}

/// Rollcall's own node image of the version asked for.
async fn box_image(docker: &Docker, wanted: &str) -> Result<String> {
    let version = wanted.trim_start_matches('v');
    let image = if version.split('.').count() == 2 {
        let minor = format!("v{version}.");
        let tags = docker.tags_of(NODE_IMAGE_REPOSITORY).await?;
        tags.into_iter()
            .filter(|tag| tag.starts_with(&minor))
            .max_by_key(|tag| numbers(tag))
            .map_or_else(|| format!("{NODE_IMAGE_REPOSITORY}:{minor}x"), |tag| format!("{NODE_IMAGE_REPOSITORY}:{tag}"))
    } else {
        format!("{NODE_IMAGE_REPOSITORY}:v{version}")
    };
    let minor: Vec<&str> = version.split('.').take(2).collect();
    let hint = if wanted == DEFAULT_KUBERNETES {
        "build it with `make image`".to_owned()
    } else {
        format!("build it with `make image KUBERNETES={}`", minor.join("."))
    };
    there(docker, &image, hint).await
}

/// The newest local image that others publish, of the version asked for.
async fn published_image(docker: &Docker, name: DistroName, wanted: Option<&str>) -> Result<String> {
    let repository = name.repository();
    let tags = docker.tags_of(repository).await?;
    match newest(&tags, wanted) {
        Some(tag) => Ok(format!("{repository}:{tag}")),
        None => Err(Error::ImageMissing {
            image: wanted.map_or_else(
                || repository.to_owned(),
                |version| format!("{repository}:v{}", version.trim_start_matches('v')),
            ),
            hint: format!("fetch one with `docker pull {repository}:TAG`, or name another with `--node-image`"),
        }),
    }
}

/// The newest tag of a version (`1.34`, `v1.34.1`), or of all.
fn newest<'a>(tags: &'a [String], wanted: Option<&str>) -> Option<&'a String> {
    let wanted = wanted.map(numbers).unwrap_or_default();
    tags.iter().filter(|tag| numbers(tag).starts_with(&wanted)).max_by_key(|tag| numbers(tag))
}

/// The numbers of a version, so that `v1.34.10-k3s1` is newer than `v1.34.9-k3s2`.
fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// A secret of a cluster that everybody who has its authority can work out again, and nobody else.
pub(super) fn derived_secret(authority: &Authority, purpose: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(authority.key.as_bytes());
    hash.update(purpose.as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distro_is_chosen_by_its_name() {
        for name in DistroName::ALL {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        insta::assert_snapshot!("k8s".parse::<DistroName>().unwrap_err(), @"there is no distro `k8s`; did you mean `k3s`?");
        insta::assert_snapshot!("minikube".parse::<DistroName>().unwrap_err(), @"there is no distro `minikube`; there are box, k3s, kind");
    }

    #[test]
    fn the_newest_tag_of_the_version_is_taken() {
        let tags = ["v1.34.9-k3s2", "v1.34.10-k3s1", "v1.35.1-k3s1", "latest"].map(str::to_owned);
        assert_eq!(newest(&tags, None).unwrap(), "v1.35.1-k3s1");
        assert_eq!(newest(&tags, Some("1.34")).unwrap(), "v1.34.10-k3s1");
        assert_eq!(newest(&tags, Some("v1.34.9")).unwrap(), "v1.34.9-k3s2");
        assert_eq!(newest(&tags, Some("1.3")), None);
        assert_eq!(newest(&[], None), None);
    }

    #[test]
    fn a_derived_secret_is_the_clusters_own() {
        let (one, other) = (Authority::create().unwrap(), Authority::create().unwrap());
        let again = Authority::load(one.certificate.clone(), one.key.clone()).unwrap();
        assert_eq!(derived_secret(&one, "token"), derived_secret(&again, "token"));
        assert_ne!(derived_secret(&one, "token"), derived_secret(&other, "token"));
        assert_ne!(derived_secret(&one, "token"), derived_secret(&one, "other"));
    }
}
