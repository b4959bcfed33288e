//! TLS against a server with certificates of our own making. Inside the crate, because nobody outside may
//! choose the roots.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use domain::check::{CheckJob, FailureClass, Outcome};
use domain::monitor::{Auth, HttpSettings, HttpVersion, Method, Secrets, Settings};
use domain::time::Timestamp;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{Egress, EgressConfig};

/// What the server saw of one handshake: the name asked for, the protocol, resumed or not.
type Seen = Arc<Mutex<Vec<(Option<String>, Option<Vec<u8>>, Option<HandshakeKind>)>>>;

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    /// A server certificate for `name`, valid until the first day of `until`.
    pub(crate) fn certify(
        &self,
        name: &str,
        until: i32,
    ) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }
}

pub(crate) fn settings(authority: &Authority, name: &str, until: i32) -> ServerConfig {
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

pub(crate) fn trusting(roots: RootCertStore) -> Egress {
    let config =
        EgressConfig { allow_cidrs: vec!["127.0.0.0/8".parse().unwrap()], ..EgressConfig::default() };
    Egress::with_roots(config, roots).unwrap()
}

/// Midnight of the first day of a year, in UTC.
fn first_day_of(year: i32) -> Timestamp {
    Timestamp::from_ms(rcgen::date_time_ymd(year, 1, 1).unix_timestamp() * 1000)
}

async fn check(egress: &Egress, host: &str, server: SocketAddr) -> Outcome {
    egress.check(&job(host, server)).await
}

pub(crate) fn job_with(host: &str, server: SocketAddr, settings: HttpSettings) -> CheckJob {
    CheckJob { settings: Some(Settings::Http(Box::new(settings))), ..job(host, server) }
}

fn job(host: &str, server: SocketAddr) -> CheckJob {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    CheckJob {
        organization_id: id.parse().unwrap(),
        service_id: id.parse().unwrap(),
        monitor_id: id.parse().unwrap(),
        slot_at: Timestamp::from_ms(0),
        url: format!("https://{host}:{}/", server.port()),
        method: Method::Get,
        expected_status: 200,
        timeout_ms: 5_000,
        patience_ms: 5_000,
        settings: None,
        secrets: None,
    }
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
        assert_eq!(outcome.certificate_expires_at, Some(first_day_of(2100)));
        assert!(outcome.is_inside);
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
    assert_eq!(outcome.failure, Some(FailureClass::CertificateWrongName));
}

#[tokio::test]
async fn each_way_a_certificate_is_not_good_is_a_class_of_its_own() {
    let authority = Authority::new();
    let untrusted = Some(FailureClass::CertificateUntrusted);
    let (good, _) = serve(settings(&authority, "app.localhost", 2100)).await;
    assert_eq!(
        check(&trusting(Authority::new().roots()), "app.localhost", good).await.failure,
        untrusted,
        "unknown"
    );
    assert_eq!(
        check(&trusting(authority.roots()), "www.localhost", good).await.failure,
        Some(FailureClass::CertificateWrongName),
        "other name"
    );
    let (old, _) = serve(settings(&authority, "app.localhost", 2020)).await;
    let outcome = check(&trusting(authority.roots()), "app.localhost", old).await;
    assert_eq!(
        (outcome.failure, outcome.status_code, outcome.phases.tls_ms),
        (Some(FailureClass::CertificateExpired), None, None),
        "expired"
    );
    assert_eq!(
        outcome.certificate_expires_at,
        Some(first_day_of(2020)),
        "said although there is no connection"
    );
    let public =
        EgressConfig { allow_cidrs: vec!["127.0.0.0/8".parse().unwrap()], ..EgressConfig::default() };
    let outcome = check(&Egress::new(public).unwrap(), "app.localhost", good).await;
    assert_eq!(outcome.failure, untrusted, "not among the public roots");
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

#[tokio::test]
async fn a_certificate_that_need_not_be_valid_is_taken_and_its_end_is_told() {
    let authority = Authority::new();
    let lax = || HttpSettings { verify_certificate: false, ..HttpSettings::default() };
    let egress = trusting(Authority::new().roots());
    for (name, until) in [("app.localhost", 2020), ("other.localhost", 2100)] {
        let (server, seen) = serve(only_http1(settings(&authority, name, until))).await;
        let outcome = egress.check(&job_with("app.localhost", server, lax())).await;
        assert_eq!((outcome.failure, outcome.status_code), (None, Some(200)), "{name}");
        assert_eq!(outcome.certificate_expires_at, Some(first_day_of(until)));
        assert_eq!(seen.lock().unwrap().len(), 1, "the connection is encrypted all the same");
        let strict = egress.check(&job_with("app.localhost", server, HttpSettings::default())).await;
        assert_eq!(strict.status_code, None, "{name}");
    }
    let (server, seen) = serve(settings(&authority, "app.localhost", 2100)).await;
    let closed = Egress::with_roots(EgressConfig::default(), authority.roots()).unwrap();
    for host in ["127.0.0.1", "app.localhost"] {
        let outcome = closed.check(&job_with(host, server, lax())).await;
        assert_eq!(outcome.failure, Some(FailureClass::ConnectionFailed), "the guard stays");
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_does_not_hold_the_key_is_refused_even_then() {
    let authority = Authority::new();
    let (certificate, _) = authority.certify("app.localhost", 2100);
    let (_, other_key) = authority.certify("app.localhost", 2100);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = provider.key_provider.load_private_key(other_key).unwrap();
    let forged = CertifiedKey::new(vec![certificate], key);
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(forged)));
    let (server, _) = serve(server).await;
    let lax = HttpSettings { verify_certificate: false, ..HttpSettings::default() };
    let outcome = trusting(authority.roots()).check(&job_with("app.localhost", server, lax)).await;
    assert!(outcome.failure.is_some() && outcome.status_code.is_none(), "{outcome:?}");
}

#[tokio::test]
async fn one_who_signed_for_itself_is_trusted_by_nobody() {
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(rcgen::BasicConstraints::Unconstrained)] {
        let mut params = CertificateParams::new(vec!["app.localhost".to_owned()]).unwrap();
        params.is_ca = is_ca;
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let (server, _) = serve(server).await;
        let outcome = check(&trusting(Authority::new().roots()), "app.localhost", server).await;
        assert_eq!(outcome.failure, Some(FailureClass::CertificateUntrusted), "{is_ca:?}");
    }
}

fn only_http1(mut settings: ServerConfig) -> ServerConfig {
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    settings
}

#[tokio::test]
async fn a_server_without_http2_is_refused_only_where_it_is_required() {
    let authority = Authority::new();
    let mut silent = settings(&authority, "app.localhost", 2100);
    silent.alpn_protocols.clear();
    let without = only_http1(settings(&authority, "app.localhost", 2100));
    for server in [silent, without] {
        let (server, _) = serve(server).await;
        for (version, expected) in [
            (HttpVersion::Auto, None),
            (HttpVersion::Http1, None),
            (HttpVersion::Http2, Some(FailureClass::HandshakeRefused)),
        ] {
            let asked = HttpSettings { version, ..HttpSettings::default() };
            let outcome = trusting(authority.roots()).check(&job_with("app.localhost", server, asked)).await;
            assert_eq!(outcome.failure, expected, "{version:?}");
        }
    }
}

// T-01
#[tokio::test]
async fn secrets_do_not_go_from_https_to_http() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    let heard = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let read = tcp.read(&mut head).await.unwrap();
        tcp.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        String::from_utf8(head[..read].to_vec()).unwrap()
    });
    let to = format!("Location: http://app.localhost:{}/", plain.port());
    let acceptor = TlsAcceptor::from(Arc::new(only_http1(settings(&authority, "app.localhost", 2100))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut tls = acceptor.accept(tcp).await.unwrap();
        let mut head = vec![0; 4096];
        let read = tls.read(&mut head).await.unwrap();
        tls.write_all(format!("HTTP/1.1 302 Found\r\n{to}\r\nContent-Length: 0\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let _ = tls.shutdown().await;
        String::from_utf8(head[..read].to_vec()).unwrap()
    });
    let mut job =
        job_with("app.localhost", server, HttpSettings { auth: Auth::Bearer, ..HttpSettings::default() });
    job.secrets = Some(Secrets { token: Some("token".to_owned()), ..Secrets::default() });
    assert_eq!(trusting(authority.roots()).check(&job).await.failure, None);
    assert!(asked.await.unwrap().contains("authorization: Bearer token"));
    let head = heard.await.unwrap();
    assert!(head.starts_with("GET / ") && !head.contains("authorization"), "{head}");
}
