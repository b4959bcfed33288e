//! A certificate that has to be valid for so many days more. It is read whatever is wrong with it, so that the reason
//! is the right one.

use domain::check::FailureClass;
use domain::monitor::TlsCertificateSettings;

use crate::probe::{Probe, Stop, judge_end};
use crate::tls::{Seen, certificate_class};

pub(crate) async fn check(probe: &mut Probe<'_>, settings: &TlsCertificateSettings) -> Result<(), Stop> {
    let place = probe.place(&settings.host, settings.port)?;
    let tcp = probe.connect(&place, settings.port).await?;
    let (connector, recorder) = probe.inner.tls.reading().map_err(|_| Stop::unknown(None))?;
    let handshake = probe.handshake(&place, tcp, &connector).await.map_err(Stop::from);
    // A server that ends the handshake after showing its certificate, because it wants one of ours, has shown it.
    let Some(seen) = recorder.seen() else {
        return Err(handshake.err().unwrap_or(Stop::down(FailureClass::TlsFailed)));
    };
    if let Err(stop) = &handshake
        && stop.failure() != Some(FailureClass::TlsFailed)
    {
        return Err(*stop);
    }
    probe.sight.certificate_expires_at = seen.ends_at;
    judge(&seen, settings)
}

/// Expired comes first: it is true whoever signed it and whatever the name.
fn judge(seen: &Seen, settings: &TlsCertificateSettings) -> Result<(), Stop> {
    let ends_at = seen.ends_at.ok_or(Stop::down(FailureClass::CertificateInvalid))?;
    if ends_at <= seen.now {
        return Err(Stop::down(FailureClass::CertificateExpired));
    }
    if let Err(error) = &seen.verdict {
        return Err(Stop::down(match error {
            rustls::Error::InvalidCertificate(reason) => match certificate_class(reason) {
                // The certificate itself has not expired, so it is another one of the chain that has.
                FailureClass::CertificateExpired => FailureClass::CertificateUntrusted,
                class => class,
            },
            _ => FailureClass::CertificateInvalid,
        }));
    }
    let classes = (FailureClass::CertificateExpiring, FailureClass::CertificateExpired);
    judge_end(ends_at, seen.now, (settings.warn_days, settings.fail_days), classes)
}
