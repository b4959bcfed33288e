//! Reading an answer: bodies up to a cap, errors as classes.

use std::error::Error as _;
use std::io;

use bytes::Bytes;
use domain::check::FailureClass;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::link::USED_UP;

/// Reads to the end or to the cap, whichever comes first, and says whether it was the cap. Keeps what it reads only
/// where `kept` is.
pub(super) async fn read_body(
    mut body: Incoming,
    cap_bytes: usize,
    mut kept: Option<&mut Vec<u8>>,
) -> Result<bool, FailureClass> {
    let mut left_bytes = cap_bytes;
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) if is_used_up(&error) => return Ok(true),
            Err(error) => return Err(answer_failure(&error)),
        };
        let Some(data) = frame.data_ref() else { continue };
        if let Some(kept) = &mut kept {
            kept.extend(data.iter().take(left_bytes));
        }
        left_bytes = left_bytes.saturating_sub(data.len());
        if left_bytes == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn answer_failure(error: &hyper::Error) -> FailureClass {
    let io = io_error(error);
    let tls: Option<&rustls::Error> = io.and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref());
    // HTTP/2 passes on no more than the kind, which nothing but TLS uses.
    let is_http2 = error.source().and_then(|source| source.downcast_ref::<h2::Error>()).is_some();
    let is_tls = tls.is_some() || (is_http2 && io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData));
    if error.is_parse_too_large() || is_used_up(error) {
        FailureClass::AnswerTooLarge
    } else if is_tls {
        // A server that wants a certificate of ours says so after the handshake.
        FailureClass::TlsFailed
    } else {
        FailureClass::ProtocolError
    }
}

fn is_used_up(error: &hyper::Error) -> bool {
    io_error(error).is_some_and(|error| error.kind() == USED_UP)
}

fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    let source = error.source()?;
    source.downcast_ref().or_else(|| source.downcast_ref::<h2::Error>().and_then(h2::Error::get_io))
}

/// What a request carries, if anything.
pub(super) type RequestBody = http_body_util::Full<Bytes>;
