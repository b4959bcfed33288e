//! Subscribers of a page: pending until they confirm, gone when they leave.

use domain::id::{OrgId, PageId, SubscriberId, UserId};
use domain::subscriber::Subscriber;
use domain::time::Timestamp;
use uuid::Uuid;

use crate::{Conn, OrgScope, Result, Tx};

/// A row that waits for its confirmation, or one that is renewed.
#[derive(Debug)]
pub struct Pending<'a> {
    pub id: SubscriberId,
    pub page: PageId,
    /// Canonical.
    pub email: &'a str,
    /// SHA-256 of the secret in the mailed link.
    pub token_hash: &'a [u8],
    pub expires_at: Timestamp,
}

/// What is known of an address on a page.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Known {
    #[sqlx(flatten)]
    pub subscriber: Subscriber,
    /// When the last confirmation mail was queued; 1970 when none ever was.
    pub mailed_at: Timestamp,
}

/// A person to write to about the organization.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Owner {
    pub id: UserId,
    pub email: String,
}

/// Newest first; `before` is the last one of the part before.
pub async fn list(
    conn: &mut Conn,
    scope: OrgScope,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Subscriber>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, status_page_id, email, is_confirmed, created_at, confirmed_at
           FROM subscribers WHERE organization_id = $1 AND (created_at, id) < ($2, $3)
          ORDER BY created_at DESC, id DESC LIMIT $4",
        scope.organization_id(),
        before.0,
        before.1,
        limit
    )
}

/// Everybody who gets mail about this page.
pub async fn list_confirmed(conn: &mut Conn, scope: OrgScope, page: PageId) -> Result<Vec<Subscriber>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, status_page_id, email, is_confirmed, created_at, confirmed_at
           FROM subscribers WHERE organization_id = $1 AND status_page_id = $2 AND is_confirmed = TRUE
          ORDER BY created_at, id",
        scope.organization_id(),
        page
    )
}

/// How many are confirmed: what the tier's limit counts (S33, X57).
pub async fn count_confirmed(conn: &mut Conn, scope: OrgScope) -> Result<i64> {
    fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM subscribers WHERE organization_id = $1 AND is_confirmed = TRUE",
        scope.organization_id()
    )
}

pub async fn find(conn: &mut Conn, scope: OrgScope, id: SubscriberId) -> Result<Option<Subscriber>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, status_page_id, email, is_confirmed, created_at, confirmed_at
           FROM subscribers WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        id
    )
}

/// The row of an address (canonical form) on a page.
pub async fn find_by_email(
    conn: &mut Conn,
    scope: OrgScope,
    page: PageId,
    email: &str,
) -> Result<Option<Known>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, status_page_id, email, is_confirmed, created_at, confirmed_at, mailed_at
           FROM subscribers WHERE organization_id = $1 AND status_page_id = $2 AND email = $3",
        scope.organization_id(),
        page,
        email
    )
}

/// The pending row of a confirmation link that still works.
pub async fn find_by_token(
    conn: &mut Conn,
    scope: OrgScope,
    page: PageId,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<Subscriber>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, status_page_id, email, is_confirmed, created_at, confirmed_at
           FROM subscribers
          WHERE organization_id = $1 AND status_page_id = $2 AND confirm_token_hash = $3
            AND is_confirmed = FALSE AND confirm_expires_at > $4",
        scope.organization_id(),
        page,
        token_hash,
        now
    )
}

/// The organization of a subscriber, for a caller who has proved the id with the subscriber's own unsubscribe token.
pub async fn find_scope(conn: &mut Conn, id: SubscriberId) -> Result<Option<OrgScope>> {
    let found: Option<(OrgId,)> =
        fetch_optional!(conn, "SELECT organization_id FROM subscribers WHERE id = $1", id)?;
    Ok(found.map(|(organization,)| OrgScope::proven(organization)))
}

/// Adds a pending row, or gives the pending row of this address a new token; a confirmed row stays as it is.
pub async fn put_pending(tx: &mut Tx, scope: OrgScope, pending: &Pending<'_>, now: Timestamp) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO subscribers (id, organization_id, status_page_id, email, is_confirmed, confirm_token_hash,
                                  confirm_expires_at, mailed_at, created_at, confirmed_at)
         VALUES ($2, $1, $3, $4, FALSE, $5, $6, $7, $7, NULL)
         ON CONFLICT (status_page_id, email) DO UPDATE SET
                confirm_token_hash = excluded.confirm_token_hash, confirm_expires_at = excluded.confirm_expires_at,
                mailed_at = excluded.mailed_at
          WHERE subscribers.is_confirmed = FALSE AND subscribers.organization_id = $1",
        scope.organization_id(),
        pending.id,
        pending.page,
        pending.email,
        pending.token_hash,
        pending.expires_at,
        now
    )?;
    Ok(())
}

/// Confirms a pending row and spends its token; `false` when it is confirmed already or gone.
pub async fn update_confirmed(
    tx: &mut Tx,
    scope: OrgScope,
    id: SubscriberId,
    now: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE subscribers SET is_confirmed = TRUE, confirmed_at = $3, confirm_token_hash = NULL,
                confirm_expires_at = NULL
          WHERE organization_id = $1 AND id = $2 AND is_confirmed = FALSE",
        scope.organization_id(),
        id,
        now
    )?;
    Ok(changed > 0)
}

/// Forgets the address; `false` when it was gone already.
pub async fn delete(tx: &mut Tx, scope: OrgScope, id: SubscriberId) -> Result<bool> {
    let changed = execute!(
        tx,
        "DELETE FROM subscribers WHERE organization_id = $1 AND id = $2",
        scope.organization_id(),
        id
    )?;
    Ok(changed > 0)
}

/// Owners with a proved address. While there is none, the organization sends no mail to others (D13).
pub async fn list_verified_owners(conn: &mut Conn, scope: OrgScope) -> Result<Vec<Owner>> {
    fetch_all!(
        conn,
        "SELECT u.id, u.email
           FROM organization_members m JOIN users u ON u.id = m.user_id
          WHERE m.organization_id = $1 AND m.role = 'owner' AND u.is_email_verified = TRUE AND u.deleted_at IS NULL
          ORDER BY m.joined_at, u.id",
        scope.organization_id()
    )
}
