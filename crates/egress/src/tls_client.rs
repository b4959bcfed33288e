//! TLS settings for HTTP checks, all made once at start: what is offered and whether a certificate has to be valid.

use std::sync::Arc;

use domain::monitor::HttpVersion;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::Error;

/// What a connection asks of TLS. The default is what a check without settings asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) version: HttpVersion,
    pub(crate) is_verified: bool,
}

impl Default for Offer {
    fn default() -> Self {
        Self { version: HttpVersion::Http1, is_verified: true }
    }
}

/// One client for each [`Offer`].
pub(crate) struct TlsClients {
    verified: PerVersion,
    unverified: PerVersion,
}

struct PerVersion {
    auto: TlsConnector,
    http1: TlsConnector,
    http2: TlsConnector,
}

impl TlsClients {
    pub(crate) fn new(roots: RootCertStore) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = || {
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()
        };
        let verified = builder()?.with_root_certificates(roots).with_no_client_auth();
        let any = Arc::new(AnyCertificate(Arc::clone(&provider)));
        let unverified = builder()?.dangerous().with_custom_certificate_verifier(any).with_no_client_auth();
        Ok(Self { verified: PerVersion::new(&verified), unverified: PerVersion::new(&unverified) })
    }

    pub(crate) const fn get(&self, offer: Offer) -> &TlsConnector {
        let clients = if offer.is_verified { &self.verified } else { &self.unverified };
        match offer.version {
            HttpVersion::Auto => &clients.auto,
            HttpVersion::Http1 => &clients.http1,
            HttpVersion::Http2 => &clients.http2,
        }
    }
}

impl PerVersion {
    fn new(config: &ClientConfig) -> Self {
        let offering = |protocols: &[&[u8]]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            // A resumed session shows no certificate, so one that expired meanwhile would go unseen.
            config.resumption = Resumption::disabled();
            TlsConnector::from(Arc::new(config))
        };
        Self {
            auto: offering(&[b"h2", b"http/1.1"]),
            http1: offering(&[b"http/1.1"]),
            http2: offering(&[b"h2"]),
        }
    }
}

/// Takes every certificate. The server still has to prove that it holds the key, so the connection is encrypted to
/// whoever showed the certificate.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
