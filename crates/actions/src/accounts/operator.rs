//! Accounts made and mended on the server's command line.

use domain::organization::Organization;
use domain::text::Email;
use domain::user::{TokenPurpose, User};

use super::password::hash_new;
use super::profile::DELETED_KEPT_MS;
use super::register::{Registration, check, create_step};
use super::{mail_token, two_factor};
use crate::patch::next_version;
use crate::{Context, Error, Result, throttle};

/// Creates an account although sign-up may be closed. Unless `is_verified`, the person is mailed a link.
pub async fn create_by_operator(
    ctx: &Context,
    email: &str,
    password: &str,
    org_name: Option<&str>,
    is_verified: bool,
) -> Result<(User, Organization)> {
    let person = check(&Registration {
        email: email.to_owned(),
        password: password.to_owned(),
        display_name: None,
        org_name: org_name.map(str::to_owned),
    })?;
    let password_hash = ctx.passwords.hash(person.password.expose(), &ctx.ids.secret()).await?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let (user, organization) = create_step(ctx, &mut tx, &person, password_hash, is_verified, now).await?;
    if !is_verified {
        mail_token(ctx, &mut tx, user.id, TokenPurpose::VerifyEmail, &person.email, now).await?;
    }
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok((user, organization))
}

/// Brings back an account that was deleted less than 30 days ago, and the organizations that were deleted with it;
/// memberships elsewhere ended for good. `NotFound`: no such account was deleted.
pub async fn restore_by_operator(ctx: &Context, email: &str) -> Result<Vec<Organization>> {
    let email =
        Email::parse(email).map_err(|error| Error::field("email", error.code(), error.to_string()))?;
    let now = ctx.now();
    let since = now.plus_ms(-DELETED_KEPT_MS);
    let mut tx = ctx.db.write().await?;
    let found = store::users::find_deleted(&mut tx, email.canonical(), since).await?;
    let deleted = found.ok_or(Error::NotFound)?;
    if !store::users::restore(&mut tx, deleted.id, now).await? {
        return Err(Error::NotFound);
    }
    let mut back = Vec::new();
    for membership in store::organizations::list_restorable(&mut tx, deleted.id, since).await? {
        // One that the person had deleted before stays deleted.
        if membership.organization.deleted_at != Some(deleted.deleted_at) {
            continue;
        }
        let version = next_version(membership.organization.updated_at, now);
        if store::organizations::restore(&mut tx, membership.scope(), version).await? {
            let (scope, tier) = (membership.scope(), membership.organization.tier);
            crate::monitors::replan_step(ctx, &mut tx, scope, tier, now).await?;
            back.push(membership.organization);
        }
    }
    tx.commit().await?;
    for organization in &back {
        ctx.signals.pages_changed(organization.id);
    }
    ctx.signals.schedule_changed();
    Ok(back)
}

/// Sets a password and ends all sessions of the account; for somebody who lost the app and the recovery codes, also
/// switches the second factor off. `NotFound`: the address has no account.
pub async fn set_password_by_operator(
    ctx: &Context,
    email: &str,
    password: &str,
    clears_second_factor: bool,
) -> Result<()> {
    let email =
        Email::parse(email).map_err(|error| Error::field("email", error.code(), error.to_string()))?;
    let found = store::users::find_by_email(&mut ctx.db.read().await?, email.canonical()).await?;
    let user = found.ok_or(Error::NotFound)?;
    let password_hash = hash_new(ctx, &user, "password", password).await?;
    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    store::users::lock(&mut tx, user.id).await?.ok_or(Error::NotFound)?;
    store::users::update_password(&mut tx, user.id, &password_hash, now).await?;
    if clears_second_factor {
        two_factor::clear(&mut tx, user.id, now).await?;
    }
    store::tokens::burn_all(&mut tx, user.id, now).await?;
    store::sessions::delete_all(&mut tx, user.id).await?;
    throttle::forget_log_ins(&mut tx, &user.email).await?;
    tx.commit().await?;
    Ok(())
}
