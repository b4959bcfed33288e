//! A server of each protocol on this machine, which does what a script says.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::monitor::{
    DnsSettings, DomainExpirySettings, GrpcSettings, IcmpSettings, Settings, TcpSettings,
    TlsCertificateSettings, WebsocketSettings,
};
use domain::time::DAY_MS;
use egress::EgressConfig;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Response};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

/// Above this an answer is slow.
pub(crate) const SLOW_ABOVE_MS: i32 = 150;
const SLOWLY: Duration = Duration::from_millis(350);
/// Public, assigned to nobody: nothing answers there.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

/// What a target does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Up,
    Degraded,
    Down,
}

/// Held by a target and by whoever directs it.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<Stage>>);

impl Script {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Stage::Up)))
    }

    pub(crate) fn says(&self, stage: Stage) {
        *self.0.lock().unwrap() = stage;
    }

    fn stage(&self) -> Stage {
        *self.0.lock().unwrap()
    }

    /// Waits as long as a slow server does.
    async fn takes_its_time(&self) -> Stage {
        let stage = self.stage();
        if stage == Stage::Degraded {
            tokio::time::sleep(SLOWLY).await;
        }
        stage
    }
}

/// What is watched: the URL of HTTP, settings, and the script of the server.
pub(crate) struct Scripted {
    pub(crate) url: String,
    pub(crate) settings: Settings,
    pub(crate) script: Script,
}

/// Servers that all targets share: names, registrations, and whom certificates are trusted from.
pub(crate) struct Theatre {
    names: Names,
    registry: Registry,
    authority: Arc<CertifiedIssuer<'static, KeyPair>>,
}

type Names = (SocketAddr, Arc<Mutex<HashMap<String, Script>>>);
type Registry = (SocketAddr, Arc<Mutex<HashMap<String, Script>>>);

impl Theatre {
    pub(crate) async fn set() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { names: names().await, registry: registry().await, authority: Arc::new(authority) }
    }

    pub(crate) fn rules(&self) -> EgressConfig {
        EgressConfig {
            allow_cidrs: ["127.0.0.0/8", "203.0.113.0/24"].map(|net| net.parse().unwrap()).to_vec(),
            resolver: Some(self.names.0),
            rdap_base: Some(format!("http://{}/domain/", self.registry.0)),
            extra_roots: vec![self.authority.der().clone()],
            ..EgressConfig::default()
        }
    }

    /// One target of each kind that is asked over the network; `name` is part of its names.
    pub(crate) async fn targets(&self, name: &str) -> Vec<Scripted> {
        vec![
            http_target().await,
            tcp_target().await,
            self.dns_target(name),
            self.icmp_target(name),
            self.tls_target().await,
            self.domain_target(name),
            websocket_target().await,
            grpc_target().await,
        ]
    }

    fn named(&self, name: String) -> (String, Script) {
        let script = Script::new();
        self.names.1.lock().unwrap().insert(name.clone(), script.clone());
        (name, script)
    }

    fn dns_target(&self, name: &str) -> Scripted {
        let (name, script) = self.named(format!("dns-{name}.example.com"));
        let settings = DnsSettings {
            name,
            expected: vec!["127.0.0.1".into()],
            resolver: Some(self.names.0.to_string()),
            ..DnsSettings::default()
        };
        of(Settings::Dns(settings), script)
    }

    fn icmp_target(&self, name: &str) -> Scripted {
        let (host, script) = self.named(format!("icmp-{name}.example.com"));
        of(Settings::Icmp(IcmpSettings { host }), script)
    }

    fn domain_target(&self, name: &str) -> Scripted {
        let (domain, script) = (format!("{name}.example.com"), Script::new());
        self.registry.1.lock().unwrap().insert(domain.clone(), script.clone());
        of(Settings::DomainExpiry(DomainExpirySettings { domain, ..DomainExpirySettings::default() }), script)
    }

    /// Its certificate ends later than any warning, in ten days, or tomorrow.
    async fn tls_target(&self) -> Scripted {
        let ends = [(Stage::Up, 60), (Stage::Degraded, 10), (Stage::Down, 1)];
        let acceptors = ends.map(|(stage, days)| (stage, self.acceptor(days)));
        let (address, script) = serve(move |stream, script| {
            let acceptor = acceptors.iter().find(|(stage, _)| *stage == script.stage()).unwrap().1.clone();
            async move {
                if let Ok(mut tls) = acceptor.accept(stream).await {
                    let _ = tls.read(&mut [0; 16]).await;
                }
            }
        })
        .await;
        let settings = TlsCertificateSettings {
            host: "127.0.0.1".into(),
            port: address.port(),
            ..TlsCertificateSettings::default()
        };
        of(Settings::TlsCertificate(settings), script)
    }

    fn acceptor(&self, days: i64) -> TlsAcceptor {
        let end = day(days);
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.not_after =
            rcgen::date_time_ymd(i32::from(end.year()), end.month().unsigned_abs(), end.day().unsigned_abs());
        let key = KeyPair::generate().unwrap();
        let certificate: CertificateDer<'static> =
            params.signed_by(&key, &self.authority).unwrap().der().clone();
        let settings = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        TlsAcceptor::from(Arc::new(settings))
    }
}

fn of(settings: Settings, script: Script) -> Scripted {
    Scripted { url: String::new(), settings, script }
}

/// So many days from today.
fn day(days: i64) -> jiff::civil::Date {
    testkit::wall_clock().plus_ms(days * DAY_MS).to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Runs `talk` with every connection to a port of its own.
async fn serve<S>(talk: impl Fn(TcpStream, Script) -> S + Send + 'static) -> (SocketAddr, Script)
where
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, script) = (listener.local_addr().unwrap(), Script::new());
    let held = script.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, held.clone()));
        }
    });
    (address, script)
}

async fn http_target() -> Scripted {
    let (address, script) = serve(|mut stream, script| async move {
        let head = read_head(&mut stream).await;
        assert!(head.starts_with("GET /health HTTP/1.1\r\n"), "{head}");
        let status = match script.takes_its_time().await {
            Stage::Down => "503 Service Unavailable",
            Stage::Up | Stage::Degraded => "200 OK",
        };
        answer(&mut stream, status, "fine").await;
    })
    .await;
    Scripted { url: format!("http://{address}/health"), settings: Settings::default(), script }
}

async fn tcp_target() -> Scripted {
    let (address, script) = serve(|mut stream, script| async move {
        let said = match script.takes_its_time().await {
            Stage::Down => "busy\r\n",
            Stage::Up | Stage::Degraded => "ready\r\n",
        };
        let _ = stream.write_all(said.as_bytes()).await;
    })
    .await;
    let settings = TcpSettings {
        host: "127.0.0.1".into(),
        port: address.port(),
        expect: Some("ready".into()),
        ..TcpSettings::default()
    };
    of(Settings::Tcp(settings), script)
}

async fn websocket_target() -> Scripted {
    let (address, script) = serve(|mut stream, script| async move {
        let stage = script.takes_its_time().await;
        if stage == Stage::Down {
            read_head(&mut stream).await;
            answer(&mut stream, "503 Service Unavailable", "").await;
            return;
        }
        let Ok(mut socket) = accept_async(stream).await else { return };
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() {
                let _ = socket.send(Message::text("pong")).await;
            }
        }
    })
    .await;
    let settings = WebsocketSettings {
        url: format!("ws://{address}/socket"),
        send: Some("ping".into()),
        expect: Some("pong".into()),
        ..WebsocketSettings::default()
    };
    of(Settings::Websocket(settings), script)
}

/// Status 1 of the health protocol is SERVING, 2 is `NOT_SERVING`.
async fn grpc_target() -> Scripted {
    let (address, script) = serve(|stream, script| async move {
        let Ok(mut connection) = h2::server::handshake(stream).await else { return };
        while let Some(Ok((_, mut reply))) = connection.accept().await {
            let status = if script.takes_its_time().await == Stage::Down { 2 } else { 1 };
            let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
            let Ok(mut stream) = reply.send_response(head, false) else { return };
            let _ = stream.send_data(Bytes::from(vec![0, 0, 0, 0, 2, 0x08, status]), false);
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            let _ = stream.send_trailers(trailers);
        }
    })
    .await;
    let settings = GrpcSettings { host: "127.0.0.1".into(), port: address.port(), ..GrpcSettings::default() };
    of(Settings::Grpc(settings), script)
}

/// A registry that tells of each domain when it ends: in 200 days, 20 or 2.
async fn registry() -> Registry {
    let scripts = Arc::new(Mutex::new(HashMap::<String, Script>::new()));
    let known = Arc::clone(&scripts);
    let (address, _) = serve(move |mut stream, _| {
        let known = Arc::clone(&known);
        async move {
            let head = read_head(&mut stream).await;
            let domain = head.split(' ').nth(1).unwrap().rsplit('/').next().unwrap().to_owned();
            let stage = known.lock().unwrap()[&domain].stage();
            let end = day(match stage {
                Stage::Up => 200,
                Stage::Degraded => 20,
                Stage::Down => 2,
            });
            let event = format!(r#"{{"eventAction":"expiration","eventDate":"{end}T00:00:00Z"}}"#);
            answer(&mut stream, "200 OK", &format!(r#"{{"events":[{event}]}}"#)).await;
        }
    })
    .await;
    (address, scripts)
}

/// A name server for A records. Names lead to this machine, late where that is the script, and nowhere when they are
/// down; a name that is looked up for its own sake does not exist then.
async fn names() -> Names {
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let address = socket.local_addr().unwrap();
    let scripts = Arc::new(Mutex::new(HashMap::<String, Script>::new()));
    let known = Arc::clone(&scripts);
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let (name, kind, end) = question(&buffer[..length]);
            let (question, socket) = (buffer[..end].to_vec(), Arc::clone(&socket));
            let script = known.lock().unwrap().get(&name).cloned();
            tokio::spawn(async move {
                let records = match script {
                    Some(script) if kind == 1 => match script.takes_its_time().await {
                        Stage::Down if name.starts_with("dns-") => None,
                        Stage::Down => Some(NOWHERE),
                        Stage::Up | Stage::Degraded => Some(Ipv4Addr::LOCALHOST),
                    },
                    _ => None,
                };
                let _ = socket.send_to(&reply(question, records), from).await;
            });
        }
    });
    (address, scripts)
}

/// Name, record type and end of the question.
fn question(query: &[u8]) -> (String, u16, usize) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..=at + length].to_vec()).unwrap().to_lowercase());
        at += length + 1;
    }
    (labels.join("."), u16::from_be_bytes([query[at + 1], query[at + 2]]), at + 5)
}

/// With TTL 0, so that every check asks again.
fn reply(question: Vec<u8>, address: Option<Ipv4Addr>) -> Vec<u8> {
    let mut reply = question;
    reply[2..4].copy_from_slice(&[0x81, 0x80]);
    reply[4..12].copy_from_slice(&[0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    if let Some(address) = address {
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        reply.extend(address.octets());
    }
    reply
}

async fn read_head(stream: &mut TcpStream) -> String {
    let (mut head, mut bytes) = (Vec::new(), [0; 512]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut bytes).await {
            Ok(read) if read > 0 => head.extend_from_slice(&bytes[..read]),
            _ => break,
        }
    }
    String::from_utf8(head).unwrap()
}

async fn answer(stream: &mut TcpStream, status: &str, body: &str) {
    let text =
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}
