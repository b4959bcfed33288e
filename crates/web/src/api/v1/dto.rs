//! What several endpoints share: list answers, versions in headers.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::time::Timestamp;
use serde::Serialize;

/// A page of a list (D15).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    /// Give it as `?cursor=` for the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A list that is always whole, because a tier or the nature of the thing bounds it.
    pub fn whole(data: Vec<T>) -> Self {
        Self { data, next_cursor: None }
    }
}

/// One object with its version as `ETag`.
pub struct Object<T> {
    pub body: T,
    pub version: Timestamp,
    /// Set when it was just made: 201 and where it is.
    pub created_at: Option<String>,
}

impl<T: Serialize> IntoResponse for Object<T> {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.version.ms())) {
            headers.insert(header::ETAG, tag);
        }
        let location = self.created_at.and_then(|path| HeaderValue::from_str(&path).ok());
        let status = if location.is_some() { StatusCode::CREATED } else { StatusCode::OK };
        if let Some(location) = location {
            headers.insert(header::LOCATION, location);
        }
        (status, headers, Json(self.body)).into_response()
    }
}
