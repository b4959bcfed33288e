//! The person's own record: its name, and its end.

use domain::id::UserId;
use domain::organization::Role;
use domain::text::DisplayName;
use domain::time::{DAY_MS, Timestamp};
use domain::user::User;
use store::Tx;
use store::organizations::{Membership, Others};

use super::require_password;
use crate::patch::{Patch, Version, next_version};
use crate::{Checks, Context, Error, Result};

/// How long the operator can restore a deleted account.
pub(super) const DELETED_KEPT_MS: i64 = 30 * DAY_MS;

/// Changes the name that other members see.
pub async fn update_profile(
    ctx: &Context,
    user: UserId,
    version: Version,
    display_name: Patch<String>,
) -> Result<User> {
    let mut checks = Checks::default();
    let mut tx = ctx.db.write().await?;
    let mut user = store::users::lock(&mut tx, user).await?.ok_or(Error::Unauthorized)?;
    version.check(user.updated_at)?;
    display_name.apply(&mut user.display_name, |name| {
        checks.take("display_name", DisplayName::parse(&name)).map(DisplayName::into_string)
    });
    checks.finish()?;
    user.updated_at = next_version(user.updated_at, ctx.now());
    store::users::update_display_name(&mut tx, user.id, user.display_name.as_deref(), user.updated_at)
        .await?;
    tx.commit().await?;
    Ok(user)
}

/// Deletes the account and the organizations nobody else is in; for 30 days the operator can bring both back
/// (X18, `indie-status user restore`). Refused to the only owner of an organization with other members (X5).
pub async fn delete(ctx: &Context, user: UserId, password: &str) -> Result<()> {
    require_password(ctx, user, "password", password).await?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    store::users::lock(&mut tx, user).await?.ok_or(Error::Unauthorized)?;
    let mut memberships = store::organizations::list_memberships(&mut tx, user).await?;
    // Everybody takes several of these locks in one order, so that nobody waits in a circle.
    memberships.sort_by_key(|membership| membership.organization.id);
    let mut deleted = Vec::new();
    for membership in &memberships {
        if leave_step(&mut tx, membership, now).await? == Left::Deleted {
            deleted.push(membership.organization.id);
        }
    }
    store::sessions::delete_all(&mut tx, user).await?;
    store::tokens::burn_all(&mut tx, user, now).await?;
    store::users::delete(&mut tx, user, now).await?;
    tx.commit().await?;
    for organization in deleted {
        ctx.signals.pages_withdrawn(organization);
    }
    Ok(())
}

/// Why [`delete`] would be refused now; `None`: it would not be.
pub async fn why_not_delete(ctx: &Context, user: UserId) -> Result<Option<String>> {
    let mut conn = ctx.db.read().await?;
    for membership in store::organizations::list_memberships(&mut conn, user).await? {
        let others = store::organizations::count_others(&mut conn, membership.scope(), user).await?;
        if is_needed(membership.role, others) {
            return Ok(Some(only_owner(&membership.organization.name)));
        }
    }
    Ok(None)
}

fn is_needed(role: Role, others: Others) -> bool {
    role == Role::Owner && others.members > 0 && others.owners == 0
}

fn only_owner(organization: &str) -> String {
    format!(
        "You are the only owner of {organization}, which has other members. Make one of them an owner with a \
         verified address, or delete the organization, before you delete your account."
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Others are in it and one of them owns it.
    Remains,
    /// Nobody else was in it.
    Deleted,
}

async fn leave_step(tx: &mut Tx, membership: &Membership, now: Timestamp) -> Result<Left> {
    let scope = membership.scope();
    store::organizations::lock_tier(tx, scope).await?;
    // The role may have changed before the lock was ours.
    let Some(current) =
        store::organizations::find_membership(tx, membership.user_id, scope.organization_id()).await?
    else {
        return Ok(Left::Remains);
    };
    let others = store::organizations::count_others(tx, scope, membership.user_id).await?;
    if others.members == 0 {
        store::organizations::delete(tx, scope, now).await?;
        return Ok(Left::Deleted);
    }
    if is_needed(current.role, others) {
        return Err(Error::Conflict {
            code: "last_owner",
            message: only_owner(&membership.organization.name),
        });
    }
    store::invitations::delete_sent_by(tx, scope, membership.user_id).await?;
    store::organizations::delete_member(tx, scope, membership.user_id).await?;
    Ok(Left::Remains)
}

/// Removes what has had its time: ended sessions, spent and expired tokens, old counters, and accounts deleted more
/// than 30 days ago.
pub async fn purge(ctx: &Context) -> Result<()> {
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    store::sessions::purge(&mut tx, now).await?;
    store::tokens::purge(&mut tx, now.plus_ms(-DAY_MS)).await?;
    // The longest window is a day.
    store::throttles::purge(&mut tx, now.plus_ms(-2 * DAY_MS)).await?;
    store::users::purge(&mut tx, now.plus_ms(-DELETED_KEPT_MS)).await?;
    tx.commit().await?;
    Ok(())
}
