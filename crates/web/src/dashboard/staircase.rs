//! How far a check came: the phases that took time, the one that failed, and those that were not reached.

use domain::check::{FailureClass, Phases};

use crate::view::dashboard::staircase::{Phase, Reached};

/// The staircase: what was reached took its time, the first thing that was not is where it failed.
pub(crate) fn of(is_tls: bool, failure: Option<FailureClass>, took: Phases) -> Vec<Phase> {
    let names = ["DNS", "TCP connect", "TLS handshake", "First byte"];
    let Phases { dns_ms, connect_ms, tls_ms, first_byte_ms } = took;
    let failed = failure.map(|class| match failed_phase(class, took) {
        // Without TLS it is the answer that was not of this protocol.
        2 if !is_tls => 3,
        at => at,
    });
    names
        .into_iter()
        .zip([dns_ms, connect_ms, tls_ms, first_byte_ms])
        .enumerate()
        .map(|(index, (name, took))| {
            let outcome = match (took, failed) {
                (_, Some(at)) if at == index => {
                    Reached::Failed(failure.map(short).unwrap_or_default().to_owned())
                }
                (_, Some(at)) if at < index => Reached::Skipped,
                _ if index == 2 && !is_tls => Reached::Skipped,
                (Some(ms), _) => Reached::Took(ms),
                (None, _) => Reached::Skipped,
            };
            Phase { name, outcome }
        })
        .collect()
}

/// Index of the phase in which a failure of this class happens; 4: after all of them.
const fn failed_phase(class: FailureClass, took: Phases) -> usize {
    use FailureClass as F;
    match class {
        F::DnsFailed => 0,
        F::ConnectionFailed => 1,
        F::TlsFailed
        | F::HandshakeRefused
        | F::CertificateInvalid
        | F::CertificateExpired
        | F::CertificateUntrusted
        | F::CertificateWrongName => 2,
        F::TimedOut if took.dns_ms.is_none() && took.connect_ms.is_none() => 0,
        F::TimedOut if took.connect_ms.is_none() => 1,
        F::TimedOut | F::ProtocolError => 3,
        _ => 4,
    }
}

const fn short(class: FailureClass) -> &'static str {
    use FailureClass as F;
    match class {
        F::DnsFailed => "the name is not known",
        F::ConnectionFailed => "no connection",
        F::TlsFailed | F::HandshakeRefused => "the handshake failed",
        F::CertificateInvalid => "the certificate is not valid",
        F::CertificateExpired => "the certificate has expired",
        F::CertificateUntrusted => "nobody we trust signed the certificate",
        F::CertificateWrongName => "the certificate is for other names",
        F::TimedOut => "no answer in time",
        F::ProtocolError => "the answer was not HTTP",
        _ => "",
    }
}
