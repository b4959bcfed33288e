//! The JSON API.

mod openapi;
pub mod v1;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::AppState;
use crate::assets::Precompressed;

pub(crate) use openapi::complete;

/// `GET /api/v1/openapi.json`: the OpenAPI 3.1 document of this version.
pub async fn openapi(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let document = state.document.get_or_init(|| {
        let document = crate::routes::document_at(state.config.base());
        Precompressed::new(serde_json::to_vec_pretty(&document).unwrap_or_default())
    });
    document.answer(&headers, "application/json", "public, max-age=300")
}
