//! Services and their placements on pages.

use domain::id::{MonitorId, PageId, ServiceId};
use domain::monitor::MonitorState;
use domain::service::Service;
use domain::status_page::Placement;
use domain::time::Timestamp;

use crate::{Conn, OrgScope, Result, Tx};

/// By position, then name (S27). Deleted ones are not listed.
pub async fn list(conn: &mut Conn, scope: OrgScope) -> Result<Vec<Service>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, name, slug, description, group_name, position, is_visible, manual_status,
                incident_mode, created_at, updated_at
           FROM services WHERE organization_id = $1 AND deleted_at IS NULL
          ORDER BY position, name, id",
        scope.organization_id()
    )
}

/// A part of [`list`], after the service with this position, name and id; `None`: from the beginning.
pub async fn list_part(
    conn: &mut Conn,
    scope: OrgScope,
    after: Option<(i32, &str, ServiceId)>,
    limit: i64,
) -> Result<Vec<Service>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, name, slug, description, group_name, position, is_visible, manual_status,
                incident_mode, created_at, updated_at
           FROM services
          WHERE organization_id = $1 AND deleted_at IS NULL
            AND ((position, name, id) > ($2, $3, $4) OR $4 IS NULL)
          ORDER BY position, name, id LIMIT $5",
        scope.organization_id(),
        after.map(|(position, ..)| position),
        after.map(|(_, name, _)| name),
        after.map(|(.., id)| id),
        limit
    )
}

pub async fn find(conn: &mut Conn, scope: OrgScope, id: ServiceId) -> Result<Option<Service>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, name, slug, description, group_name, position, is_visible, manual_status,
                incident_mode, created_at, updated_at
           FROM services WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        id
    )
}

/// Like [`find`], and nobody else decides about its incidents until the transaction ends (X53). Several are locked in
/// the order of their ids, before any incident.
pub async fn lock(tx: &mut Tx, scope: OrgScope, id: ServiceId) -> Result<Option<Service>> {
    fetch_optional!(
        tx,
        "UPDATE services SET updated_at = updated_at
          WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL
         RETURNING id, organization_id, name, slug, description, group_name, position, is_visible, manual_status,
                   incident_mode, created_at, updated_at",
        scope.organization_id(),
        id
    )
}

/// What an active monitor of a service says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct MonitorWord {
    pub id: MonitorId,
    pub state: MonitorState,
    pub is_flapping: bool,
}

/// Monitors that are snoozed at `now` and down call nobody, and are left out.
pub async fn list_words(
    conn: &mut Conn,
    scope: OrgScope,
    id: ServiceId,
    now: Timestamp,
) -> Result<Vec<MonitorWord>> {
    fetch_all!(
        conn,
        "SELECT id, state, flapping_since IS NOT NULL AS is_flapping FROM monitors
          WHERE organization_id = $1 AND service_id = $2 AND is_active = TRUE AND deleted_at IS NULL
            AND (state <> 'down' OR snoozed_until IS NULL OR snoozed_until <= $3)",
        scope.organization_id(),
        id,
        now
    )
}

/// The names under which pages show the service, each once; none when it stands visibly on no page.
pub async fn list_shown_names(conn: &mut Conn, scope: OrgScope, id: ServiceId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_all!(
        conn,
        "SELECT DISTINCT COALESCE(l.public_name, s.name) AS name
           FROM placements l
           JOIN services s ON s.organization_id = l.organization_id AND s.id = l.service_id
           JOIN status_pages p ON p.organization_id = l.organization_id AND p.id = l.status_page_id
          WHERE l.organization_id = $1 AND l.service_id = $2 AND l.is_visible = TRUE AND p.deleted_at IS NULL
          ORDER BY name",
        scope.organization_id(),
        id
    )?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// `Conflict("services.organization_id_slug")` when the slug is taken.
pub async fn insert(tx: &mut Tx, scope: OrgScope, service: &Service) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO services (id, organization_id, name, slug, description, group_name, position, is_visible,
                               manual_status, incident_mode, created_at, updated_at)
         VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        scope.organization_id(),
        service.id,
        &service.name,
        &service.slug,
        &service.description,
        &service.group_name,
        service.position,
        service.is_visible,
        service.manual_status,
        service.incident_mode,
        service.created_at,
        service.updated_at
    )?;
    Ok(())
}

/// Writes every editable field if the stored version is still `version`; `false` when it is not.
pub async fn update(tx: &mut Tx, scope: OrgScope, service: &Service, version: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE services SET name = $3, slug = $4, description = $5, group_name = $6, position = $7,
                is_visible = $8, manual_status = $9, incident_mode = $10, updated_at = $11
          WHERE organization_id = $1 AND id = $2 AND updated_at = $12 AND deleted_at IS NULL",
        scope.organization_id(),
        service.id,
        &service.name,
        &service.slug,
        &service.description,
        &service.group_name,
        service.position,
        service.is_visible,
        service.manual_status,
        service.incident_mode,
        service.updated_at,
        version
    )?;
    Ok(changed > 0)
}

/// Hides the service everywhere; its monitors stop, and nothing depends on them any more. The text of its incidents stays (X18).
pub async fn delete(tx: &mut Tx, scope: OrgScope, id: ServiceId, now: Timestamp) -> Result<bool> {
    execute!(
        tx,
        "UPDATE monitors SET parent_id = NULL
          WHERE organization_id = $1
            AND parent_id IN (SELECT id FROM monitors WHERE organization_id = $1 AND service_id = $2)",
        scope.organization_id(),
        id
    )?;
    execute!(
        tx,
        "UPDATE monitors SET deleted_at = $3, is_active = FALSE
          WHERE organization_id = $1 AND service_id = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        id,
        now
    )?;
    execute!(
        tx,
        "DELETE FROM placements WHERE organization_id = $1 AND service_id = $2",
        scope.organization_id(),
        id
    )?;
    let changed = execute!(
        tx,
        "UPDATE services SET deleted_at = $3, updated_at = $3
          WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        id,
        now
    )?;
    Ok(changed > 0)
}

/// All placements on pages that are not deleted, for lists of services with the pages they stand on.
pub async fn list_placements(conn: &mut Conn, scope: OrgScope) -> Result<Vec<Placement>> {
    fetch_all!(
        conn,
        "SELECT l.organization_id, l.status_page_id, l.service_id, l.public_name, l.group_name, l.position,
                l.is_visible
           FROM placements l
           JOIN status_pages p ON p.organization_id = l.organization_id AND p.id = l.status_page_id
          WHERE l.organization_id = $1 AND p.deleted_at IS NULL
          ORDER BY l.created_at, l.status_page_id, l.service_id",
        scope.organization_id()
    )
}

/// The placements of one service on pages that are not deleted, oldest first.
pub async fn list_placements_of_service(
    conn: &mut Conn,
    scope: OrgScope,
    service: ServiceId,
) -> Result<Vec<Placement>> {
    fetch_all!(
        conn,
        "SELECT l.organization_id, l.status_page_id, l.service_id, l.public_name, l.group_name, l.position,
                l.is_visible
           FROM placements l
           JOIN status_pages p ON p.organization_id = l.organization_id AND p.id = l.status_page_id
          WHERE l.organization_id = $1 AND l.service_id = $2 AND p.deleted_at IS NULL
          ORDER BY l.created_at, l.status_page_id",
        scope.organization_id(),
        service
    )
}

/// The placements on one page, as the page shows them: by position, then name.
pub async fn list_placements_of(conn: &mut Conn, scope: OrgScope, page: PageId) -> Result<Vec<Placement>> {
    fetch_all!(
        conn,
        "SELECT l.organization_id, l.status_page_id, l.service_id, l.public_name, l.group_name, l.position,
                l.is_visible
           FROM placements l
           JOIN services s ON s.organization_id = l.organization_id AND s.id = l.service_id
          WHERE l.organization_id = $1 AND l.status_page_id = $2
          ORDER BY COALESCE(l.position, s.position), COALESCE(l.public_name, s.name), s.id",
        scope.organization_id(),
        page
    )
}

pub async fn find_placement(
    conn: &mut Conn,
    scope: OrgScope,
    page: PageId,
    service: ServiceId,
) -> Result<Option<Placement>> {
    fetch_optional!(
        conn,
        "SELECT organization_id, status_page_id, service_id, public_name, group_name, position, is_visible
           FROM placements WHERE organization_id = $1 AND status_page_id = $2 AND service_id = $3",
        scope.organization_id(),
        page,
        service
    )
}

/// How many services stand on the page: what `services_per_page` counts (D4, S31).
pub async fn count_placements(conn: &mut Conn, scope: OrgScope, page: PageId) -> Result<i64> {
    fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM placements WHERE organization_id = $1 AND status_page_id = $2",
        scope.organization_id(),
        page
    )
}

/// Puts a service on a page. `Reference` when page or service is not of this organization, `Conflict` when it
/// stands there already.
pub async fn insert_placement(
    tx: &mut Tx,
    scope: OrgScope,
    placement: &Placement,
    now: Timestamp,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO placements (organization_id, status_page_id, service_id, public_name, group_name, position,
                                 is_visible, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        scope.organization_id(),
        placement.status_page_id,
        placement.service_id,
        &placement.public_name,
        &placement.group_name,
        placement.position,
        placement.is_visible,
        now
    )?;
    Ok(())
}

/// Changes how a service stands on a page; `false` when it does not stand there.
pub async fn update_placement(tx: &mut Tx, scope: OrgScope, placement: &Placement) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE placements SET public_name = $4, group_name = $5, position = $6, is_visible = $7
          WHERE organization_id = $1 AND status_page_id = $2 AND service_id = $3",
        scope.organization_id(),
        placement.status_page_id,
        placement.service_id,
        &placement.public_name,
        &placement.group_name,
        placement.position,
        placement.is_visible
    )?;
    Ok(changed > 0)
}

/// Takes a service off a page; `false` when it does not stand there.
pub async fn delete_placement(
    tx: &mut Tx,
    scope: OrgScope,
    page: PageId,
    service: ServiceId,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "DELETE FROM placements WHERE organization_id = $1 AND status_page_id = $2 AND service_id = $3",
        scope.organization_id(),
        page,
        service
    )?;
    Ok(changed > 0)
}

/// Removes services that were deleted before `before`; gives their number.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM services WHERE deleted_at < $1", before)
}

pub async fn is_slug_taken(conn: &mut Conn, scope: OrgScope, slug: &str) -> Result<bool> {
    let count: i64 = fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM services WHERE organization_id = $1 AND slug = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        slug
    )?;
    Ok(count > 0)
}
