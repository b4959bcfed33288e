//! Members of an organization: roles, removal, leaving, transfer. At least one verified owner always stays (X11, X12).

use domain::id::UserId;
use domain::organization::{LastOwner, Permission, Role, check_owner_remains};
use store::Tx;
use store::members::MemberProfile;
use store::organizations::Membership;

use crate::{Context, Error, Result, gate};

/// Gives a member another role: never above the caller's own, owners only by owners. Invitations that the person had
/// sent and could not send in the new role are revoked.
pub async fn change_role(ctx: &Context, by: &Membership, user: UserId, role: Role) -> Result<MemberProfile> {
    let mut tx = ctx.db.write().await?;
    let (actor, mut member) = both(&mut tx, by, user).await?;
    require_rank(actor.role, member.role)?;
    require_rank(actor.role, role)?;
    if member.role == Role::Owner {
        require_other_owner(&mut tx, by, user, Some(role)).await?;
    }
    store::members::update_role(&mut tx, by.scope(), user, role).await?;
    revoke_above(&mut tx, by, user, role).await?;
    tx.commit().await?;
    member.role = role;
    Ok(member)
}

/// Takes a member out, with the invitations that the person had sent. Their next request finds no membership.
pub async fn remove(ctx: &Context, by: &Membership, user: UserId) -> Result<()> {
    if user == by.user_id {
        return leave(ctx, by).await;
    }
    let mut tx = ctx.db.write().await?;
    let (actor, member) = both(&mut tx, by, user).await?;
    require_rank(actor.role, member.role)?;
    if member.role == Role::Owner {
        require_other_owner(&mut tx, by, user, None).await?;
    }
    store::invitations::delete_sent_by(&mut tx, by.scope(), user).await?;
    store::organizations::delete_member(&mut tx, by.scope(), user).await?;
    tx.commit().await?;
    Ok(())
}

/// The caller leaves, and the invitations they had sent are revoked; refused to the last owner.
pub async fn leave(ctx: &Context, by: &Membership) -> Result<()> {
    let mut tx = ctx.db.write().await?;
    let (actor, _) = both(&mut tx, by, by.user_id).await?;
    if actor.role == Role::Owner {
        require_other_owner(&mut tx, by, by.user_id, None).await?;
    }
    store::invitations::delete_sent_by(&mut tx, by.scope(), by.user_id).await?;
    store::organizations::delete_member(&mut tx, by.scope(), by.user_id).await?;
    tx.commit().await?;
    Ok(())
}

/// Hands the organization over: `to` becomes an owner, the caller an admin.
pub async fn transfer(ctx: &Context, by: &Membership, to: UserId) -> Result<()> {
    gate::require(by, Permission::TransferOrganization)?;
    let mut tx = ctx.db.write().await?;
    let (actor, heir) = both(&mut tx, by, to).await?;
    require_rank(actor.role, Role::Owner)?;
    if to == by.user_id {
        return Err(Error::field(
            "user_id",
            "is_yourself",
            "Choose another member; you are an owner already.",
        ));
    }
    if !heir.is_email_verified {
        return Err(Error::Conflict {
            code: "not_verified",
            message: "This member has not verified an e-mail address yet and cannot become the owner.".into(),
        });
    }
    store::members::update_role(&mut tx, by.scope(), to, Role::Owner).await?;
    store::members::update_role(&mut tx, by.scope(), by.user_id, Role::Admin).await?;
    revoke_above(&mut tx, by, by.user_id, Role::Admin).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes the organization's lock and reads the caller and the other member as they are now: the caller's role may
/// have changed since the request began.
async fn both(tx: &mut Tx, by: &Membership, user: UserId) -> Result<(MemberProfile, MemberProfile)> {
    store::organizations::lock(tx, by.scope()).await?.ok_or(Error::NotFound)?;
    let actor = store::members::find(tx, by.scope(), by.user_id).await?.ok_or(Error::NotFound)?;
    let member = store::members::find(tx, by.scope(), user).await?.ok_or(Error::NotFound)?;
    Ok((actor, member))
}

/// Revokes the pending invitations of `user` that nobody with `role` may send (X14).
async fn revoke_above(tx: &mut Tx, by: &Membership, user: UserId, role: Role) -> Result<()> {
    for refused in Role::ALL.into_iter().filter(|invited| !role.may_manage(*invited)) {
        store::invitations::delete_sent_by_as(tx, by.scope(), user, refused).await?;
    }
    Ok(())
}

fn require_rank(actor: Role, role: Role) -> Result<()> {
    if actor.may_manage(role) {
        return Ok(());
    }
    Err(Error::Forbidden(match role {
        Role::Owner => "Only an owner of the organization may do this.",
        _ => "Only owners and admins of the organization may do this.",
    }))
}

async fn require_other_owner(
    tx: &mut Tx,
    by: &Membership,
    user: UserId,
    new_role: Option<Role>,
) -> Result<()> {
    let verified = store::members::list_verified(tx, by.scope()).await?;
    check_owner_remains(&verified, user, new_role)
        .map_err(|error: LastOwner| Error::Conflict { code: error.code(), message: error.to_string() })
}
