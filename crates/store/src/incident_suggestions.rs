//! What the engine suggests about incidents, and what became of it. No public read may touch this table.

use domain::id::{IncidentId, ServiceId, SuggestionId};
use domain::incident::{IncidentSuggestion, SuggestionState};
use domain::service::ServiceStatus;
use domain::time::Timestamp;
use uuid::Uuid;

use crate::{Conn, OrgScope, Result, Tx};

/// Which part of the list is wanted, newest first.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// `None`: whatever became of them.
    pub state: Option<SuggestionState>,
    /// `None`: of all services.
    pub service_id: Option<ServiceId>,
    /// Only what was made before this pair, the last one of the part before.
    pub before: (Timestamp, Uuid),
    pub limit: i64,
}

/// By making, newest first. Those about deleted services are left out.
pub async fn list(conn: &mut Conn, scope: OrgScope, part: Part) -> Result<Vec<IncidentSuggestion>> {
    fetch_all!(
        conn,
        "SELECT g.id, g.organization_id, g.service_id, g.kind, g.state, g.monitor_id, g.incident_id, g.status, g.since,
                g.created_at, g.updated_at
           FROM incident_suggestions g
           JOIN services s ON s.organization_id = g.organization_id AND s.id = g.service_id
          WHERE g.organization_id = $1 AND s.deleted_at IS NULL AND (g.state = $2 OR $2 IS NULL)
            AND (g.service_id = $3 OR $3 IS NULL) AND (g.created_at, g.id) < ($4, $5)
          ORDER BY g.created_at DESC, g.id DESC LIMIT $6",
        scope.organization_id(),
        part.state,
        part.service_id,
        part.before.0,
        part.before.1,
        part.limit
    )
}

pub async fn find(conn: &mut Conn, scope: OrgScope, id: SuggestionId) -> Result<Option<IncidentSuggestion>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, service_id, kind, state, monitor_id, incident_id, status, since, created_at,
                updated_at
           FROM incident_suggestions WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        id
    )
}

/// Whether an incident the engine could go on with, or a suggestion, is open for the service.
pub async fn is_concerned(conn: &mut Conn, scope: OrgScope, service: ServiceId) -> Result<bool> {
    let count: i64 = fetch_scalar!(
        conn,
        "SELECT (SELECT COUNT(*) FROM incident_suggestions
                  WHERE organization_id = $1 AND service_id = $2 AND state = 'open' AND kind = 'open')
              + (SELECT COUNT(*) FROM incident_services x
                   JOIN incidents i ON i.organization_id = x.organization_id AND i.id = x.incident_id
                  WHERE x.organization_id = $1 AND x.service_id = $2 AND i.resolved_at IS NULL
                    AND i.origin = 'automatic' AND i.is_edited = FALSE)",
        scope.organization_id(),
        service
    )?;
    Ok(count > 0)
}

/// The suggested incident of the service that waits.
pub async fn find_waiting(
    conn: &mut Conn,
    scope: OrgScope,
    service: ServiceId,
) -> Result<Option<(SuggestionId, ServiceStatus)>> {
    fetch_optional!(
        conn,
        "SELECT id, status FROM incident_suggestions
          WHERE organization_id = $1 AND service_id = $2 AND state = 'open' AND kind = 'open'",
        scope.organization_id(),
        service
    )
}

/// The suggested incident of the service that became obsolete last, after `since`.
pub async fn find_obsolete(
    conn: &mut Conn,
    scope: OrgScope,
    service: ServiceId,
    since: Timestamp,
) -> Result<Option<(SuggestionId, Timestamp)>> {
    fetch_optional!(
        conn,
        "SELECT id, updated_at FROM incident_suggestions
          WHERE organization_id = $1 AND service_id = $2 AND state = 'obsolete' AND kind = 'open' AND updated_at > $3
          ORDER BY updated_at DESC, id DESC LIMIT 1",
        scope.organization_id(),
        service,
        since
    )
}

/// `Conflict("incident_suggestions.…")` when the same is suggested already.
pub async fn insert(tx: &mut Tx, scope: OrgScope, suggestion: &IncidentSuggestion) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO incident_suggestions (id, organization_id, service_id, kind, state, monitor_id, incident_id, status,
                                           since, created_at, updated_at)
         VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        scope.organization_id(),
        suggestion.id,
        suggestion.service_id,
        suggestion.kind,
        suggestion.state,
        suggestion.monitor_id,
        suggestion.incident_id,
        suggestion.status,
        suggestion.since,
        suggestion.created_at,
        suggestion.updated_at
    )?;
    Ok(())
}

/// What the monitors say by now; one that was obsolete waits again.
pub async fn update_status(
    tx: &mut Tx,
    scope: OrgScope,
    id: SuggestionId,
    status: ServiceStatus,
    now: Timestamp,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE incident_suggestions SET status = $3, state = 'open', updated_at = $4
          WHERE organization_id = $1 AND id = $2 AND state IN ('open', 'obsolete')",
        scope.organization_id(),
        id,
        status,
        now
    )?;
    Ok(())
}

/// Ends the wait; `false` when it had ended before.
pub async fn settle(
    tx: &mut Tx,
    scope: OrgScope,
    id: SuggestionId,
    state: SuggestionState,
    now: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE incident_suggestions SET state = $3, updated_at = $4
          WHERE organization_id = $1 AND id = $2 AND state = 'open'",
        scope.organization_id(),
        id,
        state,
        now
    )?;
    Ok(changed > 0)
}

/// Says what an accepted suggestion became.
pub async fn update_incident(
    tx: &mut Tx,
    scope: OrgScope,
    id: SuggestionId,
    incident: IncidentId,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE incident_suggestions SET incident_id = $3 WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        id,
        incident
    )?;
    Ok(())
}

/// Everything that waits for a word on this service is obsolete.
pub async fn withdraw_of_service(
    tx: &mut Tx,
    scope: OrgScope,
    service: ServiceId,
    now: Timestamp,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE incident_suggestions SET state = 'obsolete', updated_at = $3
          WHERE organization_id = $1 AND service_id = $2 AND state = 'open'",
        scope.organization_id(),
        service,
        now
    )?;
    Ok(())
}

/// What an incident makes obsolete: suggestions to open one for its services while it is open, the one to resolve it
/// once it is resolved.
pub async fn withdraw_answered(
    tx: &mut Tx,
    scope: OrgScope,
    incident: IncidentId,
    is_open: bool,
    now: Timestamp,
) -> Result<()> {
    execute!(
        tx,
        "UPDATE incident_suggestions SET state = 'obsolete', updated_at = $3
          WHERE organization_id = $1 AND state = 'open'
            AND ((kind = 'open' AND $4 = TRUE
                  AND service_id IN (SELECT service_id FROM incident_services
                                      WHERE organization_id = $1 AND incident_id = $2))
                 OR (kind = 'resolve' AND $4 = FALSE AND incident_id = $2))",
        scope.organization_id(),
        incident,
        now,
        is_open
    )?;
    Ok(())
}

/// Removes what was settled before `before`, of all organizations.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM incident_suggestions WHERE state <> 'open' AND updated_at < $1", before)
}
