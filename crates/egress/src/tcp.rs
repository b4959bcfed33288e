//! A TCP port that has to accept, and perhaps to say something.

use std::io;

use domain::check::FailureClass;
use domain::monitor::TcpSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::connect::add;
use crate::link::{Link, USED_UP};
use crate::probe::{MAX_ANSWER_BYTES, Probe, Stop};
use crate::tls::{Offer, Protocol};

pub(crate) async fn check(probe: &mut Probe<'_>, settings: &TcpSettings) -> Result<(), Stop> {
    let place = probe.place(&settings.host, settings.port)?;
    let offer = settings.tls.then_some(Offer::of(Protocol::None));
    let stream = probe.open(&place, settings.port, offer).await?;
    let mut link = Link::new(stream, MAX_ANSWER_BYTES);
    let started = Instant::now();
    if let Some(text) = &settings.send {
        link.write_all(text.as_bytes()).await.map_err(|error| broken(&error))?;
        link.flush().await.map_err(|error| broken(&error))?;
    }
    match &settings.expect {
        Some(expect) if !expect.is_empty() => read_until(probe, &mut link, expect.as_bytes(), started).await,
        _ => Ok(()),
    }
}

/// Reads until `wanted` came, to the end or to the cap. Keeps nothing.
async fn read_until(
    probe: &mut Probe<'_>,
    link: &mut Link,
    wanted: &[u8],
    started: Instant,
) -> Result<(), Stop> {
    let mut answer = Vec::new();
    loop {
        // What was looked through before can only be the beginning of a match.
        let seen = answer.len().saturating_sub(wanted.len().saturating_sub(1));
        let read = match link.read_buf(&mut answer).await {
            Ok(read) => read,
            Err(error) if error.kind() == USED_UP => return Err(unexpected()),
            Err(error) => return Err(broken(&error)),
        };
        if probe.sight.phases.first_byte_ms.is_none() && read > 0 {
            add(&mut probe.sight.phases.first_byte_ms, started);
        }
        if answer.get(seen..).is_some_and(|fresh| fresh.windows(wanted.len()).any(|part| part == wanted)) {
            return Ok(());
        }
        if read == 0 {
            let is_silent = answer.is_empty();
            return Err(if is_silent { Stop::down(FailureClass::ProtocolError) } else { unexpected() });
        }
    }
}

const fn unexpected() -> Stop {
    Stop::down(FailureClass::UnexpectedAnswer)
}

/// A server that wants a certificate of ours says so after the handshake.
fn broken(error: &io::Error) -> Stop {
    let tls: Option<&rustls::Error> = error.get_ref().and_then(|inner| inner.downcast_ref());
    Stop::down(if tls.is_some() { FailureClass::TlsFailed } else { FailureClass::ProtocolError })
}
