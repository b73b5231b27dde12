//! Kubeconfig documents: for the parts of the cluster, for the user, for our own client.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use kube::config::Kubeconfig;
use serde_json::json;

use crate::{
    error::{Error, Result},
    pki::KeyedCertificate,
};

/// A kubeconfig with one cluster, one user and one context.
///
/// JSON, which every reader of kubeconfigs takes, since YAML contains it.
pub(crate) fn document(context: &str, server: &str, authority: &str, user: &KeyedCertificate) -> String {
    let encode = |pem: &str| base64(pem.as_bytes());
    let document = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": encode(authority)}}],
        "users": [{"name": context, "user": {
            "client-certificate-data": encode(&user.certificate),
            "client-key-data": encode(&user.key),
        }}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
    });
    format!("{document:#}\n")
}

/// Writes a kubeconfig that only this user can read.
///
/// # Errors
/// When the file or its directory cannot be written.
pub fn write(path: &Path, kubeconfig: &str) -> Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|source| Error::file("create directory", parent, source))?;
    }
    // A file of the same name could be readable by others; a new one never is, not even for a moment.
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::file("replace kubeconfig", path, source));
        }
        _ => {}
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(kubeconfig.as_bytes()))
        .map_err(|source| Error::file("write kubeconfig", path, source))
}

/// Standard base64 with padding, as kubeconfigs hold their certificates.
///
/// The encoding comes with the Kubernetes types: a `ByteString` is base64 in JSON.
fn base64(bytes: &[u8]) -> String {
    match serde_json::to_value(k8s_openapi::ByteString(bytes.to_vec())) {
        Ok(serde_json::Value::String(text)) => text,
        other => unreachable!("a ByteString is written as a string, not as {other:?}"),
    }
}

/// The kubeconfig of a file, or of `KUBECONFIG` or the home directory, with nothing but one context: the one that is
/// named, or the current one. The files that it names are in it.
pub(crate) fn of_context(file: Option<&Path>, context: Option<&str>) -> Result<Kubeconfig> {
    let invalid = |source: kube::config::KubeconfigError| Error::Usage {
        message: format!("the kubeconfig cannot be read: {source}"),
        hint: Some("name one with `--kubeconfig FILE`".into()),
    };
    let mut all = match file {
        Some(file) => Kubeconfig::read_from(file).map_err(invalid)?,
        None => Kubeconfig::read().map_err(invalid)?,
    };
    let names: Vec<String> = all.contexts.iter().map(|context| context.name.clone()).collect();
    let Some(wanted) =
        context.map(str::to_owned).or_else(|| all.current_context.clone()).filter(|name| !name.is_empty())
    else {
        let hint = format!("name one with `--context`: the contexts are {}", names.join(", "));
        return Err(Error::usage_hint("the kubeconfig has no current context", hint));
    };
    all.contexts.retain(|context| context.name == wanted);
    let Some(context) = all.contexts.first().and_then(|context| context.context.clone()) else {
        let hint = match rollcall_model::diagnostic::nearest(&wanted, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the contexts are {}", names.join(", ")),
        };
        return Err(Error::usage_hint(format!("the kubeconfig has no context `{wanted}`"), hint));
    };
    all.clusters.retain(|cluster| cluster.name == context.cluster);
    all.auth_infos.retain(|user| Some(&user.name) == context.user.as_ref());
    all.current_context = Some(wanted);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_kubeconfig_is_readable_by_its_owner_alone_even_over_an_open_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nested/kubeconfig");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "old").unwrap();
        super::write(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn base64_is_padded() {
        assert_eq!(super::base64(b"rollcall!!"), "cm9sbGNhbGwhIQ==");
    }

    const FILE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: prod\n\
        clusters:\n- {name: a, cluster: {server: 'https://a'}}\n- {name: b, cluster: {server: 'https://b'}}\n\
        users:\n- {name: u, user: {token: secret}}\n- {name: v, user: {token: other}}\n\
        contexts:\n- {name: prod, context: {cluster: a, user: u}}\n- {name: dev, context: {cluster: b, user: v}}\n";

    fn of(context: Option<&str>) -> Result<Kubeconfig> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::write(&file, FILE).unwrap();
        of_context(Some(&file), context)
    }

    #[test]
    fn only_what_the_context_names_is_taken_from_the_file() {
        let read = of(Some("dev")).unwrap();
        assert_eq!(read.current_context.as_deref(), Some("dev"));
        assert_eq!(read.clusters.iter().map(|cluster| cluster.name.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(read.auth_infos.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["v"]);
        assert_eq!(of(None).unwrap().current_context.as_deref(), Some("prod"), "without a name it is the current one");
    }

    #[test]
    fn a_context_that_is_not_there_is_named_with_the_nearest() {
        let error = of(Some("dve")).unwrap_err();
        insta::assert_snapshot!(error, @"the kubeconfig has no context `dve`");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"did you mean `dev`?");
    }
}
