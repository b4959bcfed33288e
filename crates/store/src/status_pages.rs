//! Status pages.

use domain::id::PageId;
use domain::status_page::StatusPage;
use domain::time::Timestamp;

use crate::{Conn, OrgScope, Result, Tx};

/// The default page first, then by title.
pub async fn list(conn: &mut Conn, scope: OrgScope) -> Result<Vec<StatusPage>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, slug, title, is_public, is_default, time_zone, partial_outage_percent,
                degraded_percent, maintenance_rule, created_at, updated_at
           FROM status_pages WHERE organization_id = $1 AND deleted_at IS NULL
          ORDER BY is_default DESC, title, id",
        scope.organization_id()
    )
}

/// A part of [`list`], after the page with this title and id, default or not; `None`: from the beginning.
pub async fn list_part(
    conn: &mut Conn,
    scope: OrgScope,
    after: Option<(bool, &str, PageId)>,
    limit: i64,
) -> Result<Vec<StatusPage>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, slug, title, is_public, is_default, time_zone, partial_outage_percent,
                degraded_percent, maintenance_rule, created_at, updated_at
           FROM status_pages
          WHERE organization_id = $1 AND deleted_at IS NULL
            AND ((NOT is_default, title, id) > ($2, $3, $4) OR $4 IS NULL)
          ORDER BY is_default DESC, title, id LIMIT $5",
        scope.organization_id(),
        after.map(|(is_default, ..)| !is_default),
        after.map(|(_, title, _)| title),
        after.map(|(.., id)| id),
        limit
    )
}

pub async fn find(conn: &mut Conn, scope: OrgScope, id: PageId) -> Result<Option<StatusPage>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, slug, title, is_public, is_default, time_zone, partial_outage_percent,
                degraded_percent, maintenance_rule, created_at, updated_at
           FROM status_pages WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        id
    )
}

/// The page of `/p/{org}` (X24). `None`: the organization has no page.
pub async fn find_default(conn: &mut Conn, scope: OrgScope) -> Result<Option<StatusPage>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, slug, title, is_public, is_default, time_zone, partial_outage_percent,
                degraded_percent, maintenance_rule, created_at, updated_at
           FROM status_pages WHERE organization_id = $1 AND is_default AND deleted_at IS NULL",
        scope.organization_id()
    )
}

/// `Conflict("status_pages.organization_id_slug")` when the slug is taken or held by a deleted page.
pub async fn insert(tx: &mut Tx, scope: OrgScope, page: &StatusPage) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO status_pages (id, organization_id, slug, title, is_public, is_default, time_zone,
                                   partial_outage_percent, degraded_percent, maintenance_rule, created_at, updated_at)
         VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        scope.organization_id(),
        page.id,
        &page.slug,
        &page.title,
        page.is_public,
        page.is_default,
        page.time_zone.name(),
        page.rule.partial_outage_percent,
        page.rule.degraded_percent,
        page.rule.maintenance_rule,
        page.created_at,
        page.updated_at
    )?;
    Ok(())
}

/// A page that was deleted after `since` and can be brought back (X18).
pub async fn find_restorable(
    conn: &mut Conn,
    scope: OrgScope,
    id: PageId,
    since: Timestamp,
) -> Result<Option<StatusPage>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, slug, title, is_public, is_default, time_zone, partial_outage_percent,
                degraded_percent, maintenance_rule, created_at, updated_at
           FROM status_pages WHERE organization_id = $1 AND id = $2 AND deleted_at > $3",
        scope.organization_id(),
        id,
        since
    )
}

/// Whether a page has this slug, or a deleted one still holds it.
pub async fn is_slug_taken(conn: &mut Conn, scope: OrgScope, slug: &str) -> Result<bool> {
    let count: i64 = fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM status_pages WHERE organization_id = $1 AND slug = $2",
        scope.organization_id(),
        slug
    )?;
    Ok(count > 0)
}

/// What the tier limits (S30).
pub async fn count(conn: &mut Conn, scope: OrgScope) -> Result<i64> {
    fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM status_pages WHERE organization_id = $1 AND deleted_at IS NULL",
        scope.organization_id()
    )
}

/// Writes every editable field if the stored version is still `version`; `false` when it is not.
/// `Conflict("status_pages.organization_id_slug")` when the slug is taken or held by a deleted page.
pub async fn update(tx: &mut Tx, scope: OrgScope, page: &StatusPage, version: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE status_pages
            SET slug = $3, title = $4, is_public = $5, time_zone = $6, partial_outage_percent = $7,
                degraded_percent = $8, maintenance_rule = $9, updated_at = $10
          WHERE organization_id = $1 AND id = $2 AND updated_at = $11 AND deleted_at IS NULL",
        scope.organization_id(),
        page.id,
        &page.slug,
        &page.title,
        page.is_public,
        page.time_zone.name(),
        page.rule.partial_outage_percent,
        page.rule.degraded_percent,
        page.rule.maintenance_rule,
        page.updated_at,
        version
    )?;
    Ok(changed > 0)
}

/// Makes this the page of `/p/{org}`, and no other one (X24). Call it under the organization's lock.
pub async fn update_default(tx: &mut Tx, scope: OrgScope, id: PageId, now: Timestamp) -> Result<bool> {
    execute!(
        tx,
        "UPDATE status_pages SET is_default = FALSE,
                updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at + 1 END
          WHERE organization_id = $1 AND is_default AND id <> $2",
        scope.organization_id(),
        id,
        now
    )?;
    let changed = execute!(
        tx,
        "UPDATE status_pages SET is_default = TRUE,
                updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at + 1 END
          WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        id,
        now
    )?;
    Ok(changed > 0)
}

/// Takes a page offline; its slug stays held and its placements wait for [`restore`] until [`purge`] (X18).
pub async fn delete(tx: &mut Tx, scope: OrgScope, id: PageId, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE status_pages SET deleted_at = $3, updated_at = $3
          WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        id,
        now
    )?;
    Ok(changed > 0)
}

/// Brings a deleted page back; `false` when it is not deleted.
pub async fn restore(tx: &mut Tx, scope: OrgScope, id: PageId, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE status_pages SET deleted_at = NULL, updated_at = $3
          WHERE organization_id = $1 AND id = $2 AND deleted_at IS NOT NULL",
        scope.organization_id(),
        id,
        now
    )?;
    Ok(changed > 0)
}

/// Removes pages that were deleted before `before`, with their placements and subscribers; gives their number.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM status_pages WHERE deleted_at < $1", before)
}
