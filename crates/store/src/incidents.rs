//! Incidents, their updates, the services they touch, and who is to be told.

use domain::id::{IncidentId, PageId, ServiceId, SuggestionId};
use domain::incident::{Incident, IncidentOrigin, IncidentService, IncidentUpdate};
use domain::service::ServiceStatus;
use domain::time::Timestamp;
use uuid::Uuid;

use crate::{Conn, OrgScope, Result, Tx};

/// Which part of the list is wanted, newest first.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// `None`: open and resolved ones.
    pub is_open: Option<bool>,
    /// Resolved ones are left out when they ended before this (S38); open ones never are.
    pub since: Timestamp,
    /// Only what was made before this pair, the last one of the part before.
    pub before: (Timestamp, Uuid),
    pub limit: i64,
}

/// A public page on which an incident stands, and where it is found.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PageToTell {
    pub id: PageId,
    pub title: String,
    pub slug: String,
    pub organization_slug: String,
}

/// By making, newest first.
pub async fn list(conn: &mut Conn, scope: OrgScope, part: Part) -> Result<Vec<Incident>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, title, status, impact, started_at, resolved_at, origin, is_edited,
                created_at, updated_at
           FROM incidents
          WHERE organization_id = $1 AND (resolved_at IS NULL OR resolved_at > $2)
            AND ((resolved_at IS NULL) = $3 OR $3 IS NULL)
            AND (created_at, id) < ($4, $5)
          ORDER BY created_at DESC, id DESC LIMIT $6",
        scope.organization_id(),
        part.since,
        part.is_open,
        part.before.0,
        part.before.1,
        part.limit
    )
}

pub async fn find(conn: &mut Conn, scope: OrgScope, id: IncidentId) -> Result<Option<Incident>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, title, status, impact, started_at, resolved_at, origin, is_edited,
                created_at, updated_at
           FROM incidents WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        id
    )
}

/// Like [`find`], and nobody else changes the incident until the transaction ends.
pub async fn lock(tx: &mut Tx, scope: OrgScope, id: IncidentId) -> Result<Option<Incident>> {
    fetch_optional!(
        tx,
        "UPDATE incidents SET updated_at = updated_at WHERE organization_id = $1 AND id = $2
         RETURNING id, organization_id, title, status, impact, started_at, resolved_at, origin, is_edited, created_at,
                   updated_at",
        scope.organization_id(),
        id
    )
}

pub async fn insert(tx: &mut Tx, scope: OrgScope, incident: &Incident) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO incidents (id, organization_id, title, status, impact, started_at, resolved_at, origin,
                                is_edited, created_at, updated_at)
         VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        scope.organization_id(),
        incident.id,
        &incident.title,
        incident.status,
        incident.impact,
        incident.started_at,
        incident.resolved_at,
        incident.origin,
        incident.is_edited,
        incident.created_at,
        incident.updated_at
    )?;
    Ok(())
}

/// An incident that is open on a service, as far as the rule of automatic incidents asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct OpenOnService {
    pub id: IncidentId,
    pub origin: IncidentOrigin,
    pub is_edited: bool,
    pub status: ServiceStatus,
    /// A monitor of another service that it touches is down.
    pub others_fail: bool,
    /// The suggestion to resolve it that waits.
    pub end_suggested: Option<SuggestionId>,
}

/// Oldest first.
pub async fn list_open_on_service(
    conn: &mut Conn,
    scope: OrgScope,
    service: ServiceId,
) -> Result<Vec<OpenOnService>> {
    fetch_all!(
        conn,
        "SELECT i.id, i.origin, i.is_edited, x.status,
                EXISTS (SELECT 1 FROM incident_services y
                          JOIN monitors m ON m.organization_id = y.organization_id AND m.service_id = y.service_id
                         WHERE y.organization_id = $1 AND y.incident_id = i.id AND y.service_id <> $2
                           AND m.state = 'down' AND m.is_active = TRUE AND m.deleted_at IS NULL) AS others_fail,
                g.id AS end_suggested
           FROM incident_services x
           JOIN incidents i ON i.organization_id = x.organization_id AND i.id = x.incident_id
           LEFT JOIN incident_suggestions g
             ON g.organization_id = i.organization_id AND g.incident_id = i.id AND g.state = 'open'
                AND g.kind = 'resolve'
          WHERE x.organization_id = $1 AND x.service_id = $2 AND i.resolved_at IS NULL
          ORDER BY i.created_at, i.id",
        scope.organization_id(),
        service
    )
}

/// The incident of this service that was opened and resolved after `since` without a person's hand; the last one.
pub async fn find_ended_automatic(
    conn: &mut Conn,
    scope: OrgScope,
    service: ServiceId,
    since: Timestamp,
) -> Result<Option<(IncidentId, Timestamp)>> {
    fetch_optional!(
        conn,
        "SELECT i.id, i.resolved_at
           FROM incident_services x
           JOIN incidents i ON i.organization_id = x.organization_id AND i.id = x.incident_id
          WHERE x.organization_id = $1 AND x.service_id = $2 AND i.resolved_at > $3 AND i.origin = 'automatic'
            AND i.is_edited = FALSE
          ORDER BY i.resolved_at DESC, i.id DESC LIMIT 1",
        scope.organization_id(),
        service,
        since
    )
}

/// Writes every editable field if the stored version is still `version`; `false` when it is not.
pub async fn update(tx: &mut Tx, scope: OrgScope, incident: &Incident, version: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE incidents SET title = $3, status = $4, impact = $5, started_at = $6, resolved_at = $7, is_edited = $8,
                updated_at = $9
          WHERE organization_id = $1 AND id = $2 AND updated_at = $10",
        scope.organization_id(),
        incident.id,
        &incident.title,
        incident.status,
        incident.impact,
        incident.started_at,
        incident.resolved_at,
        incident.is_edited,
        incident.updated_at,
        version
    )?;
    Ok(changed > 0)
}

/// With its updates. Mail about it that has not left yet goes out all the same.
pub async fn delete(tx: &mut Tx, scope: OrgScope, id: IncidentId) -> Result<bool> {
    let changed = execute!(
        tx,
        "DELETE FROM incidents WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        id
    )?;
    Ok(changed > 0)
}

/// The services that an incident touches, by position, then name; deleted ones too, as they tell what it was about.
pub async fn list_services(
    conn: &mut Conn,
    scope: OrgScope,
    incident: IncidentId,
) -> Result<Vec<IncidentService>> {
    fetch_all!(
        conn,
        "SELECT x.organization_id, x.incident_id, x.service_id, x.status
           FROM incident_services x
           JOIN services s ON s.organization_id = x.organization_id AND s.id = x.service_id
          WHERE x.organization_id = $1 AND x.incident_id = $2
          ORDER BY s.position, s.name, s.id",
        scope.organization_id(),
        incident
    )
}

/// Like [`list_services`], of all incidents made between these two instants, both included.
pub async fn list_services_made_between(
    conn: &mut Conn,
    scope: OrgScope,
    oldest: Timestamp,
    newest: Timestamp,
) -> Result<Vec<IncidentService>> {
    fetch_all!(
        conn,
        "SELECT x.organization_id, x.incident_id, x.service_id, x.status
           FROM incidents i
           JOIN incident_services x ON x.organization_id = i.organization_id AND x.incident_id = i.id
           JOIN services s ON s.organization_id = x.organization_id AND s.id = x.service_id
          WHERE i.organization_id = $1 AND i.created_at >= $2 AND i.created_at <= $3
          ORDER BY s.position, s.name, s.id",
        scope.organization_id(),
        oldest,
        newest
    )
}

/// Sets what the incident does to a service. `Reference` when one of the two is not of this organization.
pub async fn put_service(
    tx: &mut Tx,
    scope: OrgScope,
    incident: IncidentId,
    service: ServiceId,
    status: ServiceStatus,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO incident_services (organization_id, incident_id, service_id, status) VALUES ($1, $2, $3, $4)
         ON CONFLICT (incident_id, service_id) DO UPDATE SET status = excluded.status",
        scope.organization_id(),
        incident,
        service,
        status
    )?;
    Ok(())
}

/// Takes all services off the incident.
pub async fn delete_services(tx: &mut Tx, scope: OrgScope, incident: IncidentId) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM incident_services WHERE organization_id = $1 AND incident_id = $2",
        scope.organization_id(),
        incident
    )?;
    Ok(())
}

/// Newest first by the time of effect.
pub async fn list_updates(
    conn: &mut Conn,
    scope: OrgScope,
    incident: IncidentId,
) -> Result<Vec<IncidentUpdate>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, incident_id, status, body, created_at
           FROM incident_updates WHERE organization_id = $1 AND incident_id = $2
          ORDER BY created_at DESC, id DESC",
        scope.organization_id(),
        incident
    )
}

/// `Reference` when the incident is not of this organization.
pub async fn insert_update(tx: &mut Tx, scope: OrgScope, update: &IncidentUpdate) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO incident_updates (id, organization_id, incident_id, status, body, created_at)
         VALUES ($2, $1, $3, $4, $5, $6)",
        scope.organization_id(),
        update.id,
        update.incident_id,
        update.status,
        &update.body,
        update.created_at
    )?;
    Ok(())
}

/// The public pages on which a service of this incident stands visibly; none while no owner of the organization
/// has proved an address (D13).
pub async fn list_pages_to_tell(
    conn: &mut Conn,
    scope: OrgScope,
    incident: IncidentId,
) -> Result<Vec<PageToTell>> {
    fetch_all!(
        conn,
        "SELECT p.id, p.title, p.slug, o.slug AS organization_slug
           FROM status_pages p JOIN organizations o ON o.id = p.organization_id
          WHERE p.organization_id = $1 AND p.is_public = TRUE AND p.deleted_at IS NULL AND o.deleted_at IS NULL
            AND EXISTS (SELECT 1 FROM organization_members m JOIN users u ON u.id = m.user_id
                         WHERE m.organization_id = $1 AND m.role = 'owner' AND u.is_email_verified = TRUE
                           AND u.deleted_at IS NULL)
            AND EXISTS (SELECT 1 FROM incident_services x
                          JOIN placements l ON l.organization_id = x.organization_id AND l.service_id = x.service_id
                          JOIN services s ON s.organization_id = x.organization_id AND s.id = x.service_id
                         WHERE x.organization_id = $1 AND x.incident_id = $2 AND l.status_page_id = p.id
                           AND l.is_visible = TRUE AND s.is_visible = TRUE AND s.deleted_at IS NULL)
          ORDER BY p.id",
        scope.organization_id(),
        incident
    )
}

/// The incident's services as they stand visibly on one page: public name and what the incident does to each.
pub async fn list_services_on_page(
    conn: &mut Conn,
    scope: OrgScope,
    incident: IncidentId,
    page: PageId,
) -> Result<Vec<(String, ServiceStatus)>> {
    fetch_all!(
        conn,
        "SELECT COALESCE(l.public_name, s.name) AS name, x.status
           FROM incident_services x
           JOIN placements l ON l.organization_id = x.organization_id AND l.service_id = x.service_id
           JOIN services s ON s.organization_id = x.organization_id AND s.id = x.service_id
          WHERE x.organization_id = $1 AND x.incident_id = $2 AND l.status_page_id = $3
            AND l.is_visible = TRUE AND s.is_visible = TRUE AND s.deleted_at IS NULL
          ORDER BY COALESCE(l.position, s.position), name, s.id",
        scope.organization_id(),
        incident,
        page
    )
}
