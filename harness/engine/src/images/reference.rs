//! Names of images, read by the rules of Docker's `distribution/reference`, which the kubelet and containerd follow.
//!
//! Nothing here asks an engine or a registry whether such an image exists.

use std::fmt;

use super::digest::Digest;
use crate::error::{Error, Result};

/// What a name without a registry means.
const DEFAULT_REGISTRY: &str = "docker.io";
/// `distribution/reference`, `RepositoryNameTotalLengthMax`: registry and repository together.
const LONGEST_NAME: usize = 255;
/// `distribution/reference`, `tag`: one word character and 127 more.
const LONGEST_TAG: usize = 128;

/// A full image name: registry, repository, and a tag or a digest or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// `docker.io`, `quay.io`, `localhost:5000`.
    pub(crate) registry: String,
    /// Without the registry, with the `library/` that Docker leaves out.
    pub(crate) repository: String,
    /// `latest` where the name has neither tag nor digest.
    pub(crate) tag: Option<String>,
    pub(crate) digest: Option<Digest>,
}

impl Reference {
    /// Reads a name as it stands in a manifest.
    ///
    /// # Errors
    /// [`Error::Usage`] with the rule that the name breaks.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let bad = |message: &str| Error::usage(format!("`{name}` is not an image name: {message}"));
        if name.is_empty() {
            return Err(Error::usage("an image name is empty"));
        }
        if let Some(odd) = name.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad(&format!("it contains {odd:?}")));
        }
        if name.contains("://") {
            return Err(bad("it is a URL; leave the scheme out"));
        }
        let (rest, digest) = match name.split_once('@') {
            None => (name, None),
            Some((rest, digest)) => {
                let digest = Digest::parse(digest).ok_or_else(|| {
                    bad(&format!("`{digest}` is not a digest, which is `sha256:` and 64 lower-case hexadecimal digits"))
                })?;
                (rest, Some(digest))
            }
        };
        // A colon after the last slash begins the tag; one before it, a port.
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (rest, None),
        };
        if let Some(tag) = tag {
            check_tag(tag).map_err(|message| bad(&message))?;
        }
        if path.is_empty() {
            return Err(bad("there is no repository"));
        }
        if path.len() == 64 && path.bytes().all(is_lower_hex) {
            return Err(bad("64 hexadecimal digits are the id of an image, not a name"));
        }
        let (registry, repository) = match path.split_once('/') {
            Some((first, rest)) if is_registry(first) => (first, rest),
            _ => (DEFAULT_REGISTRY, path),
        };
        check_registry(registry).map_err(|message| bad(&message))?;
        let registry = if registry == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
        for component in repository.split('/') {
            check_component(component).map_err(|message| bad(&message))?;
        }
        let repository = if registry == DEFAULT_REGISTRY && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        if registry.len() + 1 + repository.len() > LONGEST_NAME {
            return Err(bad(&format!("registry and repository have more than {LONGEST_NAME} characters")));
        }
        let tag = match tag {
            None if digest.is_none() => Some("latest".to_owned()),
            tag => tag.map(str::to_owned),
        };
        Ok(Self { registry: registry.to_owned(), repository, tag, digest })
    }

    /// The repository under which the cluster's registry keeps the image: the original registry is its first part.
    ///
    /// A registry takes no colon or bracket in a repository, so those become `_`, which no registry's name contains.
    /// The registry does the same to the `ns` that containerd sends (`node/modules/registry/handler.go`).
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.registry.replace([':', '[', ']'], "_"), self.repository)
    }

    /// The name as `docker images` shows it: without what Docker takes for granted.
    pub(crate) fn familiar(&self) -> String {
        let repository = if self.registry == DEFAULT_REGISTRY {
            self.repository.strip_prefix("library/").unwrap_or(&self.repository).to_owned()
        } else {
            format!("{}/{}", self.registry, self.repository)
        };
        self.with_suffix(repository)
    }

    fn with_suffix(&self, mut name: String) -> String {
        if let Some(tag) = &self.tag {
            name.push(':');
            name.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            name.push('@');
            name.push_str(digest.as_str());
        }
        name
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_suffix(format!("{}/{}", self.registry, self.repository)))
    }
}

/// Whether the first part of a name is a registry and not the first part of a repository on Docker Hub.
fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|b| b.is_ascii_uppercase())
}

fn check_registry(registry: &str) -> Result<(), String> {
    let (host, port) = match registry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(format!("`[{address}]` is not an IPv6 address"));
            }
            (None, port.strip_prefix(':').or((!port.is_empty()).then_some("")))
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(registry), None),
        },
    };
    if let Some(port) = port
        && (port.parse::<u16>().is_err() || !port.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(format!("the port of the registry `{registry}` is not a port number"));
    }
    let legal = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if let Some(host) = host
        && !host.split('.').all(legal)
    {
        return Err(format!("`{registry}` is not the host name of a registry"));
    }
    Ok(())
}

fn check_component(component: &str) -> Result<(), String> {
    if component.is_empty() {
        return Err("there is nothing between two slashes, or before or after one".into());
    }
    if component.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(format!("a repository has lower-case letters only, `{component}` has others"));
    }
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if let Some(odd) = component.chars().find(|&c| !alphanumeric(c) && !['.', '_', '-'].contains(&c)) {
        return Err(format!("a repository takes no `{odd}`"));
    }
    if !component.starts_with(alphanumeric) || !component.ends_with(alphanumeric) {
        return Err(format!("`{component}` begins or ends with a separator"));
    }
    let separators = component.split(alphanumeric).filter(|separator| !separator.is_empty());
    for separator in separators {
        if !matches!(separator, "." | "_" | "__") && !separator.bytes().all(|b| b == b'-') {
            return Err(format!(
                "`{component}` has the separator `{separator}`; a dot, one or two underscores or dashes are legal"
            ));
        }
    }
    Ok(())
}

fn check_tag(tag: &str) -> Result<(), String> {
    if tag.is_empty() {
        return Err("the tag after the colon is empty".into());
    }
    if tag.len() > LONGEST_TAG {
        return Err(format!("its tag has more than {LONGEST_TAG} characters"));
    }
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !tag.starts_with(word) {
        return Err(format!("the tag `{tag}` must begin with a letter, a digit or an underscore"));
    }
    match tag.chars().find(|&c| !word(c) && c != '.' && c != '-') {
        Some(odd) => Err(format!("a tag takes no `{odd}`")),
        None => Ok(()),
    }
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::Reference;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[track_caller]
    fn check(name: &str, full: &str) {
        match Reference::parse(name) {
            Ok(reference) => assert_eq!(reference.to_string(), full, "of `{name}`"),
            Err(error) => panic!("`{name}` is legal, but: {error}"),
        }
    }

    #[track_caller]
    fn check_bad(name: &str, part: &str) {
        match Reference::parse(name) {
            Ok(reference) => panic!("`{name}` was taken for `{reference}`"),
            Err(error) => assert!(error.to_string().contains(part), "of `{name}`: {error}"),
        }
    }

    #[test]
    fn what_a_short_name_leaves_out_is_filled_in() {
        check("fluentd", "docker.io/library/fluentd:latest");
        check("fluentd:v1", "docker.io/library/fluentd:v1");
        check("rollcall/agent:1", "docker.io/rollcall/agent:1");
        check("docker.io/fluentd", "docker.io/library/fluentd:latest");
        check("index.docker.io/a/b", "docker.io/a/b:latest");
        check("quay.io/a/b:v1", "quay.io/a/b:v1");
        check("quay.io/a", "quay.io/a:latest");
        check("a/b/c", "docker.io/a/b/c:latest");
    }

    #[test]
    fn the_first_part_is_a_registry_if_it_has_a_dot_a_port_a_capital_or_is_localhost() {
        check("localhost/x", "localhost/x:latest");
        check("localhost:5000/x", "localhost:5000/x:latest");
        check("localhost:5000/x:2", "localhost:5000/x:2");
        check("REGISTRY/x", "REGISTRY/x:latest");
        check("[::1]:5000/x", "[::1]:5000/x:latest");
        check("[::1]/x", "[::1]/x:latest");
        check("registry/x", "docker.io/registry/x:latest");
        // Without a slash a colon can only begin a tag.
        check("localhost:5000", "docker.io/library/localhost:5000");
    }

    #[test]
    fn a_digest_replaces_the_default_tag_and_stands_beside_a_given_one() {
        check(&format!("a@sha256:{HEX}"), &format!("docker.io/library/a@sha256:{HEX}"));
        check(&format!("a:1@sha256:{HEX}"), &format!("docker.io/library/a:1@sha256:{HEX}"));
        assert_eq!(Reference::parse(&format!("a@sha256:{HEX}")).unwrap().tag, None);
    }

    #[test]
    fn separators_inside_a_repository_are_those_of_docker() {
        check("a.b/c_d/e__f/g---h", "a.b/c_d/e__f/g---h:latest");
        check_bad("a..b", "separator `..`");
        check_bad("a___b", "separator `___`");
        check_bad("a-_b", "separator `-_`");
        check_bad("-a", "begins or ends");
        check_bad("a.", "begins or ends");
    }

    #[test]
    fn a_bad_name_is_refused_with_the_rule_it_breaks() {
        check_bad("", "is empty");
        check_bad("Fluentd", "lower-case");
        check_bad("quay.io/A/b", "lower-case");
        check_bad("a b", "contains ' '");
        check_bad("a\n", "contains '\\n'");
        check_bad("https://quay.io/a", "URL");
        check_bad("a:", "tag after the colon is empty");
        check_bad(":1", "no repository");
        check_bad("a:-1", "must begin with");
        check_bad("a:v1+2", "a tag takes no `+`");
        check_bad(&format!("a:{}", "t".repeat(129)), "more than 128");
        check_bad("a//b", "nothing between two slashes");
        check_bad("/a", "nothing between two slashes");
        check_bad("quay.io/", "nothing between two slashes");
        check_bad("a/b$", "takes no `$`");
        check_bad("a@sha256:12", "not a digest");
        check_bad("a@", "not a digest");
        check_bad(&format!("a@sha256:{}", HEX.to_uppercase()), "not a digest");
        check_bad(&format!("@sha256:{HEX}"), "no repository");
        check_bad("localhost:port/x", "not a port number");
        check_bad("localhost:70000/x", "not a port number");
        check_bad("localhost:/x", "not a port number");
        check_bad("[::1]5000/x", "not a port number");
        check_bad("[fe80:]/x", "not an IPv6 address");
        check_bad("a..b.io/x", "not the host name");
        check_bad("-a.io/x", "not the host name");
        check_bad(HEX, "id of an image");
        check_bad(&"a/".repeat(130), "nothing between");
        check_bad(&format!("quay.io/{}", "a".repeat(250)), "more than 255");
    }

    #[test]
    fn the_path_in_the_clusters_registry_begins_with_the_original_registry_without_colons() {
        let path = |name: &str| Reference::parse(name).unwrap().path();
        assert_eq!(path("fluentd"), "docker.io/library/fluentd");
        assert_eq!(path("quay.io/a/b:v1"), "quay.io/a/b");
        assert_eq!(path("localhost:5000/x"), "localhost_5000/x");
        assert_eq!(path("[::1]:5000/x"), "___1__5000/x");
    }

    #[test]
    fn the_familiar_name_is_that_of_docker_images() {
        let familiar = |name: &str| Reference::parse(name).unwrap().familiar();
        assert_eq!(familiar("docker.io/library/fluentd"), "fluentd:latest");
        assert_eq!(familiar("docker.io/a/b:1"), "a/b:1");
        assert_eq!(familiar("quay.io/library/b:1"), "quay.io/library/b:1");
    }
}
