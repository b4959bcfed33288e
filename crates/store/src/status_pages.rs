//! Status pages.

use domain::id::PageId;
use domain::status_page::StatusPage;

use crate::{Conn, OrgScope, Result, Tx};

/// The default page first, then by title.
pub async fn list(conn: &mut Conn, scope: OrgScope) -> Result<Vec<StatusPage>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, slug, title, is_public, is_default, created_at, updated_at
           FROM status_pages WHERE organization_id = $1 AND deleted_at IS NULL
          ORDER BY is_default DESC, title, id",
        scope.organization_id()
    )
}

pub async fn find(conn: &mut Conn, scope: OrgScope, id: PageId) -> Result<Option<StatusPage>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, slug, title, is_public, is_default, created_at, updated_at
           FROM status_pages WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        scope.organization_id(),
        id
    )
}

/// The page of `/p/{org}` (X24). `None`: the organization has no page.
pub async fn find_default(conn: &mut Conn, scope: OrgScope) -> Result<Option<StatusPage>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, slug, title, is_public, is_default, created_at, updated_at
           FROM status_pages WHERE organization_id = $1 AND is_default AND deleted_at IS NULL",
        scope.organization_id()
    )
}

/// `Conflict("status_pages.organization_id_slug")` when the slug is taken or held by a deleted page.
pub async fn insert(tx: &mut Tx, scope: OrgScope, page: &StatusPage) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO status_pages (id, organization_id, slug, title, is_public, is_default, created_at, updated_at)
         VALUES ($2, $1, $3, $4, $5, $6, $7, $8)",
        scope.organization_id(),
        page.id,
        &page.slug,
        &page.title,
        page.is_public,
        page.is_default,
        page.created_at,
        page.updated_at
    )?;
    Ok(())
}
