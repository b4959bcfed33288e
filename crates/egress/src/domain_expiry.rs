//! A domain that has to stay registered for so many days more, asked for by RDAP (RFC 9082, RFC 9083).

use domain::check::FailureClass;
use domain::monitor::DomainExpirySettings;
use domain::time::Timestamp;
use serde_json::Value;

use crate::Inner;
use crate::fetch::{Answer, get};
use crate::probe::{Probe, Stop, judge_end};
use crate::target::{Target, TargetError};
use crate::tls;

/// Sends each question on to the server of the registry, by the list of IANA.
pub(crate) const DEFAULT_BASE: &str = "https://rdap.org/domain/";
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Where a domain is asked for.
pub(crate) fn target(inner: &Inner, settings: &DomainExpirySettings) -> Result<Target, TargetError> {
    let domain = inner.rules.plain_name(&settings.domain)?;
    inner.rules.parse(&format!("{}/{domain}", inner.rdap_base.trim_end_matches('/')))
}

pub(crate) async fn check(probe: &mut Probe<'_>, settings: &DomainExpirySettings) -> Result<(), Stop> {
    let target = target(probe.inner, settings).map_err(|_| probe.refused())?;
    let answer = get(probe, target, "application/rdap+json", MAX_BODY_BYTES).await;
    // It is the registry's, not that of the domain.
    probe.sight.certificate_expires_at = None;
    let end = expiration(&answer?)?;
    let classes = (FailureClass::DomainExpiring, FailureClass::DomainExpired);
    judge_end(end, tls::now(), (settings.warn_days, settings.fail_days), classes)
}

/// That a registry does not answer, or not in a way we understand, says nothing about the domain.
pub(crate) const fn about_the_domain(stop: Stop) -> Stop {
    match stop.failure() {
        Some(FailureClass::DomainExpiring | FailureClass::DomainExpired | FailureClass::DomainUnknown) => {
            stop
        }
        _ => stop.into_unknown(),
    }
}

fn expiration(answer: &Answer) -> Result<Timestamp, Stop> {
    match answer.status {
        200 => {}
        404 => return Err(Stop::down(FailureClass::DomainUnknown)),
        _ => return Err(Stop::down(FailureClass::UnexpectedStatus)),
    }
    let answer: Value =
        serde_json::from_slice(&answer.body).map_err(|_| Stop::down(FailureClass::ProtocolError))?;
    let events = answer.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let dates = events.iter().filter_map(|event| {
        let action = event.get("eventAction")?.as_str()?;
        action.eq_ignore_ascii_case("expiration").then(|| instant(event.get("eventDate")?.as_str()?))?
    });
    dates.max().ok_or(Stop::down(FailureClass::DomainUnknown))
}

/// RFC 3339, but some registries leave out the zone or the time.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let ways = [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")];
    ways.iter().find_map(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Timestamp, Option<FailureClass>> {
        let answer = Answer { status, body: body.as_bytes().to_vec() };
        expiration(&answer).map_err(Stop::failure)
    }

    #[test]
    fn the_end_of_a_registration_is_the_event_of_that_name() {
        let body = |date: &str| {
            format!(
                r#"{{"events":[{{"eventAction":"registration","eventDate":"1995-08-14T04:00:00Z"}},
                {{"eventAction":"expiration","eventDate":"{date}"}},{{"eventAction":"last changed"}}]}}"#
            )
        };
        for (date, expected) in [
            ("2027-08-13T04:00:00Z", "2027-08-13T04:00:00.000Z"),
            ("2027-08-13T04:00:00.5+02:00", "2027-08-13T02:00:00.500Z"),
            ("2027-08-13T04:00:00", "2027-08-13T04:00:00.000Z"),
            ("2027-08-13", "2027-08-13T00:00:00.000Z"),
        ] {
            assert_eq!(read(200, &body(date)).unwrap().to_string(), expected);
        }
        let unknown = Err(Some(FailureClass::DomainUnknown));
        assert_eq!(read(200, &body("soon")), unknown);
        assert_eq!(read(200, "{}"), unknown);
        assert_eq!(read(200, r#"{"events":[{"eventAction":"expiration","eventDate":7}]}"#), unknown);
        assert_eq!(read(404, "{}"), unknown);
        assert_eq!(read(200, "<html>"), Err(Some(FailureClass::ProtocolError)));
        assert_eq!(read(429, &body("2027-08-13")), Err(Some(FailureClass::UnexpectedStatus)));
    }
}
