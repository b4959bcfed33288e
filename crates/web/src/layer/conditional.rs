//! `If-None-Match` on the API: an object that the client has in its newest version is not sent again.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

/// 304 instead of 200 for a read whose `ETag` the client named.
pub(crate) async fn not_modified(request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = if is_read { tags(request.headers()) } else { Vec::new() };
    let response = next.run(request).await;
    let is_known = response.status() == StatusCode::OK
        && response.headers().get(header::ETAG).is_some_and(|tag| names(&known, tag));
    if !is_known {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

/// Weak and strong ones compare alike here (RFC 9110, 13.1.2).
fn tags(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/").to_owned())
        .collect()
}

fn names(known: &[String], tag: &HeaderValue) -> bool {
    known.iter().any(|one| one == "*" || one.as_bytes() == tag.as_bytes())
}
