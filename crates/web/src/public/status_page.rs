//! `GET /p/{org}` and `GET /p/{org}/{page}`: the page itself, from memory whenever it is fresh; its incidents go the same way.

use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use store::page_view::{self, PublicPage};

use super::assemble::{Facts, status_page};
use super::figures::{Figures, Period};
use super::gate::{can_name, frame, moved_or_absent};
use super::timeline::{DAYS, Lens, Seen};
use super::{documents, feed, incident};
use crate::AppState;
use crate::assets::Precompressed;
use crate::cache::{Key, Loaded, Output, View};
use crate::error::Problem;
use crate::extract::Path;
use crate::view::public::IncidentPage;

/// How long browsers and caches in between may keep the page (`ux.md` 1.2).
pub(super) const CACHE_CONTROL: &str = "public, max-age=15, stale-while-revalidate=60, stale-if-error=86400";

pub async fn show_default(
    State(state): State<AppState>,
    Path(organization): Path<String>,
    asked: Parts,
) -> Response {
    answer(&state, Key { organization, page: None, output: Output::Page }, &asked).await
}

pub async fn show(
    State(state): State<AppState>,
    Path((organization, page)): Path<(String, String)>,
    asked: Parts,
) -> Response {
    answer(&state, Key { organization, page: Some(page), output: Output::Page }, &asked).await
}

/// What stands at this key: fresh from memory, else rendered, else where it moved to.
pub(super) async fn answer(state: &AppState, key: Key, asked: &Parts) -> Response {
    match find(state, &key).await {
        Ok(Some(bytes)) => bytes.answer(&asked.headers, "text/html; charset=utf-8", CACHE_CONTROL),
        Ok(None) if can_name(&key.organization, key.page.as_deref()) => {
            moved_or_absent(state, &key.organization, key.page.as_deref(), asked).await
        }
        Ok(None) => crate::page::failure(state, Problem::not_found()),
        Err(error) => crate::page::failure(state, error.into()),
    }
}

/// The bytes of one output of a page. `None`: a stranger may not see it, or it does not exist.
pub(super) async fn find(state: &AppState, key: &Key) -> store::Result<Option<Precompressed>> {
    if !can_name(&key.organization, key.page.as_deref()) {
        return Ok(None);
    }
    state.pages.get(key, || load(state.clone(), key.clone()), is_outage).await
}

/// What badges of a page are drawn from; `None` as for [`find`].
pub(super) async fn find_figures(state: &AppState, key: &Key) -> store::Result<Option<Arc<Figures>>> {
    if !can_name(&key.organization, key.page.as_deref()) {
        return Ok(None);
    }
    state.pages.figures(key, || load(state.clone(), key.clone()), is_outage).await
}

const fn is_outage(error: &store::Error) -> bool {
    matches!(error, store::Error::Unavailable(_))
}

async fn load(state: AppState, key: Key) -> store::Result<Option<Loaded>> {
    let now = state.ctx.now();
    let mut conn = state.ctx.db.read().await?;
    let found = page_view::find_public_page(&mut conn, &key.organization, key.page.as_deref()).await?;
    let Some(open) = found else { return Ok(None) };
    let limits = state.ctx.policy.limits(open.tier);
    let loaded = |view| Ok(Some(Loaded { organization: open.page.organization_id, view, at: now }));
    if let Output::Incident(id) = key.output {
        let found = incident::load(&mut conn, &open, id, &limits, now).await?;
        let Some(incident) = found else { return Ok(None) };
        let page = frame(&state, &open, String::new());
        return loaded(View::Incident(Box::new(IncidentPage { page, incident })));
    }
    let lens = Lens::of_days(DAYS, open.page.time_zone.clone(), open.page.rule, now);
    let facts = facts(&mut conn, &open, lens).await?;
    drop(conn);
    let url = format!("{}/p/{}/{}", state.ctx.policy.public_url, open.organization_slug, open.page.slug);
    // The page itself needs no shorter periods, and only badges have all of them.
    let figures = |periods: &[Period]| Figures::of(&open, url.clone(), &facts, &limits, periods);
    loaded(match key.output {
        Output::Page | Output::Incident(_) => {
            View::Page(Box::new(status_page(frame(&state, &open, String::new()), &facts, &limits)))
        }
        Output::Status => View::Document(documents::status(&figures(&[]))),
        Output::Components => View::Document(documents::components(&figures(&[Period::Quarter]))),
        Output::History => View::Document(feed::atom(&figures(&[Period::Quarter]), &facts, &limits)),
        Output::Figures => View::Figures(Arc::new(figures(&Period::ALL))),
    })
}

/// The reads behind a page, for the time that the lens shows.
async fn facts(conn: &mut store::Conn, open: &PublicPage, lens: Lens) -> store::Result<Facts> {
    let (scope, id, since) = (open.scope(), open.page.id, lens.window.start);
    Ok(Facts {
        services: page_view::list_services(conn, scope, id).await?,
        seen: Seen {
            monitors: page_view::list_monitors(conn, scope, id).await?,
            intervals: page_view::list_intervals(conn, scope, id, since).await?,
            incidents: page_view::list_incidents(conn, scope, id, since).await?,
        },
        updates: page_view::list_updates(conn, scope, id, since).await?,
        lens,
    })
}
