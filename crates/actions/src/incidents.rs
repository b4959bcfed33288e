//! Incidents: open, edit, post an update, delete (S10, X39–X41). What updates add up to is decided in `domain`.

use domain::id::{IncidentId, IncidentUpdateId, ServiceId};
use domain::incident::{
    Impact, Incident, IncidentOrigin, IncidentService, IncidentStatus, IncidentUpdate, standing,
};
use domain::organization::Permission;
use domain::plan::Tier;
use domain::service::ServiceStatus;
use domain::text::{Body, Title};
use domain::time::{DAY_MS, Timestamp};
use store::organizations::Membership;
use store::{OrgScope, Tx};

use crate::patch::{Patch, Version, next_version};
use crate::{Checks, Context, Error, Result, gate, notifications};

/// Services one incident may touch.
const MOST_SERVICES: usize = 200;

/// A service and what the incident does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affected {
    pub service_id: ServiceId,
    pub status: ServiceStatus,
}

/// What a person gives to open an incident.
#[derive(Debug, Clone)]
pub struct NewIncident {
    pub title: String,
    pub status: IncidentStatus,
    /// The first update; `None`: the title says it all for now.
    pub body: Option<String>,
    /// An impact, or one of the older severities (D5). `None`: that of the worst service.
    pub impact: Option<String>,
    /// At least one, here or in `service_id`.
    pub services: Vec<Affected>,
    /// One service, affected as the impact says; a service in `services` goes before.
    pub service_id: Option<ServiceId>,
    /// `None`: now.
    pub started_at: Option<Timestamp>,
    /// When the first update took effect, for a story told afterwards. `None`: now.
    pub posted_at: Option<Timestamp>,
    /// `None`: subscribers are told unless `posted_at` is given.
    pub notify: Option<bool>,
}

/// What a person changes; absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct IncidentPatch {
    pub title: Option<String>,
    /// Cleared: that of the worst service.
    pub impact: Patch<String>,
    pub started_at: Option<Timestamp>,
    /// Replaces all of them.
    pub services: Option<Vec<Affected>>,
}

/// What a person posts on an incident.
#[derive(Debug, Clone)]
pub struct NewUpdate {
    /// `None`: the incident stands where it stood.
    pub status: Option<IncidentStatus>,
    pub body: String,
    /// Services whose state changes with it, or that are affected from now on.
    pub services: Vec<Affected>,
    /// When it took effect (X41). `None`: now.
    pub posted_at: Option<Timestamp>,
    /// `None`: subscribers are told unless `posted_at` is given.
    pub notify: Option<bool>,
}

/// An incident with what belongs to it, as the transaction left it: nothing has to be read again after the commit,
/// when an outage would turn what was done into an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    pub incident: Incident,
    pub services: Vec<IncidentService>,
    /// Newest first.
    pub updates: Vec<IncidentUpdate>,
}

/// Resolved incidents that ended before this are hidden on this tier (S38, D10); open ones never are.
pub fn shown_since(ctx: &Context, tier: Tier, now: Timestamp) -> Timestamp {
    let days = ctx.policy.limits(tier).incident_history_days;
    days.map_or(Timestamp::from_ms(0), |days| now.plus_ms(-i64::from(days) * DAY_MS))
}

/// Opens an incident with its first update and tells subscribers.
pub async fn open(ctx: &Context, by: &Membership, input: NewIncident) -> Result<Incident> {
    open_story(ctx, by, input).await.map(|story| story.incident)
}

/// Like [`open`], for an answer that tells the whole story.
pub async fn open_story(ctx: &Context, by: &Membership, input: NewIncident) -> Result<Story> {
    gate::require(by, Permission::ManageIncidents)?;
    let now = ctx.now();
    let checked = check_new(input, now)?;
    let mut tx = ctx.db.write().await?;
    let story = open_step(ctx, &mut tx, by.scope(), checked, now).await?;
    tx.commit().await?;
    tell(ctx, by);
    Ok(story)
}

/// A [`NewIncident`] in which nothing is wrong.
pub(crate) struct CheckedIncident {
    title: Title,
    status: IncidentStatus,
    body: Option<Body>,
    impact: Option<Impact>,
    services: Vec<Affected>,
    started_at: Timestamp,
    posted_at: Timestamp,
    notify: bool,
}

#[expect(clippy::needless_pass_by_value, reason = "what was given is used up; its texts are parsed")]
pub(crate) fn check_new(input: NewIncident, now: Timestamp) -> Result<CheckedIncident> {
    let mut checks = Checks::default();
    let title = checks.take("title", Title::parse(&input.title));
    let body = checks.optional("body", input.body.as_deref(), Body::parse);
    let impact = input.impact.as_deref().and_then(|word| parse_impact(&mut checks, word));
    let started_at = input.started_at.or(input.posted_at).unwrap_or(now);
    check_not_future(&mut checks, "started_at", started_at, now);
    let posted_at = input.posted_at.unwrap_or(now);
    check_posted_at(&mut checks, posted_at, started_at, now);
    let services = gather(&mut checks, &input, impact);
    checks.finish()?;
    let Some(title) = title else { return Err(Error::NotFound) };
    let notify = input.notify.unwrap_or(input.posted_at.is_none());
    Ok(CheckedIncident { title, status: input.status, body, impact, services, started_at, posted_at, notify })
}

/// The steps of [`open`] inside a transaction.
pub(crate) async fn open_step(
    ctx: &Context,
    tx: &mut Tx,
    scope: OrgScope,
    input: CheckedIncident,
    now: Timestamp,
) -> Result<Story> {
    let mut incident = Incident {
        id: IncidentId::new(ctx.uuid(now)),
        organization_id: scope.organization_id(),
        title: input.title.into_string(),
        status: input.status,
        impact: input.impact.unwrap_or_else(|| worst(&input.services)),
        started_at: input.started_at,
        resolved_at: None,
        origin: IncidentOrigin::Person,
        is_edited: false,
        created_at: now,
        updated_at: now,
    };
    let update = IncidentUpdate {
        id: IncidentUpdateId::new(ctx.uuid(now)),
        organization_id: incident.organization_id,
        incident_id: incident.id,
        status: input.status,
        body: input.body.map(Body::into_string).unwrap_or_default(),
        created_at: input.posted_at,
    };
    stand(&mut incident, std::slice::from_ref(&update));
    lock_services(tx, scope, &input.services).await?;
    store::incidents::insert(tx, scope, &incident).await?;
    put_services(tx, scope, incident.id, &input.services).await?;
    store::incidents::insert_update(tx, scope, &update).await?;
    withdraw_answered(tx, scope, &incident, now).await?;
    if input.notify {
        notifications::fan_out(ctx, tx, scope, &incident, &update, now).await?;
    }
    let services = store::incidents::list_services(tx, scope, incident.id).await?;
    Ok(Story { incident, services, updates: vec![update] })
}

/// Posts an update: the newest by time of effect decides where the incident stands, and an open one after the end
/// reopens it (X41).
pub async fn post_update(
    ctx: &Context,
    by: &Membership,
    id: IncidentId,
    input: NewUpdate,
) -> Result<(Incident, IncidentUpdate)> {
    gate::require(by, Permission::ManageIncidents)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    lock_services(&mut tx, by.scope(), &input.services).await?;
    let (after, update) = post_step(ctx, &mut tx, by, id, input, now).await?;
    tx.commit().await?;
    tell(ctx, by);
    Ok((after, update))
}

/// The steps of [`post_update`] inside a transaction that holds the services.
pub(crate) async fn post_step(
    ctx: &Context,
    tx: &mut Tx,
    by: &Membership,
    id: IncidentId,
    input: NewUpdate,
    now: Timestamp,
) -> Result<(Incident, IncidentUpdate)> {
    let scope = by.scope();
    let before = lock(ctx, tx, by, id, now).await?;
    let mut checks = Checks::default();
    let body = checks.take("body", Body::parse(&input.body));
    let posted_at = input.posted_at.unwrap_or(now);
    check_posted_at(&mut checks, posted_at, before.started_at, now);
    check_services(&mut checks, &input.services);
    checks.finish()?;
    let Some(body) = body else { return Err(Error::NotFound) };

    let update = IncidentUpdate {
        id: IncidentUpdateId::new(ctx.uuid(now)),
        organization_id: scope.organization_id(),
        incident_id: id,
        status: input.status.unwrap_or(before.status),
        body: body.into_string(),
        created_at: posted_at,
    };
    store::incidents::insert_update(tx, scope, &update).await?;
    let mut after = before.clone();
    stand(&mut after, &store::incidents::list_updates(tx, scope, id).await?);
    if !input.services.is_empty() {
        let old = worst_stored(&store::incidents::list_services(tx, scope, id).await?);
        put_services(tx, scope, id, &input.services).await?;
        let new = worst_stored(&store::incidents::list_services(tx, scope, id).await?);
        after.impact = impact_after(before.impact, old, new);
    }
    after.is_edited = true;
    save(tx, scope, &before, &mut after, now).await?;
    withdraw_answered(tx, scope, &after, now).await?;
    if input.notify.unwrap_or(input.posted_at.is_none()) {
        notifications::fan_out(ctx, tx, scope, &after, &update, now).await?;
    }
    Ok((after, update))
}

/// Changes what the incident says of itself; its updates stay as they were posted, and nobody is told.
pub async fn update(
    ctx: &Context,
    by: &Membership,
    id: IncidentId,
    version: Version,
    patch: IncidentPatch,
) -> Result<Story> {
    gate::require(by, Permission::ManageIncidents)?;
    let (now, scope) = (ctx.now(), by.scope());
    let mut tx = ctx.db.write().await?;
    lock_services(&mut tx, scope, patch.services.as_deref().unwrap_or_default()).await?;
    let before = lock(ctx, &mut tx, by, id, now).await?;
    version.check(before.updated_at)?;
    let mut after = before.clone();
    after.is_edited = true;
    let mut checks = Checks::default();
    if let Some(title) = patch.title.and_then(|title| checks.take("title", Title::parse(&title))) {
        after.title = title.into_string();
    }
    if let Some(started_at) = patch.started_at {
        check_not_future(&mut checks, "started_at", started_at, now);
        if before.resolved_at.is_some_and(|end| started_at > end) {
            checks.add("started_at", "after_end", "Give a time before the incident was resolved.");
        }
        after.started_at = started_at;
    }
    if let Some(services) = &patch.services {
        check_not_empty(&mut checks, services);
        check_services(&mut checks, services);
    }
    let given = match &patch.impact {
        Patch::Set(word) => parse_impact(&mut checks, word),
        Patch::Keep | Patch::Clear => None,
    };
    checks.finish()?;

    let old = worst_stored(&store::incidents::list_services(&mut tx, scope, id).await?);
    if let Some(services) = &patch.services {
        store::incidents::delete_services(&mut tx, scope, id).await?;
        put_services(&mut tx, scope, id, services).await?;
    }
    let new = patch.services.as_deref().map_or(old, worst);
    after.impact = match (given, patch.impact) {
        (Some(given), _) => given,
        (None, Patch::Clear) => new,
        (None, _) => impact_after(before.impact, old, new),
    };
    save(&mut tx, scope, &before, &mut after, now).await?;
    withdraw_answered(&mut tx, scope, &after, now).await?;
    let services = store::incidents::list_services(&mut tx, scope, id).await?;
    let updates = store::incidents::list_updates(&mut tx, scope, id).await?;
    tx.commit().await?;
    ctx.signals.pages_withdrawn(by.organization.id);
    Ok(Story { incident: after, services, updates })
}

/// Takes an incident and its story away.
pub async fn delete(ctx: &Context, by: &Membership, id: IncidentId, version: Version) -> Result<()> {
    gate::require(by, Permission::ManageIncidents)?;
    let mut tx = ctx.db.write().await?;
    let before = lock(ctx, &mut tx, by, id, ctx.now()).await?;
    version.check(before.updated_at)?;
    store::incidents::delete(&mut tx, by.scope(), id).await?;
    tx.commit().await?;
    ctx.signals.pages_withdrawn(by.organization.id);
    Ok(())
}

/// The incident, held for the rest of the transaction; one that the tier hides is not there.
async fn lock(
    ctx: &Context,
    tx: &mut Tx,
    by: &Membership,
    id: IncidentId,
    now: Timestamp,
) -> Result<Incident> {
    let found = store::incidents::lock(tx, by.scope(), id).await?;
    let since = shown_since(ctx, by.organization.tier, now);
    found.filter(|incident| incident.resolved_at.is_none_or(|end| end > since)).ok_or(Error::NotFound)
}

pub(crate) async fn save(
    tx: &mut Tx,
    scope: OrgScope,
    before: &Incident,
    after: &mut Incident,
    now: Timestamp,
) -> Result<()> {
    after.updated_at = next_version(before.updated_at, now);
    if store::incidents::update(tx, scope, after, before.updated_at).await? {
        Ok(())
    } else {
        Err(Error::Stale)
    }
}

async fn put_services(tx: &mut Tx, scope: OrgScope, id: IncidentId, services: &[Affected]) -> Result<()> {
    for affected in services {
        if store::services::find(tx, scope, affected.service_id).await?.is_none() {
            return Err(Error::field("services", "not_found", "There is no such service."));
        }
        store::incidents::put_service(tx, scope, id, affected.service_id, affected.status).await?;
    }
    Ok(())
}

/// Keeps the engine from deciding about these services meanwhile (X53). Before any incident is locked, and in one order,
/// so that two who write at once wait for each other instead of blocking each other.
async fn lock_services(tx: &mut Tx, scope: OrgScope, services: &[Affected]) -> Result<()> {
    if services.len() > MOST_SERVICES {
        return Ok(());
    }
    let mut ids: Vec<ServiceId> = services.iter().map(|affected| affected.service_id).collect();
    ids.sort_unstable();
    for id in ids {
        store::services::lock(tx, scope, id).await?;
    }
    Ok(())
}

async fn withdraw_answered(tx: &mut Tx, scope: OrgScope, incident: &Incident, now: Timestamp) -> Result<()> {
    let is_open = incident.resolved_at.is_none();
    Ok(store::incident_suggestions::withdraw_answered(tx, scope, incident.id, is_open, now).await?)
}

pub(crate) fn tell(ctx: &Context, by: &Membership) {
    ctx.signals.pages_changed(by.organization.id);
    ctx.signals.outbox_filled();
}

pub(crate) fn stand(incident: &mut Incident, updates: &[IncidentUpdate]) {
    if let Some(is) = standing(updates) {
        incident.status = is.status;
        incident.resolved_at = is.resolved_at;
    }
}

fn worst(services: &[Affected]) -> Impact {
    Impact::of_services(services.iter().map(|affected| affected.status))
}

fn worst_stored(services: &[IncidentService]) -> Impact {
    Impact::of_services(services.iter().map(|service| service.status))
}

/// The impact follows the services upwards, so that the history keeps the worst of it; one that a person set below
/// them stays (D5).
fn impact_after(stored: Impact, old: Impact, new: Impact) -> Impact {
    if stored >= old { stored.max(new) } else { stored }
}

/// The services of a new incident: those listed, else the single one in the state that the impact stands for.
fn gather(checks: &mut Checks, input: &NewIncident, impact: Option<Impact>) -> Vec<Affected> {
    let mut services = input.services.clone();
    if let Some(service_id) = input.service_id
        && services.iter().all(|affected| affected.service_id != service_id)
    {
        let status = impact.unwrap_or(Impact::Minor).default_service_status();
        services.push(Affected { service_id, status });
    }
    check_not_empty(checks, &services);
    check_services(checks, &services);
    services
}

fn parse_impact(checks: &mut Checks, word: &str) -> Option<Impact> {
    let impact = Impact::parse(word);
    if impact.is_none() {
        checks.add("impact", "unknown", "Use none, minor, major or critical.");
    }
    impact
}

fn check_not_empty(checks: &mut Checks, services: &[Affected]) {
    if services.is_empty() {
        checks.add("services", "empty", "Name at least one affected service.");
    }
}

fn check_services(checks: &mut Checks, services: &[Affected]) {
    if services.len() > MOST_SERVICES {
        checks.add("services", "too_many", format!("Name at most {MOST_SERVICES} services."));
        return;
    }
    let mut ids: Vec<ServiceId> = services.iter().map(|affected| affected.service_id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
        checks.add("services", "twice", "Name each service once.");
    }
}

fn check_not_future(checks: &mut Checks, field: &'static str, at: Timestamp, now: Timestamp) {
    if at > now {
        checks.add(field, "in_future", "Give a time that is not in the future.");
    }
}

fn check_posted_at(checks: &mut Checks, at: Timestamp, started_at: Timestamp, now: Timestamp) {
    check_not_future(checks, "posted_at", at, now);
    if at < started_at && started_at <= now {
        checks.add("posted_at", "before_start", "Give a time after the incident started.");
    }
}

#[cfg(test)]
mod tests {
    use super::impact_after;
    use domain::incident::Impact::{Critical, Major, Minor, None};

    #[test]
    fn the_impact_follows_the_services_up_and_keeps_what_a_person_set_below_them() {
        assert_eq!(impact_after(Minor, Minor, Critical), Critical, "it got worse");
        assert_eq!(impact_after(Critical, Critical, None), Critical, "the history keeps the worst");
        assert_eq!(impact_after(Critical, None, Major), Critical, "worse again, but not that bad");
        assert_eq!(impact_after(None, Major, Critical), None, "set below the services by a person");
        assert_eq!(impact_after(Critical, Minor, Major), Critical, "set above them by a person");
    }
}
