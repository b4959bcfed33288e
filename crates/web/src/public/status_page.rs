//! `GET /p/{org}` and `GET /p/{org}/{page}`: the page itself, from memory whenever it is fresh.

use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::response::Response;
use domain::time::{DAY_MS, Timestamp};
use store::page_view::{self, PublicPage};

use super::assemble::{Facts, status_page};
use super::gate::{frame, moved_or_absent};
use super::timeline::{DAYS, Seen};
use crate::AppState;
use crate::cache::Loaded;
use crate::extract::Path;

/// How long browsers and caches in between may keep the page (`ux.md` 1.2).
const CACHE_CONTROL: &str = "public, max-age=15, stale-while-revalidate=60, stale-if-error=86400";

pub async fn show_default(
    State(state): State<AppState>,
    Path(organization): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    answer(&state, organization, None, uri.path(), &headers).await
}

pub async fn show(
    State(state): State<AppState>,
    Path((organization, page)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    answer(&state, organization, Some(page), uri.path(), &headers).await
}

async fn answer(
    state: &AppState,
    organization: String,
    page: Option<String>,
    path: &str,
    headers: &HeaderMap,
) -> Response {
    let key = (organization.clone(), page.clone());
    let load = async || load(state, &organization, page.as_deref()).await;
    match state.pages.get(key, load, |error| matches!(error, store::Error::Unavailable(_))).await {
        Ok(Some(bytes)) => bytes.answer(headers, "text/html; charset=utf-8", CACHE_CONTROL),
        Ok(None) => match state.ctx.db.read().await {
            Ok(mut conn) => moved_or_absent(state, &mut conn, &organization, path).await,
            Err(error) => crate::page::failure(state, error.into()),
        },
        Err(error) => crate::page::failure(state, error.into()),
    }
}

async fn load(
    state: &AppState,
    organization: &str,
    page: Option<&str>,
) -> Result<Option<Loaded>, store::Error> {
    let now = state.ctx.now();
    let mut conn = state.ctx.db.read().await?;
    let Some(open) = page_view::find_public_page(&mut conn, organization, page).await? else {
        return Ok(None);
    };
    let facts = facts(&mut conn, open, now.plus_ms(-DAYS * DAY_MS)).await?;
    let limits = state.ctx.policy.limits(facts.open.tier);
    let view = status_page(frame(state, &facts.open, String::new()), &facts, &limits, now);
    Ok(Some(Loaded { organization: facts.open.page.organization_id, view, at: now }))
}

/// The reads behind a page, for the time after `since`.
pub(super) async fn facts(
    conn: &mut store::Conn,
    open: PublicPage,
    since: Timestamp,
) -> store::Result<Facts> {
    let (scope, id) = (open.scope(), open.page.id);
    Ok(Facts {
        services: page_view::list_services(conn, scope, id).await?,
        seen: Seen {
            monitors: page_view::list_monitors(conn, scope, id).await?,
            intervals: page_view::list_intervals(conn, scope, id, since).await?,
            incidents: page_view::list_incidents(conn, scope, id, since).await?,
        },
        updates: page_view::list_updates(conn, scope, id, since).await?,
        open,
    })
}
