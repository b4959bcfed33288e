//! Who is asking: a session by access token (`Authorization: Bearer`) or by cookie (D2).

use actions::secrets::token_hash;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use domain::id::{SessionId, UserId};
use domain::time::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use store::sessions::LoggedIn;

use crate::AppState;
use crate::error::Problem;

/// The claims of an access token: S25 plus the session it belongs to (D2).
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    sid: SessionId,
    iat: i64,
    exp: i64,
}

/// Signs the token of a session; it lives as long as the session does.
pub(crate) fn access_token(state: &AppState, session: &domain::user::Session) -> Result<String, Problem> {
    let claims = Claims {
        sub: session.user_id,
        sid: session.id,
        iat: session.created_at.ms() / 1000,
        exp: session.expires_at.ms() / 1000,
    };
    let key = EncodingKey::from_secret(state.ctx.keys.access_token());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(|_| actions::Error::Internal("an access token could not be signed").into())
}

fn cookie_name(state: &AppState) -> &'static str {
    if state.config.is_https() { "__Host-session" } else { "session" }
}

/// The cookie of a new session, for as long as the session lives (T-07).
pub(crate) fn session_cookie(state: &AppState, secret: String) -> Cookie<'static> {
    let mut cookie = Cookie::new(cookie_name(state), secret);
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(state.config.is_https());
    cookie.set_path("/");
    cookie.set_max_age(Some(time_of_session()));
    cookie
}

/// Takes the session cookie away from the browser.
pub(crate) fn clear_cookie(state: &AppState) -> Cookie<'static> {
    let mut cookie = session_cookie(state, String::new());
    cookie.make_removal();
    cookie
}

/// A logged-in person calling the API. With a cookie, unsafe methods also need `X-CSRF-Token` (X8).
#[derive(Debug, Clone)]
pub(crate) struct CurrentUser(pub LoggedIn);

/// A logged-in person looking at a page; others are sent to the log-in form and back. The form token of unsafe
/// requests is checked by [`super::CsrfForm`].
#[derive(Debug, Clone)]
pub(crate) struct PageUser {
    pub login: LoggedIn,
    /// The hidden field of every form on the page.
    pub csrf: String,
}

/// A person who may or may not be logged in.
#[derive(Debug, Clone)]
pub struct Visitor(pub Option<LoggedIn>);

impl FromRequestParts<AppState> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if let Some(token) = bearer(&parts.headers) {
            return by_token(state, token)
                .await?
                .map(Self)
                .ok_or_else(|| Problem::unauthorized("Invalid token"));
        }
        let login = by_cookie(state, &parts.headers).await?;
        let login = login.ok_or_else(|| Problem::unauthorized("Not authenticated"))?;
        if !parts.method.is_safe() {
            require_same_origin(state, &parts.headers)?;
            let sent =
                parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
            require_csrf(state, login.session.id, sent)?;
        }
        Ok(Self(login))
    }
}

impl FromRequestParts<AppState> for PageUser {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let login =
            by_cookie(state, &parts.headers).await.map_err(|problem| crate::page::failure(state, problem))?;
        let Some(login) = login else {
            let base = state.config.base();
            // The router has taken the base off the path, if the proxy in front did not (X30).
            let asked = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
            let back = format!("{base}{asked}");
            let back = url::form_urlencoded::byte_serialize(back.as_bytes()).collect::<String>();
            let to = if parts.method.is_safe() {
                format!("{base}/login?next={back}")
            } else {
                format!("{base}/login")
            };
            return Err(Redirect::to(&to).into_response());
        };
        if !parts.method.is_safe() {
            require_same_origin(state, &parts.headers)
                .map_err(|problem| crate::page::failure(state, problem))?;
        }
        let csrf = state.ctx.keys.csrf_token(login.session.id.uuid().as_bytes());
        Ok(Self { login, csrf })
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        // A database that is away makes a visitor, not an error: public pages must not depend on sessions.
        Ok(Self(by_cookie(state, &parts.headers).await.ok().flatten()))
    }
}

/// Checks the form token of a cookie session (T-07).
pub(crate) fn require_csrf(state: &AppState, session: SessionId, sent: &str) -> Result<(), Problem> {
    if state.ctx.keys.is_csrf_token(session.uuid().as_bytes(), sent) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "csrf",
        "This form is out of date or came from another site. Load the page again and repeat.",
    ))
}

/// An unsafe request of a browser must come from our own pages (T-07).
pub(crate) fn require_same_origin(state: &AppState, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_ours = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin == state.config.public_url.origin().ascii_serialization(),
        (None, None) => false,
    };
    if is_ours {
        Ok(())
    } else {
        Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", "This request came from another site."))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

async fn by_token(state: &AppState, token: &str) -> Result<Option<LoggedIn>, Problem> {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_required_spec_claims(&["exp", "sub"]);
    // The session row carries the true end; this clock is the product's, not the library's.
    rules.validate_exp = false;
    let key = DecodingKey::from_secret(state.ctx.keys.access_token());
    let Ok(decoded) = jsonwebtoken::decode::<Claims>(token, &key, &rules) else { return Ok(None) };
    let now = state.ctx.now();
    if decoded.claims.exp <= now.ms() / 1000 {
        return Ok(None);
    }
    let sid = decoded.claims.sid;
    let found = cached(state, sid.uuid().as_bytes().to_vec(), now, async |conn: &mut store::Conn| {
        store::sessions::find_alive(conn, sid, now).await
    });
    Ok(found.await?.filter(|login| login.session.user_id == decoded.claims.sub))
}

async fn by_cookie(state: &AppState, headers: &HeaderMap) -> Result<Option<LoggedIn>, Problem> {
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(cookie_name(state)).filter(|cookie| !cookie.value().is_empty()) else {
        return Ok(None);
    };
    let hash = token_hash(cookie.value());
    let now = state.ctx.now();
    cached(state, hash.clone(), now, async |conn: &mut store::Conn| {
        store::sessions::find_alive_by_hash(conn, &hash, now).await
    })
    .await
}

async fn cached(
    state: &AppState,
    key: Vec<u8>,
    now: Timestamp,
    load: impl AsyncFnOnce(&mut store::Conn) -> store::Result<Option<LoggedIn>>,
) -> Result<Option<LoggedIn>, Problem> {
    if let Some(hit) = state.sessions.get(&key).await {
        return Ok((hit.session.expires_at > now).then_some(hit));
    }
    let mut conn = state.ctx.db.read().await?;
    let found = load(&mut conn).await?;
    if let Some(login) = &found {
        state.sessions.insert(key, login.clone()).await;
        touch(state, login, now);
    }
    Ok(found)
}

/// Notes beside the request that the session is in use; no request waits for that or fails with it.
fn touch(state: &AppState, login: &LoggedIn, now: Timestamp) {
    if now.since(login.session.last_seen_at) < actions::accounts::SEEN_EVERY_MS {
        return;
    }
    let (ctx, session) = (state.ctx.clone(), login.session.clone());
    tokio::spawn(async move {
        if let Err(error) = actions::accounts::touch_session(&ctx, &session).await {
            tracing::debug!(%error, "a session could not be noted as seen");
        }
    });
}

/// The cookie lives as long as the session.
fn time_of_session() -> time::Duration {
    time::Duration::seconds(domain::user::SESSION_SECONDS)
}
