//! Whether tests make clusters here: the one environment variable that says so, and what must be there before.
//!
//! A test that cannot run must not look as if it had: it is reported as ignored with the reason, or fails where
//! clusters are required.

use std::{env, ffi::OsStr};

use rollcall_model::Plan;

use crate::{
    distro::{DistroName, Images},
    docker::Docker,
    error::{Error, Result},
    images,
};

/// Whether tests make clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clusters {
    /// Where an engine answers and the images are there; elsewhere tests are ignored with the reason.
    #[default]
    WherePossible,
    /// They do, and fail where they cannot.
    Required,
    /// They do not.
    Off,
}

/// What must be there before a cluster can be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// What nodes are made of.
    pub distro: DistroName,
    /// Their image, where it is not the one that distro and version choose.
    pub node_image: Option<String>,
    /// The Kubernetes version, where a certain one is needed.
    pub kubernetes: Option<String>,
    /// Images of the local engine.
    pub images: Vec<String>,
}

impl Needs {
    /// Those of a plan: its node image, and the images that it substitutes. One that manifests name and that is not
    /// there may be missing on purpose.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let images = plan.images.iter().map(|image| image.image.clone()).collect();
        Self { kubernetes: plan.cluster.kubernetes.clone(), images, ..Self::default() }
    }
}

impl Clusters {
    /// The variable that is read: unset, `required` or `off`.
    pub const VARIABLE: &'static str = "ROLLCALL_CLUSTERS";

    /// What the environment says.
    ///
    /// # Errors
    /// When the variable has a value that means nothing.
    pub fn from_env() -> Result<Self> {
        Self::parse(env::var_os(Self::VARIABLE).as_deref())
    }

    fn parse(value: Option<&OsStr>) -> Result<Self> {
        match value.map(OsStr::to_string_lossy).as_deref() {
            None | Some("") => Ok(Self::WherePossible),
            Some("required") => Ok(Self::Required),
            Some("off") => Ok(Self::Off),
            Some(other) => Err(Error::usage_hint(
                format!("{} is `{other}`", Self::VARIABLE),
                "unset it, or set it to `required` or `off`",
            )),
        }
    }

    /// Why no cluster is made here; `None` where one can be.
    ///
    /// # Errors
    /// When clusters are required and something is missing, or the engine does not say what there is.
    pub async fn closed(self, needs: &Needs) -> Result<Option<String>> {
        if self == Self::Off {
            return Ok(Some(format!("{variable} is `off`; run with {variable}=required", variable = Self::VARIABLE)));
        }
        self.judge(needs.check().await)
    }

    fn judge(self, there: Result<()>) -> Result<Option<String>> {
        match there {
            Ok(()) => Ok(None),
            Err(error) if self == Self::WherePossible && is_missing(&error) => {
                let hint = error.hint().map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
                // What connecting said is of use only to whoever requires clusters.
                Ok(Some(format!("{error}{hint}")))
            }
            Err(error) => Err(error),
        }
    }
}

impl Needs {
    async fn check(&self) -> Result<()> {
        let docker = Docker::connect().await?;
        Images::find(&docker, self.distro, self.kubernetes.as_deref(), self.node_image.as_deref()).await?;
        for image in &self.images {
            images::local(&docker, image).await?;
        }
        Ok(())
    }
}

/// Whether something that clusters need is not here, as opposed to broken.
fn is_missing(error: &Error) -> bool {
    matches!(error, Error::NoEngine { .. } | Error::EnginePermission { .. } | Error::ImageMissing { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_has_two_values_and_no_other() {
        let parse = |value: &str| Clusters::parse(Some(OsStr::new(value)));
        assert_eq!(Clusters::parse(None).unwrap(), Clusters::WherePossible);
        assert_eq!(parse("").unwrap(), Clusters::WherePossible);
        assert_eq!(parse("required").unwrap(), Clusters::Required);
        assert_eq!(parse("off").unwrap(), Clusters::Off);
        insta::assert_snapshot!(parse("yes").unwrap_err(), @"ROLLCALL_CLUSTERS is `yes`");
    }

    #[test]
    fn what_is_missing_is_a_reason_and_where_clusters_are_required_an_error() {
        let missing = || Err(Error::ImageMissing { image: "agent:1".into(), hint: "build it".into() });
        let reason = Clusters::WherePossible.judge(missing()).unwrap();
        assert_eq!(reason.as_deref(), Some("image `agent:1` is not in the local container engine (hint: build it)"));
        assert!(Clusters::Required.judge(missing()).is_err());
        assert!(Clusters::WherePossible.judge(Err(Error::usage("no image name"))).is_err(), "nothing is missing");
        assert_eq!(Clusters::Required.judge(Ok(())).unwrap(), None);
    }

    #[tokio::test]
    async fn clusters_that_are_off_need_nothing() {
        let reason = Clusters::Off.closed(&Needs::default()).await.unwrap();
        assert_eq!(reason.as_deref(), Some("ROLLCALL_CLUSTERS is `off`; run with ROLLCALL_CLUSTERS=required"));
    }
}
