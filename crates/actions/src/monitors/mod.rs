//! Monitors: create, edit, pause, move, delete (S4, S32, S34, X43, X46, X67).

mod bulk;
mod carried;
mod change;
mod hosts;
mod rules;
mod snooze;
mod trial;
mod wanted;

use domain::id::{MonitorId, ServiceId};
use domain::monitor::{Method, Monitor, MonitorKind, MonitorState, Settings, Tags};
use domain::organization::Permission;
use domain::plan::{QuotaKind, Tier};
use domain::text::DisplayName;
use domain::time::Timestamp;
use domain::verdict::dependence::{self, Refused};
use store::organizations::Membership;
use store::{OrgScope, Tx};

pub use self::bulk::{Bulk, Change, MOST_AT_ONCE, Outcome, change_many};
pub use self::carried::{carried, carry};
pub(crate) use self::change::replan_step;
use self::change::{plan_change, policy, settle_change, stop_step};
use self::rules::{Gate, check_numbers};
pub use self::snooze::{SnoozeEnd, end_snooze, snooze};
pub use self::trial::{no_service, try_change, try_new};
pub(crate) use self::wanted::job_at;
pub use self::wanted::{Guard, SecretsHeld, SecretsPatch, Wanted, due_job, secrets_held};
use crate::automatic_incidents::{self, Turn};
use crate::patch::{Patch, Version, next_version};
use crate::{Checks, Context, Error, FieldError, Result, gate};

const DEFAULT_TIMEOUT_SECONDS: i32 = 10;

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
    /// As people write them; see [`Tags::parse`].
    pub tags: Vec<String>,
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
            tags: Vec::new(),
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
    /// All tags from now on.
    pub tags: Option<Vec<String>>,
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
    store::monitor_tags::replace(tx, scope, monitor.id, &monitor.tags).await?;
    Ok(monitor)
}

#[expect(clippy::too_many_lines, reason = "one line for each field of a monitor")]
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
    let tags = checks.take("tags", Tags::parse(input.tags)).unwrap_or_default();
    if !MonitorKind::OFFERED.contains(&kind) {
        return Err(Error::field("kind", "not_offered", "Monitors of this kind cannot be made yet."));
    }
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
        tags,
        snoozed_until: None,
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

/// Switching on counts what runs: after a downgrade more may exist than the tier has room for (X67).
async fn require_room_to_run(tx: &mut Tx, scope: OrgScope, gate: &Gate, service: ServiceId) -> Result<()> {
    let running = store::monitors::count_active_for_service(tx, scope, service).await?;
    gate::quota(&gate.limits, QuotaKind::MonitorsPerService, running)
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
        require_room_to_run(&mut tx, scope, &gate, after.service_id).await?;
    }
    if after.parent_id != before.parent_id {
        require_parent(&mut tx, scope, id, after.parent_id).await?;
    }
    hosts::count_step(ctx, &mut tx, by, &after, now).await?;
    if !store::monitors::update(&mut tx, scope, &after, before.updated_at).await? {
        return Err(Error::Stale);
    }
    if after.tags != before.tags {
        store::monitor_tags::replace(&mut tx, scope, id, &after.tags).await?;
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
    if let Some(tags) = patch.tags.and_then(|words| checks.take("tags", Tags::parse(words))) {
        after.tags = tags;
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
