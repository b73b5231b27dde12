//! Images for the registry inside the cluster: found, read, and pushed under the name by which manifests ask for them.
//!
//! An image comes from the local container engine, an archive or an OCI layout ([`ImageSource`]). It goes to the
//! loopback port of the cluster's registry and nowhere else: nothing is fetched from outside, and no other registry is
//! ever asked. What the registry has is not sent again.

mod archive;
mod digest;
mod facts;
mod fault;
mod image;
mod layout;
mod legacy;
mod push;
mod reference;
#[cfg(test)]
mod registry_double;
mod source;
#[cfg(test)]
mod testing;

pub use facts::image_facts;
pub(crate) use fault::set_fault;
pub use source::ImageSource;

use self::{image::Image, push::Repository, reference::Reference};
use crate::{
    docker::Docker,
    error::{Error, Result},
};

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushOutcome {
    /// The full name under which the nodes find the image.
    pub name: String,
    /// Where it came from, for people.
    pub from: String,
    /// Of blobs and manifests, without those that were there.
    pub bytes_sent: u64,
    /// Whether all of it was there already.
    pub skipped: bool,
    /// Of the manifest that the nodes get.
    pub digest: String,
}

/// Makes an image available to the nodes under `name`, as it stands in a manifest.
///
/// An image whose name has a digest is pushed only if it has that digest: a node would refuse another.
///
/// # Errors
/// [`Error::Usage`] where the name is none, [`Error::ImageMissing`] where the local engine lacks the image,
/// [`Error::Image`] where it cannot be used (broken, or for another platform) or the registry does not take it.
pub(crate) async fn push(docker: &Docker, registry_port: u16, name: &str, source: &ImageSource) -> Result<PushOutcome> {
    let reference = Reference::parse(name)?;
    let repository = Repository::new(registry_port, &reference);
    let mut id = None;
    if let ImageSource::Local(local) = source {
        let found = self::local(docker, local).await?;
        // Asked first, because an export costs seconds and as much disk as the image.
        if let Some(digest) = already_there(&repository, &reference, &found).await? {
            return Ok(outcome(&reference, source, 0, digest));
        }
        id = Some(found);
    }
    let image = source.read(docker, &reference).await?;
    let bytes_sent = push_image(&repository, &reference, &image, id.as_deref()).await?;
    Ok(outcome(&reference, source, bytes_sent, image.digest.to_string()))
}

/// An image name with everything that it leaves out, or as it stands where it is none.
pub(crate) fn full_name(name: &str) -> String {
    Reference::parse(name).map_or_else(|_| name.to_owned(), |reference| reference.to_string())
}

/// The id of an image of the local engine.
///
/// # Errors
/// [`Error::ImageMissing`] where there is none of that name.
pub(crate) async fn local(docker: &Docker, name: &str) -> Result<String> {
    match docker.image_id(name).await? {
        Some(id) => Ok(id),
        None => Err(source::missing(docker, name).await),
    }
}

fn outcome(reference: &Reference, source: &ImageSource, bytes_sent: u64, digest: String) -> PushOutcome {
    PushOutcome { name: reference.to_string(), from: source.to_string(), bytes_sent, skipped: bytes_sent == 0, digest }
}

/// The digest of the registry's image, if it is the engine's image with this id.
///
/// The id is the digest of the configuration or, where the engine keeps its images in containerd, of the manifest or of
/// an index. What an index led to is remembered by a tag, see [`mark`].
async fn already_there(repository: &Repository<'_>, reference: &Reference, id: &str) -> Result<Option<String>> {
    let Some(present) = repository.manifest(target(reference)).await? else { return Ok(None) };
    if reference.digest.as_ref().is_some_and(|wanted| *wanted != present.digest) {
        return Ok(None);
    }
    let same = present.config.as_deref() == Some(id)
        || present.digest.as_str() == id
        || repository.manifest(&mark(id)).await?.is_some_and(|marked| marked.digest == present.digest);
    Ok(same.then(|| present.digest.to_string()))
}

/// Pushes an image that was read. `id` is the local engine's, for an image of its.
async fn push_image(
    repository: &Repository<'_>,
    reference: &Reference,
    image: &Image,
    id: Option<&str>,
) -> Result<u64> {
    if let Some(wanted) = reference.digest.as_ref().filter(|wanted| **wanted != image.digest) {
        let why = if image.index.as_ref() == Some(wanted) {
            format!("`{wanted}` is an index of several platforms; ask for the one of the nodes by `{}`", image.digest)
        } else {
            format!(
                "its digest is `{}`, which the name contradicts; an OCI layout keeps the digest of an image, an \
                 archive of an older Docker does not",
                image.digest
            )
        };
        return Err(Error::Image { image: reference.familiar(), message: why });
    }
    let is_known_by =
        |id: &str| image.digest.as_str() == id || image.blobs.iter().any(|blob| blob.digest.as_str() == id);
    let mark = id.filter(|id| !is_known_by(id)).map(mark);
    let tags: Vec<&str> = reference.tag.as_deref().into_iter().chain(mark.as_deref()).collect();
    repository.push(image, &tags).await
}

/// What the nodes ask for: a digest outweighs the tag beside it.
fn target(reference: &Reference) -> &str {
    match (&reference.tag, &reference.digest) {
        (_, Some(digest)) => digest.as_str(),
        (Some(tag), None) => tag,
        (None, None) => "latest",
    }
}

/// The tag by which an id of the engine is found again that stands neither in the manifest nor for it.
fn mark(id: &str) -> String {
    format!("from-{}", id.replace(':', "-"))
}

#[cfg(test)]
mod tests {
    use super::{
        Reference, already_there,
        digest::Digest,
        image::Image,
        push::Repository,
        push_image,
        registry_double::Registry,
        testing::{Oci, legacy, read_archive},
    };
    use crate::error::Result;

    async fn push(registry: &Registry, name: &str, image: &Image, id: Option<&str>) -> Result<u64> {
        let reference = Reference::parse(name)?;
        push_image(&Repository::new(registry.port, &reference), &reference, image, id).await
    }

    async fn there(registry: &Registry, name: &str, id: &str) -> Option<String> {
        let reference = Reference::parse(name).unwrap();
        already_there(&Repository::new(registry.port, &reference), &reference, id).await.unwrap()
    }

    fn old_docker_image() -> Image {
        read_archive(legacy("fluentd:latest", "amd64", &[&[1; 700_000][..], b"second"]), "fluentd").unwrap()
    }

    /// An image out of an index, as containerd's image store exports it.
    fn indexed_image() -> Image {
        let mut oci = Oci::new();
        let image = oci.image_with_platform("linux", "amd64", &[b"layer"]);
        let index = oci.nested(&[image]);
        oci.index(&[index]);
        read_archive(oci.into_tar(), "x").unwrap()
    }

    #[tokio::test]
    async fn a_pushed_image_is_there_under_its_tag_and_its_digest() {
        let registry = Registry::start().await;
        let image = old_docker_image();
        let sent = push(&registry, "fluentd", &image, None).await.unwrap();
        let blobs: u64 = image.blobs.iter().map(|blob| blob.content.size).sum();
        assert_eq!(sent, blobs + 2 * image.manifest.len() as u64);
        for tag in ["latest", image.digest.as_str()] {
            assert_eq!(registry.manifest("docker.io/library/fluentd", tag).unwrap(), image.manifest, "{tag}");
        }
        for blob in &image.blobs {
            // The registry computes the digest of what it gets, so a blob under its digest is whole.
            assert_eq!(registry.blob_size(blob.digest.as_str()), Some(blob.content.size));
        }
    }

    #[tokio::test]
    async fn a_second_push_sends_nothing() {
        let registry = Registry::start().await;
        assert!(push(&registry, "fluentd", &old_docker_image(), None).await.unwrap() > 0);
        registry.forget_requests();
        assert_eq!(push(&registry, "fluentd", &old_docker_image(), None).await.unwrap(), 0);
        let writes: Vec<String> = registry
            .requests()
            .into_iter()
            .filter(|request| !request.starts_with("HEAD") && !request.starts_with("GET"))
            .collect();
        assert_eq!(writes, Vec::<String>::new());
    }

    #[tokio::test]
    async fn another_tag_of_an_image_costs_its_manifest_only() {
        let registry = Registry::start().await;
        let image = old_docker_image();
        push(&registry, "a:1", &image, None).await.unwrap();
        assert_eq!(push(&registry, "a:2", &image, None).await.unwrap(), image.manifest.len() as u64);
    }

    #[tokio::test]
    async fn a_tag_is_moved_to_the_image_pushed_last() {
        let registry = Registry::start().await;
        push(&registry, "a:1", &old_docker_image(), None).await.unwrap();
        push(&registry, "a:1", &indexed_image(), None).await.unwrap();
        assert_eq!(registry.manifest("docker.io/library/a", "1").unwrap(), indexed_image().manifest);
    }

    #[tokio::test]
    async fn the_engines_image_is_known_by_the_digest_of_its_configuration() {
        let registry = Registry::start().await;
        let image = old_docker_image();
        let id = image.blobs[0].digest.as_str();
        assert_eq!(there(&registry, "a:1", id).await, None);
        push(&registry, "a:1", &image, Some(id)).await.unwrap();
        assert_eq!(there(&registry, "a:1", id).await.as_deref(), Some(image.digest.as_str()));
        assert_eq!(there(&registry, "a:1", Digest::of(b"rebuilt").as_str()).await, None);
        assert_eq!(there(&registry, "a:2", id).await, None);
    }

    #[tokio::test]
    async fn the_engines_image_is_known_by_the_digest_of_its_manifest_or_index_too() {
        let registry = Registry::start().await;
        let image = indexed_image();
        push(&registry, "a:1", &image, Some(image.digest.as_str())).await.unwrap();
        assert!(there(&registry, "a:1", image.digest.as_str()).await.is_some());
        let index = image.index.clone().unwrap();
        assert_eq!(there(&registry, "a:1", index.as_str()).await, None);
        push(&registry, "a:1", &image, Some(index.as_str())).await.unwrap();
        assert_eq!(there(&registry, "a:1", index.as_str()).await.as_deref(), Some(image.digest.as_str()));
        // Another image under the name since then.
        push(&registry, "a:1", &old_docker_image(), None).await.unwrap();
        assert_eq!(there(&registry, "a:1", index.as_str()).await, None);
    }

    #[tokio::test]
    async fn a_name_with_a_digest_takes_that_image_only() {
        let registry = Registry::start().await;
        let image = indexed_image();
        let name = format!("a:1@{}", image.digest);
        push(&registry, &name, &image, None).await.unwrap();
        assert!(there(&registry, &name, image.digest.as_str()).await.is_some());
        let error = push(&registry, &name, &old_docker_image(), None).await.unwrap_err().to_string();
        assert!(error.contains("contradicts"), "{error}");
        let name = format!("a@{}", image.index.as_ref().unwrap());
        let error = push(&registry, &name, &image, None).await.unwrap_err().to_string();
        assert!(error.contains("index of several platforms") && error.contains(image.digest.as_str()), "{error}");
    }

    #[tokio::test]
    async fn a_layer_whose_content_is_not_that_of_the_configuration_is_refused() {
        let registry = Registry::start().await;
        let tar = super::testing::Tar::new()
            .file("c.json", &super::testing::config("linux", "amd64", &[b"the real layer"]))
            .file("l", b"another layer!")
            .json("manifest.json", &serde_json::json!([{"Config": "c.json", "Layers": ["l"]}]));
        let image = read_archive(tar, "x").unwrap();
        let error = push(&registry, "x", &image, None).await.unwrap_err().to_string();
        assert!(error.contains("400") && error.contains(Digest::of(b"the real layer").as_str()), "{error}");
    }

    #[tokio::test]
    async fn what_the_registry_refuses_is_told_with_request_status_and_its_words() {
        for (method, part) in [
            ("HEAD", "/blobs/sha256:"),
            ("POST", "/blobs/uploads/"),
            ("PUT", "/blobs/uploads/1?"),
            ("PUT", "/manifests/sha256:"),
            ("GET", "/manifests/sha256:"),
        ] {
            let registry = Registry::start().await;
            registry.refuse(method, part, "429 Too Many Requests", "slow down");
            let error = push(&registry, "fluentd", &old_docker_image(), None).await.unwrap_err().to_string();
            assert!(error.starts_with("image `fluentd:latest`: the cluster's registry answered"), "{error}");
            assert!(error.contains(method) && error.contains("429 Too Many Requests"), "{error}");
            // An answer to HEAD has no body.
            assert!(method == "HEAD" || error.ends_with(": slow down"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_registry_that_is_not_there_is_told_with_its_address() {
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let reference = Reference::parse("a").unwrap();
        let error = push_image(&Repository::new(port, &reference), &reference, &old_docker_image(), None).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(&format!("127.0.0.1:{port}")) && error.contains("refused"), "{error}");
    }
}
