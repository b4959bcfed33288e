//! What is to be checked: kind, settings and secrets as people give them, held against the guard of outgoing connections,
//! and the secrets sealed for their place in the database (T-01, T-22).

use std::sync::Arc;

use domain::check::CheckJob;
use domain::id::MonitorId;
use domain::monitor::{Header, Monitor, Secrets, Settings};
use store::watch::DueMonitor;

use crate::patch::Patch;
use crate::{Context, Error, FieldError, Result};

/// Says everything that is wrong with settings and secrets; the field is one of both, with the path inside. Actions know no network: whoever calls them brings the guard.
#[derive(Clone)]
pub struct Guard(Arc<Findings>);

type Findings = dyn Fn(&Settings, &Secrets) -> Vec<FieldError> + Send + Sync;

impl Guard {
    pub fn new(findings: impl Fn(&Settings, &Secrets) -> Vec<FieldError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(findings))
    }

    pub(super) fn findings(&self, settings: &Settings, secrets: &Secrets) -> Vec<FieldError> {
        (self.0)(settings, secrets)
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guard")
    }
}

/// Settings and secrets as given, with the guard that decides about them.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// `None`: those that are stored stay; for a new monitor: a plain HTTP check.
    pub settings: Option<Settings>,
    pub secrets: SecretsPatch,
    pub guard: Guard,
}

/// Secrets can be replaced and taken away; nobody reads them again.
#[derive(Debug, Clone, Default)]
pub struct SecretsPatch {
    pub password: Patch<String>,
    pub token: Patch<String>,
    pub headers: Patch<Vec<Header>>,
}

impl SecretsPatch {
    fn apply(self, secrets: &mut Secrets) {
        self.password.apply(&mut secrets.password, Some);
        self.token.apply(&mut secrets.token, Some);
        match self.headers {
            Patch::Keep => {}
            Patch::Clear => secrets.headers.clear(),
            Patch::Set(headers) => secrets.headers = headers,
        }
    }
}

/// Which secrets a monitor has, without what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretsHeld {
    pub password: bool,
    pub token: bool,
    /// Names of the secret headers.
    pub headers: Vec<String>,
}

/// Which secrets this monitor has.
pub fn secrets_held(ctx: &Context, monitor: &Monitor) -> Result<SecretsHeld> {
    let secrets = open(ctx, monitor.id, monitor.sealed_secrets.as_deref())?.unwrap_or_default();
    Ok(SecretsHeld {
        password: secrets.password.is_some(),
        token: secrets.token.is_some(),
        headers: secrets.headers.into_iter().map(|header| header.name).collect(),
    })
}

/// Puts what is wanted into `monitor`, seals the secrets, and says what is wrong with it. The kind stays.
pub(super) fn apply(ctx: &Context, monitor: &mut Monitor, wanted: Wanted) -> Result<Vec<FieldError>> {
    if let Some(settings) = wanted.settings {
        if settings.kind() != monitor.kind {
            return Err(Error::field(
                "kind",
                "kind_fixed",
                "The kind of a monitor stays as it is. Create another monitor instead.",
            ));
        }
        monitor.settings = settings;
    }
    let mut secrets = open(ctx, monitor.id, monitor.sealed_secrets.as_deref())?.unwrap_or_default();
    let before = secrets.clone();
    wanted.secrets.apply(&mut secrets);
    if secrets != before {
        monitor.sealed_secrets = seal(ctx, monitor.id, &secrets)?;
    }
    Ok(wanted.guard.findings(&monitor.settings, &secrets))
}

/// The job of a claimed slot. Fails when its secrets do not open with the keys of this installation.
pub fn due_job(ctx: &Context, due: DueMonitor) -> Result<CheckJob> {
    Ok(CheckJob {
        organization_id: due.organization_id,
        service_id: due.service_id,
        monitor_id: due.id,
        slot_at: due.next_check_at,
        secrets: open(ctx, due.id, due.sealed_secrets.as_deref())?,
        settings: Some(due.settings).filter(|settings| !settings.is_plain()),
        url: due.url,
        method: due.method,
        expected_status: u16::try_from(due.expected_status).unwrap_or(0),
        timeout_ms: timeout_ms(due.timeout_seconds),
        patience_ms: patience_ms(due.interval_seconds, due.timeout_seconds),
    })
}

/// A check of `monitor` at once.
pub(crate) fn job_at(ctx: &Context, monitor: Monitor, at: domain::time::Timestamp) -> Result<CheckJob> {
    Ok(CheckJob {
        organization_id: monitor.organization_id,
        service_id: monitor.service_id,
        monitor_id: monitor.id,
        slot_at: at,
        secrets: open(ctx, monitor.id, monitor.sealed_secrets.as_deref())?,
        settings: Some(monitor.settings).filter(|settings| !settings.is_plain()),
        url: monitor.url,
        method: monitor.method,
        expected_status: u16::try_from(monitor.expected_status).unwrap_or(0),
        timeout_ms: timeout_ms(monitor.timeout_seconds),
        // A person waits for the answer.
        patience_ms: timeout_ms(monitor.timeout_seconds),
    })
}

fn timeout_ms(seconds: i32) -> u32 {
    u32::try_from(seconds).unwrap_or(1).saturating_mul(1000)
}

fn patience_ms(interval_seconds: i32, timeout_seconds: i32) -> u32 {
    let ms = |seconds: i32| i64::from(seconds).saturating_mul(1000);
    u32::try_from(domain::schedule::patience_ms(ms(interval_seconds), ms(timeout_seconds))).unwrap_or(0)
}

fn place(id: MonitorId) -> String {
    format!("monitors.sealed_secrets.{id}")
}

fn seal(ctx: &Context, id: MonitorId, secrets: &Secrets) -> Result<Option<Vec<u8>>> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let plain = serde_json::to_vec(secrets).map_err(|_| Error::Internal("secrets could not be written"))?;
    ctx.keys.seal(&place(id), &plain, &ctx.ids.secret()).map(Some)
}

fn open(ctx: &Context, id: MonitorId, sealed: Option<&[u8]>) -> Result<Option<Secrets>> {
    let Some(sealed) = sealed else { return Ok(None) };
    let plain = ctx.keys.open(&place(id), sealed)?;
    serde_json::from_slice(&plain).map(Some).map_err(|_| Error::Internal("secrets could not be read"))
}
