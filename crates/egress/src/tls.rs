//! TLS settings, made once: what is offered, whether a certificate has to be valid, a handshake that accepts every
//! certificate in order to read it, and what is said of one that is not valid.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use domain::check::FailureClass;
use domain::time::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::Error;
use crate::connect::expires_at;

/// What a connection offers to speak (ALPN). A server may end a handshake that offers only what it does not speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    None,
    Http1,
    Http2,
    /// HTTP/2 or HTTP/1.1, as the server likes.
    Http,
}

/// What a connection asks of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) protocol: Protocol,
    pub(crate) is_verified: bool,
}

impl Offer {
    /// With a certificate that has to be valid.
    pub(crate) const fn of(protocol: Protocol) -> Self {
        Self { protocol, is_verified: true }
    }
}

/// One client for each [`Offer`], and one that only reads certificates.
pub(crate) struct Connectors {
    verified: PerProtocol,
    unverified: PerProtocol,
    provider: Arc<CryptoProvider>,
    verifier: Arc<WebPkiServerVerifier>,
}

struct PerProtocol {
    none: TlsConnector,
    http1: TlsConnector,
    http2: TlsConnector,
    http: TlsConnector,
}

impl PerProtocol {
    fn new(config: &ClientConfig) -> Self {
        let offering = |protocols: &[&[u8]]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            // A resumed session shows no certificate, so one that expired meanwhile would go unseen.
            config.resumption = Resumption::disabled();
            TlsConnector::from(Arc::new(config))
        };
        Self {
            none: offering(&[]),
            http1: offering(&[b"http/1.1"]),
            http2: offering(&[b"h2"]),
            http: offering(&[b"h2", b"http/1.1"]),
        }
    }
}

impl std::fmt::Debug for Connectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connectors")
    }
}

impl Connectors {
    pub(crate) fn new(roots: RootCertStore) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let builder = || {
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()
        };
        let verified = builder()?.with_webpki_verifier(Arc::clone(&verifier)).with_no_client_auth();
        let any = Arc::new(AnyCertificate(Arc::clone(&provider)));
        let unverified = builder()?.dangerous().with_custom_certificate_verifier(any).with_no_client_auth();
        let (verified, unverified) = (PerProtocol::new(&verified), PerProtocol::new(&unverified));
        Ok(Self { verified, unverified, provider, verifier })
    }

    pub(crate) const fn offering(&self, offer: Offer) -> &TlsConnector {
        let clients = if offer.is_verified { &self.verified } else { &self.unverified };
        match offer.protocol {
            Protocol::None => &clients.none,
            Protocol::Http1 => &clients.http1,
            Protocol::Http2 => &clients.http2,
            Protocol::Http => &clients.http,
        }
    }

    /// A handshake that ends well with every certificate, and what it has seen. For reading certificates only: nothing
    /// may be sent over such a connection.
    pub(crate) fn reading(&self) -> Result<(TlsConnector, Arc<Recorder>), Error> {
        let recorder = Arc::new(Recorder {
            verifier: Arc::clone(&self.verifier),
            seen: Mutex::default(),
            is_proved: AtomicBool::new(false),
        });
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok((TlsConnector::from(Arc::new(config)), recorder))
    }
}

/// What a server showed.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `None`: it could not be read.
    pub(crate) ends_at: Option<Timestamp>,
    pub(crate) now: Timestamp,
    /// What the ordinary rules say: chain, dates, name.
    pub(crate) verdict: Result<(), rustls::Error>,
}

/// Accepts every certificate and remembers it with the verdict of the ordinary rules. That the server has the key is
/// still proved.
#[derive(Debug)]
pub(crate) struct Recorder {
    verifier: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<Seen>>,
    is_proved: AtomicBool,
}

impl Recorder {
    /// The certificate, once the server has proved that it is its own.
    pub(crate) fn seen(&self) -> Option<Seen> {
        if !self.is_proved.load(Ordering::Acquire) {
            return None;
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict =
            self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let seen = Seen { ends_at: expires_at(end_entity), now: instant(now), verdict: verdict.map(|_| ()) };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let valid = self.verifier.verify_tls12_signature(message, certificate, signed)?;
        self.is_proved.store(true, Ordering::Release);
        Ok(valid)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let valid = self.verifier.verify_tls13_signature(message, certificate, signed)?;
        self.is_proved.store(true, Ordering::Release);
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
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

/// What is wrong with a certificate that the ordinary rules refuse.
pub(crate) fn certificate_class(reason: &CertificateError) -> FailureClass {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            FailureClass::CertificateExpired
        }
        // A signature that does not fit: somebody with the name of one we trust, but not its key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            FailureClass::CertificateUntrusted
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            FailureClass::CertificateWrongName
        }
        // What a certificate that was signed by itself mostly looks like.
        CertificateError::Other(other)
            if other.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity) =>
        {
            FailureClass::CertificateUntrusted
        }
        _ => FailureClass::CertificateInvalid,
    }
}

/// The clock that TLS judges certificates by.
pub(crate) fn now() -> Timestamp {
    instant(UnixTime::now())
}

fn instant(time: UnixTime) -> Timestamp {
    Timestamp::from_ms(i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000))
}
