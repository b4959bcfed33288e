//! One execution of a monitor: the job that is handed out and the outcome that comes back.

use crate::id::{MonitorId, OrgId, ServiceId};
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

/// How long each phase took, in milliseconds. `None`: the phase was not reached or not needed.
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
    pub url: String,
    pub method: crate::monitor::Method,
    pub expected_status: u16,
    pub timeout_ms: u32,
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
}
