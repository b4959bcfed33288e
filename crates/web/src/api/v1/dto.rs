//! What several endpoints share: list answers, versions in headers.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Problem;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// A page of a list (D15).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct List<T> {
    pub data: Vec<T>,
    /// Give it as `?cursor=` for the next page; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A list that is always whole, because the thing that it belongs to bounds it.
    pub(super) fn whole(data: Vec<T>) -> Self {
        Self { data, next_cursor: None }
    }
}

/// One object with its version as `ETag`.
pub(super) struct Object<T> {
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
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// 1 to 200; 50 when left out.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// How many rows to answer with.
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            _ => Err(Problem::unprocessable("limit", "out_of_range", "Choose a limit from 1 to 200.")),
        }
    }

    /// The instant in front of which the page begins; `None`: it is the first page.
    pub(super) fn before(&self) -> Result<Option<Timestamp>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let bytes: [u8; 8] = decode(cursor).ok_or_else(no_cursor)?;
        Ok(Some(Timestamp::from_ms(i64::from_be_bytes(bytes))))
    }

    /// The row in front of which the page begins, for lists where rows share instants; for the first page a row
    /// behind all others.
    pub(super) fn before_row(&self) -> Result<(Timestamp, Uuid), Problem> {
        let Some(cursor) = &self.cursor else { return Ok((Timestamp::from_ms(i64::MAX), Uuid::max())) };
        let bytes: [u8; 24] = decode(cursor).ok_or_else(no_cursor)?;
        let (at, id) = bytes.split_first_chunk::<8>().ok_or_else(no_cursor)?;
        let id = Uuid::from_slice(id).map_err(|_| no_cursor())?;
        Ok((Timestamp::from_ms(i64::from_be_bytes(*at)), id))
    }

    /// The key of the row after which the page begins; `None`: it is the first page. See [`Paged::by_key`].
    pub(super) fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let key = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| no_cursor())?;
        // No text that we store has a NUL, and PostgreSQL takes none as a parameter.
        if key.windows(6).any(|escape| escape == b"\\u0000") {
            return Err(no_cursor());
        }
        serde_json::from_slice(&key).map(Some).map_err(|_| no_cursor())
    }
}

fn decode<const N: usize>(cursor: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| bytes.try_into().ok())
}

fn no_cursor() -> Problem {
    let detail = "This is not a cursor. Take next_cursor of the page before.";
    Problem::unprocessable("cursor", "invalid", detail)
}

/// One page of a list.
pub(super) struct Paged<T> {
    list: List<T>,
    /// Of this list; with a query when it is filtered.
    path: String,
    limit: u32,
}

impl<T> Paged<T> {
    /// `rows` holds one row more than `limit` when there is a next page. `at` gives the instant of a row; no two
    /// rows share one.
    pub(super) fn new(rows: Vec<T>, limit: u32, path: String, at: impl Fn(&T) -> Timestamp) -> Self {
        Self::cut(rows, limit, path, |row| at(row).ms().to_be_bytes().to_vec())
    }

    /// Like [`Self::new`], for rows that may share an instant.
    pub(super) fn by_row(
        rows: Vec<T>,
        limit: u32,
        path: String,
        place: impl Fn(&T) -> (Timestamp, Uuid),
    ) -> Self {
        Self::cut(rows, limit, path, |row| {
            let (at, id) = place(row);
            [&at.ms().to_be_bytes()[..], id.as_bytes()].concat()
        })
    }

    /// For a list that is sorted by more than time: `key` is what [`PageQuery::after`] reads.
    pub(super) fn by_key<K: Serialize>(
        rows: Vec<T>,
        limit: u32,
        path: String,
        key: impl Fn(&T) -> K,
    ) -> Self {
        Self::cut(rows, limit, path, |row| serde_json::to_vec(&key(row)).unwrap_or_default())
    }

    fn cut(mut rows: Vec<T>, limit: u32, path: String, cursor: impl Fn(&T) -> Vec<u8>) -> Self {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > wanted;
        rows.truncate(wanted);
        let last = rows.last().filter(|_| has_more);
        let next_cursor = last.map(|row| URL_SAFE_NO_PAD.encode(cursor(row)));
        Self { list: List { data: rows, next_cursor }, path, limit }
    }
}

impl<T: Serialize> IntoResponse for Paged<T> {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(cursor) = &self.list.next_cursor {
            let mark = if self.path.contains('?') { '&' } else { '?' };
            let link = format!("<{}{mark}limit={}&cursor={cursor}>; rel=\"next\"", self.path, self.limit);
            if let Ok(link) = HeaderValue::from_str(&link) {
                headers.insert(header::LINK, link);
            }
        }
        (headers, Json(self.list)).into_response()
    }
}
