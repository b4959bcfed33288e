//! `/docs`: the index, and the API reference drawn from the same document that `/api/v1/openapi.json` serves.

use std::sync::LazyLock;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use crate::AppState;
use crate::extract::Visitor;
use crate::page::html;
use crate::view::Site;
use crate::view::docs::{ApiPage, IndexPage};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(crate::document()).unwrap_or_default());

pub async fn index(State(state): State<AppState>, Visitor(login): Visitor) -> Response {
    html(&IndexPage { site: site(&state), is_logged_in: login.is_some(), public_url: public_url(&state) })
}

pub async fn api(State(state): State<AppState>, Visitor(login): Visitor) -> Response {
    html(&ApiPage::new(site(&state), login.is_some(), &public_url(&state), &DOCUMENT))
}

fn site(state: &AppState) -> Site {
    Site { base: state.config.base().to_owned(), csrf: String::new() }
}

/// Without a slash at its end.
fn public_url(state: &AppState) -> String {
    state.config.public_url.as_str().trim_end_matches('/').to_owned()
}
