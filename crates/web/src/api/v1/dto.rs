//! What several endpoints share: list answers, versions in headers.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Problem;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

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

/// Which part of a long list is asked for.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// 1 to 200; 50 when left out.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// How many rows to answer with.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            _ => Err(Problem::unprocessable("limit", "out_of_range", "Choose a limit from 1 to 200.")),
        }
    }

    /// The instant in front of which the page begins; `None`: it is the first page.
    pub fn before(&self) -> Result<Option<Timestamp>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        let bytes = bytes.and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).ok_or_else(|| {
            Problem::unprocessable(
                "cursor",
                "invalid",
                "This is not a cursor. Take next_cursor of the page before.",
            )
        })?;
        Ok(Some(Timestamp::from_ms(i64::from_be_bytes(bytes))))
    }
}

/// One page of a list that is sorted by time, newest first.
pub struct Paged<T> {
    list: List<T>,
    /// Of this list, without its query.
    path: String,
    limit: u32,
}

impl<T> Paged<T> {
    /// `rows` holds one row more than `limit` when there is a next page. `at` gives the instant of a row; no two
    /// rows share one.
    pub fn new(mut rows: Vec<T>, limit: u32, path: String, at: impl Fn(&T) -> Timestamp) -> Self {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > wanted;
        rows.truncate(wanted);
        let last = rows.last().filter(|_| has_more);
        let next_cursor = last.map(|row| URL_SAFE_NO_PAD.encode(at(row).ms().to_be_bytes()));
        Self { list: List { data: rows, next_cursor }, path, limit }
    }
}

impl<T: Serialize> IntoResponse for Paged<T> {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(cursor) = &self.list.next_cursor {
            let link = format!("<{}?limit={}&cursor={cursor}>; rel=\"next\"", self.path, self.limit);
            if let Ok(link) = HeaderValue::from_str(&link) {
                headers.insert(header::LINK, link);
            }
        }
        (headers, Json(self.list)).into_response()
    }
}
