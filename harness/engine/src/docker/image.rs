//! Images of the local engine: exported and listed.

use futures::{Stream, TryStreamExt};
use testcontainers::bollard::query_parameters::ListImagesOptions;

use super::Docker;
use crate::error::{Error, Result};

impl Docker {
    /// An image as an archive, as `docker save` writes it.
    pub(crate) fn export_image(&self, name: &str) -> impl Stream<Item = Result<impl AsRef<[u8]> + use<>>> {
        let object = name.to_owned();
        self.api.export_image(name).map_err(move |source| Error::Engine {
            action: "export image",
            object: object.clone(),
            source,
        })
    }

    /// The names of all local images, with their tags.
    pub(crate) async fn image_names(&self) -> Result<Vec<String>> {
        let images = self.api.list_images(None::<ListImagesOptions>).await.map_err(|source| Error::Engine {
            action: "list images of",
            object: "the local container engine".into(),
            source,
        })?;
        let names = images.into_iter().flat_map(|image| image.repo_tags);
        Ok(names.filter(|name| !name.contains("<none>")).collect())
    }
}
