//! `load`: an image into the registry of a cluster.

use std::time::Instant;

use rollcall::ImageSource;

use super::which;
use crate::{args::ClusterFlag, error::CliError, image_flag, output};

pub(super) async fn load(image: &str, name: Option<String>, cluster: ClusterFlag) -> Result<(), CliError> {
    let started = Instant::now();
    let source = image_flag::source(image);
    let name = match (name, &source) {
        (Some(name), _) => name,
        (None, ImageSource::Local(local)) => local.clone(),
        (None, _) => {
            return Err(CliError::usage(format!("`{image}` is a file, and an image needs a name"))
                .hint("say under which name pods find it, with `--as NAME`"));
        }
    };
    let cluster = which::cluster(cluster.cluster).await?;
    let outcome = cluster.load_image(&name, &source).await?;
    let took = output::seconds(started.elapsed());
    if outcome.skipped {
        output::line(&format!("`{}` is there already, nothing was sent ({took})", outcome.name));
    } else {
        output::line(&format!("`{}` from {}, {} bytes sent ({took})", outcome.name, outcome.from, outcome.bytes_sent));
    }
    Ok(())
}
