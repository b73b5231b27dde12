//! Kubeconfig documents: for the parts of the cluster, for the user, for our own client.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

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
}
