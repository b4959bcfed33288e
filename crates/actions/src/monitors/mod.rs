//! Monitors: create, edit, pause, move, delete (S4, S32, S34, X43, X46, X67).

mod hosts;
mod rules;
mod trial;
mod wanted;

use domain::id::{MonitorId, ServiceId};
use domain::monitor::{Method, Monitor, MonitorKind, MonitorState, Settings};
use domain::organization::Permission;
use domain::plan::{Limits, QuotaKind, Tier};
use domain::schedule::Rhythm;
use domain::text::DisplayName;
use domain::time::Timestamp;
use domain::verdict::dependence::{self, Refused};
use domain::verdict::{self, MonitorVerdict, Policy};
use store::organizations::Membership;
use store::watch::Replanned;
use store::{OrgScope, Tx};

use self::rules::{Gate, check_numbers};
pub use self::trial::{no_service, try_change, try_new};
pub(crate) use self::wanted::job_at;
pub use self::wanted::{Guard, SecretsHeld, SecretsPatch, Wanted, due_job, secrets_held};
use crate::automatic_incidents::{self, Turn};
use crate::checks::apply_edits;
use crate::patch::{Patch, Version, next_version};
use crate::{Checks, Context, Error, FieldError, Result, gate};

const DEFAULT_TIMEOUT_SECONDS: i32 = 10;
/// However often a monitor is edited, its target is asked no more often than this because of it (X46).
const EDIT_PAUSE_MS: i64 = 10_000;

/// What the guard of outgoing connections said to a URL: the normalised text, or what is wrong with it (T-01).
pub type CheckedUrl = std::result::Result<String, FieldError>;

/// What a person gives to create a monitor. `None`: the default of the tier.
#[derive(Debug, Clone)]
pub struct NewMonitor {
    pub service_id: ServiceId,
    /// Blank: none; its target names it.
    pub name: Option<String>,
    /// Of an HTTP check, which needs one; other kinds have none.
    pub url: Option<CheckedUrl>,
    /// `None`: a plain HTTP check.
    pub wanted: Option<Wanted>,
    pub method: Option<Method>,
    pub expected_status: Option<i32>,
    pub timeout_seconds: Option<i32>,
    pub interval_seconds: Option<i32>,
    pub failures_to_open: Option<i32>,
    pub successes_to_close: Option<i32>,
    pub min_outage_seconds: Option<i32>,
    pub degraded_above_ms: Option<i32>,
    /// Another monitor of the organization that it depends on.
    pub parent_id: Option<MonitorId>,
    pub is_active: bool,
}

impl NewMonitor {
    /// An active HTTP monitor with the defaults for everything else.
    pub fn new(service_id: ServiceId, url: CheckedUrl) -> Self {
        Self { url: Some(url), ..Self::of(service_id) }
    }

    /// Active, with the defaults for everything; what is checked is still to be said.
    pub fn of(service_id: ServiceId) -> Self {
        Self {
            service_id,
            name: None,
            url: None,
            wanted: None,
            method: None,
            expected_status: None,
            timeout_seconds: None,
            interval_seconds: None,
            failures_to_open: None,
            successes_to_close: None,
            min_outage_seconds: None,
            degraded_above_ms: None,
            parent_id: None,
            is_active: true,
        }
    }
}

/// What a person changes; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct MonitorPatch {
    pub service_id: Option<ServiceId>,
    pub name: Patch<String>,
    pub url: Option<CheckedUrl>,
    pub wanted: Option<Wanted>,
    pub method: Option<Method>,
    pub expected_status: Option<i32>,
    pub timeout_seconds: Option<i32>,
    pub interval_seconds: Option<i32>,
    pub failures_to_open: Option<i32>,
    pub successes_to_close: Option<i32>,
    pub min_outage_seconds: Option<i32>,
    pub degraded_above_ms: Patch<i32>,
    pub parent_id: Patch<MonitorId>,
    pub is_active: Option<bool>,
}

/// The URL of an HTTP check, which needs one; other kinds must not have one.
fn check_url(checks: &mut Checks, monitor: &Monitor) {
    let is_http = monitor.kind == MonitorKind::Http;
    if is_http && monitor.url.is_empty() {
        checks.add("url", "required", "Write the address to check, such as https://example.com.");
    } else if !is_http && !monitor.url.is_empty() {
        checks.add(
            "url",
            "not_of_this_kind",
            "Only HTTP monitors have an address; this kind has it in its settings.",
        );
    }
}

fn take_url(checks: &mut Checks, url: CheckedUrl) -> Option<String> {
    match url {
        Ok(url) => Some(url),
        Err(error) => {
            checks.add(error.field, error.code, error.message);
            None
        }
    }
}

/// Creates a monitor, if the service has room for one (S32, X66). Its first check is due at once.
pub async fn create(ctx: &Context, by: &Membership, input: NewMonitor) -> Result<Monitor> {
    gate::require(by, Permission::ManageMonitors)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let tier = store::organizations::lock_tier(&mut tx, by.scope()).await?;
    let monitor = insert_step(ctx, &mut tx, by, tier, input, now).await?;
    tx.commit().await?;
    ctx.signals.schedule_changed();
    ctx.signals.pages_changed(by.organization.id);
    Ok(monitor)
}

/// The steps of [`create`] inside a transaction that already holds the organization's lock. The caller gives the
/// hint `schedule_changed` after its commit.
pub(crate) async fn insert_step(
    ctx: &Context,
    tx: &mut Tx,
    by: &Membership,
    tier: Tier,
    input: NewMonitor,
    now: Timestamp,
) -> Result<Monitor> {
    let (gate, scope) = (Gate::of(ctx, tier), by.scope());
    let monitor = build(ctx, &gate, scope, input, now)?;
    require_room(tx, scope, &gate, monitor.service_id).await?;
    require_parent(tx, scope, monitor.id, monitor.parent_id).await?;
    hosts::count_step(ctx, tx, by, &monitor, now).await?;
    store::monitors::insert(tx, scope, &monitor, now).await?;
    Ok(monitor)
}

fn build(ctx: &Context, gate: &Gate, scope: OrgScope, input: NewMonitor, now: Timestamp) -> Result<Monitor> {
    let mut checks = Checks::default();
    let has_url = input.url.is_some();
    let url = input.url.and_then(|url| take_url(&mut checks, url));
    let is_url_read = url.is_some() || !has_url;
    let name = checks.optional("name", input.name.as_deref(), DisplayName::parse);
    let kind = input
        .wanted
        .as_ref()
        .and_then(|wanted| wanted.settings.as_ref())
        .map_or(MonitorKind::Http, Settings::kind);
    let interval_seconds = input.interval_seconds.unwrap_or_else(|| gate.default_interval_seconds(kind));
    let default_timeout = DEFAULT_TIMEOUT_SECONDS.min(interval_seconds.saturating_sub(1)).max(1);
    let mut monitor = Monitor {
        id: MonitorId::new(ctx.uuid(now)),
        organization_id: scope.organization_id(),
        service_id: input.service_id,
        parent_id: input.parent_id,
        kind,
        name: name.map(DisplayName::into_string),
        url: url.unwrap_or_default(),
        method: input.method.unwrap_or_default(),
        settings: Settings::default(),
        sealed_secrets: None,
        expected_status: input.expected_status.unwrap_or(200),
        timeout_seconds: input.timeout_seconds.unwrap_or(default_timeout),
        interval_seconds,
        planned_interval_seconds: gate.limits.clamp_interval(interval_seconds),
        failures_to_open: input.failures_to_open.unwrap_or(2),
        successes_to_close: input.successes_to_close.unwrap_or(1),
        min_outage_seconds: input.min_outage_seconds.unwrap_or(0),
        degraded_above_ms: input.degraded_above_ms,
        is_active: input.is_active,
        state: MonitorState::NoData,
        state_since: None,
        run_length: 0,
        run_status: None,
        run_started_at: None,
        last_checked_at: None,
        last_failure: None,
        last_status_code: None,
        last_response_time_ms: None,
        certificate_expires_at: None,
        flapping_since: None,
        created_at: now,
        updated_at: now,
    };
    if let Some(wanted) = input.wanted {
        checks.extend(wanted::apply(ctx, &mut monitor, wanted)?);
    }
    if is_url_read {
        check_url(&mut checks, &monitor);
    }
    gate.check_method(&mut checks, monitor.method);
    gate.check_interval(&mut checks, kind, interval_seconds);
    check_numbers(&mut checks, &monitor);
    checks.finish()?;
    Ok(monitor)
}

/// The service must be there and have room for one more monitor.
async fn require_room(tx: &mut Tx, scope: OrgScope, gate: &Gate, service: ServiceId) -> Result<()> {
    if store::services::find(tx, scope, service).await?.is_none() {
        return Err(Error::field(
            "service_id",
            "not_found",
            "There is no such service in this organization.",
        ));
    }
    let used = store::monitors::count_for_service(tx, scope, service).await?;
    gate::quota(&gate.limits, QuotaKind::MonitorsPerService, used)
}

/// What a monitor depends on must be there, and no monitor may depend on itself, however long the way. Needs the lock of
/// the organization, so that two changes at once close no circle.
async fn require_parent(
    tx: &mut Tx,
    scope: OrgScope,
    monitor: MonitorId,
    parent: Option<MonitorId>,
) -> Result<()> {
    let Some(parent) = parent else { return Ok(()) };
    let parents = store::monitors::list_parents(tx, scope).await?.into_iter().collect();
    let (code, message) = match dependence::check(&parents, monitor, parent) {
        Ok(()) => return Ok(()),
        Err(Refused::Unknown) => ("not_found", "There is no such monitor in this organization.".to_owned()),
        Err(Refused::Circle) => {
            ("depends_on_itself", "That one depends on this monitor. Choose another one.".to_owned())
        }
        Err(Refused::TooDeep) => (
            "too_deep",
            format!("At most {} monitors may stand above one. Choose one higher up.", dependence::MAX_DEPTH),
        ),
    };
    Err(Error::field("parent_id", code, message))
}

/// Changes a monitor. `version`: only if it is still the stored one (`If-Match`). Whatever consumes quota passes the
/// same gate as creating: another service, switching on, a shorter interval, another method (X67).
pub async fn update(
    ctx: &Context,
    by: &Membership,
    id: MonitorId,
    version: Version,
    patch: MonitorPatch,
) -> Result<Monitor> {
    gate::require(by, Permission::ManageMonitors)?;
    let (now, scope) = (ctx.now(), by.scope());
    let mut tx = ctx.db.write().await?;
    let gate = Gate::of(ctx, store::organizations::lock_tier(&mut tx, scope).await?);
    let before = store::monitors::lock(&mut tx, scope, id).await?.ok_or(Error::NotFound)?;
    version.check(before.updated_at)?;
    let after = apply(ctx, &gate, &before, patch, now)?;
    if after.service_id != before.service_id {
        require_room(&mut tx, scope, &gate, after.service_id).await?;
    } else if after.is_active && !before.is_active {
        let running = store::monitors::count_active_for_service(&mut tx, scope, after.service_id).await?;
        gate::quota(&gate.limits, QuotaKind::MonitorsPerService, running)?;
    }
    if after.parent_id != before.parent_id {
        require_parent(&mut tx, scope, id, after.parent_id).await?;
    }
    hosts::count_step(ctx, &mut tx, by, &after, now).await?;
    if !store::monitors::update(&mut tx, scope, &after, before.updated_at).await? {
        return Err(Error::Stale);
    }
    let policy = policy(&gate.limits, &before);
    let after = settle_change(&mut tx, scope, &before, after, policy, now).await?;
    plan_change(&mut tx, scope, &gate, &before, &after, now).await?;
    if after.service_id != before.service_id || !after.is_active {
        automatic_incidents::follow(ctx, &mut tx, Turn::gone(scope, &before, now), now).await?;
    }
    tx.commit().await?;
    ctx.signals.schedule_changed();
    ctx.signals.pages_changed(by.organization.id);
    Ok(after)
}

fn apply(
    ctx: &Context,
    gate: &Gate,
    before: &Monitor,
    patch: MonitorPatch,
    now: Timestamp,
) -> Result<Monitor> {
    let mut checks = Checks::default();
    let mut after = before.clone();
    if let Some(url) = patch.url.and_then(|url| take_url(&mut checks, url)) {
        after.url = url;
        check_url(&mut checks, &after);
    }
    if let Some(wanted) = patch.wanted {
        checks.extend(wanted::apply(ctx, &mut after, wanted)?);
    }
    let name = if let Patch::Set(text) = &patch.name
        && text.trim().is_empty()
    {
        Patch::Clear
    } else {
        patch.name
    };
    name.apply(&mut after.name, |text| {
        checks.take("name", DisplayName::parse(&text)).map(DisplayName::into_string)
    });
    if let Some(method) = patch.method {
        gate.check_method(&mut checks, method);
        after.method = method;
    }
    // An interval from before a downgrade stays as it is written and is clamped when it runs (X43).
    if let Some(interval_seconds) = patch.interval_seconds {
        gate.check_interval(&mut checks, before.kind, interval_seconds);
        after.interval_seconds = interval_seconds;
    }
    after.service_id = patch.service_id.unwrap_or(after.service_id);
    after.expected_status = patch.expected_status.unwrap_or(after.expected_status);
    after.timeout_seconds = patch.timeout_seconds.unwrap_or(after.timeout_seconds);
    after.failures_to_open = patch.failures_to_open.unwrap_or(after.failures_to_open);
    after.successes_to_close = patch.successes_to_close.unwrap_or(after.successes_to_close);
    after.min_outage_seconds = patch.min_outage_seconds.unwrap_or(after.min_outage_seconds);
    patch.degraded_above_ms.apply(&mut after.degraded_above_ms, Some);
    patch.parent_id.apply(&mut after.parent_id, Some);
    after.is_active = patch.is_active.unwrap_or(after.is_active);
    after.updated_at = next_version(before.updated_at, now);
    check_numbers(&mut checks, &after);
    checks.finish()?;
    Ok(after)
}

/// Keeps the state intervals true: a paused monitor has no data from now on, a moved one belongs to its new service
/// from now on.
async fn settle_change(
    tx: &mut Tx,
    scope: OrgScope,
    before: &Monitor,
    mut after: Monitor,
    policy: Policy,
    now: Timestamp,
) -> Result<Monitor> {
    if before.is_active && !after.is_active {
        let verdict = stop_step(tx, scope, before, policy, now).await?;
        after.state = verdict.state;
        after.state_since = verdict.state_since;
        after.run_status = verdict.run_status;
        after.run_length = verdict.run_length;
        after.run_started_at = verdict.run_started_at;
        after.last_checked_at = verdict.last_checked_at;
        after.flapping_since = verdict.flapping_since;
    } else if after.service_id != before.service_id && before.last_checked_at.is_some() {
        let known_until = MonitorVerdict::of(before).known_until(policy, now);
        store::state_intervals::close(tx, scope, before.id, known_until).await?;
        // What the run saw before the move says nothing about the new service: no flip may reach back to then.
        let verdict = MonitorVerdict {
            run_status: None,
            run_length: 0,
            run_started_at: None,
            ..MonitorVerdict::of(before)
        };
        store::monitors::update_verdict(tx, scope, before.id, &verdict).await?;
        (after.run_status, after.run_length, after.run_started_at) = (None, 0, None);
        // After a gap the next result opens the span.
        if known_until == now && before.state != MonitorState::NoData {
            store::state_intervals::open(tx, scope, before.id, after.service_id, before.state, now).await?;
        }
    }
    Ok(after)
}

/// Plans the next check where the change asks for one: soon when something else is to be checked or it was
/// switched on, in the new rhythm when only that changed.
async fn plan_change(
    tx: &mut Tx,
    scope: OrgScope,
    gate: &Gate,
    before: &Monitor,
    after: &Monitor,
    now: Timestamp,
) -> Result<()> {
    let what = |monitor: &Monitor| {
        let secrets = monitor.sealed_secrets.clone();
        (monitor.url.clone(), monitor.method, monitor.expected_status, monitor.settings.clone(), secrets)
    };
    let is_other_check = what(after) != what(before);
    let next_check_at = if is_other_check || (after.is_active && !before.is_active) {
        now
    } else if after.interval_seconds == before.interval_seconds {
        return Ok(());
    } else {
        Rhythm::of(after.id, gate.limits.clamp_interval(after.interval_seconds)).next_slot(now)
    };
    store::monitors::update_next_check(tx, scope, after.id, next_check_at, EDIT_PAUSE_MS).await?;
    Ok(())
}

/// Brings forward what would be checked later than the tier asks for: after an upgrade, and after the organization
/// was restored. A check that is under way plans itself when it is recorded.
pub(crate) async fn replan_step(
    ctx: &Context,
    tx: &mut Tx,
    scope: OrgScope,
    tier: Tier,
    now: Timestamp,
) -> Result<()> {
    let limits = ctx.policy.limits(tier);
    let sooner: Vec<Replanned> = store::watch::list_planned(tx, scope, now)
        .await?
        .into_iter()
        .filter_map(|monitor| {
            let rhythm = Rhythm::of(monitor.id, limits.clamp_interval(monitor.interval_seconds));
            let next_check_at = rhythm.next_slot(now);
            let is_sooner = next_check_at < monitor.next_check_at;
            is_sooner.then_some(Replanned { id: monitor.id, slot_at: monitor.next_check_at, next_check_at })
        })
        .collect();
    Ok(store::watch::replan(tx, &sooner).await?)
}

/// Deletes a monitor; the history of its service stays.
pub async fn delete(ctx: &Context, by: &Membership, id: MonitorId, version: Version) -> Result<()> {
    gate::require(by, Permission::ManageMonitors)?;
    let (now, scope) = (ctx.now(), by.scope());
    let mut tx = ctx.db.write().await?;
    let tier = store::organizations::lock_tier(&mut tx, scope).await?;
    let before = store::monitors::lock(&mut tx, scope, id).await?.ok_or(Error::NotFound)?;
    version.check(before.updated_at)?;
    if before.is_active {
        stop_step(&mut tx, scope, &before, policy(&ctx.policy.limits(tier), &before), now).await?;
    }
    store::monitors::delete(&mut tx, scope, id, now).await?;
    automatic_incidents::follow(ctx, &mut tx, Turn::gone(scope, &before, now), now).await?;
    tx.commit().await?;
    ctx.signals.pages_changed(by.organization.id);
    Ok(())
}

fn policy(limits: &Limits, monitor: &Monitor) -> Policy {
    Policy::of(monitor, limits.clamp_interval(monitor.interval_seconds))
}

/// From now on the monitor is not watched.
async fn stop_step(
    tx: &mut Tx,
    scope: OrgScope,
    monitor: &Monitor,
    policy: Policy,
    now: Timestamp,
) -> Result<MonitorVerdict> {
    let step = verdict::stop_watching(&MonitorVerdict::of(monitor), now, policy);
    apply_edits(tx, scope, monitor.id, monitor.service_id, &step.edits).await?;
    store::monitors::update_verdict(tx, scope, monitor.id, &step.verdict).await?;
    Ok(step.verdict)
}
