//! Which cluster is meant.

use rollcall::{Cluster, list_clusters};

use crate::error::CliError;

/// The kept cluster of that name, or the only one there is.
pub(super) async fn cluster(name: Option<String>) -> Result<Cluster, CliError> {
    Ok(Cluster::find(&resolve(name).await?).await?)
}

/// The name that was given, or that of the only kept cluster.
pub(super) async fn resolve(name: Option<String>) -> Result<String, CliError> {
    if let Some(name) = name {
        return Ok(name);
    }
    let kept: Vec<String> =
        list_clusters().await?.into_iter().filter(|cluster| cluster.keep).map(|cluster| cluster.name).collect();
    only(&kept)
}

fn only(names: &[String]) -> Result<String, CliError> {
    match names {
        [one] => Ok(one.clone()),
        [] => Err(CliError::nothing_selected("there is no cluster").hint("make one with `rollcall up`")),
        many => Err(CliError::usage("there is more than one cluster").hint(format!("name one of {}", many.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::only;
    use crate::exit_code::ExitCode;

    #[test]
    fn a_cluster_is_guessed_only_where_there_is_one() {
        assert_eq!(only(&["a".into()]).unwrap(), "a");
        assert_eq!(only(&[]).unwrap_err().code, ExitCode::NOTHING_SELECTED);
        assert_eq!(only(&["a".into(), "b".into()]).unwrap_err().code, ExitCode::USAGE);
    }
}
