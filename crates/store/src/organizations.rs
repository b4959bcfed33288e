//! Organizations, their members, and the slugs they left behind.

use domain::id::{OrgId, UserId};
use domain::organization::{Organization, Role};
use domain::plan::Tier;
use domain::time::Timestamp;

use crate::{Conn, OrgScope, Result, Tx};

/// A person's place in one organization, proved by a look-up: the caller of every tenant action.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Membership {
    #[sqlx(flatten)]
    pub organization: Organization,
    pub user_id: UserId,
    pub role: Role,
    /// Of the person; unverified people send no mail to others (D13).
    pub is_email_verified: bool,
}

impl Membership {
    pub fn scope(&self) -> OrgScope {
        OrgScope::proven(self.organization.id)
    }
}

/// The membership of `user` in the organization with this id; `None` when there is none, also when the
/// organization is deleted.
pub async fn find_membership(
    conn: &mut Conn,
    user: UserId,
    organization: OrgId,
) -> Result<Option<Membership>> {
    fetch_optional!(
        conn,
        "SELECT o.id, o.slug, o.name, o.tier, o.created_at, o.updated_at, o.deleted_at,
                m.user_id, m.role, u.is_email_verified
           FROM organization_members m
           JOIN organizations o ON o.id = m.organization_id
           JOIN users u ON u.id = m.user_id
          WHERE m.user_id = $1 AND m.organization_id = $2 AND o.deleted_at IS NULL AND u.deleted_at IS NULL",
        user,
        organization
    )
}

/// Like [`find_membership`], by the organization's current slug.
pub async fn find_membership_by_slug(
    conn: &mut Conn,
    user: UserId,
    slug: &str,
) -> Result<Option<Membership>> {
    fetch_optional!(
        conn,
        "SELECT o.id, o.slug, o.name, o.tier, o.created_at, o.updated_at, o.deleted_at,
                m.user_id, m.role, u.is_email_verified
           FROM organizations o
           JOIN organization_members m ON m.organization_id = o.id
           JOIN users u ON u.id = m.user_id
          WHERE m.user_id = $1 AND o.slug = $2 AND o.deleted_at IS NULL AND u.deleted_at IS NULL",
        user,
        slug
    )
}

/// All organizations of a person, the one used last first (D3).
pub async fn list_memberships(conn: &mut Conn, user: UserId) -> Result<Vec<Membership>> {
    fetch_all!(
        conn,
        "SELECT o.id, o.slug, o.name, o.tier, o.created_at, o.updated_at, o.deleted_at,
                m.user_id, m.role, u.is_email_verified
           FROM organization_members m
           JOIN organizations o ON o.id = m.organization_id
           JOIN users u ON u.id = m.user_id
          WHERE m.user_id = $1 AND o.deleted_at IS NULL AND u.deleted_at IS NULL
          ORDER BY m.last_used_at DESC, m.joined_at, o.id",
        user
    )
}

/// Takes the organization's row for the rest of the transaction and reads its tier: quota checks and inserts of one
/// organization come one after the other (X66). SQLite has one writer anyway.
pub async fn lock_tier(tx: &mut Tx, scope: OrgScope) -> Result<Tier> {
    fetch_scalar!(
        tx,
        "UPDATE organizations SET updated_at = updated_at WHERE id = $1 RETURNING tier",
        scope.organization_id()
    )
}

/// Adds an organization; `Conflict("organizations.slug")` when the slug is taken or held.
pub async fn insert(tx: &mut Tx, organization: &Organization) -> Result<OrgScope> {
    execute!(
        tx,
        "INSERT INTO organizations (id, slug, name, tier, created_at, updated_at, deleted_at)
         VALUES ($1, $2, $3, $4, $5, $6, NULL)",
        organization.id,
        &organization.slug,
        &organization.name,
        organization.tier,
        organization.created_at,
        organization.updated_at
    )?;
    Ok(OrgScope::proven(organization.id))
}

/// Adds a member; `Conflict` when the person is one already (X13).
pub async fn insert_member(
    tx: &mut Tx,
    scope: OrgScope,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO organization_members (organization_id, user_id, role, joined_at, last_used_at)
         VALUES ($1, $2, $3, $4, $4)",
        scope.organization_id(),
        user,
        role,
        now
    )?;
    Ok(())
}

/// Adds an organization unless its slug belongs to another one or still leads to one (X1); then `None`, and the
/// transaction goes on. For slugs made by the program; those that a person chose go through [`insert`].
pub async fn insert_unless_taken(tx: &mut Tx, organization: &Organization) -> Result<Option<OrgScope>> {
    let held: i64 = fetch_scalar!(
        tx,
        "SELECT COUNT(*) FROM slug_redirects WHERE slug = $1 AND expires_at > $2",
        &organization.slug,
        organization.created_at
    )?;
    if held > 0 {
        return Ok(None);
    }
    let added = execute!(
        tx,
        "INSERT INTO organizations (id, slug, name, tier, created_at, updated_at, deleted_at)
         VALUES ($1, $2, $3, $4, $5, $6, NULL) ON CONFLICT (slug) DO NOTHING",
        organization.id,
        &organization.slug,
        &organization.name,
        organization.tier,
        organization.created_at,
        organization.updated_at
    )?;
    Ok((added > 0).then(|| OrgScope::proven(organization.id)))
}

/// Who would be left in an organization without one of its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Others {
    pub members: i64,
    /// With a verified address: only they count as owners (X12).
    pub owners: i64,
}

/// The members besides `user`; read it under [`lock_tier`].
pub async fn count_others(conn: &mut Conn, scope: OrgScope, user: UserId) -> Result<Others> {
    fetch_one!(
        conn,
        "SELECT COUNT(*) AS members,
                CAST(COALESCE(SUM(CASE WHEN m.role = 'owner' AND u.is_email_verified THEN 1 ELSE 0 END), 0) AS BIGINT)
                    AS owners
           FROM organization_members m JOIN users u ON u.id = m.user_id
          WHERE m.organization_id = $1 AND m.user_id <> $2 AND u.deleted_at IS NULL",
        scope.organization_id(),
        user
    )
}

/// Takes a person out of an organization; `false` when there was no such member.
pub async fn delete_member(tx: &mut Tx, scope: OrgScope, user: UserId) -> Result<bool> {
    let changed = execute!(
        tx,
        "DELETE FROM organization_members WHERE organization_id = $1 AND user_id = $2",
        scope.organization_id(),
        user
    )?;
    Ok(changed > 0)
}

/// Hides an organization with all that is in it; it can be restored until it is purged (X18).
pub async fn delete(tx: &mut Tx, scope: OrgScope, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE organizations SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL",
        scope.organization_id(),
        now
    )?;
    Ok(changed > 0)
}
