//! Invitations: bound to an address and a role, seven days long, spent once (X14, D13, H-24, T-12).

use domain::id::{InvitationId, SessionId, UserId};
use domain::invitation::{INVITATION_SECONDS, Invitation};
use domain::notification::Message;
use domain::organization::{Permission, Role};
use domain::plan::QuotaKind;
use domain::text::Email;
use domain::time::Timestamp;
use domain::user::TokenPurpose;
use store::Tx;
use store::invitations::{InvitationPreview, Opened};
use store::organizations::Membership;

use crate::accounts::{Client, NewSession, Registration, begin_session, email_taken, presented, register};
use crate::secrets::FreshSecret;
use crate::{Checks, Context, Error, Result, gate, notifications, organizations, throttle};

/// Whom to invite, and as what.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    pub email: String,
    pub role: Role,
}

/// What an invited person without an account types.
#[derive(Clone, Default)]
pub struct Newcomer {
    pub password: String,
    pub display_name: Option<String>,
}

/// Mails somebody a link into the organization. The pending invitation takes a member's place (S37, X14).
pub async fn invite(ctx: &Context, by: &Membership, input: NewInvitation) -> Result<Invitation> {
    require(by, input.role)?;
    let mut checks = Checks::default();
    let email = checks.take("email", Email::parse(&input.email));
    checks.finish()?;
    let Some(email) = email else { return Err(Error::NotFound) };
    throttle::count(ctx, &throttle::invite(&by.organization.id.to_string())).await?;

    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let by = &current(&mut tx, by).await?;
    require(by, input.role)?;
    if store::members::is_member(&mut tx, by.scope(), email.canonical()).await? {
        return Err(Error::Conflict {
            code: "already_member",
            message: "This person is a member of the organization already.".into(),
        });
    }
    store::invitations::delete_expired(&mut tx, by.scope(), email.canonical(), now).await?;
    let seats = store::members::count_seats(&mut tx, by.scope(), now).await?;
    gate::quota(&ctx.policy.limits(by.organization.tier), QuotaKind::Members, seats)?;
    let invitation = Invitation {
        id: InvitationId::new(ctx.uuid(now)),
        organization_id: by.organization.id,
        email: email.canonical().to_owned(),
        role: input.role,
        invited_by: by.user_id,
        created_at: now,
        expires_at: now.plus_s(INVITATION_SECONDS),
        accepted_at: None,
    };
    let fresh = FreshSecret::new(&ctx.ids.secret());
    store::invitations::insert(&mut tx, by.scope(), &invitation, &fresh.hash).await.map_err(pending)?;
    mail(ctx, &mut tx, by, &invitation, email.display(), &fresh, now).await?;
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok(invitation)
}

/// Mails a new link for another seven days; the old one stops working.
pub async fn resend(ctx: &Context, by: &Membership, id: InvitationId) -> Result<Invitation> {
    gate::require(by, Permission::ManageMembers)?;
    let now = ctx.now();
    let found = store::invitations::find_pending(&mut ctx.db.read().await?, by.scope(), id).await?;
    require(by, found.ok_or(Error::NotFound)?.role)?;
    throttle::count(ctx, &throttle::invite(&by.organization.id.to_string())).await?;

    let mut tx = ctx.db.write().await?;
    let by = &current(&mut tx, by).await?;
    let found = store::invitations::find_pending(&mut tx, by.scope(), id).await?;
    let mut invitation = found.ok_or(Error::NotFound)?;
    require(by, invitation.role)?;
    if invitation.expires_at <= now {
        // An expired one gave its place back; it needs one again.
        let seats = store::members::count_seats(&mut tx, by.scope(), now).await?;
        gate::quota(&ctx.policy.limits(by.organization.tier), QuotaKind::Members, seats)?;
    }
    invitation.expires_at = now.plus_s(INVITATION_SECONDS);
    let fresh = FreshSecret::new(&ctx.ids.secret());
    store::invitations::renew(&mut tx, by.scope(), id, &fresh.hash, invitation.expires_at).await?;
    mail(ctx, &mut tx, by, &invitation, &invitation.email, &fresh, now).await?;
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok(invitation)
}

/// Takes a pending invitation back; its link stops working.
pub async fn revoke(ctx: &Context, by: &Membership, id: InvitationId) -> Result<()> {
    gate::require(by, Permission::ManageMembers)?;
    let mut tx = ctx.db.write().await?;
    let by = &current(&mut tx, by).await?;
    let found = store::invitations::find_pending(&mut tx, by.scope(), id).await?.ok_or(Error::NotFound)?;
    gate::require(by, Permission::ManageMembers)?;
    require_rank(by, found.role)?;
    store::invitations::delete(&mut tx, by.scope(), id).await?;
    tx.commit().await?;
    Ok(())
}

/// What a link leads to, for the page that asks before accepting. `InvalidToken`: spent, revoked, expired or never
/// given out.
pub async fn preview(ctx: &Context, token: &str) -> Result<InvitationPreview> {
    let hash = presented(token)?;
    let found = store::invitations::find_preview(&mut ctx.db.read().await?, &hash, ctx.now()).await?;
    found.ok_or(Error::InvalidToken)
}

/// Makes the logged-in person a member and the organization the active one of the session. Only the account with
/// the invited address may do so; that it holds the secret also proves the address (H-24).
pub async fn accept(ctx: &Context, user: UserId, session: SessionId, token: &str) -> Result<Membership> {
    let hash = presented(token)?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let person = store::users::lock(&mut tx, user).await?.ok_or(Error::Unauthorized)?;
    let opened = store::invitations::find_opened(&mut tx, &hash, now).await?.ok_or(Error::InvalidToken)?;
    if opened.email != person.email {
        return Err(Error::Forbidden(
            "This invitation was sent to another address. Log in with the account of that address to accept it.",
        ));
    }
    join_step(ctx, &mut tx, &opened, &hash, user, now).await?;
    if !person.is_email_verified {
        store::users::update_verified(&mut tx, user, &person.email, now).await?;
        store::tokens::burn(&mut tx, user, TokenPurpose::VerifyEmail, now).await?;
    }
    organizations::switch_step(&mut tx, opened.scope(), user, session, now).await?;
    let membership = store::organizations::find_membership(&mut tx, user, opened.organization_id).await?;
    let membership = membership.ok_or(Error::InvalidToken)?;
    tx.commit().await?;
    Ok(membership)
}

/// Makes the invited address an account and the person a member, logged in, all or nothing: spending the invitation is
/// the only way to this account, whether or not sign-up is open (H-24). The link has proved the address, and no
/// organization of the person's own is founded.
pub async fn accept_as_newcomer(
    ctx: &Context,
    client: &Client,
    token: &str,
    input: Newcomer,
) -> Result<(NewSession, Membership)> {
    let hash = presented(token)?;
    let invited = preview(ctx, token).await?;
    let person = register::check(&Registration {
        email: invited.email.clone(),
        password: input.password,
        display_name: input.display_name,
        org_name: None,
    })?;
    throttle::count(ctx, &throttle::register(client, &invited.email)).await?;
    if store::users::is_email_taken(&mut ctx.db.read().await?, &invited.email).await? {
        return Err(email_taken());
    }
    let password_hash = ctx.passwords.hash(person.password.expose(), &ctx.ids.secret()).await?;

    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let opened = store::invitations::find_opened(&mut tx, &hash, now).await?.ok_or(Error::InvalidToken)?;
    let user = register::insert_user(ctx, &mut tx, &person, password_hash, true, now).await?;
    join_step(ctx, &mut tx, &opened, &hash, user.id, now).await?;
    let organization = opened.organization_id;
    let new_session = begin_session(ctx, &mut tx, client, user.id, Some(organization), now).await?;
    let membership = store::organizations::find_membership(&mut tx, user.id, organization).await?;
    let membership = membership.ok_or(Error::InvalidToken)?;
    tx.commit().await?;
    Ok((new_session, membership))
}

/// Spends the invitation and takes the place that it held.
async fn join_step(
    ctx: &Context,
    tx: &mut Tx,
    opened: &Opened,
    hash: &[u8],
    user: UserId,
    now: Timestamp,
) -> Result<()> {
    let scope = opened.scope();
    let tier = store::organizations::lock_tier(tx, scope).await?;
    if !store::invitations::spend(tx, scope, opened.id, hash, now).await? {
        return Err(Error::InvalidToken);
    }
    if store::members::find(tx, scope, user).await?.is_none() {
        // The spent invitation has given its place back; after a downgrade there may be none.
        let seats = store::members::count_seats(tx, scope, now).await?;
        gate::quota(&ctx.policy.limits(tier), QuotaKind::Members, seats)?;
        store::organizations::insert_member(tx, scope, user, opened.role, now).await?;
    }
    Ok(())
}

/// Takes the organization's lock and reads the caller's place as it is now: role and tier may have changed since the
/// request began.
async fn current(tx: &mut Tx, by: &Membership) -> Result<Membership> {
    store::organizations::lock_tier(tx, by.scope()).await?;
    let found = store::organizations::find_membership(tx, by.user_id, by.organization.id).await?;
    found.ok_or(Error::NotFound)
}

/// Who may send an invitation with this role: admins and owners with a proved address (D13), none above their own
/// role (X14).
fn require(by: &Membership, role: Role) -> Result<()> {
    gate::require(by, Permission::ManageMembers)?;
    require_rank(by, role)?;
    if !by.is_email_verified {
        return Err(Error::Forbidden("Verify your e-mail address before you invite others."));
    }
    Ok(())
}

fn require_rank(by: &Membership, role: Role) -> Result<()> {
    if by.role.may_manage(role) {
        return Ok(());
    }
    Err(Error::Forbidden("Only an owner of the organization may do this."))
}

async fn mail(
    ctx: &Context,
    tx: &mut Tx,
    by: &Membership,
    invitation: &Invitation,
    recipient: &str,
    fresh: &FreshSecret,
    now: Timestamp,
) -> Result<()> {
    let inviter = store::users::find(tx, by.user_id).await?.ok_or(Error::Unauthorized)?;
    let message = Message::Invitation {
        organization: by.organization.name.clone(),
        inviter: inviter.display_name.unwrap_or(inviter.email_display),
        role: invitation.role.label().to_owned(),
        // Only ever from the configuration, never from what a request says about its host (T-04).
        link: format!("{}/invite?token={}", ctx.policy.public_url, fresh.text),
    };
    let key = format!("invitation:{}:{}", invitation.id.uuid(), ctx.uuid(now));
    notifications::enqueue(ctx, tx, Some(by.organization.id), &key, recipient, &message, now).await
}

fn pending(error: store::Error) -> Error {
    match error {
        store::Error::Conflict(key) if key == "invitations.organization_id_email" => Error::Conflict {
            code: "already_invited",
            message: "This address has an invitation already. Send that one again, or revoke it first."
                .into(),
        },
        other => other.into(),
    }
}
