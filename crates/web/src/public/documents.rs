//! `GET /p/{org}/{page}/api/v2/…`: the page for machines, in the words of Statuspage (`ux.md` 1.3), and its Atom feed.
//! Kept in memory like the page, behind the same gate, for everybody to read from everywhere.

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::time::Timestamp;
use domain::uptime::format_percent;
use serde_json::{Value, json};

use super::figures::{Figures, Period, ServiceFigures};
use super::gate::{can_name, moved_or_absent};
use super::status_page::{CACHE_CONTROL, find};
use super::timeline::DAYS;
use crate::AppState;
use crate::cache::{Key, Output};
use crate::error::Problem;
use crate::extract::Path;

/// How long a feed may be kept (`ux.md` 1.2).
const FEED_CACHE_CONTROL: &str = "public, max-age=60";

/// The state of the page in one word and one sentence.
pub async fn show_status(
    State(state): State<AppState>,
    Path((organization, page)): Path<(String, String)>,
    asked: Parts,
) -> Response {
    answer(&state, Key { organization, page: Some(page), output: Output::Status }, &asked).await
}

/// The services of the page with state and uptime.
pub async fn show_components(
    State(state): State<AppState>,
    Path((organization, page)): Path<(String, String)>,
    asked: Parts,
) -> Response {
    answer(&state, Key { organization, page: Some(page), output: Output::Components }, &asked).await
}

/// The incidents of the page, newest first, as Atom.
pub async fn show_history(
    State(state): State<AppState>,
    Path((organization, page)): Path<(String, String)>,
    asked: Parts,
) -> Response {
    answer(&state, Key { organization, page: Some(page), output: Output::History }, &asked).await
}

async fn answer(state: &AppState, key: Key, asked: &Parts) -> Response {
    let (content_type, cache_control) = match key.output {
        Output::History => ("application/atom+xml; charset=utf-8", FEED_CACHE_CONTROL),
        _ => ("application/json", CACHE_CONTROL),
    };
    let mut response = match find(state, &key).await {
        Ok(Some(bytes)) => bytes.answer(&asked.headers, content_type, cache_control),
        Ok(None) => moved(state, &key, asked).await.unwrap_or_else(|| Problem::not_found().into_response()),
        Err(error) => Problem::from(error).into_response(),
    };
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// To where the organization is now (X1); `None`: nowhere that a stranger may see.
pub(super) async fn moved(state: &AppState, key: &Key, asked: &Parts) -> Option<Response> {
    if !can_name(&key.organization, key.page.as_deref()) {
        return None;
    }
    let response = moved_or_absent(state, &key.organization, key.page.as_deref(), asked).await;
    response.status().is_redirection().then_some(response)
}

pub(super) fn status(figures: &Figures) -> String {
    let status = json!({"indicator": figures.indicator.as_str(), "description": figures.description});
    json!({"page": page(figures), "status": status}).to_string()
}

pub(super) fn components(figures: &Figures) -> String {
    let components: Vec<Value> = figures
        .services
        .iter()
        .zip(1_u32..)
        .map(|(service, position)| component(figures, service, position))
        .collect();
    json!({"page": page(figures), "components": components}).to_string()
}

fn page(figures: &Figures) -> Value {
    json!({
        "id": figures.id,
        "name": figures.title,
        "url": figures.url,
        "time_zone": figures.time_zone,
        "updated_at": figures.changed_at,
    })
}

/// The fields of Statuspage, and the uptime of the page beside them.
fn component(figures: &Figures, service: &ServiceFigures, position: u32) -> Value {
    let uptime = service.uptime(Period::Quarter);
    json!({
        "id": service.id,
        "name": service.name,
        "status": service.status.as_str(),
        "created_at": service.created_at,
        "updated_at": service.updated_at,
        "position": position,
        "description": service.description,
        "showcase": true,
        "start_date": date(service.created_at),
        "group_id": null,
        "page_id": figures.id,
        "group": false,
        "only_show_if_degraded": false,
        "uptime_days": DAYS,
        "uptime_percent": uptime.map(percent),
        "uptime": uptime.map(format_percent),
    })
}

/// As a number with three decimals.
pub(crate) fn percent(uptime: u32) -> f64 {
    f64::from(uptime) / 1000.0
}

fn date(at: Timestamp) -> String {
    at.to_jiff().strftime("%Y-%m-%d").to_string()
}
