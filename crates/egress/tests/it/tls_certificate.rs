//! Certificates as everybody's installation sees them: with the public roots. Those that are trusted are tested inside
//! the crate, because nobody outside may choose the roots.

use std::net::SocketAddr;
use std::sync::Arc;

use domain::check::{CheckStatus, FailureClass, Outcome};
use domain::monitor::{Settings, TlsCertificateSettings};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::support::{check_kind, closed_port, flooding_server, resetting_server, serve, silent_server};

/// As `rcgen` makes them, or as an authority, which is what `openssl req -x509` makes.
async fn self_signed(until: i32, is_authority: bool) -> SocketAddr {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    if is_authority {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    serve("127.0.0.1", move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(mut tls) = acceptor.accept(stream).await {
                let _ = tls.read(&mut [0; 16]).await;
            }
        }
    })
    .await
}

async fn check(port: u16) -> Outcome {
    let host = "127.0.0.1".to_owned();
    check_kind(Settings::TlsCertificate(TlsCertificateSettings {
        host,
        port,
        ..TlsCertificateSettings::default()
    }))
    .await
}

fn down(outcome: &Outcome) -> Option<FailureClass> {
    assert_eq!(outcome.status, CheckStatus::Down, "{outcome:?}");
    outcome.failure
}

#[tokio::test]
async fn a_certificate_that_nobody_signed_is_read_and_untrusted() {
    for is_authority in [false, true] {
        for (until, expected) in
            [(2100, FailureClass::CertificateUntrusted), (2020, FailureClass::CertificateExpired)]
        {
            let outcome = check(self_signed(until, is_authority).await.port()).await;
            assert_eq!(down(&outcome), Some(expected), "{until}, an authority: {is_authority}");
            let ends_at = outcome.certificate_expires_at.unwrap().to_string();
            assert_eq!(ends_at, format!("{until}-01-01T00:00:00.000Z"));
        }
    }
}

#[tokio::test]
async fn servers_without_a_certificate_end_in_time() {
    assert_eq!(down(&check(closed_port().await).await), Some(FailureClass::ConnectionFailed));
    assert_eq!(down(&check(silent_server().await.port()).await), Some(FailureClass::TimedOut));
    for reads in [false, true] {
        let outcome = check(resetting_server(reads).await.port()).await;
        assert_eq!(down(&outcome), Some(FailureClass::TlsFailed), "reset, after reading: {reads}");
    }
    let (flood, _) = flooding_server(b"SSH-2.0-OpenSSH_9.2\r\n", b"hello\r\n").await;
    let outcome = check(flood.port()).await;
    assert_eq!((down(&outcome), outcome.certificate_expires_at), (Some(FailureClass::TlsFailed), None));
    let stalling = serve("127.0.0.1", |mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(&[0x16, 3, 3, 0x40, 0]).await;
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    })
    .await;
    assert_eq!(down(&check(stalling.port()).await), Some(FailureClass::TimedOut));
}
