//! What all kinds have in common: one deadline around everything, connections over [`crate::visit`], and an outcome that holds no byte of the answer (T-01, T-19, T-24).

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use domain::check::{CheckJob, CheckStatus, FailureClass, Outcome};
use domain::monitor::{Secrets, Settings};
use domain::time::{DAY_MS, Timestamp};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::clock::Clock;
use crate::connect::{ConnectError, Sight, add, expires_at, server_name, tls_error};
use crate::link::Stream;
use crate::target::Place;
use crate::tls::Offer;
use crate::turns::{Turn, Who};
use crate::{Inner, dns, domain_expiry, grpc, http, icmp, tcp, tls_certificate, websocket};

/// What is read of one answer, unless a kind says otherwise.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Mail between servers, and no port at all: never a target, whatever is spoken (T-01).
pub(crate) const REFUSED_PORTS: [u16; 4] = [0, 25, 465, 587];

/// Why a check did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop {
    status: CheckStatus,
    failure: Option<FailureClass>,
}

impl Stop {
    pub(crate) const fn down(failure: FailureClass) -> Self {
        Self { status: CheckStatus::Down, failure: Some(failure) }
    }

    pub(crate) const fn degraded(failure: FailureClass) -> Self {
        Self { status: CheckStatus::Degraded, failure: Some(failure) }
    }

    /// We cannot tell anything about the target, and perhaps why.
    pub(crate) const fn unknown(failure: Option<FailureClass>) -> Self {
        Self { status: CheckStatus::NoData, failure }
    }

    /// The same failure, when it says nothing about what is watched.
    pub(crate) const fn into_unknown(self) -> Self {
        Self::unknown(self.failure)
    }

    pub(crate) const fn failure(self) -> Option<FailureClass> {
        self.failure
    }
}

/// Refused and unreachable are one class, so that the answer is no map of a private network.
impl From<ConnectError> for Stop {
    fn from(error: ConnectError) -> Self {
        Self::down(match error {
            ConnectError::Refused | ConnectError::Unreachable => FailureClass::ConnectionFailed,
            ConnectError::Dns => FailureClass::DnsFailed,
            ConnectError::Tls => FailureClass::TlsFailed,
            ConnectError::Protocol => FailureClass::HandshakeRefused,
            ConnectError::Certificate(class) => class,
            ConnectError::Local => return Self::unknown(None),
            ConnectError::Busy => return Self::unknown(Some(FailureClass::TooManyChecks)),
            ConnectError::OptedOut => return Self::unknown(Some(FailureClass::OptedOut)),
        })
    }
}

/// One check under way.
pub(crate) struct Probe<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) secrets: Option<&'a Secrets>,
    pub(crate) sight: Sight,
    pub(crate) status_code: Option<u16>,
    /// When all that the target had to say had been read; to compare it takes our time, not the target's.
    pub(crate) answered: Option<Instant>,
    /// To connect, all attempts together; shown once there is a connection.
    pub(crate) connect_ms: Option<u32>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) who: Who,
    /// What is left of the time to wait for turns.
    pub(crate) patience: Duration,
    /// At the hosts of the connection.
    pub(crate) turns: Vec<Turn<'a>>,
    /// Whether owners may refuse to be checked. A registry is no target of anybody.
    pub(crate) asks_leave: bool,
}

/// Runs one check of any kind.
pub(crate) async fn run(inner: &Inner, job: &CheckJob) -> Outcome {
    let clock = Arc::new(Clock::start(Duration::from_millis(job.timeout_ms.into())));
    let is_domain = matches!(job.settings, Some(Settings::DomainExpiry(_)));
    let mut probe = Probe {
        inner,
        secrets: job.secrets.as_ref(),
        sight: Sight::default(),
        status_code: None,
        answered: None,
        connect_ms: None,
        clock: Arc::clone(&clock),
        who: Who { organization: job.organization_id, monitor: job.monitor_id },
        patience: Duration::from_millis(job.patience_ms.into()),
        turns: Vec::new(),
        asks_leave: !is_domain,
    };
    let end = {
        // Pinned here, because a future that is handed on is held twice.
        let visit = pin!(probe.visit(job));
        clock.limit(visit).await
    };
    let end = end.unwrap_or(Err(Stop::down(FailureClass::TimedOut)));
    let end = if is_domain { end.map_err(domain_expiry::about_the_domain) } else { end };
    probe.outcome(end)
}

impl<'a> Probe<'a> {
    async fn visit(&mut self, job: &'a CheckJob) -> Result<(), Stop> {
        let Some(settings) = &job.settings else { return http::check(self, job, None).await };
        match settings {
            Settings::Http(settings) => http::check(self, job, Some(settings)).await,
            // Nobody is asked.
            Settings::Heartbeat(_) | Settings::Manual => Err(Stop::unknown(None)),
            Settings::Tcp(settings) => tcp::check(self, settings).await,
            Settings::Dns(settings) => dns::check(self, settings).await,
            Settings::Icmp(settings) => icmp::check(self, settings).await,
            Settings::TlsCertificate(settings) => tls_certificate::check(self, settings).await,
            Settings::DomainExpiry(settings) => domain_expiry::check(self, settings).await,
            Settings::Websocket(settings) => websocket::check(self, settings).await,
            Settings::Grpc(settings) => grpc::check(self, settings).await,
        }
    }

    /// Where a host of the settings is, read by the rules.
    pub(crate) fn place(&mut self, host: &str, port: u16) -> Result<Place, Stop> {
        if REFUSED_PORTS.contains(&port) {
            return Err(self.refused());
        }
        self.inner.rules.host(host).map_err(|_| self.refused())
    }

    /// The rules refuse the target as it is written. That fails without any network, so no failure of ours explains it.
    pub(crate) const fn refused(&mut self) -> Stop {
        self.sight.is_inside = true;
        Stop::down(FailureClass::ConnectionFailed)
    }

    /// Connects, and shakes hands when `tls` says what to offer.
    pub(crate) async fn open(
        &mut self,
        place: &Place,
        port: u16,
        tls: Option<Offer>,
    ) -> Result<Stream, ConnectError> {
        let tcp = self.connect(place, port).await?;
        let Some(offer) = tls else { return Ok(Stream::Plain(tcp)) };
        let connector = self.inner.tls.offering(offer);
        let stream = self.handshake(place, tcp, connector).await?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        self.sight.certificate_expires_at = certificates.first().and_then(|shown| expires_at(shown));
        Ok(Stream::Tls(Box::new(stream)))
    }

    pub(crate) async fn handshake(
        &mut self,
        place: &Place,
        tcp: TcpStream,
        connector: &TlsConnector,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let started = Instant::now();
        let stream = connector.connect(server_name(place)?, tcp).await;
        let stream = stream.map_err(|error| tls_error(&error, &mut self.sight))?;
        add(&mut self.sight.phases.tls_ms, started);
        Ok(stream)
    }

    /// So far, or until all was read that there was to read.
    pub(crate) fn took_ms(&self) -> u32 {
        let ended = self.answered.unwrap_or_else(Instant::now);
        u32::try_from(self.clock.passed(ended).as_millis()).unwrap_or(u32::MAX)
    }

    fn outcome(self, end: Result<(), Stop>) -> Outcome {
        let (status, failure) = match end {
            Ok(()) => (CheckStatus::Up, None),
            Err(stop) => (stop.status, stop.failure),
        };
        Outcome {
            status,
            failure,
            status_code: self.status_code,
            response_time_ms: (status != CheckStatus::NoData).then(|| self.took_ms()),
            phases: self.sight.phases,
            certificate_expires_at: self.sight.certificate_expires_at,
            is_inside: self.sight.is_inside,
        }
    }
}

/// How something that ends stands at `now`: ended, or fewer days left than the owner allows.
pub(crate) fn judge_end(
    end: Timestamp,
    now: Timestamp,
    days: (u16, u16),
    classes: (FailureClass, FailureClass),
) -> Result<(), Stop> {
    let (warn_days, fail_days) = days;
    let (expiring, expired) = classes;
    let left_ms = end.since(now);
    if left_ms <= 0 {
        Err(Stop::down(expired))
    } else if left_ms < i64::from(fail_days) * DAY_MS {
        Err(Stop::down(expiring))
    } else if left_ms < i64::from(warn_days) * DAY_MS {
        Err(Stop::degraded(expiring))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_left_are_compared_with_both_limits() {
        let classes = (FailureClass::DomainExpiring, FailureClass::DomainExpired);
        let judge = |left_ms: i64| {
            let now = Timestamp::from_ms(1_795_428_131_000);
            judge_end(now.plus_ms(left_ms), now, (30, 7), classes)
        };
        for (left_ms, expected) in [
            (30 * DAY_MS, Ok(())),
            (30 * DAY_MS - 1, Err(Stop::degraded(FailureClass::DomainExpiring))),
            (7 * DAY_MS, Err(Stop::degraded(FailureClass::DomainExpiring))),
            (7 * DAY_MS - 1, Err(Stop::down(FailureClass::DomainExpiring))),
            (1, Err(Stop::down(FailureClass::DomainExpiring))),
            (0, Err(Stop::down(FailureClass::DomainExpired))),
            (-1, Err(Stop::down(FailureClass::DomainExpired))),
            (i64::MIN, Err(Stop::down(FailureClass::DomainExpired))),
        ] {
            assert_eq!(judge(left_ms), expected, "{left_ms}");
        }
    }
}
