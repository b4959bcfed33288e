//! `GET /p/{org}/{page}/incidents/{id}`: the permalink of an incident, and the plan's older address (X23).

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::id::IncidentId;
use domain::time::{DAY_MS, Timestamp};

use super::assemble::incidents;
use super::gate::{Open, frame};
use super::status_page::facts;
use crate::AppState;
use crate::error::Problem;
use crate::extract::Path;
use crate::view::public::IncidentPage;

pub async fn show(
    State(state): State<AppState>,
    Open(open): Open,
    Path((_, _, id)): Path<(String, String, String)>,
) -> Response {
    let page = frame(&state, &open, String::new());
    match find(&state, open, &id).await {
        Ok(Some(incident)) => {
            let html = IncidentPage { page, incident }.render().unwrap_or_default();
            ([(axum::http::header::CACHE_CONTROL, "public, max-age=15")], Html(html)).into_response()
        }
        Ok(None) => crate::page::failure(&state, Problem::not_found()),
        Err(error) => crate::page::failure(&state, error.into()),
    }
}

async fn find(
    state: &AppState,
    open: store::page_view::PublicPage,
    id: &str,
) -> store::Result<Option<crate::view::public::Incident>> {
    let now = state.ctx.now();
    // The tier decides how far back visitors see (S38, D10); what is still open is always shown.
    let limits = state.ctx.policy.limits(open.tier);
    let since = limits
        .incident_history_days
        .map_or(Timestamp::from_ms(0), |days| now.plus_ms(-i64::from(days) * DAY_MS));
    let mut conn = state.ctx.db.read().await?;
    let facts = facts(&mut conn, open, since).await?;
    Ok(incidents(&facts, now).into_iter().find(|incident| incident.id == id))
}

/// The plan's address without a page: leads to the page that shows it, if a stranger may see one (S28).
pub async fn find_page(
    State(state): State<AppState>,
    Path((organization, id)): Path<(String, IncidentId)>,
) -> Response {
    let found = async {
        let mut conn = state.ctx.db.read().await?;
        store::page_view::find_page_of_incident(&mut conn, &organization, id).await
    };
    match found.await {
        Ok(Some(page)) => {
            Redirect::permanent(&format!("{}/p/{organization}/{page}/incidents/{id}", state.config.base()))
                .into_response()
        }
        Ok(None) => crate::page::failure(&state, Problem::not_found()),
        Err(error) => crate::page::failure(&state, error.into()),
    }
}
