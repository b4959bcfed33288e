//! `GET /p/{org}/{page}/incidents/{id}`: the permalink of an incident, and the plan's older address (X23).

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use domain::id::IncidentId;
use domain::plan::Limits;
use domain::text::Slug;
use domain::time::{DAY_MS, Timestamp};
use store::page_view::{self, PublicPage};

use super::assemble::{Facts, incidents};
use super::status_page::answer;
use super::timeline::{DAYS, Lens, Seen};
use crate::AppState;
use crate::cache::{Key, Output};
use crate::error::Problem;
use crate::extract::Path;
use crate::view::public::Incident;

/// From memory like the page, and with its age on it while the database is away.
pub async fn show(
    State(state): State<AppState>,
    Path((organization, page, id)): Path<(String, String, IncidentId)>,
    asked: Parts,
) -> Response {
    answer(&state, Key { organization, page: Some(page), output: Output::Incident(id) }, &asked).await
}

/// The reads behind one incident of a page.
pub(super) async fn load(
    conn: &mut store::Conn,
    open: &PublicPage,
    id: IncidentId,
    limits: &Limits,
    now: Timestamp,
) -> store::Result<Option<Incident>> {
    // The tier decides how far back visitors see (S38, D10); what is still open is always shown.
    let since = limits
        .incident_history_days
        .map_or(Timestamp::from_ms(0), |days| now.plus_ms(-i64::from(days) * DAY_MS));
    let scope = open.scope();
    let rows = page_view::find_incident(conn, scope, open.page.id, id, since).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let updates = page_view::list_updates_of(conn, scope, id).await?;
    let seen = Seen { monitors: Vec::new(), intervals: Vec::new(), incidents: rows };
    let lens = Lens::of_days(DAYS, open.page.time_zone.clone(), open.page.rule, now);
    let facts = Facts { services: Vec::new(), seen, updates, lens };
    Ok(incidents(&facts).into_iter().next())
}

/// The plan's address without a page: leads to the page that shows it, if a stranger may see one (S28).
pub async fn find_page(
    State(state): State<AppState>,
    Path((organization, id)): Path<(String, IncidentId)>,
) -> Response {
    if !Slug::is_shaped(&organization) {
        return crate::page::failure(&state, Problem::not_found());
    }
    let found = async {
        let mut conn = state.ctx.db.read().await?;
        page_view::find_page_of_incident(&mut conn, &organization, id, state.ctx.now()).await
    };
    match found.await {
        Ok(Some((organization, page))) => {
            crate::page::moved(&format!("{}/p/{organization}/{page}/incidents/{id}", state.config.base()))
        }
        Ok(None) => crate::page::failure(&state, Problem::not_found()),
        Err(error) => crate::page::failure(&state, error.into()),
    }
}
