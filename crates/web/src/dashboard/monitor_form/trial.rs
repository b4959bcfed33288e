//! What a check of unsaved settings saw, for the form.

use domain::check::{CheckJob, CheckStatus, Outcome};
use domain::monitor::{GrpcSettings, Settings, TcpSettings};
use domain::time::Timestamp;

use crate::dashboard::{monitor_words as about, staircase};
use crate::view::State;
use crate::view::dashboard::monitors::Trial;
use crate::view::dashboard::staircase::{Phase, Reached};

/// `slow_ms`: above this a good answer is degraded.
pub(super) fn of(job: &CheckJob, outcome: &Outcome, slow_ms: Option<i32>, now: Timestamp) -> Trial {
    let status = outcome.judged(slow_ms);
    let (state, title) = match status {
        CheckStatus::Up => (State::Operational, "It answers"),
        CheckStatus::Degraded => (State::Degraded, "It answers, and counts as degraded"),
        CheckStatus::Down => (State::Major, "It does not answer as it should"),
        CheckStatus::NoData => (State::NoData, "This says nothing about the target"),
    };
    let code = outcome.status_code.map(i32::from);
    let words = match (outcome.failure, code) {
        (Some(class), _) => class.explain(code, i32::from(job.expected_status)),
        (None, _) if status == CheckStatus::NoData => "The check could not be run on our side.".to_owned(),
        (None, Some(code)) if status == CheckStatus::Degraded => format!("Status {code}, slow."),
        (None, Some(code)) => format!("Status {code}."),
        (None, None) if status == CheckStatus::Degraded => "Slower than it should be.".to_owned(),
        (None, None) => "As expected.".to_owned(),
    };
    Trial {
        state,
        title: title.to_owned(),
        words,
        total: outcome.response_time_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms")),
        certificate: outcome
            .certificate_expires_at
            .map(|at| format!("Its certificate {}.", about::ends(at, now)))
            .unwrap_or_default(),
        phases: phases(job, outcome),
    }
}

/// Other kinds than HTTP have few of the phases; those that they do not need are left out.
fn phases(job: &CheckJob, outcome: &Outcome) -> Vec<Phase> {
    let is_tls = match &job.settings {
        None | Some(Settings::Http(_)) => job.url.starts_with("https:"),
        Some(Settings::Websocket(socket)) => socket.url.starts_with("wss:"),
        Some(Settings::Tcp(TcpSettings { tls, .. }) | Settings::Grpc(GrpcSettings { tls, .. })) => *tls,
        Some(Settings::TlsCertificate(_)) => true,
        Some(_) => false,
    };
    let is_http = matches!(job.settings, None | Some(Settings::Http(_)));
    let mut phases = staircase::of(is_tls, outcome.failure, outcome.phases);
    phases.retain(|phase| is_http || !matches!(phase.outcome, Reached::Skipped));
    phases
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::check::FailureClass;
    use domain::id::{MonitorId, OrgId, ServiceId};
    use domain::monitor::{IcmpSettings, Method};
    use domain::time::DAY_MS;
    use uuid::Uuid;

    fn job(settings: Option<Settings>) -> CheckJob {
        CheckJob {
            organization_id: OrgId::new(Uuid::nil()),
            service_id: ServiceId::new(Uuid::nil()),
            monitor_id: MonitorId::new(Uuid::nil()),
            slot_at: Timestamp::from_ms(0),
            url: "https://example.com/".to_owned(),
            method: Method::Get,
            expected_status: 200,
            timeout_ms: 1000,
            patience_ms: 1000,
            settings,
            secrets: None,
        }
    }

    #[test]
    fn a_failure_says_why_and_a_good_answer_how_long_and_until_when() {
        let now = Timestamp::from_ms(1_795_428_131_120);
        let failed = Outcome {
            status: CheckStatus::Down,
            failure: Some(FailureClass::UnexpectedStatus),
            status_code: Some(503),
            response_time_ms: Some(12),
            ..Outcome::no_data()
        };
        let trial = of(&job(None), &failed, None, now);
        assert_eq!(
            (trial.state, trial.words.as_str()),
            (State::Major, "The server answered 503 instead of 200.")
        );
        let good = Outcome {
            status: CheckStatus::Up,
            failure: None,
            status_code: Some(200),
            certificate_expires_at: Some(now.plus_ms(23 * DAY_MS)),
            ..failed
        };
        let trial = of(&job(None), &good, None, now);
        assert_eq!((trial.words.as_str(), trial.total.as_str()), ("Status 200.", "12 ms"));
        assert_eq!(trial.certificate, "Its certificate ends in 23 days, 16 Dec 2026.");
        assert_eq!(of(&job(None), &good, Some(11), now).state, State::Degraded);
        assert_eq!(of(&job(None), &Outcome::no_data(), None, now).state, State::NoData);
    }

    #[test]
    fn phases_that_a_kind_does_not_have_are_left_out() {
        let mut outcome = Outcome { status: CheckStatus::Up, ..Outcome::no_data() };
        outcome.phases.first_byte_ms = Some(3);
        let icmp = Settings::Icmp(IcmpSettings { host: "192.0.2.1".into() });
        assert_eq!(of(&job(Some(icmp)), &outcome, None, Timestamp::from_ms(0)).phases.len(), 1);
        assert_eq!(of(&job(None), &outcome, None, Timestamp::from_ms(0)).phases.len(), 4);
    }
}
