//! Invitations into an organization (X14). Only the hash of the secret in the link is stored.

use domain::id::{InvitationId, OrgId, UserId};
use domain::invitation::Invitation;
use domain::organization::Role;
use domain::time::Timestamp;

use crate::{Conn, OrgScope, Result, Tx};

/// What the holder of a link may know before accepting.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct InvitationPreview {
    pub organization_name: String,
    pub role: Role,
    /// Canonical; only an account with this address may accept.
    pub email: String,
    pub expires_at: Timestamp,
}

/// An invitation that its link just opened: proves a scope, since only the organization made it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Opened {
    pub id: InvitationId,
    pub organization_id: OrgId,
    pub email: String,
    pub role: Role,
}

impl Opened {
    pub fn scope(&self) -> OrgScope {
        OrgScope::proven(self.organization_id)
    }
}

/// Neither accepted nor revoked, the newest first. Expired ones stay listed: they can be sent again.
pub async fn list_pending(conn: &mut Conn, scope: OrgScope) -> Result<Vec<Invitation>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, email, role, invited_by, created_at, expires_at, accepted_at
           FROM invitations WHERE organization_id = $1 AND accepted_at IS NULL
          ORDER BY created_at DESC, id DESC",
        scope.organization_id()
    )
}

/// A part of [`list_pending`], after the invitation that was made then and has this id; `None`: from the beginning.
pub async fn list_part(
    conn: &mut Conn,
    scope: OrgScope,
    after: Option<(Timestamp, InvitationId)>,
    limit: i64,
) -> Result<Vec<Invitation>> {
    fetch_all!(
        conn,
        "SELECT id, organization_id, email, role, invited_by, created_at, expires_at, accepted_at
           FROM invitations WHERE organization_id = $1 AND accepted_at IS NULL
            AND ((created_at, id) < ($2, $3) OR $3 IS NULL)
          ORDER BY created_at DESC, id DESC LIMIT $4",
        scope.organization_id(),
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        limit
    )
}

pub async fn find_pending(conn: &mut Conn, scope: OrgScope, id: InvitationId) -> Result<Option<Invitation>> {
    fetch_optional!(
        conn,
        "SELECT id, organization_id, email, role, invited_by, created_at, expires_at, accepted_at
           FROM invitations WHERE organization_id = $1 AND id = $2 AND accepted_at IS NULL",
        scope.organization_id(),
        id
    )
}

/// What a link leads to; `None` for one that was spent, revoked, has expired or never existed.
pub async fn find_preview(
    conn: &mut Conn,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<InvitationPreview>> {
    fetch_optional!(
        conn,
        "SELECT o.name AS organization_name, i.role, i.email, i.expires_at
           FROM invitations i JOIN organizations o ON o.id = i.organization_id
          WHERE i.token_hash = $1 AND i.accepted_at IS NULL AND i.expires_at > $2 AND o.deleted_at IS NULL",
        token_hash,
        now
    )
}

/// The invitation behind a link, before it is spent with [`spend`].
pub async fn find_opened(conn: &mut Conn, token_hash: &[u8], now: Timestamp) -> Result<Option<Opened>> {
    fetch_optional!(
        conn,
        "SELECT i.id, i.organization_id, i.email, i.role
           FROM invitations i JOIN organizations o ON o.id = i.organization_id
          WHERE i.token_hash = $1 AND i.accepted_at IS NULL AND i.expires_at > $2 AND o.deleted_at IS NULL",
        token_hash,
        now
    )
}

/// Spends an invitation if its secret is still this one; `false` when somebody was faster (T-12).
pub async fn spend(
    tx: &mut Tx,
    scope: OrgScope,
    id: InvitationId,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE invitations SET accepted_at = $4
          WHERE organization_id = $1 AND id = $2 AND token_hash = $3 AND accepted_at IS NULL AND expires_at > $4",
        scope.organization_id(),
        id,
        token_hash,
        now
    )?;
    Ok(changed > 0)
}

/// `Conflict("invitations.organization_id_email")` when the address has a pending invitation.
pub async fn insert(tx: &mut Tx, scope: OrgScope, invitation: &Invitation, token_hash: &[u8]) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO invitations (id, organization_id, email, role, token_hash, invited_by, created_at, expires_at)
         VALUES ($2, $1, $3, $4, $5, $6, $7, $8)",
        scope.organization_id(),
        invitation.id,
        &invitation.email,
        invitation.role,
        token_hash,
        invitation.invited_by,
        invitation.created_at,
        invitation.expires_at
    )?;
    Ok(())
}

/// Puts a new secret in the place of the old one, which stops working.
pub async fn renew(
    tx: &mut Tx,
    scope: OrgScope,
    id: InvitationId,
    token_hash: &[u8],
    expires_at: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE invitations SET token_hash = $3, expires_at = $4
          WHERE organization_id = $1 AND id = $2 AND accepted_at IS NULL",
        scope.organization_id(),
        id,
        token_hash,
        expires_at
    )?;
    Ok(changed > 0)
}

/// Revokes a pending invitation; `false` when there is none.
pub async fn delete(tx: &mut Tx, scope: OrgScope, id: InvitationId) -> Result<bool> {
    let changed = execute!(
        tx,
        "DELETE FROM invitations WHERE organization_id = $1 AND id = $2 AND accepted_at IS NULL",
        scope.organization_id(),
        id
    )?;
    Ok(changed > 0)
}

/// Makes room for a new invitation to an address whose last one has expired.
pub async fn delete_expired(tx: &mut Tx, scope: OrgScope, email: &str, now: Timestamp) -> Result<()> {
    execute!(
        tx,
        "DELETE FROM invitations
          WHERE organization_id = $1 AND email = $2 AND accepted_at IS NULL AND expires_at <= $3",
        scope.organization_id(),
        email,
        now
    )?;
    Ok(())
}

/// Revokes what a person who is no member any more had sent.
pub async fn delete_sent_by(tx: &mut Tx, scope: OrgScope, user: UserId) -> Result<u64> {
    execute!(
        tx,
        "DELETE FROM invitations WHERE organization_id = $1 AND invited_by = $2 AND accepted_at IS NULL",
        scope.organization_id(),
        user
    )
}

/// Revokes what a person had sent to people with this role.
pub async fn delete_sent_by_as(tx: &mut Tx, scope: OrgScope, user: UserId, role: Role) -> Result<u64> {
    execute!(
        tx,
        "DELETE FROM invitations
          WHERE organization_id = $1 AND invited_by = $2 AND role = $3 AND accepted_at IS NULL",
        scope.organization_id(),
        user,
        role
    )
}

/// Removes invitations that expired before `before`, accepted or not; gives their number.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM invitations WHERE expires_at < $1", before)
}
