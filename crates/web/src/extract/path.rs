//! Ids from the path. One that is not well formed answers like one that does not exist.

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::AppState;
use crate::error::Problem;

#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Path<T> {
    /// In the form of what was asked for: problem+json below `/api/`, a page elsewhere.
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) if is_api(parts, state) => Err(Problem::not_found().into_response()),
            Err(_) => Err(crate::page::failure(state, Problem::not_found())),
        }
    }
}

/// Below `/api/` of the installation; a nested router sees only the rest of the address.
fn is_api(parts: &Parts, state: &AppState) -> bool {
    let whole = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
    let path = whole.path();
    path.strip_prefix(state.config.base()).unwrap_or(path).starts_with("/api/")
}
