//! What the engine says of itself and of its machine, asked once for each connection.

use testcontainers::bollard::models::SystemVersion;

use super::Docker;
use crate::error::{Error, Result};

impl Docker {
    async fn version(&self) -> Result<&SystemVersion> {
        let asked = async {
            self.api.version().await.map_err(|source| Error::Engine {
                action: "ask for the version of",
                object: "the engine".into(),
                source,
            })
        };
        self.version.get_or_try_init(|| asked).await
    }

    /// Whether Podman answers, which takes Docker's API and means another thing by some of it.
    pub(super) async fn is_podman(&self) -> Result<bool> {
        let components = self.version().await?.components.iter().flatten();
        Ok(components.into_iter().any(|component| component.name.contains("Podman")))
    }

    /// Whether the kernel knows the option `volatile` of overlay mounts, as those from 5.10 on do
    /// (`Documentation/filesystems/overlayfs.rst`).
    pub(crate) async fn has_volatile_overlays(&self) -> Result<bool> {
        Ok(self.version().await?.kernel_version.as_deref().is_some_and(|kernel| is_at_least(kernel, (5, 10))))
    }
}

/// Whether a kernel's version, such as `6.1.0-41-amd64`, is at least this one. One that cannot be read is not.
fn is_at_least(kernel: &str, wanted: (u32, u32)) -> bool {
    let mut parts = kernel.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= wanted,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::is_at_least;

    #[rstest]
    #[case("6.1.0-41-amd64", true)]
    #[case("5.10.0", true)]
    #[case("5.9.16-200.fc33", false)]
    #[case("4.18.0-553.el8_10.x86_64", false)]
    #[case("10.0", true)]
    #[case("6", false)]
    #[case("", false)]
    fn kernels_are_compared_by_their_numbers(#[case] kernel: &str, #[case] new_enough: bool) {
        assert_eq!(is_at_least(kernel, (5, 10)), new_enough);
    }
}
