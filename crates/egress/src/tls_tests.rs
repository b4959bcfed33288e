//! TLS against a server with certificates of our own making. Inside the crate, because nobody outside may
//! choose the roots.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use domain::check::{CheckJob, FailureClass, Outcome};
use domain::monitor::Method;
use domain::time::Timestamp;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{Egress, EgressConfig};

/// What the server saw of one handshake: the name asked for, the protocol, resumed or not.
type Seen = Arc<Mutex<Vec<(Option<String>, Option<Vec<u8>>, Option<HandshakeKind>)>>>;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    /// A server certificate for `name`, valid until the first day of `until`.
    fn certify(&self, name: &str, until: i32) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }
}

fn settings(authority: &Authority, name: &str, until: i32) -> ServerConfig {
    let (certificate, key) = authority.certify(name, until);
    let mut settings = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    settings
}

async fn serve(settings: ServerConfig) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let (acceptor, log) = (TlsAcceptor::from(Arc::new(settings)), Arc::clone(&seen));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
            let state = tls.get_ref().1;
            log.lock().unwrap().push((
                state.server_name().map(str::to_owned),
                state.alpn_protocol().map(<[u8]>::to_vec),
                state.handshake_kind(),
            ));
            let _ = tls.read(&mut [0; 1024]).await;
            let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            let _ = tls.shutdown().await;
        }
    });
    (address, seen)
}

fn trusting(roots: RootCertStore) -> Egress {
    let config =
        EgressConfig { allow_cidrs: vec!["127.0.0.0/8".parse().unwrap()], ..EgressConfig::default() };
    Egress::with_roots(config, roots).unwrap()
}

async fn check(egress: &Egress, host: &str, server: SocketAddr) -> Outcome {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let job = CheckJob {
        organization_id: id.parse().unwrap(),
        service_id: id.parse().unwrap(),
        monitor_id: id.parse().unwrap(),
        slot_at: Timestamp::from_ms(0),
        url: format!("https://{host}:{}/", server.port()),
        method: Method::Get,
        expected_status: 200,
        timeout_ms: 5_000,
    };
    egress.check(&job).await
}

#[tokio::test]
async fn a_trusted_server_is_up_and_every_handshake_is_a_full_one() {
    let authority = Authority::new();
    let (server, seen) = serve(settings(&authority, "app.localhost", 2100)).await;
    let egress = trusting(authority.roots());
    for _ in 0..3 {
        let outcome = check(&egress, "app.localhost", server).await;
        assert_eq!((outcome.failure, outcome.status_code), (None, Some(200)));
        assert!(outcome.phases.tls_ms.is_some() && outcome.phases.first_byte_ms.is_some());
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    for (name, protocol, kind) in seen.iter() {
        assert_eq!((name.as_deref(), protocol.as_deref()), (Some("app.localhost"), Some(&b"http/1.1"[..])));
        assert!(
            matches!(kind, Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest)),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn an_address_can_have_a_certificate() {
    let authority = Authority::new();
    let (server, _) = serve(settings(&authority, "127.0.0.1", 2100)).await;
    let egress = trusting(authority.roots());
    assert_eq!(check(&egress, "127.0.0.1", server).await.failure, None);
    let (other, _) = serve(settings(&authority, "127.0.0.9", 2100)).await;
    let outcome = check(&egress, "127.0.0.1", other).await;
    assert_eq!(outcome.failure, Some(FailureClass::CertificateInvalid));
}

#[tokio::test]
async fn a_certificate_that_is_not_good_is_a_class_of_its_own() {
    let authority = Authority::new();
    let invalid = Some(FailureClass::CertificateInvalid);
    let (good, _) = serve(settings(&authority, "app.localhost", 2100)).await;
    assert_eq!(
        check(&trusting(Authority::new().roots()), "app.localhost", good).await.failure,
        invalid,
        "unknown"
    );
    assert_eq!(
        check(&trusting(authority.roots()), "www.localhost", good).await.failure,
        invalid,
        "other name"
    );
    let (old, _) = serve(settings(&authority, "app.localhost", 2020)).await;
    let outcome = check(&trusting(authority.roots()), "app.localhost", old).await;
    assert_eq!(
        (outcome.failure, outcome.status_code, outcome.phases.tls_ms),
        (invalid, None, None),
        "expired"
    );
    let public =
        EgressConfig { allow_cidrs: vec!["127.0.0.0/8".parse().unwrap()], ..EgressConfig::default() };
    let outcome = check(&Egress::new(public).unwrap(), "app.localhost", good).await;
    assert_eq!(outcome.failure, invalid, "not among the public roots");
}

#[tokio::test]
async fn a_server_that_wants_to_know_us_is_a_tls_failure() {
    let authority = Authority::new();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = Arc::new(authority.roots());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider)).build().unwrap();
    let (certificate, key) = authority.certify("app.localhost", 2100);
    let settings = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let (server, _) = serve(settings).await;
    let outcome = check(&trusting(authority.roots()), "app.localhost", server).await;
    assert_eq!(outcome.failure, Some(FailureClass::TlsFailed));
}
