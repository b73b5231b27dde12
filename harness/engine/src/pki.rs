//! The certificates of a cluster, all made before the first container starts, so that every node can come up at once
//! and nobody has to ask anybody to sign.
//!
//! Keys exist in memory, in the containers (0600) and in kubeconfig files (0600); they are never logged.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::error::{Error, Result};

/// Certificates are valid for as long as the longest-lived test cluster, and from a little before now, because the
/// clocks of host and virtual machine may differ.
const VALID_FROM: (i32, u8, u8) = (2020, 1, 1);
const VALID_TO: (i32, u8, u8) = (2099, 12, 31);

/// A certificate and its key, both PEM.
#[derive(Clone)]
pub(crate) struct KeyedCertificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// The authority that signs every certificate of one cluster.
pub(crate) struct Authority {
    pub(crate) certificate: String,
    pub(crate) key: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority with a key of its own.
    pub(crate) fn create() -> Result<Self> {
        let key = generate("the cluster authority")?;
        let certificate = authority_params()
            .self_signed(&key)
            .map_err(|source| Error::Certificate { subject: "the cluster authority".into(), source })?
            .pem();
        Self::load(certificate, key.serialize_pem())
    }

    /// An authority made earlier, from its PEM files.
    pub(crate) fn load(certificate: String, key: String) -> Result<Self> {
        let pair = KeyPair::from_pem(&key)
            .map_err(|source| Error::Certificate { subject: "the cluster authority".into(), source })?;
        // The subject is the same for every cluster, so the parameters need not be parsed out of the certificate.
        Ok(Self { certificate, key, issuer: Issuer::new(authority_params(), pair) })
    }

    /// A client certificate for a user and a group, as Kubernetes reads them: common name and organisation.
    pub(crate) fn client(&self, user: &str, group: Option<&str>) -> Result<KeyedCertificate> {
        let mut params = leaf_params(user, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(user, params)
    }

    /// A server certificate for names and addresses.
    pub(crate) fn server(
        &self,
        name: &str,
        names: &[String],
        addresses: &[std::net::IpAddr],
    ) -> Result<KeyedCertificate> {
        let mut params = leaf_params(name, None);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for host in names {
            let host =
                host.as_str().try_into().map_err(|source| Error::Certificate { subject: host.clone(), source })?;
            params.subject_alt_names.push(SanType::DnsName(host));
        }
        params.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
        self.sign(name, params)
    }

    fn sign(&self, subject: &str, params: CertificateParams) -> Result<KeyedCertificate> {
        let key = generate(subject)?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(|source| Error::Certificate { subject: subject.into(), source })?
            .pem();
        Ok(KeyedCertificate { certificate, key: key.serialize_pem() })
    }
}

/// The key pair that signs service account tokens: private and public PEM.
pub(crate) fn service_account_keys() -> Result<(String, String)> {
    let key = generate("service account tokens")?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn generate(subject: &str) -> Result<KeyPair> {
    KeyPair::generate().map_err(|source| Error::Certificate { subject: subject.into(), source })
}

fn authority_params() -> CertificateParams {
    let mut params = leaf_params("rollcall-ca", None);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

fn leaf_params(common_name: &str, organisation: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, common_name);
    if let Some(organisation) = organisation {
        subject.push(DnType::OrganizationName, organisation);
    }
    params.distinguished_name = subject;
    params.not_before = rcgen::date_time_ymd(VALID_FROM.0, VALID_FROM.1, VALID_FROM.2);
    params.not_after = rcgen::date_time_ymd(VALID_TO.0, VALID_TO.1, VALID_TO.2);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params
}

#[cfg(test)]
mod tests {
    use super::Authority;

    #[test]
    fn an_authority_read_back_signs_as_the_same_authority() {
        let first = Authority::create().unwrap();
        let second = Authority::load(first.certificate.clone(), first.key.clone()).unwrap();
        assert_eq!(first.certificate, second.certificate);
        assert!(second.client("system:node:worker-1", Some("system:nodes")).is_ok());
    }

    #[test]
    fn a_key_that_is_none_is_refused_without_being_shown() {
        let Err(error) = Authority::load(String::new(), "secret material".into()) else { panic!("accepted") };
        assert!(!crate::error::chain(&error).contains("secret material"));
    }
}
