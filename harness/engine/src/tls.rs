//! The TLS provider. A program may have several compiled in, and rustls then refuses to choose by itself.

/// Installs `ring` unless the program has chosen already.
pub(crate) fn install_provider() {
    // An error means that there is one, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
