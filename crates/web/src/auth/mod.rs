//! Pages for signing up, logging in, the links that come by mail, and the person's own account.

pub(crate) mod account;
pub(crate) mod invitation;
pub(crate) mod log_in;
pub(crate) mod mailed;
pub(crate) mod sign_up;
pub(crate) mod two_factor;

mod device;

use actions::accounts::NewSession;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;

use crate::AppState;
use crate::extract::session_cookie;
use crate::view::Site;

/// For pages without a session: their forms are guarded by where they were sent from, not by a token.
fn site(state: &AppState) -> Site {
    Site { base: state.config.base().to_owned(), csrf: String::new() }
}

/// Goes to a path of ours with the cookie of the new session.
fn enter(state: &AppState, begun: NewSession, to: &str) -> Response {
    (CookieJar::new().add(session_cookie(state, begun.secret)), Redirect::to(to)).into_response()
}

/// For pages whose address carries a secret: it must not travel on (T-12).
fn without_referrer(mut response: Response) -> Response {
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Where to go after the log-in: `next` if it is a path of this installation, else the overview. Read the way a
/// browser reads it, so that no spelling leads away from here.
fn way_on(state: &AppState, next: &str) -> String {
    local_path(&state.config.public_url, next).unwrap_or_else(|| format!("{}/orgs", state.config.base()))
}

fn local_path(public_url: &url::Url, next: &str) -> Option<String> {
    if !next.starts_with('/') {
        return None;
    }
    let target = public_url.join(next).ok()?;
    let base = public_url.path().trim_end_matches('/');
    let is_below = target.path().strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
    if target.origin() != public_url.origin() || !is_below || target.path().starts_with("//") {
        return None;
    }
    let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{}{query}", target.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_installation_are_gone_to() {
        let here = "https://example.com/status".parse().unwrap();
        let local = |next: &str| local_path(&here, next);
        assert_eq!(local("/status/orgs/acme?done=x").as_deref(), Some("/status/orgs/acme?done=x"));
        assert_eq!(local("/status/orgs/../account").as_deref(), Some("/status/account"));
        for elsewhere in [
            "",
            "orgs",
            "https://evil.example/status/",
            "//evil.example/status/",
            "/\\evil.example/status/",
            "\\\\evil.example",
            "/\t/evil.example/status/",
            "/status/../..//evil.example",
            "/other",
            "/statusx",
            "javascript:alert(1)",
        ] {
            assert_eq!(local(elsewhere), None, "{elsewhere:?}");
        }
        let root = "https://example.com".parse().unwrap();
        assert_eq!(local_path(&root, "/orgs").as_deref(), Some("/orgs"));
        assert_eq!(local_path(&root, "/x/..//evil.example"), None);
    }
}
