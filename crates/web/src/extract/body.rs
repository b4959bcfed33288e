//! Bodies and queries, refused with a pointer to the field: 400 for broken syntax, 413, 415, 422 for the rest.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::PageUser;
use super::session::{require_csrf, require_same_origin};
use crate::AppState;
use crate::error::Problem;

/// A JSON body. Types given to it say `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone)]
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence != "application/json" && essence != "application/merge-patch+json" {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send the body as JSON with the header Content-Type: application/json.",
            ));
        }
        let bytes = bytes(request, state).await?;
        require_object(&bytes)?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| refuse(&error))?;
        reader.end().map_err(|_| syntax("There is text after the JSON value."))?;
        Ok(Self(value))
    }
}

/// A URL-encoded form.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = bytes(request, state).await?;
        parse_form(&bytes).map(Self)
    }
}

fn parse_form<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_urlencoded::from_bytes(bytes).map_err(|_| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "The form is incomplete. Load the page again.",
        )
    })
}

/// A form of a logged-in person: given out only when its hidden field `csrf` belongs to the session (X8, T-07). `T` has
/// no field for the token; its fields are `String` with `#[serde(default)]`, so that wrong input reaches the action.
#[derive(Debug, Clone)]
pub(crate) struct CsrfForm<T>(pub T);

#[derive(Debug, Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<AppState> for CsrfForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let user = PageUser::from_request_parts(&mut parts, state).await?;
        let read = async {
            let bytes = bytes(Request::from_parts(parts, body), state).await?;
            let Token { csrf } = parse_form(&bytes)?;
            require_csrf(state, user.login.session.id, &csrf)?;
            parse_form(&bytes)
        };
        read.await.map(Self).map_err(|problem| crate::page::failure(state, problem))
    }
}

/// A form of somebody who need not be logged in: given out only when it was sent from one of our own pages (T-07).
#[derive(Debug, Clone)]
pub(crate) struct OpenForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for OpenForm<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let read = async {
            require_same_origin(state, request.headers())?;
            let bytes = bytes(request, state).await?;
            parse_form(&bytes)
        };
        read.await.map(Self).map_err(|problem| crate::page::failure(state, problem))
    }
}

/// A query string.
#[derive(Debug, Clone)]
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let reader = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| refuse_parameter(&error))
    }
}

/// Points to the parameter by its name, as there is no document that a JSON pointer could lead through.
fn refuse_parameter(error: &serde_path_to_error::Error<serde::de::value::Error>) -> Problem {
    let detail = error.inner().to_string();
    let code = code_of(&detail);
    let named = match error.path().iter().next() {
        Some(Segment::Map { key }) => key.clone(),
        // The path ends at the query; an unknown parameter or one that is there twice is only named in the text.
        _ => detail.split('`').nth(1).unwrap_or("query").to_owned(),
    };
    Problem::unprocessable(named, code, format!("{detail}."))
}

fn code_of(detail: &str) -> &'static str {
    if detail.starts_with("unknown field") {
        "unknown_field"
    } else if detail.starts_with("missing field") {
        "missing"
    } else if detail.starts_with("duplicate field") {
        "twice"
    } else {
        "wrong_type"
    }
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is larger than 1 MiB.")
        } else {
            syntax("The body ended early.")
        }
    })
}

/// Serde would also take a list of values in the order of the fields.
fn require_object(bytes: &[u8]) -> Result<(), Problem> {
    if bytes.trim_ascii_start().first() == Some(&b'{') {
        return Ok(());
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        Ok(_) => Err(Problem::unprocessable("", "wrong_type", "The body must be a JSON object.")),
        Err(error) => {
            Err(syntax(&format!("The body is not JSON: line {}, column {}.", error.line(), error.column())))
        }
    }
}

fn syntax(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
}

fn refuse(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    if inner.is_syntax() || inner.is_eof() {
        return syntax(&format!("The body is not JSON: line {}, column {}.", inner.line(), inner.column()));
    }
    let mut pointer: String = error
        .path()
        .iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            other => format!("/{}", other.to_string().replace('~', "~0").replace('/', "~1")),
        })
        .collect();
    let message = inner.to_string();
    let detail = message.split(" at line ").next().unwrap_or_default();
    let code = code_of(detail);
    // The path ends at the object; a missing field is only named in the text.
    if code == "missing"
        && let Some(field) = detail.split('`').nth(1)
    {
        pointer = format!("{pointer}/{field}");
    }
    Problem::unprocessable(pointer, code, format!("{detail}."))
}
