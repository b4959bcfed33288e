//! Certificates and TLS of the kinds other than HTTP, with certificates of our own making.

use std::net::SocketAddr;
use std::sync::Arc;

use domain::check::{CheckJob, CheckStatus, FailureClass, Outcome};
use domain::monitor::{
    GrpcSettings, Method, Settings, TcpSettings, TlsCertificateSettings, WebsocketSettings,
};
use domain::time::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, SupportedProtocolVersion, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::Egress;
use crate::tls_tests::{Authority, settings, trusting};

const NAME: &str = "app.localhost";

async fn serve<S>(
    settings: ServerConfig,
    script: impl Fn(TlsStream<TcpStream>) -> S + Send + 'static,
) -> SocketAddr
where
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            if let Ok(tls) = acceptor.accept(tcp).await {
                tokio::spawn(script(tls));
            }
        }
    });
    address
}

/// Waits until the other side goes away.
async fn mute(mut tls: TlsStream<TcpStream>) {
    while tls.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
}

async fn check(egress: &Egress, settings: Settings) -> Outcome {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let job = CheckJob {
        organization_id: id.parse().unwrap(),
        service_id: id.parse().unwrap(),
        monitor_id: id.parse().unwrap(),
        slot_at: Timestamp::from_ms(0),
        url: String::new(),
        method: Method::Get,
        expected_status: 200,
        timeout_ms: 5_000,
        patience_ms: 5_000,
        settings: Some(settings),
        secrets: None,
    };
    egress.check(&job).await
}

async fn certificate(egress: &Egress, host: &str, server: SocketAddr, days: (u16, u16)) -> Outcome {
    let settings = TlsCertificateSettings {
        host: host.to_owned(),
        port: server.port(),
        warn_days: days.0,
        fail_days: days.1,
    };
    check(egress, Settings::TlsCertificate(settings)).await
}

fn first_of(year: &str) -> Timestamp {
    format!("{year}-01-01T00:00:00Z").parse().unwrap()
}

#[tokio::test]
async fn the_days_that_a_certificate_has_left_decide() {
    let authority = Authority::new();
    let server = serve(settings(&authority, NAME, 2100), mute).await;
    let egress = trusting(authority.roots());
    let expiring = Some(FailureClass::CertificateExpiring);
    for (days, status, failure) in [
        ((14, 3), CheckStatus::Up, None),
        ((60_000, 3), CheckStatus::Degraded, expiring),
        ((60_000, 60_000), CheckStatus::Down, expiring),
    ] {
        let outcome = certificate(&egress, NAME, server, days).await;
        assert_eq!((outcome.status, outcome.failure), (status, failure), "{days:?}");
        assert_eq!(outcome.certificate_expires_at, Some(first_of("2100")));
        assert!(outcome.is_inside && outcome.phases.tls_ms.is_some() && outcome.phases.connect_ms.is_some());
    }
}

#[tokio::test]
async fn each_reason_why_a_certificate_is_bad_has_its_class() {
    let authority = Authority::new();
    let egress = trusting(authority.roots());
    let good = serve(settings(&authority, NAME, 2100), mute).await;
    let old = serve(settings(&authority, NAME, 2020), mute).await;
    let stranger = serve(settings(&Authority::new(), NAME, 2100), mute).await;
    let old_stranger = serve(settings(&Authority::new(), "other.localhost", 2020), mute).await;
    for (server, host, failure, year) in [
        (old, NAME, FailureClass::CertificateExpired, "2020"),
        (old_stranger, NAME, FailureClass::CertificateExpired, "2020"),
        (stranger, NAME, FailureClass::CertificateUntrusted, "2100"),
        (good, "www.localhost", FailureClass::CertificateWrongName, "2100"),
        (good, "127.0.0.1", FailureClass::CertificateWrongName, "2100"),
    ] {
        let outcome = certificate(&egress, host, server, (14, 3)).await;
        assert_eq!((outcome.status, outcome.failure), (CheckStatus::Down, Some(failure)), "{host}");
        assert_eq!(outcome.certificate_expires_at, Some(first_of(year)), "it is read all the same");
    }
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_of_ours_has_shown_its_own() {
    for version in [&version::TLS12, &version::TLS13] {
        let authority = Authority::new();
        let server = serve(suspicious(&authority, version), mute).await;
        let outcome = certificate(&trusting(authority.roots()), NAME, server, (14, 3)).await;
        assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None), "{version:?}");
        assert_eq!(outcome.certificate_expires_at, Some(first_of("2100")));
    }
}

fn suspicious(authority: &Authority, version: &'static SupportedProtocolVersion) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = Arc::new(authority.roots());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider)).build().unwrap();
    let (certificate, key) = authority.certify(NAME, 2100);
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

fn tcp(host: &str, server: SocketAddr) -> Settings {
    Settings::Tcp(TcpSettings {
        host: host.to_owned(),
        port: server.port(),
        tls: true,
        send: Some("PING".to_owned()),
        expect: Some("PONG".to_owned()),
    })
}

#[tokio::test]
async fn tcp_over_tls_offers_no_protocol_and_wants_a_valid_certificate() {
    let authority = Authority::new();
    let mut other = settings(&authority, NAME, 2100);
    // Would end a handshake that offers HTTP.
    other.alpn_protocols = vec![b"imap".to_vec()];
    let server = serve(other, |mut tls| async move {
        let mut asked = [0; 4];
        tls.read_exact(&mut asked).await.unwrap();
        let _ = tls.write_all(b"+PONG").await;
        mute(tls).await;
    })
    .await;
    let outcome = check(&trusting(authority.roots()), tcp(NAME, server)).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None));
    assert_eq!(outcome.certificate_expires_at, Some(first_of("2100")));
    assert!(outcome.phases.tls_ms.is_some() && outcome.phases.first_byte_ms.is_some());
    let (friend, stranger) = (trusting(authority.roots()), trusting(Authority::new().roots()));
    for (egress, host, failure) in [
        (friend, "www.localhost", FailureClass::CertificateWrongName),
        (stranger, NAME, FailureClass::CertificateUntrusted),
    ] {
        let outcome = check(&egress, tcp(host, server)).await;
        assert_eq!(outcome.failure, Some(failure), "{host}");
    }
}

#[tokio::test]
async fn a_secure_websocket_opens() {
    let authority = Authority::new();
    let server = serve(settings(&authority, NAME, 2100), |tls| async move {
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let mut socket = tokio_tungstenite::accept_async(tls).await.unwrap();
        let _ = futures_util::StreamExt::next(&mut socket).await;
    })
    .await;
    let url = format!("wss://{NAME}:{}/", server.port());
    let socket =
        || Settings::Websocket(WebsocketSettings { url: url.clone(), ..WebsocketSettings::default() });
    let outcome = check(&trusting(authority.roots()), socket()).await;
    assert_eq!((outcome.status, outcome.failure, outcome.status_code), (CheckStatus::Up, None, Some(101)));
    assert_eq!(outcome.certificate_expires_at, Some(first_of("2100")));
    let outcome = check(&trusting(Authority::new().roots()), socket()).await;
    assert_eq!(outcome.failure, Some(FailureClass::CertificateUntrusted));
}

#[tokio::test]
async fn grpc_over_tls_speaks_http_2_or_nothing() {
    let authority = Authority::new();
    let serving = |protocols: &[&[u8]]| {
        let mut settings = settings(&authority, NAME, 2100);
        settings.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        serve(settings, |tls| async move {
            let Ok(mut connection) = h2::server::handshake(tls).await else { return };
            while let Some(Ok((_, mut reply))) = connection.accept().await {
                let head = http::Response::builder().header("content-type", "application/grpc+proto");
                let mut stream = reply.send_response(head.body(()).unwrap(), false).unwrap();
                stream.send_data(bytes::Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1]), false).unwrap();
                let status = ("grpc-status".parse().unwrap(), "0".parse().unwrap());
                stream.send_trailers(http::HeaderMap::from_iter([status])).unwrap();
            }
        })
    };
    let egress = trusting(authority.roots());
    let grpc = |port| {
        let service = "a.Shop".to_owned();
        Settings::Grpc(GrpcSettings { host: NAME.to_owned(), port, tls: true, service })
    };
    let server = serving(&[b"h2"]).await;
    let outcome = check(&egress, grpc(server.port())).await;
    assert_eq!((outcome.status, outcome.failure), (CheckStatus::Up, None));
    assert_eq!(outcome.certificate_expires_at, Some(first_of("2100")));
    let refused = Some(FailureClass::HandshakeRefused);
    let older = serving(&[b"http/1.1"]).await;
    assert_eq!(check(&egress, grpc(older.port())).await.failure, refused, "another protocol");
    let silent = serving(&[]).await;
    assert_eq!(check(&egress, grpc(silent.port())).await.failure, refused, "no protocol was chosen");
}
