//! Monitor: what we check, how often, and what counts as a good answer (S4, S34, X43).

mod assertion;
mod settings;
pub mod snooze;
mod tags;

pub use assertion::{Assertion, Test};
pub use settings::{
    Auth, DnsSettings, DomainExpirySettings, GrpcSettings, Header, HeartbeatSchedule, HeartbeatSettings,
    HttpSettings, HttpVersion, IcmpSettings, MonitorKind, RecordType, Secrets, Settings, StatusRange,
    TcpSettings, TlsCertificateSettings, WebsocketSettings,
};
pub use tags::{Tags, TagsError};

use crate::check::{CheckStatus, FailureClass};
use crate::id::{MonitorId, OrgId, ServiceId};
use crate::time::Timestamp;
use crate::verdict::{MonitorVerdict, Policy, flapping};

/// Methods of an HTTP check. Free organizations use `GET` and `HEAD` only (X46).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize, sqlx::Type,
)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "TEXT", rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
        }
    }

    /// Free organizations may use it: methods that change nothing at the target (X46).
    pub const fn is_free(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

/// The confirmed state of a monitor, as the verdict keeps it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum MonitorState {
    /// Not checked yet, or not watched at that time.
    #[default]
    NoData,
    Up,
    Degraded,
    Down,
}

/// One monitor as stored, with the latest that is known about it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Monitor {
    pub id: MonitorId,
    pub organization_id: OrgId,
    pub service_id: ServiceId,
    /// What it depends on: while that fails, failures of this one say nothing (D5).
    pub parent_id: Option<MonitorId>,
    pub kind: MonitorKind,
    /// What its owners call it. `None`: its target says enough.
    pub name: Option<String>,
    /// Of an HTTP check; empty for other kinds, whose target is in their settings.
    pub url: String,
    pub method: Method,
    #[sqlx(try_from = "String")]
    pub settings: Settings,
    /// [`Secrets`], sealed. `None`: there are none.
    pub sealed_secrets: Option<Vec<u8>>,
    /// 100 to 599.
    pub expected_status: i32,
    /// 1 to 60.
    pub timeout_seconds: i32,
    /// What the owner asked for; the scheduler clamps it to the tier (X43).
    pub interval_seconds: i32,
    /// The clamped interval that the next check was planned with. It stays the measure of what was watched until that
    /// check is recorded, whatever `interval_seconds` or the tier became meanwhile.
    pub planned_interval_seconds: i32,
    /// Consecutive failures that open an outage (D1), 1 to 10.
    pub failures_to_open: i32,
    /// Consecutive successes that close it (D2), 1 to 10.
    pub successes_to_close: i32,
    /// How long failures must last to be an outage (D10), 0 to 3600.
    pub min_outage_seconds: i32,
    /// Above this a good answer counts as degraded. `None`: never.
    pub degraded_above_ms: Option<i32>,
    pub is_active: bool,
    pub state: MonitorState,
    /// When `state` began; back-dated to the first check of the run that flipped it (D3).
    pub state_since: Option<Timestamp>,
    /// Length of the run of equal results that ends with the newest result.
    pub run_length: i32,
    pub run_status: Option<CheckStatus>,
    pub run_started_at: Option<Timestamp>,
    pub last_checked_at: Option<Timestamp>,
    pub last_failure: Option<FailureClass>,
    pub last_status_code: Option<i32>,
    pub last_response_time_ms: Option<i32>,
    /// When the certificate ends that the target showed last. `None`: it showed none.
    pub certificate_expires_at: Option<Timestamp>,
    /// When its state had changed so often that it counts as flapping (D4). `None`: it does not.
    pub flapping_since: Option<Timestamp>,
    #[sqlx(try_from = "String")]
    pub tags: Tags,
    /// Until then it calls nobody; see [`snooze::is_snoozed`]. It may lie in the past.
    pub snoozed_until: Option<Timestamp>,
    pub created_at: Timestamp,
    /// Grows with every edit; the object's version (`ETag`).
    pub updated_at: Timestamp,
}

impl Monitor {
    /// What is watched, in one line. Empty for heartbeats and what people report.
    pub fn target(&self) -> String {
        if self.kind == MonitorKind::Http { self.url.clone() } else { self.settings.target() }
    }

    /// Whether it calls nobody at `now`, whatever its checks find.
    pub fn is_snoozed(&self, now: Timestamp) -> bool {
        snooze::is_snoozed(self.snoozed_until, now)
    }

    /// As far as is known at `now`: when results are overdue, what the monitor was before says nothing about now, and
    /// its state is `NoData` (F-13, F-14). The same with flapping. `interval_seconds` is the clamped one.
    #[must_use]
    pub fn as_known(mut self, interval_seconds: i32, now: Timestamp) -> Self {
        self.flapping_since = flapping::after_quiet(self.flapping_since, self.state_since, now);
        let known = MonitorVerdict::of(&self).state_at(Policy::of(&self, interval_seconds), now);
        if known != self.state {
            self.state = known;
            self.state_since = self.last_checked_at;
        }
        self
    }
}
