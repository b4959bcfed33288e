//! The JSON API.

pub mod v1;

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;

use crate::assets::Precompressed;

static DOCUMENT: LazyLock<Precompressed> =
    LazyLock::new(|| Precompressed::new(serde_json::to_vec_pretty(&crate::document()).unwrap_or_default()));

/// `GET /api/v1/openapi.json`: the OpenAPI 3.1 document of this version.
pub async fn openapi(headers: HeaderMap) -> Response {
    DOCUMENT.answer(&headers, "application/json", "public, max-age=300")
}
