//! Signing up: the person, the organization, its page and the first mail in one transaction (S23, X1, D13).

use domain::id::UserId;
use domain::organization::Organization;
use domain::text::{DisplayName, Email, Password};
use domain::time::Timestamp;
use domain::user::{TokenPurpose, User};
use store::Tx;

use super::{Client, NewSession, begin_session, email_conflict, email_taken, mail_token, organization_name};
use crate::{Checks, Context, Error, Result, organizations, throttle};

/// What people read where nobody can sign up.
pub const SIGN_UP_IS_CLOSED: &str =
    "Sign-up is closed on this installation. Ask whoever runs it for an account.";

/// What a person types to sign up.
#[derive(Clone, Default)]
pub struct Registration {
    pub email: String,
    pub password: String,
    pub display_name: Option<String>,
    /// `None` or blank: made from the address.
    pub org_name: Option<String>,
}

/// A new account, logged in.
#[derive(Debug)]
pub struct SignedUp {
    pub new_session: NewSession,
    pub organization: Organization,
}

/// The checked form of a [`Registration`].
pub(crate) struct Person {
    pub(super) email: Email,
    pub(crate) password: Password,
    pub(super) display_name: Option<DisplayName>,
    pub(super) org_name: String,
}

/// Creates an account with its organization, a page that is online at once, and a mail to prove the address.
pub async fn register(ctx: &Context, client: &Client, input: &Registration) -> Result<SignedUp> {
    if !ctx.policy.is_registration_open {
        return Err(Error::Forbidden(SIGN_UP_IS_CLOSED));
    }
    let person = check(input)?;
    throttle::count(ctx, &throttle::register(client, person.email.canonical())).await?;
    if store::users::is_email_taken(&mut ctx.db.read().await?, person.email.canonical()).await? {
        return Err(email_taken());
    }
    let password_hash = ctx.passwords.hash(person.password.expose(), &ctx.ids.secret()).await?;

    let now = ctx.now();
    let mut tx = ctx.db.write().await?;
    let (user, organization) = create_step(ctx, &mut tx, &person, password_hash, false, now).await?;
    mail_token(ctx, &mut tx, user.id, TokenPurpose::VerifyEmail, &person.email, now).await?;
    let new_session = begin_session(ctx, &mut tx, client, user.id, Some(organization.id), now).await?;
    tx.commit().await?;
    ctx.signals.outbox_filled();
    Ok(SignedUp { new_session, organization })
}

pub(crate) fn check(input: &Registration) -> Result<Person> {
    let mut checks = Checks::default();
    let email = checks.take("email", Email::parse(&input.email));
    let password =
        email.as_ref().and_then(|email| checks.take("password", Password::parse(&input.password, email)));
    let display_name = checks.optional("display_name", input.display_name.as_deref(), DisplayName::parse);
    let org_name = checks.optional("org_name", input.org_name.as_deref(), DisplayName::parse);
    checks.finish()?;
    let (Some(email), Some(password)) = (email, password) else { return Err(Error::NotFound) };
    let org_name = org_name.map_or_else(|| organization_name::derive(&email), DisplayName::into_string);
    Ok(Person { email, password, display_name, org_name })
}

pub(super) async fn create_step(
    ctx: &Context,
    tx: &mut Tx,
    person: &Person,
    password_hash: String,
    is_email_verified: bool,
    now: Timestamp,
) -> Result<(User, Organization)> {
    let user = insert_user(ctx, tx, person, password_hash, is_email_verified, now).await?;
    let organization = organizations::found(ctx, tx, user.id, &person.org_name, None, now).await?;
    Ok((user, organization))
}

/// The account alone. `Conflict`: the address has one.
pub(crate) async fn insert_user(
    ctx: &Context,
    tx: &mut Tx,
    person: &Person,
    password_hash: String,
    is_email_verified: bool,
    now: Timestamp,
) -> Result<User> {
    let user = User {
        id: UserId::new(ctx.uuid(now)),
        email: person.email.canonical().to_owned(),
        email_display: person.email.display().to_owned(),
        password_hash,
        display_name: person.display_name.as_ref().map(|name| name.as_str().to_owned()),
        is_email_verified,
        totp_secret: None,
        totp_confirmed_at: None,
        totp_last_step: 0,
        created_at: now,
        updated_at: now,
    };
    store::users::insert(tx, &user).await.map_err(email_conflict)?;
    Ok(user)
}
