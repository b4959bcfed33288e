//! One execution of a monitor: the job that is handed out and the outcome that comes back.

use crate::id::{MonitorId, OrgId, ServiceId};
use crate::monitor::{Secrets, Settings};
use crate::time::Timestamp;

/// Why a check did not succeed. A closed list: nothing that a target or the operating system said is
/// stored or shown (T-01, H-8). Stored as the number: never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[repr(i16)]
pub enum FailureClass {
    /// The address is one we never connect to, or it could not be reached. One class for both, so that
    /// the answer is no map of a private network.
    ConnectionFailed = 1,
    DnsFailed = 2,
    TlsFailed = 3,
    CertificateInvalid = 4,
    /// No complete answer within the time-out.
    TimedOut = 5,
    /// The connection was closed or the answer was not HTTP.
    ProtocolError = 6,
    TooManyRedirects = 7,
    /// A redirect led to an address that is not allowed or not HTTP.
    RedirectRefused = 8,
    UnexpectedStatus = 9,
    /// Headers or body above the cap.
    AnswerTooLarge = 10,
    /// A header, the body or a value in it is not what was asked for.
    AssertionFailed = 11,
    /// Slower than the owner allows.
    TooSlow = 12,
    /// The name has no such records.
    NoRecords = 13,
    /// The records are others than expected.
    UnexpectedRecords = 14,
    /// Fewer days left than the owner allows.
    CertificateExpiring = 15,
    CertificateExpired = 16,
    /// Signed by nobody we trust, or the chain is not complete.
    CertificateUntrusted = 17,
    /// The certificate is for other names.
    CertificateWrongName = 18,
    DomainExpiring = 19,
    DomainExpired = 20,
    /// The registry says nothing about this domain.
    DomainUnknown = 21,
    /// The answer of a TCP or WebSocket check is not the expected one.
    UnexpectedAnswer = 22,
    /// The server does not speak the protocol: no WebSocket, no gRPC, no HTTP/2.
    HandshakeRefused = 23,
    /// The gRPC service does not say that it serves.
    NotServing = 24,
    /// This system does not let us send echo requests.
    NotPermitted = 27,
    /// The check failed while nothing outside could be reached. Only with `NoData` (F-13).
    OwnNetworkDown = 28,
    /// The check failed while the monitor's parent failed. Only with `NoData` (D5 of `peers.md`).
    ParentDown = 29,
    /// The host is checked as often as it may be, and no turn came in time. Only with `NoData` (T-19).
    TooManyChecks = 30,
    /// The owner of the host does not want checks. Only with `NoData` (T-19).
    OptedOut = 31,
}

/// How one check ended. Stored as the number: never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[repr(i16)]
pub enum CheckStatus {
    Up = 1,
    Degraded = 2,
    Down = 3,
    /// We could not tell (our own network failed, the job was lost). Counts neither way.
    NoData = 0,
}

/// How long each phase took, in milliseconds. `None`: the phase was not reached or not needed. It is filled on the way
/// to the target, so it also says where that led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Phases {
    pub dns_ms: Option<u32>,
    pub connect_ms: Option<u32>,
    pub tls_ms: Option<u32>,
    pub first_byte_ms: Option<u32>,
}

/// Everything a probe needs to run one check; it asks nobody else.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckJob {
    pub organization_id: OrgId,
    pub service_id: ServiceId,
    pub monitor_id: MonitorId,
    /// The instant this check was due: with the monitor it names the slot, so a job that runs twice
    /// yields one result (F-01).
    pub slot_at: Timestamp,
    /// Of an HTTP check; other kinds have their target in their settings.
    pub url: String,
    pub method: crate::monitor::Method,
    pub expected_status: u16,
    pub timeout_ms: u32,
    /// How long it may wait for its turn at the target's host; no part of the time-out (T-19).
    pub patience_ms: u32,
    /// `None`: a plain HTTP check, with the defaults for everything else.
    pub settings: Option<Settings>,
    pub secrets: Option<Secrets>,
}

/// What a probe saw. Holds no byte of the answer's body or headers (T-01).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Outcome {
    pub status: CheckStatus,
    pub failure: Option<FailureClass>,
    /// The HTTP status of the last answer, when there was one.
    pub status_code: Option<u16>,
    /// From the start of name resolution to the end of the check. `None` for `NoData`.
    pub response_time_ms: Option<u32>,
    pub phases: Phases,
    /// When the certificate that the target showed ends. `None`: there was none.
    pub certificate_expires_at: Option<Timestamp>,
    /// The target's address is not a public one, so that a failure of our way to the internet says nothing about it.
    pub is_inside: bool,
}

/// What a probe hands in: which slot it ran, when it started, what it saw.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckReport {
    pub monitor_id: MonitorId,
    /// The slot of the job; the result counts only if nobody settled that slot before (F-01).
    pub slot_at: Timestamp,
    /// When the check really started.
    pub checked_at: Timestamp,
    pub outcome: Outcome,
}

/// One stored execution; [`crate::packed`] is the form it is stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckResult {
    pub monitor_id: MonitorId,
    pub checked_at: Timestamp,
    pub status: CheckStatus,
    pub failure: Option<FailureClass>,
    pub status_code: Option<i16>,
    pub response_time_ms: Option<i32>,
    pub phases: Phases,
    /// Asked for by a person: shown, but in no uptime and no verdict (X47).
    pub is_manual: bool,
}

impl Outcome {
    /// We could not tell: the check did not run, or our own side failed.
    pub const fn no_data() -> Self {
        Self {
            status: CheckStatus::NoData,
            failure: None,
            status_code: None,
            response_time_ms: None,
            phases: Phases { dns_ms: None, connect_ms: None, tls_ms: None, first_byte_ms: None },
            certificate_expires_at: None,
            is_inside: false,
        }
    }

    /// The same failure, for a reason that says nothing about the target.
    #[must_use]
    pub fn excused(self, class: FailureClass) -> Self {
        Self { failure: Some(class), phases: self.phases, ..Self::no_data() }
    }

    /// What the outcome counts as: a good answer slower than `degraded_above_ms` is degraded.
    pub fn judged(&self, degraded_above_ms: Option<i32>) -> CheckStatus {
        let is_slow = degraded_above_ms.is_some_and(|limit_ms| {
            self.response_time_ms.is_some_and(|took_ms| i64::from(took_ms) > i64::from(limit_ms))
        });
        match self.status {
            CheckStatus::Up if is_slow => CheckStatus::Degraded,
            status => status,
        }
    }

    /// The result to store for a check of `monitor` that started at `checked_at`.
    pub fn result(
        &self,
        monitor_id: MonitorId,
        checked_at: Timestamp,
        degraded_above_ms: Option<i32>,
        is_manual: bool,
    ) -> CheckResult {
        CheckResult {
            monitor_id,
            checked_at,
            status: self.judged(degraded_above_ms),
            failure: self.failure,
            status_code: self.status_code.and_then(|code| i16::try_from(code).ok()),
            response_time_ms: self.response_time_ms.map(|took_ms| i32::try_from(took_ms).unwrap_or(i32::MAX)),
            phases: self.phases,
            is_manual,
        }
    }
}

impl CheckResult {
    /// The same failure, for a reason that says nothing about the target.
    #[must_use]
    pub const fn excused(self, class: FailureClass) -> Self {
        Self {
            status: CheckStatus::NoData,
            failure: Some(class),
            status_code: None,
            response_time_ms: None,
            ..self
        }
    }
}

impl FailureClass {
    const ALL: [Self; 29] = [
        Self::ConnectionFailed,
        Self::DnsFailed,
        Self::TlsFailed,
        Self::CertificateInvalid,
        Self::TimedOut,
        Self::ProtocolError,
        Self::TooManyRedirects,
        Self::RedirectRefused,
        Self::UnexpectedStatus,
        Self::AnswerTooLarge,
        Self::AssertionFailed,
        Self::TooSlow,
        Self::NoRecords,
        Self::UnexpectedRecords,
        Self::CertificateExpiring,
        Self::CertificateExpired,
        Self::CertificateUntrusted,
        Self::CertificateWrongName,
        Self::DomainExpiring,
        Self::DomainExpired,
        Self::DomainUnknown,
        Self::UnexpectedAnswer,
        Self::HandshakeRefused,
        Self::NotServing,
        Self::NotPermitted,
        Self::OwnNetworkDown,
        Self::ParentDown,
        Self::TooManyChecks,
        Self::OptedOut,
    ];

    /// The class that is stored as this number; `None`: a newer version of the program has named it.
    pub fn of_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|class| *class as i16 == number)
    }

    /// One sentence for the owner of the monitor. Says nothing that the target said, but its status (T-01).
    pub fn explain(self, status_code: Option<i32>, expected_status: i32) -> String {
        let fixed = match self {
            Self::ConnectionFailed => {
                "No connection to the server: it refuses, or its address cannot be reached."
            }
            Self::DnsFailed => "The host name could not be resolved.",
            Self::TlsFailed => "The TLS handshake failed.",
            Self::CertificateInvalid => "The TLS certificate is not valid for this host.",
            Self::TimedOut => "No complete answer within the time-out.",
            Self::ProtocolError => "The connection ended early, or the answer was not HTTP.",
            Self::TooManyRedirects => "More than three redirects.",
            Self::RedirectRefused => "A redirect leads to an address that is not allowed.",
            Self::UnexpectedStatus => {
                return match status_code {
                    Some(code) => format!("The server answered {code} instead of {expected_status}."),
                    None => format!("The server did not answer {expected_status}."),
                };
            }
            Self::AnswerTooLarge => "The answer is larger than a check reads.",
            Self::AssertionFailed => "The answer does not say what it has to say.",
            Self::TooSlow => "The answer took longer than it may.",
            Self::NoRecords => "The name has no such DNS records.",
            Self::UnexpectedRecords => "The DNS records are not the expected ones.",
            Self::CertificateExpiring => "The TLS certificate ends soon.",
            Self::CertificateExpired => "The TLS certificate has expired.",
            Self::CertificateUntrusted => {
                "The TLS certificate is signed by nobody we trust, or its chain is incomplete."
            }
            Self::CertificateWrongName => "The TLS certificate is for other names.",
            Self::DomainExpiring => "The registration of the domain ends soon.",
            Self::DomainExpired => "The registration of the domain has ended.",
            Self::DomainUnknown => "The registry says nothing about this domain.",
            Self::UnexpectedAnswer => "The server answered something else than expected.",
            Self::HandshakeRefused => "The server does not speak this protocol here.",
            Self::NotServing => "The service says that it does not serve.",
            Self::NotPermitted => "The system we run on does not permit echo requests.",
            Self::OwnNetworkDown => "Our own network had failed; this says nothing about the server.",
            Self::ParentDown => "What it depends on is down.",
            Self::TooManyChecks => "Not checked: this host is already checked as often as any host may be.",
            Self::OptedOut => "Not checked: the owner of this host does not want checks.",
        };
        fixed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: CheckStatus, response_time_ms: Option<u32>) -> Outcome {
        Outcome { status, response_time_ms, ..Outcome::no_data() }
    }

    #[test]
    fn only_a_good_answer_slower_than_the_limit_is_degraded() {
        let table = [
            (CheckStatus::Up, Some(500), Some(500), CheckStatus::Up),
            (CheckStatus::Up, Some(501), Some(500), CheckStatus::Degraded),
            (CheckStatus::Up, Some(501), None, CheckStatus::Up),
            (CheckStatus::Up, Some(u32::MAX), Some(500), CheckStatus::Degraded),
            (CheckStatus::Down, Some(900), Some(500), CheckStatus::Down),
            (CheckStatus::NoData, None, Some(500), CheckStatus::NoData),
        ];
        for (status, took_ms, limit_ms, expected) in table {
            assert_eq!(
                outcome(status, took_ms).judged(limit_ms),
                expected,
                "{status:?} {took_ms:?} {limit_ms:?}"
            );
        }
    }

    #[test]
    fn every_class_is_found_by_its_number() {
        use FailureClass as F;
        // Does not compile when a class is missing here; then it is missing in `ALL` too.
        let place = |class| match class {
            F::ConnectionFailed => 0,
            F::DnsFailed => 1,
            F::TlsFailed => 2,
            F::CertificateInvalid => 3,
            F::TimedOut => 4,
            F::ProtocolError => 5,
            F::TooManyRedirects => 6,
            F::RedirectRefused => 7,
            F::UnexpectedStatus => 8,
            F::AnswerTooLarge => 9,
            F::AssertionFailed => 10,
            F::TooSlow => 11,
            F::NoRecords => 12,
            F::UnexpectedRecords => 13,
            F::CertificateExpiring => 14,
            F::CertificateExpired => 15,
            F::CertificateUntrusted => 16,
            F::CertificateWrongName => 17,
            F::DomainExpiring => 18,
            F::DomainExpired => 19,
            F::DomainUnknown => 20,
            F::UnexpectedAnswer => 21,
            F::HandshakeRefused => 22,
            F::NotServing => 23,
            F::NotPermitted => 24,
            F::OwnNetworkDown => 25,
            F::ParentDown => 26,
            F::TooManyChecks => 27,
            F::OptedOut => 28,
        };
        for (expected, class) in F::ALL.into_iter().enumerate() {
            assert_eq!(place(class), expected);
            assert_eq!(F::of_number(class as i16), Some(class));
        }
        assert_eq!(F::of_number(0), None);
    }

    #[test]
    fn a_wrong_status_is_explained_with_both_numbers() {
        let sentence = FailureClass::UnexpectedStatus.explain(Some(503), 200);
        assert_eq!(sentence, "The server answered 503 instead of 200.");
        assert_eq!(FailureClass::DnsFailed.explain(None, 200), "The host name could not be resolved.");
    }
}
