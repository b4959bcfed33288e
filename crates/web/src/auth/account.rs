//! `/account`: name, password, address, sessions, deletion. It belongs to no organization, but stands in the shell of
//! the one used last, if the person is in any (X20).

use actions::accounts;
use actions::patch::Version;
use actions::{Error, FieldError};
use axum::extract::{FromRequestParts, State};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use domain::id::{SessionId, UserId};
use domain::time::Timestamp;
use domain::user::{Session, TokenPurpose};
use serde::Deserialize;
use store::organizations::Membership;

use super::{device, site};
use crate::AppState;
use crate::dashboard::flash;
use crate::dashboard::input::{self, Nothing};
use crate::dashboard::screen::{Screen, refused};
use crate::error::Problem;
use crate::extract::{CsrfForm, PageUser, Path, clear_cookie, used_last};
use crate::page::{failure, html};
use crate::view::auth::NoticePage;
use crate::view::dashboard::Shell;
use crate::view::dashboard::account::{AccountPage, SessionRow};
use crate::view::{Errors, Site};
use crate::words;

/// A person in front of their own account.
pub(crate) struct Own {
    pub(super) state: AppState,
    user: PageUser,
    /// Whose shell stands around the page; `None`: the person is in no organization.
    membership: Option<Membership>,
    uri: Uri,
}

impl FromRequestParts<AppState> for Own {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let user = PageUser::from_request_parts(parts, state).await?;
        let membership = used_last(state, &user.login).await.map_err(|problem| failure(state, problem))?;
        Ok(Self { state: state.clone(), user, membership, uri: parts.uri.clone() })
    }
}

impl Own {
    pub(super) fn user_id(&self) -> UserId {
        self.user.login.session.user_id
    }

    pub(super) fn base(&self) -> &str {
        self.state.config.base()
    }

    pub(super) async fn shell(&self) -> Result<Shell, Problem> {
        let (state, user, uri) = (self.state.clone(), self.user.clone(), self.uri.clone());
        let Some(membership) = self.membership.clone() else {
            let login = user.login;
            let site = Site { base: self.base().to_owned(), csrf: user.csrf };
            return Ok(Shell::without_organization(
                site,
                login.email,
                login.is_email_verified,
                flash::of(&uri),
            ));
        };
        Screen { state, user, membership, uri }.shell().await
    }

    /// Runs a handler's body; what it could not do becomes an error page.
    pub(super) async fn answer(&self, body: impl Future<Output = Result<Response, Problem>>) -> Response {
        body.await.unwrap_or_else(|problem| failure(&self.state, problem))
    }

    fn session_id(&self) -> SessionId {
        self.user.login.session.id
    }

    /// 303 to the account page with a sentence about what was done.
    pub(super) fn done(&self, word: &str) -> Response {
        Redirect::to(&format!("{}/account?done={word}", self.base())).into_response()
    }

    /// The account page again when an action refused; `fields` pairs the action's names with those of the form.
    pub(super) async fn refuse(
        &self,
        error: Error,
        fields: &[(&str, &'static str)],
        typed: Typed,
    ) -> Result<Response, Problem> {
        let refusal = refused(renamed(error, fields))?;
        Ok(refusal.show(&page(self, typed, refusal.errors.clone()).await?))
    }
}

/// What a person typed into a form that comes back.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) display_name: Option<String>,
    pub(super) email: String,
}

fn renamed(error: Error, names: &[(&str, &'static str)]) -> Error {
    let Error::Invalid(fields) = error else { return error };
    let name = |field: &'static str| {
        names.iter().find(|(theirs, _)| *theirs == field).map_or(field, |(_, ours)| *ours)
    };
    Error::Invalid(fields.into_iter().map(|field| FieldError { field: name(field.field), ..field }).collect())
}

pub(crate) async fn show(own: Own) -> Response {
    let body = async { Ok(html(&page(&own, Typed::default(), Errors::default()).await?)) };
    own.answer(body).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Name {
    display_name: String,
}

pub(crate) async fn rename(own: Own, CsrfForm(form): CsrfForm<Name>) -> Response {
    let body = async {
        let name = input::patch(&form.display_name);
        match accounts::update_profile(&own.state.ctx, own.user_id(), Version::Any, name).await {
            Ok(_) => {
                own.state.forget_sessions();
                Ok(own.done("name-saved"))
            }
            Err(error) => {
                let typed = Typed { display_name: Some(form.display_name), ..Typed::default() };
                own.refuse(error, &[], typed).await
            }
        }
    };
    own.answer(body).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Passwords {
    current_password: String,
    new_password: String,
}

pub(crate) async fn change_password(own: Own, CsrfForm(form): CsrfForm<Passwords>) -> Response {
    let body = async {
        let (current, new) = (&form.current_password, &form.new_password);
        let ctx = &own.state.ctx;
        match accounts::change_password(ctx, own.user_id(), own.session_id(), current, new).await {
            Ok(()) => {
                own.state.forget_sessions();
                Ok(own.done("password-changed"))
            }
            Err(error) => own.refuse(error, &[], Typed::default()).await,
        }
    };
    own.answer(body).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewAddress {
    email: String,
    email_password: String,
}

pub(crate) async fn change_email(own: Own, CsrfForm(form): CsrfForm<NewAddress>) -> Response {
    let body = async {
        let ctx = &own.state.ctx;
        match accounts::change_email(ctx, own.user_id(), &form.email_password, &form.email).await {
            Ok(()) => Ok(own.done("confirmation-sent")),
            Err(error) => {
                let typed = Typed { email: form.email, ..Typed::default() };
                own.refuse(error, &[("new_email", "email"), ("password", "email_password")], typed).await
            }
        }
    };
    own.answer(body).await
}

pub(crate) async fn end_session(
    own: Own,
    Path(id): Path<String>,
    CsrfForm(Nothing {}): CsrfForm<Nothing>,
) -> Response {
    let body = async {
        accounts::end_session(&own.state.ctx, own.user_id(), input::id(&id)?).await?;
        own.state.forget_sessions();
        Ok(own.done("session-ended"))
    };
    own.answer(body).await
}

pub(crate) async fn end_other_sessions(own: Own, CsrfForm(Nothing {}): CsrfForm<Nothing>) -> Response {
    let body = async {
        accounts::end_other_sessions(&own.state.ctx, own.user_id(), own.session_id()).await?;
        own.state.forget_sessions();
        Ok(own.done("sessions-ended"))
    };
    own.answer(body).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Deletion {
    delete_password: String,
}

pub(crate) async fn delete(
    State(state): State<AppState>,
    own: Own,
    CsrfForm(form): CsrfForm<Deletion>,
) -> Response {
    let body = async {
        match accounts::delete(&state.ctx, own.user_id(), &form.delete_password).await {
            Ok(()) => {
                state.forget_sessions();
                let gone = html(&NoticePage::account_deleted(site(&state)));
                Ok((CookieJar::new().add(clear_cookie(&state)), gone).into_response())
            }
            Err(error) => own.refuse(error, &[("password", "delete_password")], Typed::default()).await,
        }
    };
    own.answer(body).await
}

async fn page(own: &Own, typed: Typed, errors: Errors) -> Result<AccountPage, Problem> {
    let (ctx, user_id) = (&own.state.ctx, own.user_id());
    let now = ctx.now();
    let mut conn = ctx.db.read().await?;
    let user = store::users::find(&mut conn, user_id).await?.ok_or_else(Problem::not_found)?;
    let sessions = store::sessions::list(&mut conn, user_id, now).await?;
    let recovery_codes = store::recovery_codes::count(&mut conn, user_id).await?;
    let purpose = TokenPurpose::ChangeEmail;
    let pending_email = store::tokens::find_pending_address(&mut conn, user_id, purpose, now).await?;
    drop(conn);
    Ok(AccountPage {
        shell: own.shell().await?,
        has_two_factor: user.has_totp(),
        display_name: typed.display_name.or(user.display_name).unwrap_or_default(),
        pending_email,
        email: typed.email,
        sessions: sessions.iter().map(|session| row(session, own.session_id(), now)).collect(),
        recovery_codes: usize::try_from(recovery_codes).unwrap_or_default(),
        delete_blocked: accounts::why_not_delete(ctx, user_id).await?,
        errors,
    })
}

fn row(session: &Session, present: SessionId, now: Timestamp) -> SessionRow {
    let seen = words::lasting(now.since(session.last_seen_at));
    SessionRow {
        id: session.id.to_string(),
        device: device::name(session.user_agent.as_deref()),
        address: session.ip.clone().unwrap_or_default(),
        seen: format!("last seen {seen} ago, since {}", words::date(session.created_at)),
        is_this: session.id == present,
    }
}
