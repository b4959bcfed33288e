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

/// Like [`find_membership_by_slug`], by a slug that the organization left behind and that is still held for it (X1).
pub async fn find_membership_by_old_slug(
    conn: &mut Conn,
    user: UserId,
    slug: &str,
    now: Timestamp,
) -> Result<Option<Membership>> {
    fetch_optional!(
        conn,
        "SELECT o.id, o.slug, o.name, o.tier, o.created_at, o.updated_at, o.deleted_at,
                m.user_id, m.role, u.is_email_verified
           FROM slug_redirects r
           JOIN organizations o ON o.id = r.organization_id
           JOIN organization_members m ON m.organization_id = o.id
           JOIN users u ON u.id = m.user_id
          WHERE m.user_id = $1 AND r.slug = $2 AND r.expires_at > $3 AND o.deleted_at IS NULL
            AND u.deleted_at IS NULL",
        user,
        slug,
        now
    )
}

/// The owner's place in an organization that was deleted after `since` and can be brought back (X18).
pub async fn find_restorable(
    conn: &mut Conn,
    user: UserId,
    organization: OrgId,
    since: Timestamp,
) -> Result<Option<Membership>> {
    fetch_optional!(
        conn,
        "SELECT o.id, o.slug, o.name, o.tier, o.created_at, o.updated_at, o.deleted_at,
                m.user_id, m.role, u.is_email_verified
           FROM organization_members m
           JOIN organizations o ON o.id = m.organization_id
           JOIN users u ON u.id = m.user_id
          WHERE m.user_id = $1 AND m.organization_id = $2 AND m.role = 'owner' AND o.deleted_at > $3
            AND u.deleted_at IS NULL",
        user,
        organization,
        since
    )
}

/// All that [`find_restorable`] finds for a person, the one deleted last first.
pub async fn list_restorable(conn: &mut Conn, user: UserId, since: Timestamp) -> Result<Vec<Membership>> {
    fetch_all!(
        conn,
        "SELECT o.id, o.slug, o.name, o.tier, o.created_at, o.updated_at, o.deleted_at,
                m.user_id, m.role, u.is_email_verified
           FROM organization_members m
           JOIN organizations o ON o.id = m.organization_id
           JOIN users u ON u.id = m.user_id
          WHERE m.user_id = $1 AND m.role = 'owner' AND o.deleted_at > $2 AND u.deleted_at IS NULL
          ORDER BY o.deleted_at DESC, o.id",
        user,
        since
    )
}

/// How many organizations of this tier the person owns: what X73 limits. Deleted ones count if that was after
/// `deleted_since`; `None`: they do not. Call it after `users::lock`.
pub async fn count_owned(
    conn: &mut Conn,
    user: UserId,
    tier: Tier,
    deleted_since: Option<Timestamp>,
) -> Result<i64> {
    fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM organization_members m JOIN organizations o ON o.id = m.organization_id
          WHERE m.user_id = $1 AND m.role = 'owner' AND o.tier = $2
            AND (o.deleted_at IS NULL OR o.deleted_at > $3)",
        user,
        tier,
        deleted_since
    )
}

/// Every organization of the installation, for its operator; deleted ones included.
pub async fn list_all(conn: &mut Conn) -> Result<Vec<Organization>> {
    fetch_all!(
        conn,
        "SELECT id, slug, name, tier, created_at, updated_at, deleted_at FROM organizations ORDER BY slug"
    )
}

/// Takes the organization's row for the rest of the transaction and reads it as it is now. `None` when it was
/// deleted meanwhile.
pub async fn lock(tx: &mut Tx, scope: OrgScope) -> Result<Option<Organization>> {
    fetch_optional!(
        tx,
        "UPDATE organizations SET updated_at = updated_at WHERE id = $1 AND deleted_at IS NULL
         RETURNING id, slug, name, tier, created_at, updated_at, deleted_at",
        scope.organization_id()
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

/// Writes name and slug if the stored version is still `version`; `false` when it is not.
/// `Conflict("organizations.slug")` when the slug belongs to another one.
pub async fn update(
    tx: &mut Tx,
    scope: OrgScope,
    organization: &Organization,
    version: Timestamp,
) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE organizations SET slug = $2, name = $3, updated_at = $4
          WHERE id = $1 AND updated_at = $5 AND deleted_at IS NULL",
        scope.organization_id(),
        &organization.slug,
        &organization.name,
        organization.updated_at,
        version
    )?;
    Ok(changed > 0)
}

/// Hides an organization with all that is in it; it can be restored, and its slug stays taken, until it is purged (X18).
pub async fn delete(tx: &mut Tx, scope: OrgScope, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE organizations SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL",
        scope.organization_id(),
        now
    )?;
    Ok(changed > 0)
}

/// Brings a deleted organization back; `false` when it is not deleted.
pub async fn restore(tx: &mut Tx, scope: OrgScope, now: Timestamp) -> Result<bool> {
    let changed = execute!(
        tx,
        "UPDATE organizations SET deleted_at = NULL, updated_at = $2 WHERE id = $1 AND deleted_at IS NOT NULL",
        scope.organization_id(),
        now
    )?;
    Ok(changed > 0)
}

/// Removes organizations that were deleted before `before`, with all they own; gives their number.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM organizations WHERE deleted_at < $1", before)
}

/// Moves an organization to a tier, by the operator (D7); `false` when there is none with this slug.
pub async fn update_tier(tx: &mut Tx, slug: &str, tier: Tier, now: Timestamp) -> Result<Option<OrgScope>> {
    let changed: Option<(OrgId,)> = fetch_optional!(
        tx,
        "UPDATE organizations SET tier = $2, updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at + 1 END
          WHERE slug = $1
         RETURNING id",
        slug,
        tier,
        now
    )?;
    Ok(changed.map(|(id,)| OrgScope::proven(id)))
}

/// Whether a slug that another organization left behind is still held for it (X1). `own` may take its own back.
pub async fn is_slug_held(conn: &mut Conn, slug: &str, own: Option<OrgId>, now: Timestamp) -> Result<bool> {
    let held: i64 = fetch_scalar!(
        conn,
        "SELECT COUNT(*) FROM slug_redirects
          WHERE slug = $1 AND expires_at > $2 AND organization_id IS DISTINCT FROM $3",
        slug,
        now,
        own
    )?;
    Ok(held > 0)
}

/// Keeps a slug that the organization leaves, until `expires_at`.
pub async fn hold_slug(tx: &mut Tx, scope: OrgScope, slug: &str, expires_at: Timestamp) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO slug_redirects (slug, organization_id, expires_at) VALUES ($2, $1, $3)
         ON CONFLICT (slug) DO UPDATE SET organization_id = excluded.organization_id,
                                          expires_at = excluded.expires_at",
        scope.organization_id(),
        slug,
        expires_at
    )?;
    Ok(())
}

/// Forgets that a slug once led elsewhere: somebody uses it again.
pub async fn release_slug(tx: &mut Tx, slug: &str) -> Result<()> {
    execute!(tx, "DELETE FROM slug_redirects WHERE slug = $1", slug)?;
    Ok(())
}

/// Removes redirects that ran out before `before`; gives their number.
pub async fn purge_redirects(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    execute!(tx, "DELETE FROM slug_redirects WHERE expires_at < $1", before)
}

/// Notes that the person works in this organization now; the default of requests that name none (D3).
pub async fn touch_member(tx: &mut Tx, scope: OrgScope, user: UserId, now: Timestamp) -> Result<()> {
    execute!(
        tx,
        "UPDATE organization_members SET last_used_at = $3 WHERE organization_id = $1 AND user_id = $2",
        scope.organization_id(),
        user,
        now
    )?;
    Ok(())
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
/// transaction goes on.
pub async fn insert_unless_taken(tx: &mut Tx, organization: &Organization) -> Result<Option<OrgScope>> {
    if is_slug_held(tx, &organization.slug, None, organization.created_at).await? {
        return Ok(None);
    }
    // Not left to the unique key: a violation would end the whole transaction on PostgreSQL.
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
