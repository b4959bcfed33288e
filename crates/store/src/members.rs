//! Members of an organization, as the organization sees them. A person's own memberships are in
//! [`crate::organizations`].

use domain::id::{OrgId, UserId};
use domain::organization::{Member, Role};
use domain::time::Timestamp;

use crate::{Conn, OrgScope, Result, Tx};

/// A member with what the others may know about the person.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MemberProfile {
    pub organization_id: OrgId,
    pub user_id: UserId,
    pub role: Role,
    pub joined_at: Timestamp,
    /// As the person typed it.
    pub email: String,
    pub display_name: Option<String>,
    pub is_email_verified: bool,
}

/// Everybody, in the order in which they joined.
pub async fn list(conn: &mut Conn, scope: OrgScope) -> Result<Vec<MemberProfile>> {
    fetch_all!(
        conn,
        "SELECT m.organization_id, m.user_id, m.role, m.joined_at, u.email_display AS email, u.display_name,
                u.is_email_verified
           FROM organization_members m JOIN users u ON u.id = m.user_id
          WHERE m.organization_id = $1 AND u.deleted_at IS NULL
          ORDER BY m.joined_at, m.user_id",
        scope.organization_id()
    )
}

/// A part of [`list`], after the person who joined then; `None`: from the beginning.
pub async fn list_part(
    conn: &mut Conn,
    scope: OrgScope,
    after: Option<(Timestamp, UserId)>,
    limit: i64,
) -> Result<Vec<MemberProfile>> {
    fetch_all!(
        conn,
        "SELECT m.organization_id, m.user_id, m.role, m.joined_at, u.email_display AS email, u.display_name,
                u.is_email_verified
           FROM organization_members m JOIN users u ON u.id = m.user_id
          WHERE m.organization_id = $1 AND u.deleted_at IS NULL
            AND ((m.joined_at, m.user_id) > ($2, $3) OR $3 IS NULL)
          ORDER BY m.joined_at, m.user_id LIMIT $4",
        scope.organization_id(),
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        limit
    )
}

pub async fn find(conn: &mut Conn, scope: OrgScope, user: UserId) -> Result<Option<MemberProfile>> {
    fetch_optional!(
        conn,
        "SELECT m.organization_id, m.user_id, m.role, m.joined_at, u.email_display AS email, u.display_name,
                u.is_email_verified
           FROM organization_members m JOIN users u ON u.id = m.user_id
          WHERE m.organization_id = $1 AND m.user_id = $2 AND u.deleted_at IS NULL",
        scope.organization_id(),
        user
    )
}

/// Whether an account with this canonical address is a member.
pub async fn is_member(conn: &mut Conn, scope: OrgScope, email: &str) -> Result<bool> {
    let count: i64 = fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM organization_members m JOIN users u ON u.id = m.user_id
          WHERE m.organization_id = $1 AND u.email = $2",
        scope.organization_id(),
        email
    )?;
    Ok(count > 0)
}

/// Those who may count as an owner: people who proved their address (X12). Read it under the organization's lock.
pub async fn list_verified(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Member>> {
    fetch_all!(
        tx,
        "SELECT m.organization_id, m.user_id, m.role, m.joined_at
           FROM organization_members m JOIN users u ON u.id = m.user_id
          WHERE m.organization_id = $1 AND u.is_email_verified = TRUE AND u.deleted_at IS NULL",
        scope.organization_id()
    )
}

/// Members and pending invitations: what the member limit counts (X14, S37).
pub async fn count_seats(conn: &mut Conn, scope: OrgScope, now: Timestamp) -> Result<i64> {
    fetch_scalar!(
        conn,
        "SELECT (SELECT COUNT(*) FROM organization_members m JOIN users u ON u.id = m.user_id
                  WHERE m.organization_id = $1 AND u.deleted_at IS NULL)
              + (SELECT COUNT(*) FROM invitations
                  WHERE organization_id = $1 AND accepted_at IS NULL AND expires_at > $2)",
        scope.organization_id(),
        now
    )
}

/// Gives a member another role; `false` when there is no such member.
pub async fn update_role(tx: &mut Tx, scope: OrgScope, user: UserId, role: Role) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE organization_members SET role = $3 WHERE organization_id = $1 AND user_id = $2",
        scope.organization_id(),
        user,
        role
    )?;
    Ok(changed > 0)
}
