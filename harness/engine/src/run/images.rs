//! Which images the nodes of a run must find: those the plan substitutes, and those of the local engine that its
//! manifests and steps name.

use std::collections::{BTreeMap, BTreeSet};

use rollcall_model::{Action, Plan};
use serde_json::Value;

use crate::{
    docker::Docker,
    error::Result,
    images::{ImageSource, full_name},
};

/// Name and source of each image to push. `overrides` take the place of the plan's substitutions.
///
/// An image that is named as it stands and that the local engine lacks is left out: its pods then fail to pull it, as
/// they would on any cluster.
///
/// # Errors
/// When the engine does not answer.
pub(super) async fn needed(plan: &Plan, overrides: &[(String, ImageSource)]) -> Result<Vec<(String, ImageSource)>> {
    let chosen = chosen(plan, overrides);
    let named = named(plan);
    let docker = Docker::connect().await?;
    let mut found = Vec::new();
    for name in named.into_iter().filter(|name| !chosen.contains_key(name)) {
        match docker.image_id(&name).await {
            Ok(Some(_)) => found.push((name.clone(), ImageSource::Local(name))),
            Ok(None) => tracing::debug!(image = name, "not in the local engine, so not pushed"),
            // What is no name of an image is for the kubelet to refuse.
            Err(error) => tracing::debug!(image = name, %error, "not pushed"),
        }
    }
    Ok(chosen.into_iter().chain(found).collect())
}

/// What full names mean: `None` where a step changes that while the plan runs.
pub(super) type Meanings = BTreeMap<String, Option<ImageSource>>;

/// What each name means that the plan mentions, whether or not there is such an image.
pub(super) fn wanted(plan: &Plan, overrides: &[(String, ImageSource)]) -> Meanings {
    let own = named(plan).into_iter().map(|name| (full_name(&name), Some(ImageSource::Local(name))));
    let chosen = |images: BTreeMap<String, ImageSource>| {
        images.into_iter().map(|(name, source)| (full_name(&name), Some(source))).collect::<Vec<_>>()
    };
    let changed = plan.flat().into_iter().filter_map(|step| match &step.action {
        Action::PushImage { name, .. } | Action::PullFault { image: name, .. } => Some((full_name(name), None)),
        _ => None,
    });
    // What somebody else chose comes later, and wins under whatever form of the name.
    own.chain(chosen(chosen_by_plan(plan))).chain(chosen(overrides.iter().cloned().collect())).chain(changed).collect()
}

/// Whether no name means two images. What a node has pulled it keeps, and manifests rarely have it ask again; so a
/// name whose meaning changes must not be mentioned by anybody else.
pub(super) fn agree(one: &Meanings, other: &Meanings) -> bool {
    other.iter().all(|(name, source)| one.get(name).is_none_or(|known| known.is_some() && known == source))
}

/// The images that somebody chose: one that is missing is an error.
fn chosen(plan: &Plan, overrides: &[(String, ImageSource)]) -> BTreeMap<String, ImageSource> {
    chosen_by_plan(plan).into_iter().chain(overrides.iter().cloned()).collect()
}

fn chosen_by_plan(plan: &Plan) -> BTreeMap<String, ImageSource> {
    plan.images.iter().map(|image| (image.name.clone(), ImageSource::Local(image.image.clone()))).collect()
}

/// The images that manifests and steps name.
fn named(plan: &Plan) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for step in plan.flat() {
        match &step.action {
            Action::Patch { patch, .. } => in_object(patch, &mut names),
            Action::Apply { manifest } => manifest.documents.iter().for_each(|object| in_object(object, &mut names)),
            Action::SetImage { image, .. } => {
                names.insert(image.clone());
            }
            _ => {}
        }
    }
    names
}

/// The images of every pod template of an object, wherever its kind has it.
fn in_object(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if matches!(key.as_str(), "containers" | "initContainers" | "ephemeralContainers") {
                    let images =
                        value.as_array().into_iter().flatten().filter_map(|container| container["image"].as_str());
                    names.extend(images.filter(|image| !image.is_empty()).map(str::to_owned));
                } else {
                    in_object(value, names);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| in_object(item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::plan;

    const IMAGES: &str = "images:\n  - {name: 'fluentd:latest', use: 'rollcall/agent:1'}\n";

    #[test]
    fn images_are_found_in_templates_and_in_steps() {
        let plan = plan(IMAGES);
        let names: Vec<String> = named(&plan).into_iter().collect();
        assert_eq!(names, ["busybox:1", "fluentd:latest", "rollcall/agent:2"]);
    }

    #[test]
    fn an_override_takes_the_place_of_a_substitution() {
        let plan = plan(IMAGES);
        assert_eq!(chosen(&plan, &[])["fluentd:latest"], ImageSource::Local("rollcall/agent:1".into()));
        let archive = ImageSource::Archive("agent.tar".into());
        assert_eq!(chosen(&plan, &[("fluentd:latest".into(), archive.clone())])["fluentd:latest"], archive);
    }
}
