//! `GET /p/{org}` and `GET /p/{org}/{page}`: the page itself, from memory whenever it is fresh; its incidents go the same way.

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use domain::time::{DAY_MS, Timestamp};
use store::page_view::{self, PublicPage};

use super::assemble::{Facts, status_page};
use super::gate::{can_name, frame, moved_or_absent};
use super::incident;
use super::timeline::{DAYS, Seen};
use crate::AppState;
use crate::cache::{Key, Loaded, View};
use crate::error::Problem;
use crate::extract::Path;
use crate::view::public::IncidentPage;

/// How long browsers and caches in between may keep the page (`ux.md` 1.2).
const CACHE_CONTROL: &str = "public, max-age=15, stale-while-revalidate=60, stale-if-error=86400";

pub async fn show_default(
    State(state): State<AppState>,
    Path(organization): Path<String>,
    asked: Parts,
) -> Response {
    answer(&state, Key { organization, page: None, incident: None }, &asked).await
}

pub async fn show(
    State(state): State<AppState>,
    Path((organization, page)): Path<(String, String)>,
    asked: Parts,
) -> Response {
    answer(&state, Key { organization, page: Some(page), incident: None }, &asked).await
}

/// What stands at this key: fresh from memory, else rendered, else where it moved to.
pub(super) async fn answer(state: &AppState, key: Key, asked: &Parts) -> Response {
    if !can_name(&key.organization, key.page.as_deref()) {
        return crate::page::failure(state, Problem::not_found());
    }
    let load = || load(state.clone(), key.clone());
    match state.pages.get(&key, load, |error| matches!(error, store::Error::Unavailable(_))).await {
        Ok(Some(bytes)) => bytes.answer(&asked.headers, "text/html; charset=utf-8", CACHE_CONTROL),
        Ok(None) => moved_or_absent(state, &key.organization, key.page.as_deref(), asked).await,
        Err(error) => crate::page::failure(state, error.into()),
    }
}

async fn load(state: AppState, key: Key) -> Result<Option<Loaded>, store::Error> {
    let now = state.ctx.now();
    let mut conn = state.ctx.db.read().await?;
    let found = page_view::find_public_page(&mut conn, &key.organization, key.page.as_deref()).await?;
    let Some(open) = found else { return Ok(None) };
    let organization = open.page.organization_id;
    let limits = state.ctx.policy.limits(open.tier);
    let page = frame(&state, &open, String::new());
    let view = if let Some(incident) = key.incident {
        let found = incident::load(&mut conn, &open, incident, &limits, now).await?;
        let Some(incident) = found else { return Ok(None) };
        View::Incident(Box::new(IncidentPage { page, incident }))
    } else {
        let facts = facts(&mut conn, &open, now.plus_ms(-DAYS * DAY_MS)).await?;
        View::Page(Box::new(status_page(page, &facts, &limits, now)))
    };
    Ok(Some(Loaded { organization, view, at: now }))
}

/// The reads behind a page, for the time after `since`.
async fn facts(conn: &mut store::Conn, open: &PublicPage, since: Timestamp) -> store::Result<Facts> {
    let (scope, id) = (open.scope(), open.page.id);
    Ok(Facts {
        services: page_view::list_services(conn, scope, id).await?,
        seen: Seen {
            monitors: page_view::list_monitors(conn, scope, id).await?,
            intervals: page_view::list_intervals(conn, scope, id, since).await?,
            incidents: page_view::list_incidents(conn, scope, id, since).await?,
        },
        updates: page_view::list_updates(conn, scope, id, since).await?,
    })
}
