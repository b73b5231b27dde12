//! Digests: the names of blobs and manifests by their content.

use std::{fmt, io::Read};

use sha2::{Digest as _, Sha256};

/// `sha256:` and 64 lower-case hexadecimal digits, the one algorithm that every registry takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Digest(String);

impl Digest {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let legal = hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        legal.then(|| Self(text.to_owned()))
    }

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::of_hash(&Sha256::digest(bytes))
    }

    /// The digest of all that a reader yields, never holding more than a piece of it.
    pub(crate) fn of_reader(mut reader: impl Read) -> std::io::Result<Self> {
        let mut hasher = Sha256::new();
        let mut piece = vec![0; 64 * 1024];
        loop {
            match reader.read(&mut piece)? {
                0 => return Ok(Self::of_hash(&hasher.finalize())),
                read => hasher.update(&piece[..read]),
            }
        }
    }

    fn of_hash(hash: &[u8]) -> Self {
        use fmt::Write;
        let mut text = String::from("sha256:");
        for byte in hash {
            write!(text, "{byte:02x}").expect("writing to a string does not fail");
        }
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the algorithm: the file name in an OCI layout.
    pub(crate) fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    const OF_NOTHING: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn bytes_and_reader_have_the_same_digest() {
        assert_eq!(Digest::of(b"").as_str(), OF_NOTHING);
        let long = vec![7; 200_000];
        assert_eq!(Digest::of_reader(long.as_slice()).unwrap(), Digest::of(&long));
    }

    #[test]
    fn only_a_whole_lower_case_sha256_is_a_digest() {
        assert!(Digest::parse(OF_NOTHING).is_some());
        for bad in [&OF_NOTHING[7..], &OF_NOTHING[..70], &OF_NOTHING.to_uppercase(), "sha256:../../../../etc/passwd"] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }
}
